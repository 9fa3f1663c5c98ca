/** Runs a command with a deadline and a bounded part of its output; nothing of its session outlives the deadline. */
import { spawn } from 'node:child_process';
import type { CommandResult } from '#core';

const MAX_OUTPUT_BYTES = 64 * 1024;
/** How long output may arrive after the end of the command. */
const LATE_OUTPUT_MS = 100;
/** What shells report for a command that was ended by a signal, 128 + SIGKILL. */
const KILLED_EXIT_CODE = 137;

/** Rejects when it cannot be started or does not end within `timeoutMs`. Combined output, its first 64 KiB. */
export async function runBounded(request: {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}): Promise<CommandResult> {
  return await new Promise<CommandResult>((resolve, reject) => {
    const child = spawn(request.file, request.args, {
      cwd: request.cwd,
      env: { ...request.environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    let kept = 0;
    const keep = (chunk: Buffer): void => {
      const part = chunk.subarray(0, MAX_OUTPUT_BYTES - kept);
      kept += part.length;
      if (part.length > 0) chunks.push(part);
    };
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      action();
    };
    let timer = setTimeout(() => {
      killGroup(child.pid);
      const reason = `command did not end within ${request.timeoutMs} ms`;
      settle(() => reject(new CommandTimeoutError(reason)));
    }, request.timeoutMs);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => settle(() => reject(error)));
    child.once('exit', (code) => {
      const finish = (): void =>
        settle(() => {
          const output = Buffer.concat(chunks).toString('utf8');
          resolve({ exitCode: code ?? KILLED_EXIT_CODE, output });
        });
      child.once('close', finish);
      // A background process that holds the pipes open is not waited for.
      clearTimeout(timer);
      timer = setTimeout(finish, LATE_OUTPUT_MS);
    });
  });
}

/** A command that had to be killed at its deadline. */
export class CommandTimeoutError extends Error {
  readonly code = 'COMMAND_TIMEOUT';
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}
