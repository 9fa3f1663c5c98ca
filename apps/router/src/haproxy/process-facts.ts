import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel says of processes (Linux). */

/** USER_HZ: the unit of times in /proc, the same on every Linux for programs. */
const TICKS_PER_SECOND = 100;
const MS_PER_TICK = 1_000 / TICKS_PER_SECOND;
const BYTES_PER_KIB = 1_024;
/** Fields of /proc/PID/stat behind the command's name, from 0. */
const FIELDS = { state: 0, parentPid: 1, userTicks: 11, systemTicks: 12 } as const;

export interface ProcessFacts {
  readonly parentPid: number;
  /** Processor time it has used so far, of all its threads. */
  readonly cpuMs: number;
}

/** Undefined: there is no such process, or only a zombie. */
export function readProcessFacts(pid: number): ProcessFacts | undefined {
  const stat = readProc(pid, 'stat');
  // The command's name may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const number = (field: keyof typeof FIELDS): number => Number(fields[FIELDS[field]]);
  const state = fields[FIELDS.state];
  if (fields.length <= FIELDS.systemTicks || state === 'Z' || state === 'X') return undefined;
  return {
    parentPid: number('parentPid'),
    cpuMs: (number('userTicks') + number('systemTicks')) * MS_PER_TICK,
  };
}

/** Living children of a process. O(processes of the machine). */
export const childrenOf = (parentPid: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readProcessFacts(pid)?.parentPid === parentPid);

/** The words of its command line; none of a process that is gone, or another user's to see. */
export const readArguments = (pid: number): readonly string[] =>
  readProc(pid, 'cmdline').split('\0').slice(0, -1);

export interface ProcessMemory {
  /** Resident set: pages shared with others count in full. */
  readonly rssBytes: number;
  /** Proportional set: shared pages count in part. As large as the resident set where the kernel does not tell. */
  readonly pssBytes: number;
}

/** Zero for a process that is gone. */
export function readProcessMemory(pid: number): ProcessMemory {
  const kib = (text: string, name: string): number | undefined => {
    const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return value === undefined ? undefined : Number(value) * BYTES_PER_KIB;
  };
  const rssBytes = kib(readProc(pid, 'status'), 'VmRSS') ?? 0;
  return { rssBytes, pssBytes: kib(readProc(pid, 'smaps_rollup'), 'Pss') ?? rssBytes };
}

/**
 * The most open files a process may allow itself, as HAProxy does; undefined: not told (another user's, or gone), or
 * without limit.
 */
export function readMaxOpenFiles(pid: number | 'self'): number | undefined {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readProc(pid, 'limits'))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function readProc(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It ended, or is not ours to see.
  }
}
