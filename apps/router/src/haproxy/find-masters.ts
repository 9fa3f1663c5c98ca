import { readdirSync } from 'node:fs';
import { identifyProcess, isRunning, type ProcessIdentity } from '#platform';
import type { EdgeFiles } from './edge-files.js';
import { readProcesses } from './open-sessions.js';
import { readArguments, readProcessFacts } from './process-facts.js';

/** A master that was just started has its socket within this time. */
const ANSWER_TIMEOUT_MS = 10_000;
const ANSWER_POLL_MS = 50;

/** The word of its command line that says whose it is. */
export const masterSocketArgument = ({ masterSocket }: Pick<EdgeFiles, 'masterSocket'>): string =>
  `${masterSocket},mode,600`;

/**
 * The masters that run for a folder, oldest first, whether or not they are on record: a router may have been killed between
 * the start of one and the record of it. O(processes of the machine).
 */
export function findMasters(files: Pick<EdgeFiles, 'masterSocket'>): readonly ProcessIdentity[] {
  const word = masterSocketArgument(files);
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readArguments(pid).includes(word));
  const own = new Set(pids);
  return pids
    .filter((pid) => !own.has(readProcessFacts(pid)?.parentPid ?? pid))
    .flatMap((pid) => identifyProcess(pid) ?? [])
    .sort((left, right) => Number(left.startTime) - Number(right.startTime));
}

/** The one that has the socket; undefined: none of them answers there in time. */
export async function findAnswering(
  files: Pick<EdgeFiles, 'masterSocket'>,
  masters: readonly ProcessIdentity[],
): Promise<ProcessIdentity | undefined> {
  const deadlineMs = performance.now() + ANSWER_TIMEOUT_MS;
  while (masters.some(isRunning) && performance.now() < deadlineMs) {
    const { pid } = await readProcesses(files).catch(() => ({ pid: undefined }));
    const found = masters.find((master) => master.pid === pid);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, ANSWER_POLL_MS));
  }
  return undefined;
}
