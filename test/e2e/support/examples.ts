import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

export interface RunningFramework {
  /** What it printed so far, on either output. */
  output(): string;
  /** A line on its standard input. */
  send(line: string): void;
  signal(signal: NodeJS.Signals): void;
  /** With its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

export const exampleSource = (name: string): string =>
  join(ROOT, 'libs/framework/examples', name, 'main.ts');

/** Runs an example of the SDK as its README says. */
export function startExample(name: string, args: readonly string[]): RunningFramework {
  const program = join(ROOT, 'dist/libs/framework/examples', name, 'main.js');
  if (!existsSync(program)) throw new Error(`${program} is missing: run npm run build`);
  return startFramework(program, args, ROOT);
}

/** A framework in a process of its own. */
export function startFramework(
  program: string,
  args: readonly string[],
  cwd: string,
): RunningFramework {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return {
    output: () => output,
    send: (line) => void child.stdin.write(`${line}\n`),
    signal: (signal) => void child.kill(signal),
    ended: new Promise((resolveEnd, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolveEnd(code));
    }),
  };
}
