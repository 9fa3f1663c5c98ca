import { type Clock, type ControllerStore, type Lease, StoreUnavailableError } from '#core';
import type { CommittedState } from './committed-state.js';
import { Draft } from './draft.js';

/** Waits between attempts while the store is away, milliseconds. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

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
    if (this.isClosed) return Promise.reject(new EngineStoppedError('the engine has stopped'));
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

  /** Nothing is stored any more; what waits is rejected. */
  close(): void {
    this.isClosed = true;
    const error = new EngineStoppedError('the engine has stopped');
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private async pump(): Promise<void> {
    while (this.waiting.length > 0 && !this.isClosed) {
      const batch = this.waiting.splice(0, this.settings.maxJobsPerCommit);
      await this.commitBatch(batch);
    }
    this.isPumping = false;
  }

  private async commitBatch(batch: readonly WaitingJob[]): Promise<void> {
    const { state, store, lease, clock } = this.settings;
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
    if (sealed.changes.length > 0) {
      try {
        await store.commit(lease, sealed.changes);
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) return this.fail(asError(error), batch);
        if (!(await this.wasStoredAfterAll(draft, sealed, batch, error))) return;
      }
    }
    if (this.isClosed) return;
    this.retryMs = FIRST_RETRY_MS;
    state.apply(sealed.delta);
    this.settings.onCommitted(draft, sealed);
    for (const { entry, result } of done) entry.resolve(result as never);
  }

  /**
   * The store went away in the middle: callers that asked for it are told at once; then waits until the store answers
   * and looks whether the transaction had been stored. If not, what must not be lost is put in line again.
   */
  private async wasStoredAfterAll(
    draft: Draft,
    sealed: ReturnType<Draft['seal']>,
    batch: readonly WaitingJob[],
    cause: StoreUnavailableError,
  ): Promise<boolean> {
    const { state, store, lease } = this.settings;
    this.settings.onStoreAway(cause);
    this.away = cause;
    this.rejectRequests(batch, cause);
    this.rejectRequests(this.waiting, cause);
    this.waiting = this.waiting.filter(({ job }) => job.whenUnavailable === 'retry');
    for (;;) {
      await this.pause();
      if (this.isClosed) return false;
      try {
        const { events } = await store.listEvents(state.lastEventId, 1);
        // New events are ours only if the lease still stands: a deposed leader must not take its successor's for its own.
        await store.commit(lease, []);
        this.away = undefined;
        const wasStored = sealed.events.length > 0 && events.length > 0;
        if (wasStored) return true;
        break;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) {
          this.fail(asError(error), batch);
          return false;
        }
      }
    }
    this.settings.onAbandoned(draft);
    this.waiting.unshift(...batch.filter(({ job }) => job.whenUnavailable === 'retry'));
    return false;
  }

  private rejectRequests(entries: readonly WaitingJob[], error: StoreUnavailableError): void {
    for (const { job, reject } of entries) if (job.whenUnavailable === 'reject') reject(error);
  }

  private pause(): Promise<void> {
    const delayMs = this.retryMs;
    this.retryMs = Math.min(MAX_RETRY_MS, this.retryMs * 2);
    return new Promise((resolve) => {
      this.settings.clock.schedule(delayMs, resolve);
    });
  }

  private fail(error: Error, batch: readonly WaitingJob[]): void {
    this.close();
    for (const { reject } of batch) reject(error);
    this.settings.onFatal(error);
  }
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));
