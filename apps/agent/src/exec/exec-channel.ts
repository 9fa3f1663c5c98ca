import type { RawData, WebSocket } from 'ws';
import type { ExecListener, ExecSession, TerminalSize } from '#core';
import { isTerminalSide, MAX_TERMINAL_SIDE } from './exec-request.js';

/** First byte of a binary message to the client. */
const STREAM_BYTE = { stdout: 1, stderr: 2 } as const;

/** Close codes beside those of RFC 6455: 1000 after the exit, 1001 the agent stops, 1008 a message that makes no sense. */
export const CLOSE_CODES = { idle: 4001, tooLong: 4002 } as const;

/** Output waiting to be sent above which the command has to wait, and at which it may go on. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
const PING_INTERVAL_MS = 20_000;

export interface ExecLimits {
  /** Without input or output. */
  readonly idleMs: number;
  readonly totalMs: number;
}

/**
 * One session and one client: bytes both ways, each side only as fast as the other takes them. When the client leaves, or
 * a limit is reached, the command is killed; when the command ends, the client hears its exit code.
 */
export class ExecChannel implements ExecListener {
  private socket: WebSocket | undefined;
  private session: ExecSession | undefined;
  /** What came before the client was there; few, as output is paused by then. */
  private readonly early: (() => void)[] = [];
  private pendingWrites = 0;
  private isPaused = false;
  private isHeard = true;
  private hasEnded = false;
  private idleTimer: NodeJS.Timeout | undefined;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly limits: ExecLimits,
    private readonly onEnd: () => void,
  ) {}

  output(stream: 'stdout' | 'stderr', data: Uint8Array): void {
    if (this.socket === undefined) {
      this.early.push(() => this.output(stream, data));
      return;
    }
    this.touch();
    this.send(Buffer.concat([Uint8Array.of(STREAM_BYTE[stream]), data]));
    if (this.socket.bufferedAmount > HIGH_WATER_BYTES && !this.isPaused) {
      this.isPaused = true;
      this.session?.pauseOutput();
    }
  }

  ended(code: number): void {
    this.hasEnded = true;
    this.onEnd();
    const report = (): void => {
      this.send(JSON.stringify({ kind: 'exit', code }));
      this.close(1000, 'the command has ended');
    };
    if (this.socket === undefined) this.early.push(report);
    else report();
  }

  /** The session runs; its output is held back until there is a client. */
  hold(session: ExecSession): void {
    this.session = session;
    session.pauseOutput();
  }

  connect(socket: WebSocket, { hasInput }: { readonly hasInput: boolean }): void {
    this.socket = socket;
    socket.on('message', (data, isBinary) => this.receive(data, isBinary));
    socket.on('pong', () => {
      this.isHeard = true;
    });
    // `close` follows.
    socket.on('error', () => undefined);
    socket.once('close', () => this.abandon());
    for (const pass of this.early.splice(0)) pass();
    if (this.hasEnded) return;
    if (!hasInput) this.session?.endInput();
    this.touch();
    const tooLong = (): void => this.giveUp('tooLong', 'it may not last longer');
    this.timers.push(
      setTimeout(tooLong, this.limits.totalMs),
      setInterval(() => this.ping(), PING_INTERVAL_MS),
    );
    this.session?.resumeOutput();
  }

  /** The client is gone, or never came. */
  abandon(): void {
    for (const timer of [this.idleTimer, ...this.timers]) clearTimeout(timer);
    void this.session?.kill();
  }

  /** The agent stops. */
  async stop(): Promise<void> {
    this.close(1001, 'the agent stops');
    await this.session?.kill();
  }

  private receive(data: RawData, isBinary: boolean): void {
    if (!isBinary) {
      this.obey(String(data));
      return;
    }
    this.touch();
    this.pendingWrites += 1;
    this.socket?.pause();
    void this.session?.write(data as Buffer).then(() => {
      this.pendingWrites -= 1;
      if (this.pendingWrites > 0) return;
      this.isHeard = true;
      this.socket?.resume();
    });
  }

  private obey(text: string): void {
    const message = parse(text);
    if (message?.kind === 'end') this.session?.endInput();
    else if (message?.kind === 'resize') this.session?.resize(message.size);
    else {
      this.close(
        1008,
        `text messages are {"kind":"end"} and {"kind":"resize","columns":c,"rows":r}, 1 to ${MAX_TERMINAL_SIDE}`,
      );
    }
  }

  private send(data: Buffer | string): void {
    this.socket?.send(data, () => {
      const waiting = this.socket?.bufferedAmount ?? 0;
      if (!this.isPaused || waiting > LOW_WATER_BYTES) return;
      this.isPaused = false;
      this.session?.resumeOutput();
    });
  }

  private touch(): void {
    clearTimeout(this.idleTimer);
    if (this.hasEnded) return;
    const { idleMs } = this.limits;
    const reason = `nothing was written or read for ${idleMs / 1000} s`;
    this.idleTimer = setTimeout(() => this.giveUp('idle', reason), idleMs);
  }

  private giveUp(limit: keyof typeof CLOSE_CODES, message: string): void {
    this.send(JSON.stringify({ kind: 'error', message: `the session is ended: ${message}` }));
    this.close(CLOSE_CODES[limit], message);
    this.abandon();
  }

  /** While input waits for the command nothing is read of the client, also not its pongs. */
  private ping(): void {
    if (!this.isHeard && this.pendingWrites === 0) {
      this.socket?.terminate();
      return;
    }
    this.isHeard = false;
    this.socket?.ping();
  }

  private close(code: number, reason: string): void {
    // Read again what waits, else the answer to our close is never seen.
    this.socket?.resume();
    this.socket?.close(code, reason);
  }
}

type Message = { readonly kind: 'end' } | { readonly kind: 'resize'; readonly size: TerminalSize };

function parse(text: string): Message | undefined {
  try {
    const { kind, columns, rows } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (kind === 'end') return { kind };
    if (kind !== 'resize' || !isTerminalSide(columns) || !isTerminalSide(rows)) return undefined;
    return { kind, size: { columns, rows } };
  } catch {
    return undefined;
  }
}
