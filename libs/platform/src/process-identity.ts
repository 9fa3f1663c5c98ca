import { readFileSync } from 'node:fs';

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
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const fields = readStat(pid);
  const startTime = fields[FIELD_START_TIME];
  const state = fields[FIELD_STATE];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTime, bootId: readBootId() };
}

export function isRunning(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now?.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Sends a signal only if it is still the same process. False when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    // It ended between the look and the signal.
    return false;
  }
}

/** Fields after the command's name, which may itself hold blanks and parentheses. */
function readStat(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
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

/** Another one after each start of the machine. */
export const readBootId = (): string =>
  readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
