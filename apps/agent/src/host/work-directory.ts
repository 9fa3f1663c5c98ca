import { isDiskError } from './disk-error.js';
import { lockDirectory } from './lock-directory.js';
import { makeFolder } from './make-folder.js';
import { waitForDisk } from './wait-for-disk.js';

/**
 * Makes the work directory where it is missing, and takes it. Waits for a disk that refuses, telling what it says; what
 * nobody should wait for (no right to it, a file in its place) is thrown, naming it.
 */
export async function takeWorkDirectory(
  path: string,
  refused: (problem: string) => void,
  pauseMs?: number,
): Promise<void> {
  await waitForDisk(
    async () => {
      await makeFolder(path).catch((error: NodeJS.ErrnoException) => {
        if (isDiskError(error)) throw error;
        throw new Error(
          `cannot make the work directory ${path}: ${error.message}. Give it to the agent's user, or set PACER_DATA to another folder`,
          { cause: error },
        );
      });
      await lockDirectory(path);
    },
    refused,
    pauseMs,
  );
}
