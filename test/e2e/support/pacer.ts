import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const CLI = join(resolve(import.meta.dirname, '../../..'), 'dist/apps/cli/src/main.js');
const COMMAND_LIMIT_MS = 90_000;

export interface CommandRun {
  /** Undefined: it was ended from outside. */
  readonly code: number | undefined;
  readonly out: string;
  readonly error: string;
}

export interface RunningCommand {
  /** What it printed so far. */
  output(): string;
  stop(): void;
  readonly ended: Promise<CommandRun>;
}

/** Starts the terminal client against the controller at `url`. It is ended when it takes too long. */
export function startPacer(
  url: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): RunningCommand {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, PACER_URL: url, NO_COLOR: '1', ...options.environment },
    timeout: COMMAND_LIMIT_MS,
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    error += chunk.toString();
  });
  child.stdin.end(options.input ?? '');
  const ended = new Promise<CommandRun>((resolveRun, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolveRun({ code: code ?? undefined, out, error }));
  });
  return { output: () => out, stop: () => void child.kill(), ended };
}
