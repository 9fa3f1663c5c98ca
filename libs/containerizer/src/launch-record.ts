/**
 * The files of one task's runtime directory; see supervisor-script.ts for the order in which they appear. They are small
 * and read synchronously: a restarted agent reads those of all its tasks, and trips through the thread pool took most of
 * that time.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExitStatus, LaunchError, type RunKey, type TaskId } from '#core';
import type { Hierarchy } from './cgroup-hierarchies.js';
import type { ProcessIdentity } from './process-table.js';

export interface UserIdentity {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Written before anything is started. Holds the environment, so only its owner may read it (mode 0600). */
export interface LaunchRecord {
  readonly run: RunKey;
  readonly taskId: TaskId;
  readonly bootId: string;
  readonly sandbox: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: UserIdentity;
  readonly hierarchies: readonly Hierarchy[];
  readonly hasTerminal?: true | undefined;
}

export interface TaskProcesses {
  readonly supervisor: ProcessIdentity;
  readonly main: ProcessIdentity;
}

const LAUNCH_FILE = 'launch.json';
const PID_FILE = 'pid';
const EXIT_FILE = 'exit';
const REVOKED_FILE = 'revoked';
const HIGHEST_SIGNAL = 64;

/** Refuses a directory that has seen a launch before: no task is ever started twice. */
export function writeLaunchRecord(directory: string, record: LaunchRecord): void {
  const file = join(directory, LAUNCH_FILE);
  try {
    writeFileSync(file, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'exists already' : cause;
    throw new LaunchError('prepare', `task ${record.taskId}: ${file}: ${reason}`, { cause });
  }
}

/** Of that run: its own name for itself does not count, earlier records have none. */
export function readLaunchRecord(directory: string, run: RunKey): LaunchRecord | undefined {
  const text = readIfPresent(join(directory, LAUNCH_FILE));
  if (text === undefined) return undefined;
  try {
    return { ...(JSON.parse(text) as Omit<LaunchRecord, 'run'>), run };
  } catch {
    // The agent died while writing it, so nothing was started.
    return undefined;
  }
}

/** Undefined while missing or not yet complete. */
export const readProcesses = (directory: string): TaskProcesses | undefined =>
  parseProcesses(readIfPresent(join(directory, PID_FILE)));

export function parseProcesses(text: string | undefined): TaskProcesses | undefined {
  const fields = /^(\d+) (\d+) (\d+) (\d+)\n/.exec(text ?? '');
  if (fields === null) return undefined;
  const [, supervisor, supervisorStart, main, mainStart] = fields.map(Number);
  return {
    supervisor: { pid: supervisor ?? 0, startTicks: supervisorStart ?? 0 },
    main: { pid: main ?? 0, startTicks: mainStart ?? 0 },
  };
}

export function readExitStatus(directory: string): ExitStatus | undefined {
  const text = readIfPresent(join(directory, EXIT_FILE));
  const code = /^(\d+)\n/.exec(text ?? '')?.[1];
  return code === undefined ? undefined : toExitStatus(Number(code));
}

/** A shell reports a signal as 128 + its number, which a program may also return by itself. */
export function toExitStatus(code: number): ExitStatus {
  const signal = code - 128;
  if (signal < 1 || signal > HIGHEST_SIGNAL) return { kind: 'exited', code };
  return { kind: 'exited-or-signalled', code, signal };
}

/** Forbids a launch that has not passed its last check; see supervisor-script.ts. */
export async function revokeLaunch(directory: string, reason: string): Promise<void> {
  await writeFile(join(directory, REVOKED_FILE), `${reason}\n`);
}

export const readRevocation = (directory: string): string | undefined =>
  readIfPresent(join(directory, REVOKED_FILE))?.trim();

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
