import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { relateToServer } from './server-process.js';

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
  if (!Number.isInteger(pid) || pid <= 1 || relateToServer(pid, dataDirectory) !== 'server') {
    return undefined;
  }
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
 * A lock whose owner cannot be told stays: PostgreSQL then refuses to start and says why.
 */
export async function removeStaleLock(dataDirectory: string, limitMs: number): Promise<void> {
  const file = join(dataDirectory, 'postmaster.pid');
  const pid = Number(readLines(file)[0]);
  if (!Number.isInteger(pid) || !existsSync(`/proc/${pid}`)) return;
  if (relateToServer(pid, dataDirectory) !== 'stranger') return;
  const deadline = performance.now() + limitMs;
  while (maybeHasProcesses(dataDirectory)) {
    if (performance.now() > deadline) return;
    await sleep(POLL_MS);
  }
  rmSync(file, { force: true });
}

const maybeHasProcesses = (dataDirectory: string): boolean =>
  readdirSync('/proc')
    .map(Number)
    .some((pid) => Number.isInteger(pid) && relateToServer(pid, dataDirectory) !== 'stranger');

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // No file: no server.
    return [];
  }
}
