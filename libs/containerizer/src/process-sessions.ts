/** Commands inside tasks without an image: with the task's user, variables, folder and cgroups. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import {
  ExecError,
  type ExecListener,
  type ExecRequest,
  type ExecSession,
  type RunKey,
  type TerminalSize,
} from '#core';
import { type Hierarchy, makeDirectory } from './cgroup-hierarchies.js';
import type { KnownSessions } from './known-sessions.js';
import { readLaunchRecord } from './launch-record.js';
import { LiveSessions } from './live-sessions.js';
import { findProgram, type UserRequest } from './process-invocation.js';
import { createProcessScanner, type ProcessSnapshot } from './process-table.js';
import { createSessionMarks, type SessionMarks } from './session-marks.js';
import {
  SESSION_REDIRECTIONS,
  sessionArguments,
  TERMINAL_DESCRIPTOR,
  VARIABLES_DESCRIPTOR,
} from './session-script.js';
import { cgroupName, joinSettings, removeCgroups } from './task-cgroup.js';
import { DEFAULT_PATH, environmentScript, MARK_VARIABLES, marksOf } from './task-environment.js';
import { emptyTask } from './task-processes.js';
import { writeWhenRoom } from './write-when-room.js';

/** The running task a session is opened in. */
export interface SessionTask {
  readonly run: RunKey;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
  readonly hierarchies: readonly Hierarchy[];
}

const RESIZE_LIMIT_MS = 5_000;
const KILLED_EXIT_CODE = 128 + constants.signals.SIGKILL;

export class ProcessSessions {
  private readonly marks: SessionMarks;
  private readonly live: LiveSessions;
  private readonly scan: () => Promise<ProcessSnapshot>;

  constructor(
    private readonly scope: string,
    private readonly resolveUser: (name: string | undefined) => Promise<UserRequest>,
    known: KnownSessions,
  ) {
    this.marks = createSessionMarks('process', scope, known);
    this.live = new LiveSessions(this.marks);
    this.scan = createProcessScanner(MARK_VARIABLES, known);
  }

  /** Throws {@link ExecError} where the host lacks what it takes. */
  async open(
    task: SessionTask,
    request: ExecRequest,
    listener: ExecListener,
  ): Promise<ExecSession> {
    const record = readLaunchRecord(task.runtimeDirectory, task.run);
    if (record === undefined) {
      throw new ExecError('NOT_RUNNING', `task ${task.run}: its launch record is missing`);
    }
    const { user, tool: setpriv } = await this.resolveUser(record.user?.name);
    const tools = { setpriv, script: request.terminal === undefined ? '' : await findScript() };
    const id = this.marks.newId();
    const nested = nestCgroup(task, id);
    const child = spawn(
      '/bin/sh',
      sessionArguments({ request, user, tools, settings: nested.settings }),
      {
        cwd: task.sandbox,
        env: {
          PATH: DEFAULT_PATH,
          ...marksOf(record.environment),
          ...this.marks.variables(id),
        },
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      },
    );
    const session = new Session(child, listener, async () => {
      await this.marks.end(id);
      const { run, scope, scan } = { run: id, scope: this.scope, scan: this.scan };
      const { hierarchies } = nested;
      if (hierarchies.length > 0) await emptyTask({ run, hierarchies, scope, scan });
      await removeCgroups(hierarchies, cgroupName(id));
      this.live.remove(id);
    });
    this.live.add(id, task.run, session);
    await session.start(environmentScript(record.environment, SESSION_REDIRECTIONS));
    return session;
  }

  /** See {@link LiveSessions.endAll}. */
  async endAll(run?: RunKey): Promise<void> {
    await this.live.endAll(run);
  }

  /** Ends what earlier agents left. */
  async endLeft(): Promise<void> {
    await this.live.endLeft();
  }
}

async function findScript(): Promise<string> {
  const script = await findProgram('script');
  if (script !== undefined) return script;
  throw new ExecError(
    'NOT_SUPPORTED',
    'a terminal needs the program `script` (util-linux; Debian: package bsdutils), which this host does not have; without a terminal (tty=false) commands can be run',
  );
}

