import { type Clock, type ControllerStore, type Lease, StoreUnavailableError } from '#core';
import type { CommittedState } from './committed-state.js';
import { Draft } from './draft.js';

/** Waits between attempts while the store is away, milliseconds. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** A store that has not answered by then counts as away: new requests are refused, its answer is still waited for. */
const COMMIT_PATIENCE_MS = 5_000;

/**
 * A decision to be stored. `run` must be free of other side effects than on the draft: it may run again. What it throws
 * is a broken invariant and stops the engine; expected failures are results.
 */
export interface Job<Result> {
  readonly run: (draft: Draft) => Result;
  /**
   * `reject`: the caller hears of it (a request of a client). `retry`: it is run again when the store is back (what the
   * cluster told us).
   */
  readonly whenUnavailable: 'reject' | 'retry';
}

interface WaitingJob {
  readonly job: Job<unknown>;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Thrown at the bound of the queue; nothing was started. */
export class CommitQueueFullError extends Error {
  readonly code = 'QUEUE_FULL';
}

/** Thrown to jobs of an engine that has stopped. */
export class EngineStoppedError extends Error {
  readonly code = 'ENGINE_STOPPED';
}

export interface CommitQueueSettings {
  readonly store: ControllerStore;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly state: CommittedState;
  readonly maxWaiting: number;
  readonly maxJobsPerCommit: number;
  /** Applied in order after each commit: the state already holds it. */
  readonly onCommitted: (draft: Draft, sealed: ReturnType<Draft['seal']>) => void;
  /** The draft will not be committed; its jobs are rejected or run again. */
  readonly onAbandoned: (draft: Draft) => void;
  readonly onFatal: (error: Error) => void;
  readonly onStoreAway: (error: Error) => void;
}

/**
 * The single writer: runs jobs in order, everything that waits together in one transaction (group commit), one
 * transaction at a time. Results are given out only when durable.
 */
export class CommitQueue {
  private waiting: WaitingJob[] = [];
  /** The transaction the store has not answered for. */
  private inDoubt: readonly WaitingJob[] = [];
  private isPumping = false;
  private isClosed = false;
  private away: StoreUnavailableError | undefined;
  private retryMs = FIRST_RETRY_MS;

  constructor(private readonly settings: CommitQueueSettings) {}

  get size(): number {
    return this.waiting.length;
  }

  /** Resolves with what the job returned, once it is durable. */
  submit<Result>(job: Job<Result>): Promise<Result> {
    if (this.isClosed) return Promise.reject(stopped());
    if (this.away !== undefined && job.whenUnavailable === 'reject') {
      return Promise.reject(this.away);
    }
    const { maxWaiting } = this.settings;
    if (this.waiting.length >= maxWaiting) {
      return Promise.reject(
        new CommitQueueFullError(`commit queue: ${maxWaiting} changes are waiting already`),
      );
    }
    return new Promise<Result>((resolve, reject) => {
      this.waiting.push({ job, resolve: resolve as (result: never) => void, reject });
      if (!this.isPumping) {
        this.isPumping = true;
        queueMicrotask(() => void this.pump());
      }
    });
  }

  /** Whether the store is away: what is submitted now waits until it is back, or is rejected. */
  get isStoreAway(): boolean {
    return this.away !== undefined;
  }

  /**
   * Nothing more is begun. What waits is rejected, also what waits for a store that is away; a transaction under way is
   * still told its outcome.
   */
  close(): void {
    this.isClosed = true;
    this.rejectAll(this.waiting.splice(0), stopped());
    this.rejectAll(this.inDoubt, stopped());
  }

  private async pump(): Promise<void> {
    while (this.waiting.length > 0 && !this.isClosed) {
      const batch = this.waiting.splice(0, this.settings.maxJobsPerCommit);
      await this.commitBatch(batch);
    }
    this.isPumping = false;
  }

