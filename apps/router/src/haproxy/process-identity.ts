import { readFile } from 'node:fs/promises';

/** A process beyond doubt: pids are used again, but not with the same start time within one boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
  readonly bootId: string;
}

const FIELD_STATE = 0;
const FIELD_START_TIME = 19;

/** The identity of a running process; undefined when there is none, or only a zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startTime = fields[FIELD_START_TIME];
    const state = fields[FIELD_STATE];
    if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
    const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return { pid, startTime, bootId: bootId.trim() };
  } catch {
    return undefined;
  }
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now?.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Reads what was recorded; undefined unless it is an identity. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const record: unknown = JSON.parse(text);
    const { pid, startTime, bootId } = record as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' && typeof bootId === 'string'
      ? { pid, startTime, bootId }
      : undefined;
  } catch {
    return undefined;
  }
}
