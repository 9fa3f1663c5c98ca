import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MasterAgent, MasterFramework, MasterState, MasterTask } from '#cluster';
import { addResources, noResources, type Resources } from '#core';
import { History, step } from '../../../../libs/cluster/src/master-history.test-support.js';
import { legacyFrameworks, legacySlaves, legacyState } from '../operator-api/legacy-documents.js';
import {
  isUnreachable,
  legacyCompletedFramework,
  legacyFramework,
  legacyOffer,
  legacyRecoveredSlave,
  legacySlave,
  legacyStateHead,
  legacyTask,
} from '../operator-api/legacy-views.js';
import { operatorState } from '../operator-api/operator-documents.js';
import {
  viewAgent,
  viewCompletedFramework,
  viewFramework,
  viewOffer,
  viewTask,
} from '../operator-api/operator-views.js';
import { Budget, DocumentCache } from './document-cache.js';
import { Holdings } from './holdings.js';
import type { Document, Walk } from './read-context.js';

const HISTORIES_LIMIT_MS = 120_000;

const sorted = <Value>(amounts: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(amounts).sort(([left], [right]) => (left < right ? -1 : 1)));

function sumOf(items: Iterable<{ readonly resources: Resources }>): Resources {
  const { scalars, ranges } = [...items].reduce(
    (sum, { resources }) => addResources(sum, resources),
    noResources,
  );
  return { scalars: sorted(scalars), ranges: sorted(ranges) };
}

const amountsOf = (one: MasterAgent | MasterFramework, tasks: Iterable<MasterTask>) => ({
  used: sumOf([...tasks].filter((task) => task.holdsResources)),
  offered: sumOf(one.offers),
});

const isRegistered = ({ condition }: MasterAgent): boolean =>
  condition === 'connected' || condition === 'disconnected';

/** /state, the slow and obvious way. */
function plainLegacyState(state: MasterState): object {
  const agents = [...state.agents.values()];
  return {
    ...legacyStateHead(state, '1.11.0'),
    flags: {},
    slaves: agents
      .filter(isRegistered)
      .map((agent) => legacySlave(agent, amountsOf(agent, agent.tasks))),
    recovered_slaves: agents
      .filter(({ condition }) => condition === 'recovering')
      .map(legacyRecoveredSlave),
    frameworks: [...state.frameworks.values()].map((framework) => {
      const tasks = [...framework.tasks.values()];
      const view = (task: MasterTask) => legacyTask(task, framework);
      return {
        ...legacyFramework(framework, amountsOf(framework, tasks)),
        tasks: tasks.filter((task) => !isUnreachable(task)).map(view),
        unreachable_tasks: tasks.filter(isUnreachable).map(view),
        completed_tasks: [...framework.completedTasks.values()].map((task) =>
          legacyTask(task, framework),
        ),
        offers: [...framework.offers].map(legacyOffer),
        executors: [],
      };
    }),
    completed_frameworks: [...state.completedFrameworks.values()].map(legacyCompletedFramework),
  };
}

/** GET_STATE, the slow and obvious way. */
function plainOperatorState(state: MasterState): object {
  const frameworks = [...state.frameworks.values()];
  const tasks = frameworks.flatMap((one) => [...one.tasks.values()].map((task) => ({ one, task })));
  const view = ({ one, task }: (typeof tasks)[number]) => viewTask(task, one.id);
  const agents = [...state.agents.values()];
  return {
    get_tasks: {
      tasks: tasks.filter(({ task }) => !isUnreachable(task)).map(view),
      unreachable_tasks: tasks.filter(({ task }) => isUnreachable(task)).map(view),
      completed_tasks: frameworks.flatMap((one) =>
        [...one.completedTasks.values()].map((task) => viewTask(task, one.id)),
      ),
    },
    get_executors: { executors: [] },
    get_frameworks: {
      frameworks: frameworks.map((one) => ({
        ...viewFramework(one, amountsOf(one, one.tasks.values())),
        offers: [...one.offers].map(viewOffer),
      })),
      completed_frameworks: [...state.completedFrameworks.values()].map(viewCompletedFramework),
    },
    get_agents: {
      agents: agents
        .filter(isRegistered)
        .map((agent) => viewAgent(agent, amountsOf(agent, agent.tasks))),
      recovered_agents: agents
        .filter(({ condition }) => condition === 'recovering')
        .map(({ info }) => info),
    },
  };
}

/** A document that is kept over a whole history; a turn renders only a few pieces. */
class Kept {
  private readonly cache = new DocumentCache();
  private readonly walk: Walk;

  constructor(document: Document, state: MasterState) {
    this.walk = document({ state, holdings: new Holdings(), apiVersion: '1.11.0' });
  }

  /** One walk that is given up after so many pieces written; true when it was complete. */
  turn(pieces: number): boolean {
    let time = 0;
    const clock = (): number => {
      time += 1;
      return time;
    };
    this.cache.begin(new Budget(pieces, clock));
    if (!this.walk(this.cache)) return false;
    this.cache.end();
    return true;
  }

  read(): string {
    while (!this.turn(7));
    return Buffer.concat(this.cache.buffers).toString();
  }
}

const parsed = (text: string): unknown => JSON.parse(text) as unknown;
const plain = (value: object): unknown => parsed(JSON.stringify(value));

describe('documents, over random histories', () => {
  it(
    'say what a view written from nothing would say, whatever was kept and wherever walks were given up',
    () => {
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 40, maxLength: 120 }),
          fc.array(fc.nat(20), { minLength: 1, maxLength: 20 }),
          (steps, turns) => {
            const history = new History();
            const { state } = history.master;
            const kept = new Kept(legacyState, state);
            const keptOperator = new Kept(operatorState, state);
            const keptSlaves = new Kept(legacySlaves, state);
            const keptFrameworks = new Kept(legacyFrameworks, state);
            for (const [index, one] of steps.entries()) {
              history.play(one);
              kept.turn(turns[index % turns.length] ?? 0);
              if (index % 5 !== 0) continue;
              const legacy = plain(plainLegacyState(state));
              expect(parsed(kept.read())).toEqual(legacy);
              expect(parsed(keptOperator.read())).toEqual(plain(plainOperatorState(state)));
              expect(legacy).toMatchObject(parsed(keptSlaves.read()) as object);
              expect(legacy).toMatchObject(parsed(keptFrameworks.read()) as object);
              expect(kept.read()).toBe(new Kept(legacyState, state).read());
            }
          },
        ),
        { numRuns: 60 },
      );
    },
    HISTORIES_LIMIT_MS,
  );
});

describe('a document', () => {
  it('keeps its bytes while nothing changes, and the blocks that did not change when something does', () => {
    const history = new History();
    for (let index = 0; index < 20; index += 1) {
      history.play({ kind: 'launch', which: 0, seconds: 1 });
    }
    const cache = new DocumentCache();
    const walk = legacyState({
      state: history.master.state,
      holdings: new Holdings(),
      apiVersion: '1.11.0',
    });
    const refresh = (): readonly Buffer[] => {
      cache.begin(new Budget(Number.POSITIVE_INFINITY, () => 0));
      expect(walk(cache)).toBe(true);
      cache.end();
      return cache.buffers;
    };

    const first = refresh();
    const { generation } = cache;
    const second = refresh();

    expect(second).toEqual(first);
    expect(second.every((bytes, index) => bytes === first[index])).toBe(true);
    expect(cache.generation).toBe(generation);
  });
});
