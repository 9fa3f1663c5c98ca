import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { eventually } from '../e2e/support/http.js';
import { processorMsOf } from './processor-time.js';

const ROOT = resolve(import.meta.dirname, '../../..').replace(/\/dist$/, '');
const START_LIMIT_MS = 60_000;

/** One daemon as it is shipped, started and killed as often as a figure needs. */
export class DaemonProcess {
  private child: ChildProcess | undefined;
  /** What it logged, for when it does not start. */
  private output = '';

  /** `nodeOptions`: of Node itself, such as `--cpu-prof`. */
  constructor(
    private readonly name: 'agent' | 'controller' | 'master' | 'router',
    private readonly nodeOptions: readonly string[] = [],
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves when it is ready, which is asked for again and again. */
  async start(
    environment: Readonly<Record<string, string>>,
    ready: { readonly what: string; readonly isReady: () => Promise<boolean> },
  ): Promise<void> {
    const main = join(ROOT, `dist/apps/${this.name}/bundle/main.js`);
    const child = spawn(process.execPath, [...this.nodeOptions, main], {
      env: { ...process.env, NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-10_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    await eventually(
      ready.what,
      async () => {
        if (child.exitCode !== null) throw new Error(`the ${this.name} ended: ${this.output}`);
        return await ready.isReady();
      },
      START_LIMIT_MS,
    );
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Processor time it has used, user and system. */
  processorMs(): number {
    return processorMsOf(this.pid);
  }
}
