import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MasterAgent,
  type MasterExecutor,
  type MasterFramework,
  type MasterState,
  type MasterTask,
  type MasterTouches,
  startObserving,
  takeChanges,
  touchesOf,
} from '#cluster';
import { addResources, noResources, type Resources } from '#core';
import { commandTask, MasterHarness } from '../../../../libs/cluster/src/master.test-support.js';
import { History, step } from '../../../../libs/cluster/src/master-history.test-support.js';
import { legacyFrameworks, legacySlaves, legacyState } from '../operator-api/legacy-documents.js';
import {
  isUnreachable,
  legacyCompletedFramework,
  legacyExecutor,
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
  viewExecutor,
  viewFramework,
  viewOffer,
  viewTask,
} from '../operator-api/operator-views.js';
import { legacySummary } from '../operator-api/summary-document.js';
import { Budget } from './budget.js';
import { DocumentCache } from './document-cache.js';
import { Holdings } from './holdings.js';
import type { Document, DocumentWriter } from './read-context.js';

const HISTORIES_LIMIT_MS = 120_000;
const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';

const sorted = <Value>(amounts: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(amounts).sort(([left], [right]) => (left < right ? -1 : 1)));

function sumOf(items: Iterable<{ readonly resources: Resources }>): Resources {
  const { scalars, ranges } = [...items].reduce(
    (sum, { resources }) => addResources(sum, resources),
    noResources,
  );
  return { scalars: sorted(scalars), ranges: sorted(ranges) };
}

const executorsOf = (state: MasterState): readonly MasterExecutor[] =>
  [...state.agents.values()].flatMap(({ executors }) => [...executors.values()]);

