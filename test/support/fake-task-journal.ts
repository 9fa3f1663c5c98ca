import {
  type AgentIdentity,
  applyRecord,
  emptyJournalImage,
  type JournalRecord,
  type RecoveredJournal,
} from '#cluster';
import type { RunKey } from '#core';
import type { TaskJournal } from '../../apps/agent/src/engine/task-journal.port.js';

/** A journal in memory that outlives the engines that use it, like a disk. */
export class FakeTaskJournal implements TaskJournal {
  readonly records: JournalRecord[] = [];
  identity: AgentIdentity | undefined;
  /** Runs whose lines are to be found unreadable at the next start. */
  readonly damaged = new Map<RunKey, string>();
  private gate: Promise<void> = Promise.resolve();
  private release: (() => void) | undefined;

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
    this.identity = identity;
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    await this.gate;
    this.records.push(...records);
  }

  async close(): Promise<void> {}

  /** Makes every write wait until {@link thaw}: a disk that hangs. */
  freeze(): void {
    this.gate = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  thaw(): void {
    this.release?.();
    this.gate = Promise.resolve();
  }
}
