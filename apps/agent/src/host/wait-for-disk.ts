import { setTimeout as sleep } from 'node:timers/promises';
import { isDiskError } from './disk-error.js';

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
      if (!isDiskError(error as NodeJS.ErrnoException)) throw error;
      refused((error as Error).message);
      await sleep(pauseMs);
    }
  }
}
