import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import {
  identifyProcess,
  isRunning,
  type Logger,
  type ProcessIdentity,
  parseIdentity,
  signalProcess,
} from '#platform';
import { pause } from '../sync/pause.js';
import { DepartingMasters } from './departing-masters.js';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import { type EdgeProcess, EdgeReleasedError, type ReloadAnswer } from './edge-process.port.js';
import { findAnswering, findMasters, masterSocketArgument } from './find-masters.js';
import {
  DEFAULT_BINARY,
  haproxyEnvironment,
  isMissingProgram,
  MIN_HAPROXY,
  readHaproxyVersion,
  supportsEdge,
} from './haproxy-command.js';
import { reloadByMaster } from './master-reload.js';
import { readProcesses } from './open-sessions.js';
import { childrenOf } from './process-facts.js';

const WATCH_INTERVAL_MS = 100;
/** Somebody may be installing HAProxy. */
const MISSING_RETRY_MS = 10_000;
/** A master has loaded 10,000 servers within a second. */
const MASTER_TIMEOUT_MS = 10_000;
/** Of its log so much is read. */
const MAX_SAID_BYTES = 64 * 1024;
const STOP_STEP_MS = 2_000;
const STOP_POLL_MS = 25;

export interface HaproxyProcessOptions {
  readonly files: EdgeFiles;
  readonly logger: Logger;
  /** Program to start; found by the PATH when it has no slash. */
  readonly binary?: string;
  /** Longest life of a worker that only finishes what it has. */
  readonly hardStopSeconds: number;
  /** Called when it is gone without having been stopped. */
  readonly onExit: () => void;
}

/**
 * The one HAProxy (master and workers) this router starts. It outlives the router: a new router adopts it by pid, start
 * time and boot.
 */
export class HaproxyProcess implements EdgeProcess {
  readonly isOurs = true;
  private current: ProcessIdentity | undefined;
  private watch: NodeJS.Timeout | undefined;
  private isStopping = false;
  private readonly released = new AbortController();
  /** Length of the log when it was last asked for something. */
  private logStart = 0;
  private readonly departing: DepartingMasters;
  private readonly binary: string;
  problem: string | undefined;

  constructor(private readonly options: HaproxyProcessOptions) {
    this.binary = options.binary ?? DEFAULT_BINARY;
    this.departing = new DepartingMasters({
      record: `${options.files.processRecord}.departing`,
      logger: options.logger,
      hardStopSeconds: options.hardStopSeconds,
    });
  }

  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** Takes over the HAProxy a former router left running. False: there is none. */
  async adopt(): Promise<boolean> {
    await this.departing.resume();
    const record = await this.findRunning();
    if (record === undefined) return false;
    this.options.logger.info({ pid: record.pid }, 'adopted the running HAProxy');
    this.follow(record);
    return true;
  }

  /** The one on record; else, as a router may have been killed before it wrote that, the one that has the socket. */
  private async findRunning(): Promise<ProcessIdentity | undefined> {
    const { files, logger } = this.options;
    const recorded = await this.readRecord();
    const masters = findMasters(files).filter(({ pid }) => !this.departing.has(pid));
    const known = masters.find(({ pid }) => pid === recorded?.pid);
    if (known !== undefined && masters.length === 1) return known;
    if (masters.length === 0) {
      return recorded !== undefined && isRunning(recorded) ? recorded : undefined;
    }
    const current = (await findAnswering(files, masters)) ?? known;
    for (const master of masters.filter((one) => one !== current)) {
      logger.warn({ pid: master.pid }, 'ending a HAProxy that a router left without a record');
      // It may have passed its listeners on, and have sessions left.
      if (current === undefined) signalProcess(master, 'SIGKILL');
      else await this.departing.add(master);
    }
    if (current !== undefined) await replaceFile(files.processRecord, JSON.stringify(current));
    return current;
  }

  /**
   * Starts it with the configuration on disk. Resolves once the process exists; serving is proved elsewhere. While HAProxy
   * is not installed it says so, once, and waits.
   */
  async start(): Promise<void> {
    this.isStopping = false;
    for (;;) {
      if (this.released.signal.aborted) throw new EdgeReleasedError();
      try {
        this.follow(await this.launch([]));
        this.problem = undefined;
        return;
      } catch (error) {
        if (!isMissingProgram(error)) throw error;
        const problem = `HAProxy is not installed, so this edge serves nothing: install it (apt-get install haproxy); looked for every ${MISSING_RETRY_MS} ms`;
        if (this.problem !== problem) this.options.logger.error(problem);
        this.problem = problem;
        await pause(MISSING_RETRY_MS, this.released.signal);
      }
    }
  }

