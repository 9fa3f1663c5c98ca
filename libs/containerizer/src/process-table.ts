/** What `/proc` says about processes: identity (pid and start time), session and environment. */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setImmediate as yieldTurn } from 'node:timers/promises';
import { type RunKey, readRunKey } from '#core';

/** Start time in clock ticks since boot; with the pid and the boot id it identifies a process for good. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export interface ProcessStat extends ProcessIdentity {
  readonly state: string;
  readonly session: number;
}

/** How many `/proc` files are read at once during a scan. */
const SCAN_BATCH = 32;

/** Parses one `/proc/PID/stat` line. The name in brackets may itself hold spaces and brackets. */
export function parseStat(text: string): ProcessStat | undefined {
  const close = text.lastIndexOf(')');
  if (close < 0) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const pid = Number.parseInt(text, 10);
  // Counted from field 3 (state): session is field 6, start time is field 22.
  const session = Number(fields[3]);
  const startTicks = Number(fields[19]);
  if (!Number.isInteger(pid) || !Number.isInteger(startTicks)) return undefined;
  return { pid, state: fields[0] ?? '?', session, startTicks };
}

/** Undefined when there is no such process. Synchronous: the kernel has it at hand, a trip through the thread pool has not. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** True while this very process (not another one with its pid) exists and is not a zombie. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z';
}

/** Sends a signal; false when the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return true;
    throw error;
  }
}

export async function readBootId(): Promise<string> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return text.trim();
}

/** All processes (zombies left out) by session, and those with a {@link markOf} by that, but for members of known sessions. */
export interface ProcessSnapshot {
  readonly byPid: ReadonlyMap<number, ProcessStat>;
  readonly bySession: ReadonlyMap<number, readonly ProcessStat[]>;
  readonly byMark: ReadonlyMap<string, readonly MarkedProcess[]>;
}

export interface MarkedProcess extends ProcessIdentity {
  readonly run: RunKey;
  readonly scope: string;
}

/** The names of the environment variables by which a process is recognised. */
export interface MarkVariables {
  readonly run: string;
  /** What stood for it earlier; looked at where `run` is not set. */
  readonly earlierRun: string;
  readonly scope: string;
}

/** One key for a run of one agent. */
export const markOf = (run: RunKey, scope: string): string => `${scope}\0${run}`;

/**
 * Scans `/proc`, O(processes on the host). Callers that ask while a scan runs share the next one, so ending many tasks
 * at once costs a few scans and not one for each.
 */
export function createProcessScanner(
  variables: MarkVariables,
  known: { has(session: number): boolean } = new Set<number>(),
): () => Promise<ProcessSnapshot> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<ProcessSnapshot> | undefined;
  return async () => {
    next ??= current.then(async () => {
      const scan = takeSnapshot(variables, known);
      current = scan.catch(() => undefined);
      next = undefined;
      return await scan;
    });
    return await next;
  };
}

async function takeSnapshot(
  variables: MarkVariables,
  known: { has(session: number): boolean },
): Promise<ProcessSnapshot> {
  const byPid = new Map<number, ProcessStat>();
  const bySession = new Map<number, ProcessStat[]>();
  const byMark = new Map<string, MarkedProcess[]>();
  const append = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [value]);
    else list.push(value);
  };
  await forEachPid(async (pid) => {
    const stat = readStat(pid);
    if (stat === undefined || stat.state === 'Z') return;
    byPid.set(pid, stat);
    append(bySession, stat.session, stat);
    if (known.has(stat.session)) return;
    const mark = await readMark(pid, variables);
    if (mark !== undefined) {
      const { startTicks } = stat;
      append(byMark, markOf(mark.run, mark.scope), { pid, startTicks, ...mark });
    }
  });
  return { byPid, bySession, byMark };
}

async function readMark(pid: number, { run, earlierRun, scope }: MarkVariables) {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  if (!text.includes(`${scope}=`)) return undefined;
  const entries = text.split('\0');
  const read = (name: string): string | undefined =>
    entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  const found = { run: read(run) ?? read(earlierRun), scope: read(scope) };
  if (found.run === undefined || found.scope === undefined) return undefined;
  return { run: readRunKey(found.run), scope: found.scope };
}

async function forEachPid(visit: (pid: number) => Promise<void>): Promise<void> {
  const names = await readdir('/proc');
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  for (let start = 0; start < pids.length; start += SCAN_BATCH) {
    await Promise.all(pids.slice(start, start + SCAN_BATCH).map(visit));
    await yieldTurn();
  }
}
