import type { RunKey } from './ids.js';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A command to run inside a task, beside what runs there. */
export interface ExecRequest {
  readonly argv: readonly string[];
  /** A terminal of its own, of the kind `term`; absent: three pipes. */
  readonly terminal?: TerminalSize & { readonly term: string };
}

export interface ExecListener {
  /** A terminal has `stdout` only. */
  output(stream: 'stdout' | 'stderr', data: Uint8Array): void;
  /** Once, after the last output, when nothing of the session is left. 128 + n: ended by signal n. */
  ended(exitCode: number): void;
}

/** A command that runs. All calls are harmless after its end. */
export interface ExecSession {
  /** Resolves when more input may follow. */
  write(data: Uint8Array): Promise<void>;
  endInput(): void;
  /** Best effort; of several at once the last counts. */
  resize(size: TerminalSize): void;
  pauseOutput(): void;
  resumeOutput(): void;
  /** SIGKILL to everything the command started; `ended` follows. */
  kill(): Promise<void>;
}

/** Thrown where a session cannot be opened; nothing of it is left. */
export class ExecError extends Error {
  constructor(
    readonly code: 'NOT_RUNNING' | 'NOT_SUPPORTED',
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What launchers of real tasks also do: commands with input and output of their own. They end with their task. */
export interface SessionHost {
  readonly kind: 'process' | 'docker';
  openSession(run: RunKey, request: ExecRequest, listener: ExecListener): Promise<ExecSession>;
}
