import type { AgentSubscription } from '#cluster';
import type { ControllerStore, Launcher, MasterRegistry } from '#core';
import type { TaskJournal } from '../../apps/agent/src/engine/task-journal.port.js';
import type { VolumeStore } from '../../apps/agent/src/engine/volume-store.port.js';
import type { RunningEngine } from '../../apps/controller/src/engine/engine.js';
import type { FakeVolumeStore } from '../support/fake-sandbox-store.js';
import type { ExecutorCalls } from './simulated-executor.js';
import type { SimulatedProcess } from './simulated-process.js';

/** Bugs of an agent. */
export interface AgentMutant {
  readonly wrapJournal?: (journal: TaskJournal, process: SimulatedProcess) => TaskJournal;
  readonly wrapLauncher?: (launcher: Launcher) => Launcher;
  readonly wrapVolumes?: (volumes: FakeVolumeStore) => VolumeStore;
  /** What it does of what executors call. */
  readonly wrapExecutors?: (calls: ExecutorCalls, process: SimulatedProcess) => ExecutorCalls;
}

/** Bugs of a master. */
export interface MasterMutant {
  /** What it makes of an agent's subscription. */
  readonly readSubscription?: (subscription: AgentSubscription) => AgentSubscription;
  readonly wrapRegistry?: (registry: MasterRegistry, process: SimulatedProcess) => MasterRegistry;
  /** It goes on when another one leads. */
  readonly ignoresLostLease?: boolean;
}

/** A deliberate bug at an edge. The simulation has to find each of them, or its silence means nothing. */
export interface Mutant extends AgentMutant, MasterMutant {
  readonly acknowledgesFirst?: boolean;
  readonly retriesAccepts?: boolean;
  readonly wrapStore?: (store: ControllerStore, process: SimulatedProcess) => ControllerStore;
  readonly wrapEngine?: (engine: RunningEngine) => RunningEngine;
  /** The promise it breaks, as the violation says it; absent: any will do. */
  readonly breaks?: RegExp;
}

const LATER_MS = 300;

/** Bugs at the edges of masters, agents and drivers, and of what is written; those of rollouts are apart. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'a driver that acknowledges before the status is stored': { acknowledgesFirst: true },
  'a driver that repeats an ACCEPT which may have been carried out': { retriesAccepts: true },
  'a journal that forgets which tasks it was about to launch': {
    wrapJournal: (journal) => ({
      watch: (listener) => journal.watch(listener),
      open: () => journal.open(),
      saveIdentity: (identity) => journal.saveIdentity(identity),
      append: (records) => journal.append(records.filter(({ kind }) => kind !== 'launching')),
      close: () => journal.close(),
    }),
  },
  'a journal that answers before anything is on the disk': {
    wrapJournal: (journal, process) => ({
      watch: (listener) => journal.watch(listener),
      open: () => journal.open(),
      saveIdentity: (identity) => journal.saveIdentity(identity),
      append: async (records) => {
        process.clock.schedule(LATER_MS, () => void journal.append(records));
      },
      close: () => journal.close(),
    }),
  },
  'an agent that ends its tasks when it is started again': {
    wrapLauncher: (launcher) =>
      new Proxy(launcher, {
        get: (target, key) => {
          if (key !== 'reattach') return bound(target, key);
          const endInstead: Launcher['reattach'] = async ({ run }) => {
            await target.kill(run, { graceMs: 0 });
            return { kind: 'gone', reason: 'it was ended' };
          };
          return endInstead;
        },
      }),
  },
  'an agent that obeys lower epochs after it was started again': {
    wrapJournal: (journal) => ({
      watch: (listener) => journal.watch(listener),
      open: () => journal.open(),
      saveIdentity: (identity) => journal.saveIdentity({ ...identity, highestEpoch: 0 }),
      append: (records) => journal.append(records),
      close: () => journal.close(),
    }),
  },
  'a master that ignores what the tasks of an agent hold': {
    readSubscription: (subscription) => ({
      ...subscription,
      tasks: subscription.tasks.map((one) => ({ ...one, task: { ...one.task, resources: [] } })),
    }),
  },
  'a controller that acts before its decision is stored': {
    wrapStore: (store, process) =>
      new Proxy(store, {
        get: (target, key) => {
          if (key !== 'commit') return bound(target, key);
          const commitLater: ControllerStore['commit'] = async (lease, changes) => {
            process.clock.schedule(LATER_MS, () => {
              target.commit(lease, changes).catch(() => undefined);
            });
          };
          return commitLater;
        },
      }),
  },
  'a controller whose writes are lost now and then': {
    wrapStore: (store) => {
      let commits = 0;
      return new Proxy(store, {
        get: (target, key) => {
          if (key !== 'commit') return bound(target, key);
          const commitMostly: ControllerStore['commit'] = async (lease, changes) => {
            commits += 1;
            if (commits % 20 !== 0) await target.commit(lease, changes);
          };
          return commitMostly;
        },
      });
    },
  },
};

function bound(target: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key, target);
  return typeof value === 'function' ? value.bind(target) : value;
}
