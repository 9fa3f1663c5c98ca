import type { Logger } from '#platform';
import type { EdgeFiles } from './edge-files.js';
import {
  type BusySince,
  type EndReason,
  judgeWorkers,
  type OldWorkerSight,
} from './judge-workers.js';
import { readProcesses } from './open-sessions.js';
import { type ProcessMemory, readProcessFacts, readProcessMemory } from './process-facts.js';
import type { MasterState } from './read-state.js';
import { askMaster } from './runtime-socket.js';

const LOOK_INTERVAL_MS = 10_000;
/** How often the master is asked whether it hears. */
const LISTEN_INTERVAL_MS = 3_000;
const DEAF_AFTER_MS = 15_000;

export interface WorkerSupervisorOptions {
  readonly files: Pick<EdgeFiles, 'masterSocket'>;
  readonly logger: Logger;
  readonly hardStopSeconds: number;
  /** Of the master as it was started or attached; undefined: there is none now. */
  readonly masterPid: () => number | undefined;
  /** Workers of an HAProxy that is not ours are watched, not ended. */
  readonly mayEnd: boolean;
  /** 15 s when absent. */
  readonly deafAfterMs?: number;
  /** Called once for each time (`deafAfterMs`) in which the master did not answer although it runs. */
  readonly onDeaf: () => void;
}

/** What HAProxy's processes use and are, as of the last look. */
export interface WorkersReport {
  readonly current: number;
  readonly old: number;
  /** Of all workers. */
  readonly memory: ProcessMemory;
}

const NO_WORKERS: WorkersReport = { current: 0, old: 0, memory: { rssBytes: 0, pssBytes: 0 } };

/** Watches HAProxy's workers and its master: ends workers that are stuck, and tells when the master is deaf. */
export class WorkerSupervisor {
  private busy: BusySince = new Map();
  private lastLookMs: number | undefined;
  private heardMs = performance.now();
  private heardPid: number | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private isLooking = false;
  private isListening = false;
  report: WorkersReport = NO_WORKERS;
  /** Workers ended since the start, by reason. */
  readonly ended: Record<EndReason, number> = { overdue: 0, burning: 0, excess: 0 };

  constructor(private readonly options: WorkerSupervisorOptions) {}

  start(): void {
    this.heardMs = performance.now();
    const repeat = (task: () => Promise<void>, intervalMs: number): void => {
      this.timers.push(setInterval(() => void task(), intervalMs).unref());
    };
    repeat(() => this.look(), LOOK_INTERVAL_MS);
    repeat(() => this.listen(), LISTEN_INTERVAL_MS);
  }

  stop(): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
  }

  /** Whether the master hears. Never rejects. */
  async listen(): Promise<void> {
    const { files, logger, masterPid, onDeaf, deafAfterMs = DEAF_AFTER_MS } = this.options;
    const pid = masterPid();
    if (pid !== this.heardPid || pid === undefined) this.heard(pid);
    if (pid === undefined || this.isListening) return;
    this.isListening = true;
    const state = await readProcesses(files).catch(() => undefined);
    this.isListening = false;
    if (state !== undefined) return this.heard(pid);
    const silentMs = performance.now() - this.heardMs;
    if (silentMs < deafAfterMs || this.timers.length === 0) return;
    logger.error({ pid, silentMs: Math.round(silentMs) }, 'the master of HAProxy does not answer');
    this.heard(pid);
    onDeaf();
  }

  /** Looks at the workers, and ends those that are to be. Never rejects. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const state = await readProcesses(this.options.files).catch(() => undefined);
      if (state?.pid !== undefined) await this.judge(state.pid, state);
    } finally {
      this.isLooking = false;
    }
  }

  private heard(pid: number | undefined): void {
    this.heardMs = performance.now();
    this.heardPid = pid;
  }

  private async judge(masterPid: number, { workers }: MasterState): Promise<void> {
    const old: OldWorkerSight[] = [];
    for (const { pid, uptimeSeconds, isOld } of workers) {
      const facts = isOld ? readProcessFacts(pid) : undefined;
      if (facts === undefined || facts.parentPid !== masterPid) continue;
      const connections = await this.connectionsOf(pid);
      old.push({ pid, uptimeSeconds, cpuMs: facts.cpuMs, connections });
    }
    const current = workers.filter(({ isOld }) => !isOld);
    this.report = {
      current: current.length,
      old: workers.length - current.length,
      memory: sumMemory(workers.map(({ pid }) => readProcessMemory(pid))),
    };
    if (!this.options.mayEnd) return;
    const nowMs = performance.now();
    const { ends, busy } = judgeWorkers(
      { old, currentUptimes: current.map(({ uptimeSeconds }) => uptimeSeconds) },
      this.busy,
      { hardStopSeconds: this.options.hardStopSeconds, nowMs, lastLookMs: this.lastLookMs },
    );
    this.busy = busy;
    this.lastLookMs = nowMs;
    for (const { pid, reason, why } of ends) this.end(pid, masterPid, { reason, why });
  }

  private async connectionsOf(pid: number): Promise<number | undefined> {
    const info = await askMaster(this.options.files.masterSocket, `@!${pid} show info`).catch(
      () => '',
    );
    const count = /^CurrConns: (\d+)$/m.exec(info)?.[1];
    return count === undefined ? undefined : Number(count);
  }

  /** Looked at once more: a pid may be somebody else's by now. */
  private end(
    pid: number,
    masterPid: number,
    { reason, why }: { readonly reason: EndReason; readonly why: string },
  ): void {
    if (readProcessFacts(pid)?.parentPid !== masterPid) return;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      this.options.logger.error({ err: error, pid, why }, 'cannot end an old worker of HAProxy');
      return;
    }
    this.ended[reason] += 1;
    this.options.logger.warn({ pid, reason, why }, 'ended an old worker of HAProxy');
  }
}

const sumMemory = (list: readonly ProcessMemory[]): ProcessMemory =>
  list.reduce(
    (sum, { rssBytes, pssBytes }) => ({
      rssBytes: sum.rssBytes + rssBytes,
      pssBytes: sum.pssBytes + pssBytes,
    }),
    NO_WORKERS.memory,
  );
