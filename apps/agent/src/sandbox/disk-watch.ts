import type { RunKey } from '#core';
import { measureFolder } from './disk-usage.js';

/** A folder of a running task that has a limit. */
export interface LimitedFolder {
  readonly run: RunKey;
  readonly folder: string;
  readonly limitBytes: number;
  /** The id of the persistent volume that it is; absent: it is the sandbox. */
  readonly volume?: string;
}

/**
 * Measures what running tasks have on the disk, one after the other, and tells of those that take more than their tasks asked
 * for. A pass begins `intervalMs` after the end of the one before, so however long it takes there is never a second.
 */
export function watchDisk(options: {
  readonly tasks: () => readonly LimitedFolder[];
  readonly exceeded: (task: LimitedFolder, usedBytes: number) => void;
  readonly intervalMs: number;
}): { pass(): Promise<void>; close(): void } {
  const abort = new AbortController();
  const { signal } = abort;
  let timer: NodeJS.Timeout | undefined;

  const pass = async (): Promise<void> => {
    for (const task of options.tasks()) {
      if (signal.aborted) return;
      const { limitBytes, folder } = task;
      const measured = measureFolder(folder, { enoughBytes: limitBytes, signal });
      // One that cannot be read is gone, or looked at again by the next pass.
      const usedBytes = await measured.catch(() => 0);
      if (usedBytes > limitBytes && !signal.aborted) options.exceeded(task, usedBytes);
    }
  };
  const schedule = (): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => void pass().then(schedule), options.intervalMs).unref();
  };
  schedule();
  return {
    pass,
    close() {
      abort.abort();
      clearTimeout(timer);
    },
  };
}
