/**
 * Starts one supervisor through the resident shell. Its few small files are made synchronously: a trip through Node's
 * thread pool costs the event loop more than the call itself.
 */
import { closeSync, fchownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from '#core';
import type { UserIdentity } from './launch-record.js';
import { openLogFiles } from './log-file.js';
import type { ResidentShell, StartedSupervisor } from './resident-shell.js';
import { marksOf, quote, writeEnvironment } from './task-environment.js';

const JOB_FILE = 'start';

export interface SupervisorRequest {
  readonly runtimeDirectory: string;
  readonly sandbox: string;
  /** The supervisor's arguments, given the key it reports under. */
  readonly supervisor: (key: string) => readonly string[];
  /** The task's; the supervisor has only the marks. */
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
  // Opened here rather than by the shell, which would follow a link.
  const logs = openLogFiles(request.sandbox);
  try {
    // A program that reopens /dev/stdout needs to own the file behind it.
    const { user } = request;
    if (user !== undefined) for (const log of logs) fchownSync(log, user.uid, user.gid);
    const key = shell.nextKey();
    writeEnvironment(request.runtimeDirectory, request.environment);
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

/**
 * The logs are the very files opened here, whatever lies at their paths meanwhile. The shell opens them anew, so the
 * task's descriptors have none of our flags.
 */
function jobText(
  request: SupervisorRequest & {
    readonly setsid: string;
    readonly key: string;
    readonly logs: readonly number[];
  },
): string {
  const { setsid, key } = request;
  const [stdout, stderr] = request.logs;
  const marks = Object.entries(marksOf(request.environment));
  const exported = marks.map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const descriptors = `/proc/${process.pid}/fd`;
  const output = `</dev/null >>${descriptors}/${stdout} 2>>${descriptors}/${stderr}`;
  const supervisor = request.supervisor(key).map(quote).join(' ');
  return `${exported.join('')}exec ${quote(setsid)} --fork /bin/sh -c "$1" ${supervisor} ${output}\n`;
}
