/**
 * Starts one supervisor through the resident shell. Its few small files are made synchronously: a trip through Node's
 * thread pool costs the event loop more than the call itself.
 */
import { closeSync, constants, fchownSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from '#core';
import type { UserIdentity } from './launch-record.js';
import { LOG_FILES } from './log-bounds.js';
import { isAssignable } from './process-invocation.js';
import type { ResidentShell, StartedSupervisor } from './resident-shell.js';

const JOB_FILE = 'start';

export interface SupervisorRequest {
  readonly runtimeDirectory: string;
  readonly sandbox: string;
  /** The supervisor's arguments, given the key it reports under. */
  readonly supervisor: (key: string) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: UserIdentity | undefined;
  readonly timeoutMs: number;
}

/** Rejects when nothing was started; the caller clears up. */
export async function startSupervisor(
  shell: ResidentShell,
  request: SupervisorRequest,
): Promise<StartedSupervisor> {
  const setsid = await shell.findSetsid();
  if (setsid === undefined) throw new LaunchError('start', 'setsid (util-linux) is missing');
  const logs = openLogs(request.sandbox, request.user);
  try {
    const key = shell.nextKey();
    const job = join(request.runtimeDirectory, JOB_FILE);
    writeFileSync(job, jobText({ ...request, setsid, key, logs }), { mode: 0o600 });
    return await shell.start(key, job, request.timeoutMs);
  } catch (error) {
    if (error instanceof LaunchError) throw error;
    throw new LaunchError('start', `cannot start: ${(error as Error).message}`, { cause: error });
  } finally {
    for (const descriptor of logs) closeSync(descriptor);
  }
}

/** The logs are the very files opened here, whatever lies at their paths meanwhile. */
function jobText(
  request: SupervisorRequest & {
    readonly setsid: string;
    readonly key: string;
    readonly logs: readonly number[];
  },
): string {
  const { setsid, key } = request;
  const [stdout, stderr] = request.logs;
  const exported = Object.entries(request.environment)
    .filter(([name]) => isAssignable(name))
    .map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const descriptors = `/proc/${process.pid}/fd`;
  const output = `</dev/null >>${descriptors}/${stdout} 2>>${descriptors}/${stderr}`;
  const supervisor = request.supervisor(key).map(quote).join(' ');
  return `${exported.join('')}exec ${quote(setsid)} --fork /bin/sh -c "$1" ${supervisor} ${output}\n`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Opened here rather than by the shell, which would follow a link that a fetched archive put in their place. */
function openLogs(sandbox: string, user: UserIdentity | undefined): readonly number[] {
  const flags = constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY | constants.O_NOFOLLOW;
  const opened: number[] = [];
  try {
    for (const name of LOG_FILES) {
      const descriptor = openSync(join(sandbox, name), flags, 0o644);
      opened.push(descriptor);
      // A program that reopens /dev/stdout needs to own the file behind it.
      if (user !== undefined) fchownSync(descriptor, user.uid, user.gid);
    }
    return opened;
  } catch (cause) {
    for (const descriptor of opened) closeSync(descriptor);
    const reason = `cannot open the log files in ${sandbox}: ${(cause as Error).message}`;
    throw new LaunchError('prepare', reason, { cause });
  }
}
