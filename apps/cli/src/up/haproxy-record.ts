import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, readBootId } from '#platform';
import { endProcess } from './supervised-daemon.js';

/** Whether the HAProxy of a router runs, be it without the router. */
export function isHaproxyRunning(routerDirectory: string): boolean {
  const haproxy = readRecord(routerDirectory);
  return haproxy !== undefined && isRunning(haproxy);
}

/** Ends the HAProxy of a router that did not end it itself: one that was killed, or only told to leave. */
export async function endHaproxy(routerDirectory: string): Promise<void> {
  const haproxy = readRecord(routerDirectory);
  if (haproxy !== undefined) await endProcess(haproxy);
}

/** Pid and start time, as the router wrote them, and the boot if it did; undefined when there are none. */
function readRecord(routerDirectory: string): ProcessIdentity | undefined {
  try {
    const file = join(routerDirectory, 'haproxy', 'haproxy.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity>;
    const { pid, startTime, bootId = readBootId() } = record;
    return typeof pid === 'number' && typeof startTime === 'string'
      ? { pid, startTime, bootId }
      : undefined;
  } catch {
    // The router removes it when it has ended HAProxy.
    return undefined;
  }
}
