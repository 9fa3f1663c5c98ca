import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, isRunning, type ProcessIdentity } from '#platform';
import type { EmbeddedDatabase } from '#store';
import { nextRestartDelay } from './restart-delay.js';

const WATCH_EVERY_MS = 200;

/** Keeps the embedded PostgreSQL running. Its port and password stay the same as long as the port is free. */
export class SupervisedDatabase {
  private current:
    | { readonly server: EmbeddedDatabase; readonly identity: ProcessIdentity }
    | undefined;
  private restarting: Promise<void> | undefined;
  private isStopping = false;

  constructor(
    private readonly options: {
      /** Starts or adopts it. */
      readonly open: () => Promise<EmbeddedDatabase>;
      readonly report: (line: string) => void;
      /** Called when it had to come back elsewhere. */
      readonly onMoved: (url: string) => void;
    },
  ) {}

  /** Starts or adopts it and watches it from then on. */
  async start(): Promise<EmbeddedDatabase> {
    const server = await this.open();
    void this.keepRunning();
    return server;
  }

  /** A restart under way is waited for: what it starts is stopped too. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.restarting;
    await this.current?.server.stop();
  }

  private async open(): Promise<EmbeddedDatabase> {
    const server = await this.options.open();
    const identity = identifyProcess(server.pid);
    if (identity !== undefined) this.current = { server, identity };
    return server;
  }

  private async keepRunning(): Promise<void> {
    let delayMs = 0;
    let startedAtMs = performance.now();
    while (!this.isStopping) {
      await sleep(WATCH_EVERY_MS);
      if (this.isStopping || (this.current !== undefined && isRunning(this.current.identity)))
        continue;
      delayMs = nextRestartDelay(delayMs, performance.now() - startedAtMs);
      this.options.report(`database ended, starting it again in ${delayMs} ms`);
      await sleep(delayMs);
      if (this.isStopping) return;
      startedAtMs = performance.now();
      this.restarting = this.restart();
      await this.restarting;
    }
  }

  private async restart(): Promise<void> {
    const before = this.current?.server.url;
    try {
      const { url } = await this.open();
      if (url !== before && !this.isStopping) this.options.onMoved(url);
    } catch (error) {
      this.options.report(error instanceof Error ? error.message : String(error));
    }
  }
}