  /** By the master's socket; by a signal when that does not answer. */
  async reload(): Promise<ReloadAnswer> {
    const { files, logger } = this.options;
    const master = this.current;
    if (master === undefined) return { kind: 'unreachable', reason: 'HAProxy does not run' };
    await this.noteLogStart();
    try {
      return { kind: 'taken', ...(await reloadByMaster(files.masterSocket)) };
    } catch (error) {
      const reason = String(error);
      logger.warn({ err: error }, 'the master takes no reload by its socket; sending a signal');
      if (!signalProcess(master, 'SIGUSR2')) return { kind: 'unreachable', reason };
      return { kind: 'signalled', reason };
    }
  }

  /** From its log. */
  async said(): Promise<string> {
    const { log } = this.options.files;
    const { size } = await stat(log).catch(() => ({ size: 0 }));
    const from = Math.max(this.logStart, size - MAX_SAID_BYTES);
    if (size <= from) return '';
    const file = await open(log, 'r');
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(size - from),
        0,
        size - from,
        from,
      );
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  }

  private async noteLogStart(): Promise<void> {
    this.logStart = (await stat(this.options.files.log).catch(() => undefined))?.size ?? 0;
  }

  /**
   * The new master gets the listeners from the running worker and then asks the former workers to finish: no connection is
   * refused. The former master is ended when its last worker is gone, as workers end with their master.
   */
  async replace(): Promise<boolean> {
    const { files, logger } = this.options;
    const former = this.current;
    if (former === undefined || !isRunning(former)) return false;
    const workers = childrenOf(former.pid).map(String);
    const takeOver = ['-x', files.adminSocket, '-sf', ...workers];
    const record = await this.launch(workers.length === 0 ? [] : takeOver);
    if (!(await this.isMasterUp(record))) {
      signalProcess(record, 'SIGKILL');
      await replaceFile(files.processRecord, JSON.stringify(former));
      throw new Error(`the new master of HAProxy did not come up, see ${files.log}`);
    }
    this.follow(record);
    logger.warn({ pid: record.pid, former: former.pid }, 'replaced the master of HAProxy');
    await this.departing.add(former);
    return true;
  }

  /** Whether the master's socket is this master's, with a worker. */
  private async isMasterUp(record: ProcessIdentity): Promise<boolean> {
    const deadlineMs = performance.now() + MASTER_TIMEOUT_MS;
    while (performance.now() < deadlineMs && isRunning(record)) {
      const state = await readProcesses(this.options.files).catch(() => undefined);
      if (state?.pid === record.pid && state.workers.some(({ isOld }) => !isOld)) return true;
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    }
    return false;
  }

  /** Leaves it running, for the next router to adopt. */
  release(): void {
    this.released.abort();
    clearInterval(this.watch);
    this.departing.release();
  }

  /** Lets requests in flight finish for up to 2 s, then ends it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.watch);
    await this.departing.endAll();
    const record = this.current ?? (await this.readRecord());
    if (record === undefined) return;
    for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGKILL'] as const) {
      if (!signalProcess(record, signal)) break;
      await this.waitUntilGone(record);
    }
    this.current = undefined;
    await rm(this.options.files.processRecord, { force: true });
  }

  private async launch(extra: readonly string[]): Promise<ProcessIdentity> {
    const { files, logger } = this.options;
    const version = await readHaproxyVersion(this.binary);
    if (!supportsEdge(version)) {
      logger.error(
        `this is ${version ?? 'a HAProxy without a version'}, and the edge needs HAProxy ${MIN_HAPROXY.join('.')} or newer: install that`,
      );
    }
    await this.noteLogStart();
    const log = openSync(files.log, 'a', 0o600);
    const child = spawn(
      this.binary,
      ['-W', '-S', masterSocketArgument(files), '-f', files.config, ...extra],
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
    await replaceFile(files.processRecord, JSON.stringify(record));
    logger.info({ pid: record.pid }, 'started HAProxy');
    return record;
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
    if (this.released.signal.aborted) return;
    this.watch = setInterval(() => {
      if (isRunning(record) || this.isStopping || this.current !== record) return;
      clearInterval(this.watch);
      this.current = undefined;
      this.options.logger.error({ pid: record.pid }, 'HAProxy is gone');
      this.options.onExit();
    }, WATCH_INTERVAL_MS);
  }

  /** Undefined: there is no record, or not a whole one, so there is nothing to adopt. */
  private async readRecord(): Promise<ProcessIdentity | undefined> {
    return parseIdentity(await readFile(this.options.files.processRecord, 'utf8').catch(() => ''));
  }
}
