import type { AgentIdentity, JournalRecord, RecoveredJournal } from '#cluster';

/** Where the agent writes down what it must know after a restart. */
export interface TaskJournal {
  /** Reads everything back. Called once, before anything else. Unreadable lines cost their run only. */
  open(): Promise<RecoveredJournal>;
  /** Told whenever the disk begins to refuse what is written, with what it says, and when it takes it again. */
  watch(listener: (problem: string | undefined) => void): void;
  /** Resolves when the identity would survive a power cut. */
  saveIdentity(identity: AgentIdentity): Promise<void>;
  /**
   * Appends the records of one run, in order; resolves when they would survive a power cut, however long the disk refuses
   * them. Rejects with an {@link UnwrittenError} when they accept a run and nothing of them is on the disk.
   */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** Flushes what was appended, if the disk takes it at once. */
  close(): Promise<void>;
}

/** The disk refuses: the run is not accepted. */
export class UnwrittenError extends Error {
  readonly code = 'UNWRITTEN';
}

/** The journal cannot be used: it is damaged, or was closed while the disk refused. */
export class JournalError extends Error {
  readonly code = 'JOURNAL';
}
