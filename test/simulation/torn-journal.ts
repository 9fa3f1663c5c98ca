import type { JournalRecord } from '#cluster';
import type { TaskJournal } from '../../apps/agent/src/engine/task-journal.port.js';
import type { FakeTaskJournal } from '../support/fake-task-journal.js';
import type { SimulatedProcess } from './simulated-process.js';

/**
 * The journal as a process sees it: each call takes its time, and what was being written when the process dies is on the
 * disk up to some record, or not at all.
 */
export function tearWhenKilled(
  journal: TaskJournal,
  given: {
    readonly disk: FakeTaskJournal;
    readonly process: SimulatedProcess;
    readonly latencyMs: () => number;
    /** How many of so many records are left. */
    readonly draw: (count: number) => number;
  },
): TaskJournal {
  const { disk, process, latencyMs, draw } = given;
  const underWay = new Set<readonly JournalRecord[]>();
  const writing: Pick<TaskJournal, 'open' | 'saveIdentity' | 'append' | 'close'> = {
    open: () => journal.open(),
    saveIdentity: (identity) => journal.saveIdentity(identity),
    append: async (records) => {
      try {
        await journal.append(records);
      } finally {
        underWay.delete(records);
      }
    },
    close: () => journal.close(),
  };
  const wrapped = process.wrap(writing, { label: 'journal', latencyMs });
  process.onEnd(() => {
    const torn = [...underWay].flat();
    if (torn.length > 0 && !disk.isFull) disk.records.push(...torn.slice(0, draw(torn.length)));
    underWay.clear();
    disk.forgetWatchers();
  });
  return {
    watch: (listener) => journal.watch((problem) => process.enter(() => listener(problem))),
    open: () => wrapped.open(),
    saveIdentity: (identity) => wrapped.saveIdentity(identity),
    append: (records) => {
      underWay.add(records);
      return wrapped.append(records);
    },
    close: () => wrapped.close(),
  };
}
