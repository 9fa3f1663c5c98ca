import { FencedError, type Launcher, type MasterRegistry } from '#core';
import type { TaskJournal } from '../../../apps/agent/src/engine/task-journal.port.js';
import { type CoreMutants, replacing } from './mutant.js';

/** Of so many commits, one is lost. */
const LOST_COMMIT = 15;

/** Bugs of processes at their borders: disks, machines, leases. */
export const EDGE_MUTANTS: CoreMutants = {
  'a deposed master that goes on': {
    ignoresLostLease: true,
    wrapRegistry: (registry) =>
      replacing<MasterRegistry>(registry, {
        commit: async (lease, changes) => {
          try {
            await registry.commit(lease, changes);
          } catch (error) {
            if (!(error instanceof FencedError)) throw error;
          }
        },
      }),
  },
  'an agent that ends its tasks when it is started again': {
    wrapLauncher: (launcher) =>
      replacing<Launcher>(launcher, {
        reattach: async ({ run }) => {
          await launcher.kill(run, { graceMs: 0 });
          return { kind: 'gone', reason: 'it was ended' };
        },
      }),
  },
  'an agent that obeys lower epochs after it was started again': {
    wrapJournal: (journal) =>
      replacing<TaskJournal>(journal, {
        saveIdentity: (identity) => journal.saveIdentity({ ...identity, highestEpoch: 0 }),
      }),
  },
  'an agent that forgets which tasks it was about to launch': {
    wrapJournal: (journal) =>
      replacing<TaskJournal>(journal, {
        append: (records) => journal.append(records.filter(({ kind }) => kind !== 'launching')),
      }),
  },
  'an agent that forgets what was acknowledged': {
    wrapJournal: (journal) =>
      replacing<TaskJournal>(journal, {
        append: (records) => journal.append(records.filter(({ kind }) => kind !== 'acknowledged')),
      }),
  },
  'an agent that writes down the first member of a group only': {
    wrapJournal: (journal) =>
      replacing<TaskJournal>(journal, {
        append: (records) =>
          journal.append(
            records.map((record) =>
              record.kind === 'accepted-group'
                ? { ...record, members: record.members.slice(0, 1) }
                : record,
            ),
          ),
      }),
  },
  'a framework that repeats an ACCEPT which may have been carried out': { retriesAccepts: true },
  'a framework that does not store its id': {
    wrapFrameworkStore: (store) =>
      replacing(store, {
        commit: (generation, changes) =>
          store.commit(
            generation,
            changes.filter(({ kind }) => kind !== 'subscribed'),
          ),
      }),
  },
  'a framework that never reconciles': { neverReconciles: true },
  'a framework whose writes are lost now and then': {
    wrapFrameworkStore: (store) => {
      let commits = 0;
      return replacing(store, {
        commit: async (generation, changes) => {
          commits += 1;
          if (commits % LOST_COMMIT !== 0) await store.commit(generation, changes);
        },
      });
    },
  },
};
