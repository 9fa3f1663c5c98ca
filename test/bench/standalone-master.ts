import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type EmbeddedDatabase, startEmbeddedDatabase } from '#store';
import { eventually } from '../e2e/support/http.js';
import { freePort } from './free-port.js';
import { processorMsOf } from './processor-time.js';

const ROOT = resolve(import.meta.dirname, '../../..').replace(/\/dist$/, '');
const MASTER = join(ROOT, 'dist/apps/master/bundle/main.js');
const START_LIMIT_MS = 60_000;

/** The real master daemon on a database of its own, without anything else of a cluster. */
export class StandaloneMaster {
  private child: ChildProcess | undefined;
  /** What it logged, for when it does not start. */
  private output = '';

  private constructor(
    private readonly directory: string,
    private readonly database: EmbeddedDatabase,
    private readonly port: number,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  static async create(
    environment: Readonly<Record<string, string>> = {},
  ): Promise<StandaloneMaster> {
    const directory = mkdtempSync(join(tmpdir(), 'pacer-bench-'));
    // The database runs as a user of its own.
    chmodSync(directory, 0o755);
    const database = await startEmbeddedDatabase({ dataDir: directory });
    return new StandaloneMaster(directory, database, await freePort(), environment);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when it leads. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MASTER], {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        PACER_PORT: String(this.port),
        DATABASE_URL: this.database.url,
        ...this.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-10_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    await eventually(
      'the master leads',
      async () => {
        if (child.exitCode !== null) throw new Error(`the master ended: ${this.output}`);
        return (await this.metrics())?.['master/elected'] === 1;
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

  async destroy(): Promise<void> {
    await this.kill();
    await this.database.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async metrics(): Promise<Readonly<Record<string, number>> | undefined> {
    const answer = await fetch(`${this.url}/metrics/snapshot`).catch(() => undefined);
    // The snapshot is a flat object of numbers.
    return answer?.ok === true
      ? ((await answer.json()) as Readonly<Record<string, number>>)
      : undefined;
  }

  /** Processor time it has used, user and system. */
  processorMs(): number {
    return processorMsOf(this.child?.pid);
  }

  /** Resident set, KiB: `now` or the highest since it started. */
  residentKib(which: 'now' | 'peak'): number {
    const status = readFileSync(`/proc/${this.child?.pid}/status`, 'utf8');
    const pattern = which === 'now' ? /^VmRSS:\s+(\d+)/m : /^VmHWM:\s+(\d+)/m;
    return Number(pattern.exec(status)?.[1] ?? 0);
  }
}