const amountsOf = (
  state: MasterState,
  one: MasterAgent | MasterFramework,
  tasks: Iterable<MasterTask>,
) => ({
  used: sumOf([
    ...[...tasks].filter((task) => task.holdsResources),
    ...executorsOf(state).filter(({ agentId, frameworkId }) =>
      [agentId as string, frameworkId].includes(one.id),
    ),
  ]),
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
      .map((agent) => legacySlave(agent, amountsOf(state, agent, agent.tasks))),
    recovered_slaves: agents
      .filter(({ condition }) => condition === 'recovering')
      .map(legacyRecoveredSlave),
    frameworks: [...state.frameworks.values()].map((framework) => {
      const tasks = [...framework.tasks.values()];
      const view = (task: MasterTask) => legacyTask(task, framework);
      return {
        ...legacyFramework(framework, amountsOf(state, framework, tasks)),
        tasks: tasks.filter((task) => !isUnreachable(task)).map(view),
        unreachable_tasks: tasks.filter(isUnreachable).map(view),
        completed_tasks: [...framework.completedTasks.values()].map((task) =>
          legacyTask(task, framework),
        ),
        offers: [...framework.offers].map(legacyOffer),
        executors: executorsOf(state)
          .filter(({ frameworkId }) => frameworkId === framework.id)
          .map(legacyExecutor),
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
    get_executors: {
      executors: frameworks.flatMap(({ id }) =>
        executorsOf(state)
          .filter(({ frameworkId }) => frameworkId === id)
          .map(viewExecutor),
      ),
    },
    get_frameworks: {
      frameworks: frameworks.map((one) => ({
        ...viewFramework(one, amountsOf(state, one, one.tasks.values())),
        offers: [...one.offers].map(viewOffer),
      })),
      completed_frameworks: [...state.completedFrameworks.values()].map(viewCompletedFramework),
    },
    get_agents: {
      agents: agents
        .filter(isRegistered)
        .map((agent) => viewAgent(agent, amountsOf(state, agent, agent.tasks))),
      recovered_agents: agents
        .filter(({ condition }) => condition === 'recovering')
        .map(({ info }) => info),
    },
  };
}

/** A document that is kept over a whole history; a turn writes only a few pieces. */
class Kept {
  /** Some lists are copied, others stand with their own bytes, and change sides. */
  private readonly cache = new DocumentCache({ inlineBytes: 1_500 });
  private readonly holdings: Holdings;
  private readonly writer: DocumentWriter;

  constructor(document: Document, state: MasterState) {
    this.holdings = new Holdings(state, (touches) => this.writer.touch(touches));
    this.writer = document({
      state,
      wholeBytes: 2_000,
      holdings: this.holdings,
      apiVersion: '1.11.0',
    });
  }

  get generation(): number {
    return this.cache.generation;
  }

  get buffers(): readonly Buffer[] {
    return this.cache.buffers;
  }

  touch(touches: MasterTouches): void {
    for (const task of touches.tasks) this.holdings.touch(task);
    this.writer.touch(touches);
  }

  /** One walk that is given up after so many pieces written; true when it was complete. */
  turn(pieces: number): boolean {
    let time = 0;
    const clock = (): number => {
      time += 1;
      return time;
    };
    const budget = new Budget(pieces, clock);
    this.cache.begin(budget);
    const isComplete =
      this.holdings.drain(budget) && this.writer.drain(budget) && this.writer.walk(this.cache);
    if (isComplete) this.cache.end();
    return isComplete;
  }

  read(): string {
    while (!this.turn(7));
    return Buffer.concat(this.buffers).toString();
  }
}

/** A history whose touched tasks the kept documents are told of. */
function historyOf(kept: readonly Document[]): { history: History; documents: readonly Kept[] } {
  const documents: Kept[] = [];
  const master = new MasterHarness({
    onReduced: (state) => {
      for (const one of documents) one.touch(touchesOf(state));
      takeChanges(state);
    },
  });
  startObserving(master.state);
  const history = new History(master);
  documents.push(...kept.map((document) => new Kept(document, master.state)));
  return { history, documents };
}

/** What comes back, and frameworks with many tasks, stand elsewhere in what is kept than in the ledger. */
const inOrder = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) =>
    LISTS.has(key) && Array.isArray(value) ? value.map((one) => JSON.stringify(one)).sort() : value,
  ) as unknown;

const LISTS = new Set([
  'framework_ids',
  'slave_ids',
  'tasks',
  'unreachable_tasks',
  'completed_tasks',
  'executors',
  'frameworks',
  'agents',
  'recovered_agents',
  'slaves',
  'recovered_slaves',
]);

const plain = (value: object): unknown => inOrder(JSON.stringify(value));

describe('documents, over random histories', () => {
  it(
    'say what a view written from nothing would say, whatever was kept and wherever walks were given up',
    () => {
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 40, maxLength: 120 }),
          fc.array(fc.nat(20), { minLength: 1, maxLength: 20 }),
          (steps, turns) => {
            const { history, documents } = historyOf([
              legacyState,
              operatorState,
              legacySlaves,
              legacyFrameworks,
              legacySummary,
            ]);
            const { state } = history.master;
            const [kept] = documents;
            for (const [index, one] of steps.entries()) {
              history.play(one);
              kept?.turn(turns[index % turns.length] ?? 0);
              if (index % 5 !== 0) continue;
              const [legacy, operator, slaves, frameworks, summary] = documents.map((document) =>
                inOrder(document.read()),
              );
              expect(legacy).toEqual(plain(plainLegacyState(state)));
              expect(operator).toEqual(plain(plainOperatorState(state)));
              expect(legacy).toMatchObject(slaves as object);
              expect(legacy).toMatchObject(frameworks as object);
              expect(summary).toEqual(inOrder(new Kept(legacySummary, state).read()));
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
  it('keeps its bytes while nothing changes', () => {
    const { history, documents } = historyOf([legacyState]);
    for (let index = 0; index < 20; index += 1) {
      history.play({ kind: 'launch', which: 0, seconds: 1 });
    }
    const [kept] = documents;
    kept?.read();
    const first = kept?.buffers ?? [];
    const generation = kept?.generation;

    kept?.read();

    expect(kept?.buffers.every((bytes, index) => bytes === first[index])).toBe(true);
    expect(kept?.generation).toBe(generation);
  });

  it('forgets the oldest completed task though an older one’s id was used again', () => {
    const { history, documents } = historyOf([legacyState]);
    const { master } = history;
    const [framework] = [...master.state.frameworks.values()];
    const [agent] = [...master.state.agents.values()];
    const streamId = framework?.streamId ?? '';
    const run = (ids: readonly string[]) => {
      master.call(framework?.id ?? '', streamId, { type: 'REVIVE' });
      master.allocate();
      const offer = master.offersOf(streamId).findLast((one) => one.agent_id.value === agent?.id);
      if (framework === undefined || agent === undefined || offer === undefined) return;
      const tasks = ids.map((id) => commandTask(id, agent.id, { cpus: 0.001, mem: 0.001 }));
      master.launch(framework.id, streamId, offer, tasks);
      const where = { agent: agent.id, streamId: agent.stream?.id ?? '', framework: framework.id };
      for (const id of ids) {
        master.update(where, { taskId: id, state: 'TASK_FINISHED', uuid: UUID });
        const acknowledge = { agent_id: { value: agent.id }, task_id: { value: id }, uuid: UUID };
        master.call(framework.id, streamId, { type: 'ACKNOWLEDGE', acknowledge });
      }
    };
    run(['again']);
    run(Array.from({ length: 999 }, (_, index) => `t${index}`));
    documents[0]?.read();

    run(['again']);
    documents[0]?.read();
    run(['x', 'y']);

    const { frameworks } = JSON.parse(documents[0]?.read() ?? '') as {
      readonly frameworks: readonly {
        readonly id: string;
        readonly completed_tasks: readonly { readonly id: string }[];
      }[];
    };
    const ids = frameworks
      .find(({ id }) => id === framework?.id)
      ?.completed_tasks.map(({ id }) => id);
    expect(ids).toEqual([...(framework?.completedTasks.keys() ?? [])]);
    expect(ids?.length).toBe(1_000);
    expect(ids?.slice(-3)).toEqual(['again', 'x', 'y']);
  });
});
