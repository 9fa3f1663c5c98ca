import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isAlive, killQuietly } from './cluster.js';
import { eventually } from './http.js';

export const INSTANCE_PROGRAM = join(import.meta.dirname, 'edge-instance.mjs');

/** What an instance was asked, in the order in which it came. */
export interface AskedRequest {
  readonly name: string;
  readonly pid: number;
  readonly method: string;
  readonly url: string;
  /** Its header X-Request. */
  readonly request: string;
  readonly atMs: number;
}

/** A process with web servers for an edge to lead to, each on a free port. */
export class EdgeInstances {
  private readonly ports = new Map<string, number>();
  private child: ChildProcess | undefined;

  constructor(
    private readonly names: readonly string[],
    private readonly recordFile?: string,
  ) {}

  async start(): Promise<this> {
    const child = spawn(process.execPath, [INSTANCE_PROGRAM, ...this.names], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(this.recordFile !== undefined && { RECORD: this.recordFile }) },
    });
    this.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { name, port } = JSON.parse(line) as { readonly name: string; readonly port: number };
      this.ports.set(name, port);
    });
    await eventually('the instances listen', async () => this.ports.size === this.names.length);
    return this;
  }

  port(name: string): number {
    const port = this.ports.get(name);
    if (port === undefined) throw new Error(`no instance ${name} among ${this.names.join(', ')}`);
    return port;
  }

  /** With SIGKILL; it is gone then. */
  async kill(): Promise<void> {
    const pid = this.child?.pid ?? 0;
    if (pid > 0 && isAlive(pid)) killQuietly(pid);
    await eventually('the instances are gone', async () => pid === 0 || !isAlive(pid));
  }
}

/** What the instances that write to this file were asked so far. */
export const readRecord = (file: string): readonly AskedRequest[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as AskedRequest)
    : [];
