import { readFile } from 'node:fs/promises';
import type { LaunchedTask } from '#core';

/** Linux shows start times in ticks of 10 ms, whatever its own are. */
const TICK_MS = 10;
/** Fields of /proc/<pid>/stat, counted after the command name. */
const START_TIME_FIELD = 19;

/**
 * Milliseconds since the main process of a task was started, by the host's monotonic clock: setting its time changes
 * nothing. Undefined where that process cannot be seen from here, as that of a container of another host.
 */
export async function readProcessAge({
  pid,
  containerId,
}: LaunchedTask): Promise<number | undefined> {
  try {
    const folder = `/proc/${pid}`;
    // The engine may count processes otherwise than we do.
    if (containerId !== undefined && !(await read(`${folder}/cgroup`)).includes(containerId)) {
      return undefined;
    }
    const [stat, uptime] = await Promise.all([read(`${folder}/stat`), read('/proc/uptime')]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startedMs = Number(fields[START_TIME_FIELD]) * TICK_MS;
    const ageMs = Number(uptime.split(' ')[0]) * 1000 - startedMs;
    return Number.isFinite(ageMs) ? Math.max(0, ageMs) : undefined;
  } catch {
    return undefined;
  }
}

const read = (path: string): Promise<string> => readFile(path, 'utf8');
