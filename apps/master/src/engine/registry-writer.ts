import {
  type Clock,
  type Lease,
  type MasterRegistry,
  type RegistryChange,
  StoreRefusedError,
  StoreUnavailableError,
} from '#core';

/** Changes to store, and whom to tell how it went. */
export interface RegistryCommit {
  readonly changes: readonly RegistryChange[];
  readonly onStored: () => void;
  /** Absent: tried again until it succeeds, before anything that came later. */
  readonly onUnavailable?: () => void;
  /** The database will never take these changes; nothing of them was written. */
  readonly onRefused: (reason: string) => void;
}

/** Commits that may wait; more are told at once that the registry is unavailable. */
const MAX_PENDING = 20_000;
const MAX_BATCH = 500;
const RETRY_MS = 500;

/**
 * Writes to the registry in the order given, many in one transaction. While the database is away, those who can be
 * told are told, and those who cannot are kept. A batch the database refuses is written again one by one, so that only
 * the culprit is. Any other error (fenced, broken) is fatal and stops the writer.
 */
export class RegistryWriter {
  private pending: RegistryCommit[] = [];
  private isBusy = false;
  /** Commits to write one by one. */
  private suspects = 0;
  private cancelRetry: (() => void) | undefined;

  constructor(
    private readonly options: {
      readonly registry: MasterRegistry;
      readonly lease: Lease;
      readonly clock: Clock;
      readonly onFatal: (error: Error) => void;
      /** For metrics: how long one transaction took, and what it stored. */
      readonly onWritten?: (ms: number, changes: readonly RegistryChange[]) => void;
    },
  ) {}

  /** Commits that wait; for metrics. */
  get queued(): number {
    return this.pending.length;
  }

  add(commit: RegistryCommit): void {
    if (this.pending.length >= MAX_PENDING && commit.onUnavailable !== undefined) {
      commit.onUnavailable();
      return;
    }
    this.pending.push(commit);
    if (!this.isBusy) void this.drain();
  }

  stop(): void {
    this.cancelRetry?.();
    this.pending = [];
    this.isBusy = true;
  }

  private async drain(): Promise<void> {
    this.isBusy = true;
    while (this.pending.length > 0) {
      const batch = this.pending.splice(0, this.suspects > 0 ? 1 : MAX_BATCH);
      const error = await this.write(batch);
      if (error === undefined) {
        this.suspects = Math.max(0, this.suspects - 1);
        for (const commit of batch) commit.onStored();
        continue;
      }
      if (error instanceof StoreRefusedError) {
        this.refuse(batch, error);
        continue;
      }
      if (!(error instanceof StoreUnavailableError)) {
        this.options.onFatal(error);
        return;
      }
      this.pending = [
        ...batch.filter((commit) => commit.onUnavailable === undefined),
        ...this.pending,
      ];
      for (const commit of batch) commit.onUnavailable?.();
      if (this.pending.length > 0) {
        this.cancelRetry = this.options.clock.schedule(RETRY_MS, () => void this.drain());
        return;
      }
    }
    this.isBusy = false;
  }

  private refuse(batch: readonly RegistryCommit[], error: StoreRefusedError): void {
    const [only, ...others] = batch;
    if (others.length > 0) {
      this.suspects = batch.length;
      this.pending = [...batch, ...this.pending];
      return;
    }
    this.suspects = Math.max(0, this.suspects - 1);
    only?.onRefused(error.message);
  }

  private async write(batch: readonly RegistryCommit[]): Promise<Error | undefined> {
    const changes = batch.flatMap((commit) => commit.changes);
    const beganMonoMs = this.options.clock.now().monoMs;
    try {
      await this.options.registry.commit(this.options.lease, changes);
      this.options.onWritten?.(this.options.clock.now().monoMs - beganMonoMs, changes);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
