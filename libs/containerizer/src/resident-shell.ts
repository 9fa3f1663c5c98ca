/**
 * One small sh for each agent that forks the supervisors, because forking Node itself copies the page tables of a large
 * process and blocks its event loop until the exec. The agent writes one line for each launch; everything else is in a
 * job file. Supervisors report on a pipe they inherit, also their end, as they are nobody's children.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { LaunchError } from '#core';
import { parseProcesses, type TaskProcesses } from './launch-record.js';
import { findProgram } from './process-invocation.js';
import { REPORT_DESCRIPTOR, SUPERVISOR_SCRIPT } from './supervisor-script.js';

export interface StartedSupervisor {
  readonly processes: TaskProcesses;
  /** Its exit code. Stays pending when it is killed. */
  readonly ended: Promise<number>;
  /** Its end is known otherwise, `ended` is not waited for any more. */
  readonly forget: () => void;
}

interface Waiting {
  readonly resolve: (started: StartedSupervisor) => void;
  readonly reject: (error: LaunchError) => void;
}

/** Reads `<key> <job file>`. The job's `exec` replaces the subshell, so this waits only until setsid has forked. */
const LOOP = `
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
while IFS=' ' read -r _pacer_key _pacer_job; do
( . "$_pacer_job" ) || echo "E $_pacer_key cannot start its supervisor (status $?)" >&${REPORT_DESCRIPTOR}
done
`.trim();

/** A supervisor that was forked before the shell died may still report. */
const ORPHAN_REPORT_MS = 2_000;
const MAX_LINE = 4_096;

/** The shell runs from the first launch on, and is started again by the next launch when it was killed. */
export class ResidentShell {
  private readonly waiting = new Map<string, Waiting>();
  private readonly ends = new Map<string, (code: number) => void>();
  private shell: ChildProcess | undefined;
  private setsid: Promise<string | undefined> | undefined;
  private count = 0;

  /** Path of setsid(1), without which nothing can be started. */
  async findSetsid(): Promise<string | undefined> {
    this.setsid ??= findProgram('setsid');
    return await this.setsid;
  }

  /** Names a launch in its job file and its reports. */
  nextKey(): string {
    this.count += 1;
    return String(this.count);
  }

  /** Has the job file executed; rejects when nothing was started or no report came. */
  async start(key: string, job: string, timeoutMs: number): Promise<StartedSupervisor> {
    if (job.includes('\n')) throw new LaunchError('start', `"${job}" has a line break`);
    return await new Promise<StartedSupervisor>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.waiting.delete(key);
      };
      const timer = setTimeout(
        () => this.refuse(key, `the supervisor did not report within ${timeoutMs} ms`),
        timeoutMs,
      );
      this.waiting.set(key, {
        resolve: (started) => {
          settle();
          resolve(started);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.open().stdin?.write(`${key} ${job}\n`);
    });
  }

  /** The shell ends by itself when its input does, also when the agent is killed. Tasks run on. */
  close(): void {
    this.shell?.stdin?.end();
    this.shell = undefined;
  }

  private open(): ChildProcess {
    if (this.shell !== undefined) return this.shell;
    const child = spawn('/bin/sh', ['-c', LOOP, 'pacer-launcher', SUPERVISOR_SCRIPT], {
      cwd: '/',
      detached: true,
      env: {},
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    });
    this.shell = child;
    child.on('error', (error) => this.lose(child, `cannot start /bin/sh: ${error.message}`));
    child.on('exit', (code, signal) => {
      this.lose(child, `the shell that starts supervisors ended (${signal ?? code})`);
    });
    child.stdin?.on('error', () => undefined);
    this.listen(child.stdio[REPORT_DESCRIPTOR] as Readable);
    // None of them keeps an agent that wants to end from ending.
    child.unref();
    for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
    return child;
  }

  private lose(child: ChildProcess, reason: string): void {
    if (this.shell !== child) return;
    this.shell = undefined;
    const keys = [...this.waiting.keys()];
    setTimeout(() => {
      for (const key of keys) this.refuse(key, reason);
    }, ORPHAN_REPORT_MS);
  }

  private listen(reports: Readable): void {
    let text = '';
    reports.setEncoding('utf8');
    reports.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = (lines.pop() ?? '').slice(0, MAX_LINE);
      for (const line of lines) this.take(line);
    });
    reports.on('error', () => undefined);
  }

  private take(line: string): void {
    const [, kind, key = '', rest = ''] = /^([SEX]) (\d+) (.*)$/.exec(line) ?? [];
    if (kind === 'E') this.refuse(key, rest);
    if (kind === 'S') this.started(key, parseProcesses(`${rest}\n`));
    if (kind !== 'X') return;
    this.refuse(key, 'the supervisor ended before the task started');
    this.ends.get(key)?.(Number(rest));
    this.ends.delete(key);
  }

  private started(key: string, processes: TaskProcesses | undefined): void {
    const waiting = this.waiting.get(key);
    if (processes === undefined || waiting === undefined) return;
    const ended = new Promise<number>((resolve) => this.ends.set(key, resolve));
    const forget = (): void => {
      this.ends.delete(key);
    };
    waiting.resolve({ processes, ended, forget });
  }

  private refuse(key: string, reason: string): void {
    this.waiting.get(key)?.reject(new LaunchError('start', reason));
  }
}
