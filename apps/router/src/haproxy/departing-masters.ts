import { readFile, rm } from 'node:fs/promises';
import {
  isRunning,
  type Logger,
  type ProcessIdentity,
  parseIdentity,
  signalProcess,
} from '#platform';
import { replaceFile } from './edge-files.js';
import { childrenOf } from './process-facts.js';

const LOOK_INTERVAL_MS = 500;
/** On top of the time its workers have to finish. */
const GRACE_MS = 10_000;
/** Masters replaced one after the other within the life of one's last session. */
const MAX_DEPARTING = 8;

interface Departing {
  readonly master: ProcessIdentity;
  readonly sinceMs: number;
}

/**
 * Masters that were replaced. Each is ended once its last worker is, or its time is over: a deaf one does not end by
 * itself, and its workers end with it. Kept in a file, so that the next router goes on with it.
 */
export class DepartingMasters {
  private list: readonly Departing[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isReleased = false;

  constructor(
    private readonly options: {
      readonly record: string;
      readonly logger: Logger;
      readonly hardStopSeconds: number;
    },
  ) {}

  async add(master: ProcessIdentity): Promise<void> {
    const list = [...this.list, { master, sinceMs: performance.now() }];
    for (const { master: excess } of list.slice(0, -MAX_DEPARTING)) {
      signalProcess(excess, 'SIGKILL');
    }
    this.list = list.slice(-MAX_DEPARTING);
    await this.save();
    if (this.isReleased) return;
    this.timer ??= setInterval(() => this.look(), LOOK_INTERVAL_MS).unref();
  }

  has(pid: number): boolean {
    return this.list.some(({ master }) => master.pid === pid);
  }

  /** What a former router had to end. Their time begins anew. */
  async resume(): Promise<void> {
    const text = await readFile(this.options.record, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const master = parseIdentity(line);
      const isKnown = this.list.some((known) => known.master.pid === master?.pid);
      if (master !== undefined && isRunning(master) && !isKnown) await this.add(master);
    }
  }

  /** For the next router to go on with. */
  release(): void {
    this.isReleased = true;
    this.stopLooking();
  }

  async endAll(): Promise<void> {
    this.stopLooking();
    if (this.list.length === 0) return;
    for (const { master } of this.list) signalProcess(master, 'SIGKILL');
    this.list = [];
    await this.save();
  }

  private look(): void {
    const { hardStopSeconds, logger } = this.options;
    const latestMs = hardStopSeconds * 1_000 + GRACE_MS;
    const left = this.list.filter(({ master, sinceMs }) => {
      const isIdle = childrenOf(master.pid).length === 0;
      if (!isIdle && performance.now() - sinceMs < latestMs) return isRunning(master);
      if (signalProcess(master, 'SIGKILL')) {
        logger.info({ pid: master.pid, isIdle }, 'ended the master that was replaced');
      }
      return false;
    });
    if (left.length === this.list.length) return;
    this.list = left;
    if (left.length === 0) this.stopLooking();
    this.save().catch((error: unknown) =>
      logger.warn({ err: error }, 'cannot record which masters of HAProxy are to end'),
    );
  }

  private stopLooking(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private save(): Promise<void> {
    const { record } = this.options;
    if (this.list.length === 0) return rm(record, { force: true });
    return replaceFile(
      record,
      this.list.map(({ master }) => `${JSON.stringify(master)}\n`).join(''),
    );
  }
}
