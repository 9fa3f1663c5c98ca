/** Commands inside containers, by the engine's exec: with the container's user, variables and folder. */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import {
  ExecError,
  type ExecListener,
  type ExecRequest,
  type ExecSession,
  type RunKey,
  type TerminalSize,
} from '#core';
import { withTimeout } from './docker-containers.js';
import { hasStatus } from './docker-errors.js';
import type { KnownSessions } from './known-sessions.js';
import { LiveSessions } from './live-sessions.js';
import { createSessionMarks, type SessionMarks } from './session-marks.js';
import { writeWhenRoom } from './write-when-room.js';

const HEADER_BYTES = 8;
const STDERR = 2;
/** The engine may still call a command running when its output has ended. */
const EXIT_ATTEMPTS = 20;
const EXIT_PAUSE_MS = 50;
const RESIZE_ATTEMPTS = 50;
const RESIZE_PAUSE_MS = 100;
const UNKNOWN_EXIT_CODE = 137;

export class DockerSessions {
  private readonly marks: SessionMarks;
  private readonly live: LiveSessions;

  constructor(scope: string, known: KnownSessions) {
    this.marks = createSessionMarks('docker', scope, known);
    this.live = new LiveSessions(this.marks);
  }

  async open(
    task: { readonly run: RunKey; readonly container: Dockerode.Container },
    request: ExecRequest,
    listener: ExecListener,
  ): Promise<ExecSession> {
    const id = this.marks.newId();
    const { terminal } = request;
    const variables = {
      ...this.marks.variables(id),
      ...(terminal === undefined ? {} : { TERM: terminal.term }),
    };
    try {
      const exec = await task.container.exec({
        Cmd: [...request.argv],
        Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: terminal !== undefined,
        ...withTimeout(),
      });
      const stream = await exec.start({ hijack: true, stdin: true, Tty: terminal !== undefined });
      const session = new Session({
        ...{ exec, stream, listener, isTerminal: terminal !== undefined },
        // Where the engine runs on another host no process here has the mark, and its container ends them.
        clean: async () => {
          await this.marks.end(id);
          this.live.remove(id);
        },
      });
      this.live.add(id, task.run, session);
      if (terminal !== undefined) session.resize(terminal);
      return session;
    } catch (cause) {
      if (!hasStatus(cause, 404, 409)) throw cause;
      const reason = `the container of ${task.run} does not run: ${(cause as Error).message}`;
      throw new ExecError('NOT_RUNNING', reason, { cause });
    }
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

interface Attached {
  readonly exec: Dockerode.Exec;
  readonly stream: Duplex;
  readonly listener: ExecListener;
  readonly isTerminal: boolean;
  readonly clean: () => Promise<void>;
}

class Session implements ExecSession {
  private cleaning: Promise<void> | undefined;
  private wanted: TerminalSize | undefined;
  private isResizing = false;

  constructor(private readonly attached: Attached) {
    const { stream, listener, isTerminal } = attached;
    const parse = createFrameReader((name, data) => listener.output(name, data));
    stream.on('data', (chunk: Buffer) => {
      if (isTerminal) listener.output('stdout', chunk);
      else parse(chunk);
    });
    stream.on('error', () => stream.destroy());
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      void this.finish();
    };
    stream.once('end', over);
    stream.once('close', over);
  }

  async write(data: Uint8Array): Promise<void> {
    await writeWhenRoom(this.attached.stream, data);
  }

  endInput(): void {
    this.attached.stream.end();
  }

  resize(size: TerminalSize): void {
    this.wanted = size;
    void this.applySize();
  }

  pauseOutput(): void {
    this.attached.stream.pause();
  }

  resumeOutput(): void {
    this.attached.stream.resume();
  }

  async kill(): Promise<void> {
    this.resumeOutput();
    await this.cleanOnce();
    this.attached.stream.destroy();
  }

  private async finish(): Promise<void> {
    const code = await this.readExitCode();
    await this.cleanOnce();
    this.attached.stream.destroy();
    this.attached.listener.ended(code);
  }

  private async readExitCode(): Promise<number> {
    for (let attempt = 0; attempt < EXIT_ATTEMPTS; attempt += 1) {
      const found = await this.attached.exec.inspect(withTimeout()).catch(() => undefined);
      if (found === undefined) break;
      if (!found.Running && found.ExitCode !== null) return found.ExitCode;
      // The client's end of it was cut, and what runs is still to be ended.
      if (attempt === 1) await this.cleanOnce();
      await sleep(EXIT_PAUSE_MS);
    }
    return UNKNOWN_EXIT_CODE;
  }

  private async cleanOnce(): Promise<void> {
    this.cleaning ??= this.attached.clean().catch(() => undefined);
    await this.cleaning;
  }

  /** Refused until the command has really been started; after its end nobody needs to hear of it. */
  private async setSize({ columns, rows }: TerminalSize): Promise<void> {
    for (let attempt = 0; attempt < RESIZE_ATTEMPTS; attempt += 1) {
      if (this.cleaning !== undefined || this.wanted !== undefined) return;
      const isSet = await this.attached.exec
        .resize({ h: rows, w: columns, ...withTimeout() })
        .then(() => true)
        .catch(() => false);
      if (isSet) return;
      await sleep(RESIZE_PAUSE_MS);
    }
  }

  private async applySize(): Promise<void> {
    if (this.isResizing) return;
    this.isResizing = true;
    while (this.wanted !== undefined && this.cleaning === undefined) {
      const { columns, rows } = this.wanted;
      this.wanted = undefined;
      await this.setSize({ columns, rows });
    }
    this.isResizing = false;
  }
}

/** Frames of an 8-byte header (stream, length) and data, passed on piece by piece as they come. */
function createFrameReader(
  pass: (stream: 'stdout' | 'stderr', data: Uint8Array) => void,
): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let left = 0;
  let stream: 'stdout' | 'stderr' = 'stdout';
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (left > 0) {
        const part = rest.subarray(0, left);
        left -= part.length;
        rest = rest.subarray(part.length);
        pass(stream, part);
        continue;
      }
      const missing = HEADER_BYTES - header.length;
      header = Buffer.concat([header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (header.length < HEADER_BYTES) return;
      stream = header[0] === STDERR ? 'stderr' : 'stdout';
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  };
}
