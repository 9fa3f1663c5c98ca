import type { EdgeFiles } from './edge-files.js';
import { readProcesses } from './open-sessions.js';
import { readProcessMemory } from './process-facts.js';
import type { HaproxyWorker } from './read-state.js';

/** Workers that only finish what they have, at most. */
const MAX_OLD_WORKERS = 5;
/** All workers together take at most three times the memory of one, and this. */
const MEMORY_FACTOR = 3;
const SPARE_BYTES = 100_000_000;

/**
 * For how many more former workers there is room: each keeps the whole configuration in memory until its last request is
 * answered. `oneBytes`: what a worker takes; 0: not known. At least one may be there, however large it is.
 */
export function roomForWorkers(old: number, oneBytes: number): number {
  if (oneBytes <= 0) return MAX_OLD_WORKERS - old;
  const fit = Math.floor(((MEMORY_FACTOR - 1) * oneBytes + SPARE_BYTES) / oneBytes);
  return Math.min(fit, MAX_OLD_WORKERS) - old;
}

/** {@link roomForWorkers} as the master tells; while it does not, as if there were none. */
export async function readWorkerRoom(files: Pick<EdgeFiles, 'masterSocket'>): Promise<number> {
  const state = await readProcesses(files).catch(() => undefined);
  const workers: readonly HaproxyWorker[] = state?.workers ?? [];
  const current = workers.find(({ isOld }) => !isOld);
  const oneBytes = current === undefined ? 0 : readProcessMemory(current.pid).pssBytes;
  return roomForWorkers(workers.filter(({ isOld }) => isOld).length, oneBytes);
}