  private async commitBatch(batch: readonly WaitingJob[]): Promise<void> {
    const { state, clock } = this.settings;
    const draft = new Draft(state, clock.now());
    const done: { readonly entry: WaitingJob; readonly result: unknown }[] = [];
    for (const entry of batch) {
      try {
        done.push({ entry, result: entry.job.run(draft) });
      } catch (error) {
        // Half a decision may be in the draft: nothing of it may be stored.
        return this.fail(asError(error), batch);
      }
    }
    const sealed = draft.seal();
    if (sealed.changes.length > 0 && !(await this.store(draft, sealed, batch))) return;
    this.inDoubt = [];
    this.retryMs = FIRST_RETRY_MS;
    state.apply(sealed.delta);
    // Of an engine that has stopped nothing is sent, but what is durable is said to be.
    if (!this.isClosed) this.settings.onCommitted(draft, sealed);
    for (const { entry, result } of done) entry.resolve(result as never);
  }

  /** False: not stored, and the jobs are settled or in line again. */
  private async store(
    draft: Draft,
    sealed: ReturnType<Draft['seal']>,
    batch: readonly WaitingJob[],
  ): Promise<boolean> {
    const { store, lease, clock } = this.settings;
    const cancel = clock.schedule(COMMIT_PATIENCE_MS, () => {
      const limit = `the database has not answered for ${COMMIT_PATIENCE_MS} ms`;
      this.lose(batch, new StoreUnavailableError(`${limit}: whether it stored this is not known`));
    });
    try {
      await store.commit(lease, sealed.changes);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) {
        this.fail(asError(error), batch);
        return false;
      }
      this.lose(batch, error);
      return await this.wasStoredAfterAll(draft, sealed, batch);
    } finally {
      cancel();
    }
    this.away = undefined;
    return true;
  }

  /**
   * The store went away: callers that asked for it are told at once, and so is everybody when the engine has stopped.
   * The others wait until the outcome is known.
   */
  private lose(batch: readonly WaitingJob[], cause: StoreUnavailableError): void {
    if (this.away === undefined) this.settings.onStoreAway(cause);
    this.away = cause;
    this.inDoubt = batch;
    this.rejectRequests(batch, cause);
    this.rejectRequests(this.waiting, cause);
    this.waiting = this.waiting.filter(({ job }) => job.whenUnavailable === 'retry');
    if (this.isClosed) this.rejectAll(batch, stopped());
  }

  /**
   * Asks until the store answers whether the transaction had been stored. It says so only when the outcome stands: a
   * transaction that lands later would bring back what was changed meanwhile. If it was not stored, what must not be lost
   * is put in line again.
   */
  private async wasStoredAfterAll(
    draft: Draft,
    sealed: ReturnType<Draft['seal']>,
    batch: readonly WaitingJob[],
  ): Promise<boolean> {
    const { state, store, lease } = this.settings;
    for (;;) {
      await this.pause();
      if (this.isClosed) return false;
      try {
        const { lastEventId } = await store.settle(lease);
        this.away = undefined;
        this.inDoubt = [];
        if (sealed.events.length > 0 && lastEventId > state.lastEventId) return true;
        break;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) {
          this.fail(asError(error), batch);
          return false;
        }
      }
    }
    this.settings.onAbandoned(draft);
    const again = batch.filter(({ job }) => job.whenUnavailable === 'retry');
    if (this.isClosed) this.rejectAll(again, stopped());
    else this.waiting.unshift(...again);
    return false;
  }

  private rejectRequests(entries: readonly WaitingJob[], error: StoreUnavailableError): void {
    this.rejectAll(
      entries.filter(({ job }) => job.whenUnavailable === 'reject'),
      error,
    );
  }

  /** To reject what is settled already has no effect. */
  private rejectAll(entries: readonly WaitingJob[], error: Error): void {
    for (const { reject } of entries) reject(error);
  }

  private pause(): Promise<void> {
    const delayMs = this.retryMs;
    this.retryMs = Math.min(MAX_RETRY_MS, this.retryMs * 2);
    return new Promise((resolve) => {
      this.settings.clock.schedule(delayMs, resolve);
    });
  }

  private fail(error: Error, batch: readonly WaitingJob[]): void {
    this.rejectAll(batch, error);
    this.close();
    this.settings.onFatal(error);
  }
}

const stopped = (): EngineStoppedError => new EngineStoppedError('the controller is stopping');

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));
