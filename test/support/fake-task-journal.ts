import {
  type AgentIdentity,
  applyRecord,
  emptyJournalImage,
  isAcceptance,
  type JournalRecord,
  type RecoveredJournal,
} from '#cluster';
import type { RunKey } from '#core';
import { type TaskJournal, UnwrittenError } from '../../apps/agent/src/engine/task-journal.port.js';

const FULL = 'cannot write tasks.log: ENOSPC: no space left on device';

/** A journal in memory that outlives the engines that use it, like a disk. */
export class FakeTaskJournal implements TaskJournal {
  readonly records: JournalRecord[] = [];
  identity: AgentIdentity | undefined;
  /** Runs whose lines are to be found unreadable at the next start. */
  readonly damaged = new Map<RunKey, string>();
  private gate: Promise<void> = Promise.resolve();
  private release: (() => void) | undefined;
  isFull = false;
  /** Whether it ever did not take what was to be written. */
  hasEverRefused = false;
  private hasRefused = false;
  private waiting: (() => void)[] = [];
  private listeners = new Set<(problem: string | undefined) => void>();

  watch(listener: (problem: string | undefined) => void): void {
    this.listeners.add(listener);
    if (this.hasRefused) listener(FULL);
  }

  async open(): Promise<RecoveredJournal> {
    const image = emptyJournalImage();
    for (const record of this.records) applyRecord(image, record);
    return {
      ...(this.identity === undefined ? {} : { identity: this.identity }),
      image,
      damaged: new Map(this.damaged),
    };
  }

  async saveIdentity(identity: AgentIdentity): Promise<void> {
    await this.gate;
    await this.room();
    this.identity = identity;
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    await this.gate;
    if (this.isFull && records.some(isAcceptance)) {
      this.refuse();
      throw new UnwrittenError(FULL);
    }
    await this.room();
    this.records.push(...records);
  }

  async close(): Promise<void> {}

  /** Makes every write wait until {@link thaw}: a disk that hangs. */
  freeze(): void {
    this.gate = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** From now on there is no room for anything. */
  fill(): void {
    this.isFull = true;
  }

  clear(): void {
    this.isFull = false;
    const hasRefused = this.hasRefused;
    this.hasRefused = false;
    for (const go of this.waiting.splice(0)) go();
    if (hasRefused) for (const listener of [...this.listeners]) listener(undefined);
  }

  /** Those of a dead agent hear nothing more, and what it was about to write never is. */
  forgetWatchers(): void {
    this.listeners.clear();
    this.waiting = [];
  }

  private async room(): Promise<void> {
    while (this.isFull) {
      const room = new Promise<void>((resolve) => this.waiting.push(resolve));
      this.refuse();
      await room;
    }
  }

  private refuse(): void {
    if (this.hasRefused) return;
    this.hasRefused = true;
    this.hasEverRefused = true;
    for (const listener of [...this.listeners]) listener(FULL);
  }

  thaw(): void {
    this.release?.();
    this.gate = Promise.resolve();
  }
}
