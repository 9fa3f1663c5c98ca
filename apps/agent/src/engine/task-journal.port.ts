import type { AgentIdentity, JournalRecord, RecoveredJournal } from '#cluster';

/** Where the agent writes down what it must know after a restart. */
export interface TaskJournal {
  /** Reads everything back. Called once, before anything else. Unreadable lines cost their run only. */
  open(): Promise<RecoveredJournal>;
  /** Resolves when the identity would survive a power cut. */
  saveIdentity(identity: AgentIdentity): Promise<void>;
  /** Appends the records of one run, in order; resolves when they would survive a power cut. */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** Flushes what was appended. */
  close(): Promise<void>;
}

/** The disk refused; the journal has given up after its own retries. */
export class JournalError extends Error {
  readonly code = 'JOURNAL';
}
