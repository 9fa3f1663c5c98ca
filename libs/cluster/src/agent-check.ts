import type { TaskInfo, WireCheck, WireCheckStatus } from '#mesos-v1';

/** What one probe of a task saw. */
export interface ProbeSight {
  readonly passed: boolean;
  readonly detail: string;
  /** Of HTTP. */
  readonly status?: number;
  /** Of a command. */
  readonly exitCode?: number;
  readonly timedOut?: true;
  /** It says nothing about the task. */
  readonly skipped?: true;
}

const TYPES: readonly unknown[] = ['COMMAND', 'HTTP', 'TCP'];

/** The check of a definition; undefined without one. Whether it is sound was looked at when the task came. */
export function checkOf({ check }: Pick<TaskInfo, 'check'>): WireCheck | undefined {
  if (typeof check !== 'object' || check === null) return undefined;
  return 'type' in check && TYPES.includes(check.type) ? (check as WireCheck) : undefined;
}

/** Mesos: each status of a task with a check has one of these, empty while nothing is known. */
export function emptyCheckStatus({ type }: WireCheck): WireCheckStatus {
  switch (type) {
    case 'COMMAND':
      return { type, command: {} };
    case 'HTTP':
      return { type, http: {} };
    case 'TCP':
      return { type, tcp: {} };
    default:
      return type satisfies never;
  }
}

/** Empty where there was no answer in time; over HTTP also where there was none at all. */
export function toCheckStatus(check: WireCheck, seen: ProbeSight): WireCheckStatus {
  const { type } = check;
  if (seen.timedOut) return emptyCheckStatus(check);
  switch (type) {
    case 'COMMAND':
      return { type, command: seen.exitCode === undefined ? {} : { exit_code: seen.exitCode } };
    case 'HTTP':
      return { type, http: seen.status === undefined ? {} : { status_code: seen.status } };
    case 'TCP':
      return { type, tcp: { succeeded: seen.passed } };
    default:
      return type satisfies never;
  }
}

/** Whether two say the same. */
export const isSameCheckStatus = (one: WireCheckStatus, other: WireCheckStatus): boolean =>
  one.type === other.type &&
  one.command?.exit_code === other.command?.exit_code &&
  one.http?.status_code === other.http?.status_code &&
  one.tcp?.succeeded === other.tcp?.succeeded;
