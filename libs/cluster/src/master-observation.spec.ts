import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MasterHarness } from './master.test-support.js';
import { History, step } from './master-history.test-support.js';
import {
  isListedAgent,
  type MasterChange,
  startObserving,
  stopObserving,
  takeChanges,
} from './master-observation.js';
import type { MasterState, Task } from './master-state.js';

const HISTORIES_LIMIT_MS = 120_000;

/** Ids are used by several frameworks, and by one of them again. */
const keyOf = ({ frameworkId, id, launchId }: Pick<Task, 'frameworkId' | 'id' | 'launchId'>) =>
  JSON.stringify([frameworkId, id, launchId]);

/** What a follower of the changes knows: as much as the reads show of it. */
class Follower {
  readonly frameworks = new Map<string, boolean>();
  readonly agents = new Set<string>();
  readonly tasks = new Map<string, { state: string; statuses: number }>();

  follow(change: MasterChange): void {
    switch (change.kind) {
      case 'framework-added':
        expect(this.frameworks.has(change.framework.id)).toBe(false);
        this.frameworks.set(change.framework.id, change.framework.streamId !== undefined);
        return;
      case 'framework-updated':
        expect(this.frameworks.has(change.framework.id)).toBe(true);
        this.frameworks.set(change.framework.id, change.framework.streamId !== undefined);
        return;
      case 'framework-removed':
        expect(this.frameworks.delete(change.framework.id)).toBe(true);
        return;
      case 'agent-added':
        this.agents.add(change.agent.id);
        return;
      case 'agent-removed':
        expect(this.agents.delete(change.agent.id)).toBe(true);
        return;
      case 'task-added':
        this.tasks.set(keyOf(change.task), {
          state: change.task.state,
          statuses: change.task.statuses.length,
        });
        return;
      case 'task-updated': {
        const known = this.tasks.get(keyOf(change.task));
        expect(known).toBeDefined();
        this.tasks.set(keyOf(change.task), {
          state: change.task.state,
          statuses: (known?.statuses ?? 0) + (change.status === undefined ? 0 : 1),
        });
        return;
      }
      default:
        change satisfies never;
    }
  }
}

function checkFollower(follower: Follower, state: MasterState): void {
  expect([...follower.frameworks].sort()).toEqual(
    [...state.frameworks.values()].map((one) => [one.id, one.streamId !== undefined]).sort(),
  );
  expect([...follower.agents].sort()).toEqual(
    [...state.agents.values()]
      .filter((agent) => isListedAgent(state, agent))
      .map((agent) => agent.id)
      .sort(),
  );
  for (const framework of state.frameworks.values()) {
    for (const task of [...framework.tasks.values(), ...framework.completedTasks.values()]) {
      const known = follower.tasks.get(keyOf({ ...task, frameworkId: framework.id }));
      expect(known?.state).toBe(task.state);
      expect(Math.min(known?.statuses ?? 0, 10)).toBe(task.statuses.length);
    }
  }
}

describe('observing the master', () => {
  it(
    'tells everything that reads show, in an order in which nothing is told of what is not there',
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), (steps) => {
          const follower = new Follower();
          const master = new MasterHarness({
            onReduced: (state) => {
              for (const change of takeChanges(state)) follower.follow(change);
            },
          });
          startObserving(master.state);
          const history = new History(master);
          for (const one of steps) {
            history.play(one);
            checkFollower(follower, master.state);
          }
        }),
        { numRuns: 60 },
      );
    },
    HISTORIES_LIMIT_MS,
  );

  it('notes nothing while nobody watches', () => {
    const history = new History();
    startObserving(history.master.state);
    stopObserving(history.master.state);

    history.play({ kind: 'launch', which: 0, seconds: 1 });

    expect(takeChanges(history.master.state)).toEqual([]);
  });
});
