import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import {
  identifyProcess,
  isRunning,
  type Logger,
  type ProcessIdentity,
  parseIdentity,
} from '#platform';
import type { EdgeFiles } from './edge-files.js';
import {
  haproxyEnvironment,
  isMissingProgram,
  MIN_HAPROXY,
  readHaproxyVersion,
  supportsEdge,
} from './haproxy-command.js';

const WATCH_INTERVAL_MS = 100;
/** Somebody may be installing HAProxy. */
const MISSING_RETRY_MS = 10_000;
const STOP_STEP_MS = 2_000;
const STOP_POLL_MS = 25;

/**
 * The one HAProxy (master and workers) of this router. It outlives the router: a new router adopts it by pid, start
 * time and boot. `onExit` is called when it is gone without having been stopped.
 */
export class HaproxyProcess {
  private current: ProcessIdentity | undefined;
  private watch: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    private readonly files: EdgeFiles,
    private readonly logger: Logger,
    private readonly onExit: () => void,
  ) {}

  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** Takes over the HAProxy a former router left running. False: there is none. */
  async adopt(): Promise<boolean> {
    const record = await this.readRecord();
    if (record === undefined || !isRunning(record)) return false;
    this.logger.info({ pid: record.pid }, 'adopted the running HAProxy');
    this.follow(record);
    return true;
  }

  /**
   * Starts it with the configuration on disk. Resolves once the process exists; serving is proved elsewhere. While HAProxy
   * is not installed it says so, once, and waits.
   */
  async start(): Promise<void> {
    this.isStopping = false;
    for (let tries = 0; !this.isStopping; tries += 1) {
      try {
        await this.startOnce();
        return;
      } catch (error) {
        if (!isMissingProgram(error)) throw error;
        if (tries === 0) {
          this.logger.error(
            `HAProxy is not installed, so this edge serves nothing: install it (apt-get install haproxy); looked for every ${MISSING_RETRY_MS} ms`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, MISSING_RETRY_MS));
      }
    }
  }

  private async startOnce(): Promise<void> {
    const version = await readHaproxyVersion();
    if (!supportsEdge(version)) {
      this.logger.error(
        `this is ${version ?? 'a HAProxy without a version'}, and the edge needs HAProxy ${MIN_HAPROXY.join('.')} or newer: install that`,
      );
    }
    const log = openSync(this.files.log, 'a');
    const child = spawn(
      'haproxy',
      ['-W', '-S', `${this.files.masterSocket},mode,600`, '-f', this.files.config],
      { detached: true, stdio: ['ignore', log, log], env: haproxyEnvironment() },
    );
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const record = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (record === undefined) throw new Error('haproxy ended at once');
    const temporary = `${this.files.processRecord}.tmp`;
    await writeFile(temporary, JSON.stringify(record));
    await rename(temporary, this.files.processRecord);
    this.logger.info({ pid: record.pid }, 'started HAProxy');
    this.follow(record);
  }

  /** Asks the master for a new worker with the configuration on disk; the old one finishes its sessions. */
  reload(): void {
    if (this.current !== undefined) process.kill(this.current.pid, 'SIGUSR2');
  }

  /** Leaves it running, for the next router to adopt. */
  release(): void {
    this.isStopping = true;
    clearInterval(this.watch);
  }

  /** Lets requests in flight finish for up to 2 s, then ends it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.watch);
    const record = this.current ?? (await this.readRecord());
    if (record === undefined) return;
    for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGKILL'] as const) {
      if (!isRunning(record)) break;
      process.kill(record.pid, signal);
      await this.waitUntilGone(record);
    }
    this.current = undefined;
    await rm(this.files.processRecord, { force: true });
  }

  private async waitUntilGone(record: ProcessIdentity): Promise<void> {
    for (let waitedMs = 0; waitedMs < STOP_STEP_MS; waitedMs += STOP_POLL_MS) {
      if (!isRunning(record)) return;
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    }
  }

  private follow(record: ProcessIdentity): void {
    this.current = record;
    clearInterval(this.watch);
    this.watch = setInterval(() => {
      if (isRunning(record) || this.isStopping || this.current !== record) return;
      clearInterval(this.watch);
      this.current = undefined;
      this.logger.error({ pid: record.pid }, 'HAProxy is gone');
      this.onExit();
    }, WATCH_INTERVAL_MS);
  }

  /** Undefined: there is no record, or not a whole one, so there is nothing to adopt. */
  private async readRecord(): Promise<ProcessIdentity | undefined> {
    return parseIdentity(await readFile(this.files.processRecord, 'utf8').catch(() => ''));
  }
}
