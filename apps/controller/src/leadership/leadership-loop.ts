import { type Clock, type Lease, type LeaseKeeper, StoreUnavailableError } from '#core';

/** Tried or renewed this often, milliseconds. The lease lives three times as long. */
const PERIOD_MS = 1_000;
/** Shortest wait before the next attempt, when the lease is about to run out. */
const MIN_WAIT_MS = 50;
/** Longest wait for the answer to a release: a lease runs out by itself after about as long. */
const RELEASE_LIMIT_MS = 2_000;

export type LeadershipState =
  /** `leader`: who holds the lease, when the database said so. */
  | { readonly kind: 'standby'; readonly leader?: Lease }
  | { readonly kind: 'leading'; readonly lease: Lease };

export interface LeadershipLoopOptions {
  readonly keeper: LeaseKeeper;
  readonly clock: Clock;
  readonly holder: string;
  readonly url: string;
  /**
   * Whether that holder must have ended because this process exists (it listens at the same address of the same host):
   * its lease need not run out first. Whoever it was, it is fenced.
   */
  readonly isPredecessor?: (holder: string) => boolean;
  /** Called once: load the engine and serve. When it rejects the lease is given up and `onLost` is called. */
  readonly onElected: (lease: Lease) => Promise<void>;
  /** Called once: another epoch stands, or serving failed. The process must exit. */
  readonly onLost: (error: Error) => void;
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * Seeks the controller lease, and renews it every second for as long as the process lives. While the database is away
 * the holder stays the leader (reads from memory, writes are refused) and renews the same epoch when it is back; if
 * somebody else took it meanwhile it is lost, for good: a process leads at most once.
 */
export class LeadershipLoop {
  private current: LeadershipState = { kind: 'standby' };
  private cancelTimer: (() => void) | undefined;
  private isEnded = false;

  constructor(private readonly options: LeadershipLoopOptions) {}

  get state(): LeadershipState {
    return this.current;
  }

  start(): void {
    void this.turn();
  }

  /** Gives the lease up, so that a standby takes over at once. */
  async stop(): Promise<void> {
    this.isEnded = true;
    this.cancelTimer?.();
    if (this.current.kind !== 'leading') return;
    const { lease } = this.current;
    this.current = { kind: 'standby' };
    try {
      await this.release(lease);
    } catch (error) {
      // It runs out by itself in three seconds.
      this.options.log?.('the lease could not be released', { reason: String(error) });
    }
  }

  private release(lease: Lease): Promise<void> {
    const { keeper, clock } = this.options;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(RELEASE_LIMIT_MS, () =>
        reject(new Error(`no answer within ${RELEASE_LIMIT_MS} ms`)),
      );
      keeper.release(lease).then(resolve, reject).finally(cancel);
    });
  }

  private async turn(): Promise<void> {
    let waitMs = PERIOD_MS;
    try {
      if (this.current.kind === 'leading') await this.renew(this.current.lease);
      else waitMs = await this.seek();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) return this.lose(toError(error));
      this.options.log?.('the database is away', { reason: error.message });
    }
    if (this.isEnded) return;
    this.cancelTimer = this.options.clock.schedule(waitMs, () => void this.turn());
  }

  /** Returns when to look again. */
  private async seek(): Promise<number> {
    const { keeper, holder, url, onElected, log } = this.options;
    const wanted = { scope: 'controller', holder, url } as const;
    let outcome = await keeper.acquire(wanted);
    if (outcome.kind === 'taken' && this.options.isPredecessor?.(outcome.by.holder) === true) {
      await keeper.release(outcome.by);
      outcome = await keeper.acquire(wanted);
    }
    if (this.isEnded) return PERIOD_MS;
    if (outcome.kind === 'taken') {
      this.current = { kind: 'standby', leader: outcome.by };
      return Math.min(PERIOD_MS, Math.max(outcome.expiresInMs, MIN_WAIT_MS));
    }
    const { lease } = outcome;
    this.current = { kind: 'leading', lease };
    log?.('leading', { epoch: lease.epoch });
    // Not awaited: the lease has to be renewed while the engine loads.
    onElected(lease).catch((error: unknown) => {
      void this.stop();
      this.options.onLost(toError(error));
    });
    return PERIOD_MS;
  }

  private async renew(lease: Lease): Promise<void> {
    const outcome = await this.options.keeper.renew(lease);
    if (outcome === 'lost' && !this.isEnded) {
      this.lose(new Error(`epoch ${lease.epoch} of the controller lease was taken by another`));
    }
  }

  private lose(error: Error): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.cancelTimer?.();
    this.current = { kind: 'standby' };
    this.options.onLost(error);
  }
}

const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));