/** A cgroup of its own inside the task's, in the hierarchy in which processes are looked for; the task's own elsewhere. */
function nestCgroup({ run, hierarchies }: SessionTask, id: RunKey) {
  const [first, ...others] = hierarchies;
  if (first === undefined) return { settings: [], hierarchies: [] };
  const nested = { ...first, directory: join(first.directory, cgroupName(run)) };
  try {
    makeDirectory(join(nested.directory, cgroupName(id)));
  } catch (cause) {
    throw new ExecError('NOT_RUNNING', `task ${run}: its cgroup is gone`, { cause });
  }
  return {
    settings: [...joinSettings([nested], cgroupName(id)), ...joinSettings(others, cgroupName(run))],
    hierarchies: [nested],
  };
}

class Session implements ExecSession {
  private terminal: string | undefined;
  private wanted: TerminalSize | undefined;
  private isResizing = false;
  private isOver = false;
  private cleaning: Promise<void> | undefined;
  private readonly output: readonly Readable[];
  private readonly input: Writable;

  constructor(
    private readonly child: ChildProcess,
    private readonly listener: ExecListener,
    private readonly clean: () => Promise<void>,
  ) {
    const [input, stdout, stderr] = child.stdio;
    this.input = input as Writable;
    this.output = [stdout, stderr] as Readable[];
  }

  /** Resolves when the command's shell has been started. */
  async start(variables: string): Promise<void> {
    const { child, listener } = this;
    const [stdout, stderr] = this.output;
    stdout?.on('data', (data: Buffer) => listener.output('stdout', data));
    stderr?.on('data', (data: Buffer) => listener.output('stderr', data));
    for (const pipe of child.stdio) pipe?.on('error', () => undefined);
    child.once('exit', (code, signal) => void this.finish(code ?? toCode(signal)));
    (child.stdio[TERMINAL_DESCRIPTOR] as Readable).once('data', (name: Buffer) => {
      const found = /^\/dev\/pts\/\d+$/m.exec(name.toString())?.[0];
      this.terminal = found;
      void this.applySize();
    });
    (child.stdio[VARIABLES_DESCRIPTOR] as Writable).end(variables);
    try {
      await once(child, 'spawn');
    } catch (cause) {
      await this.cleanOnce();
      throw new ExecError('NOT_SUPPORTED', `cannot start /bin/sh: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  async write(data: Uint8Array): Promise<void> {
    await writeWhenRoom(this.input, data);
  }

  endInput(): void {
    this.input.end();
  }

  resize(size: TerminalSize): void {
    this.wanted = size;
    void this.applySize();
  }

  pauseOutput(): void {
    for (const stream of this.output) stream.pause();
  }

  resumeOutput(): void {
    for (const stream of this.output) stream.resume();
  }

  async kill(): Promise<void> {
    // What waits to be read is nobody's any more, and would keep the end from being seen.
    this.resumeOutput();
    const { pid, exitCode, signalCode } = this.child;
    try {
      const isAlive = exitCode === null && signalCode === null;
      if (pid !== undefined && isAlive) process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended in this very moment.
    }
    await this.cleanOnce();
  }

  /** What the command leaves behind is killed, which closes the pipes once all output was taken. */
  private async finish(code: number): Promise<void> {
    const closed = this.output.map(async (stream) => {
      if (!stream.closed) await once(stream, 'close').catch(() => undefined);
    });
    await this.cleanOnce();
    await Promise.all(closed);
    this.isOver = true;
    for (const pipe of this.child.stdio) pipe?.destroy();
    this.listener.ended(code);
  }

  private async cleanOnce(): Promise<void> {
    this.cleaning ??= this.clean().catch(() => undefined);
    await this.cleaning;
  }

  /** Setting the size on the terminal's name tells its foreground processes, as a terminal's own window does. */
  private async applySize(): Promise<void> {
    if (this.isResizing) return;
    this.isResizing = true;
    while (this.wanted !== undefined && this.terminal !== undefined && !this.isDone()) {
      const { columns, rows } = this.wanted;
      this.wanted = undefined;
      const size = ['rows', String(rows), 'columns', String(columns)];
      const args = ['-F', this.terminal, ...size];
      await new Promise<void>((resolve) => {
        execFile('stty', args, { timeout: RESIZE_LIMIT_MS }, () => resolve());
      });
    }
    this.isResizing = false;
  }

  /** Its terminal may be another's by now. */
  private isDone(): boolean {
    return this.isOver || this.cleaning !== undefined;
  }
}

function toCode(signal: NodeJS.Signals | null): number {
  return signal === null ? KILLED_EXIT_CODE : 128 + (constants.signals[signal] ?? 9);
}
