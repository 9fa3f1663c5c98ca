import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedDatabase, startEmbeddedDatabase } from '#store';
import { freePort } from '../e2e/support/docker.js';
import { DaemonProcess } from './daemon-process.js';

/** The real master daemon on a database of its own, without anything else of a cluster. */
export class StandaloneMaster {
  private readonly daemon = new DaemonProcess('master');

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

  /** Others may use it too, each its own schema. */
  get databaseUrl(): string {
    return this.database.url;
  }

  /** Resolves when it leads. */
  async start(): Promise<void> {
    await this.daemon.start(
      {
        PACER_PORT: String(this.port),
        DATABASE_URL: this.databaseUrl,
        ...this.environment,
      },
      {
        what: 'the master leads',
        isReady: async () => (await this.metrics())?.['master/elected'] === 1,
      },
    );
  }

  async kill(): Promise<void> {
    await this.daemon.kill();
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
    return this.daemon.processorMs();
  }

  /** Resident set, KiB: `now` or the highest since it started. */
  residentKib(which: 'now' | 'peak'): number {
    const status = readFileSync(`/proc/${this.daemon.pid}/status`, 'utf8');
    const pattern = which === 'now' ? /^VmRSS:\s+(\d+)/m : /^VmHWM:\s+(\d+)/m;
    return Number(pattern.exec(status)?.[1] ?? 0);
  }
}
