import { setTimeout as sleep } from 'node:timers/promises';

/** What a disk says that is full, read-only or broken, and may be well again later. */
const DISK_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);
const PAUSE_MS = 2_000;

/**
 * Repeats `work` for as long as the disk refuses it, telling what it says; other errors are thrown. An agent that ended
 * instead would be started again, and end again, until somebody cleared the disk.
 */
export async function waitForDisk<Result>(
  work: () => Promise<Result>,
  refused: (problem: string) => void,
  pauseMs = PAUSE_MS,
): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !DISK_CODES.has(code)) throw error;
      refused(message);
      await sleep(pauseMs);
    }
  }
}
