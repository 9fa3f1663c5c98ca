import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a running server wrote to `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly status: 'starting' | 'stopping' | 'ready' | 'standby' | 'unknown';
}

const POLL_MS = 10;

/** The server of a data directory, or undefined when none runs. A pid taken over by another process does not count. */
export function findPostmaster(dataDirectory: string): Postmaster | undefined {
  const lines = readLines(join(dataDirectory, 'postmaster.pid'));
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isServerOf(pid, dataDirectory)) return undefined;
  const status = lines[7]?.trim();
  return {
    pid,
    port: Number(lines[3]),
    status:
      status === 'starting' || status === 'stopping' || status === 'ready' || status === 'standby'
        ? status
        : 'unknown',
  };
}

/** Waits until `isDone` holds of the current server, at most `limitMs`; false when it never did. */
export async function waitForPostmaster(
  dataDirectory: string,
  isDone: (postmaster: Postmaster | undefined) => boolean,
  limitMs: number,
): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!isDone(findPostmaster(dataDirectory))) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/**
 * Removes a lock file PostgreSQL would respect although its server is gone: the pid belongs to a zombie nobody reaps, or
 * to another program by now. Server processes that are still ending are waited for, as the lock also protects from them.
 */
export async function removeStaleLock(dataDirectory: string, limitMs: number): Promise<void> {
  const file = join(dataDirectory, 'postmaster.pid');
  const pid = Number(readLines(file)[0]);
  if (!Number.isInteger(pid) || !existsSync(`/proc/${pid}`) || isServerOf(pid, dataDirectory))
    return;
  const deadline = performance.now() + limitMs;
  while (findProcessesOf(dataDirectory).length > 0) {
    if (performance.now() > deadline) return;
    await sleep(POLL_MS);
  }
  rmSync(file, { force: true });
}

const findProcessesOf = (dataDirectory: string): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isServerOf(pid, dataDirectory));

/** Running, not a zombie, and at work in the data directory, which every server makes its own. */
function isServerOf(pid: number, dataDirectory: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    if (state === 'Z' || state === 'X') return false;
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDirectory);
  } catch {
    // The process is gone, or is somebody else's whom we may not look at: in either case not our server.
    return false;
  }
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // No file: no server.
    return [];
  }
}
