import { type Clock, type Lease, type LeaseKeeper, StoreUnavailableError } from '#core';

/** Where this master stands. `leading` with `isWritable` false: the database is away. */
export type LeadershipState =
  | { readonly kind: 'standby'; readonly leaderUrl?: string }
  | { readonly kind: 'recovering'; readonly lease: Lease }
  | { readonly kind: 'leading'; readonly lease: Lease };

const RENEW_MS = 1_000;
/** Without a renewal for this long another master may lead. */
const LEASE_TTL_MS = 3_000;
/**
 * Without a renewal for this long, those connected are let go. Long enough for a database to be restarted without anybody
 * noticing, and no longer than it takes to miss an agent.
 */
export const LET_GO_MS = 10_000;

/**
 * Seeks the lease, keeps it, and says when it is lost. Time without contact to the database counts from when the last
 * successful request was sent, so this side's view of its lease always ends before the database's.
 */
export class Leadership {
  private current: LeadershipState = { kind: 'standby' };
  private renewedAtMonoMs = Number.NEGATIVE_INFINITY;
  private cancelTimer: (() => void) | undefined;
  private isStopped = false;
  private waiting: (() => void)[] = [];
  private waitingToWrite: (() => void)[] = [];
  private isIsolated = false;
  private cancelWatch: (() => void) | undefined;

  constructor(
    private readonly options: {
      readonly keeper: LeaseKeeper;
      readonly clock: Clock;
      readonly holder: string;
      readonly url: string;
      /** Recovers and serves; resolves when ready. Rejects with StoreUnavailableError to be tried again. */
      readonly onElected: (lease: Lease) => Promise<void>;
      /** Another epoch stands, or recovery failed for good: the process must end. */
      readonly onLost: (error: Error) => void;
      /**
       * The lease ran out a while ago, for want of the database. It may be that only this process is cut off, and another
       * leads: agents and frameworks must be free to find it. Called once each time that happens.
       */
      readonly onIsolated: () => void;
      readonly note: (message: string, fields: Readonly<Record<string, unknown>>) => void;
    },
  ) {}

  get state(): LeadershipState {
    return this.current;
  }

  /** Whether anything may be accepted or acknowledged now. */
  get isWritable(): boolean {
    return (
      this.current.kind === 'leading' &&
      this.options.clock.now().monoMs - this.renewedAtMonoMs < LEASE_TTL_MS
    );
  }

  start(): void {
    void this.seek();
  }

  /** Gives the lease up, so that a standby takes over at once. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancelTimer?.();
    this.cancelWatch?.();
    if (this.current.kind === 'standby') return;
    await this.options.keeper.release(this.current.lease).catch(() => undefined);
  }

  /** Waits while this master recovers or nobody is known to lead, at most `limitMs`. */
  async settled(limitMs: number): Promise<LeadershipState> {
    if (this.isUnsettled()) await this.waitIn(this.waiting, limitMs);
    return this.current;
  }

  /** Waits while this master leads and the database is away, at most `limitMs`. */
  async writable(limitMs: number): Promise<void> {
    if (this.current.kind !== 'leading' || this.isWritable) return;
    await this.waitIn(this.waitingToWrite, limitMs);
  }

  private async waitIn(waiting: (() => void)[], limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.options.clock.schedule(limitMs, resolve);
      waiting.push(() => {
        cancel();
        resolve();
      });
    });
  }

  private isUnsettled(): boolean {
    const { current } = this;
    return (
      current.kind === 'recovering' ||
      (current.kind === 'standby' && current.leaderUrl === undefined)
    );
  }

  private become(state: LeadershipState): void {
    this.current = state;
    if (this.isUnsettled()) return;
    for (const resume of this.waiting) resume();
    this.waiting = [];
  }

  private async seek(): Promise<void> {
    const { keeper, clock, holder, url } = this.options;
    const askedAtMonoMs = clock.now().monoMs;
    try {
      const outcome = await keeper.acquire({ scope: 'master', holder, url });
      if (this.isStopped) return;
      if (outcome.kind === 'held') {
        this.renewedAtMonoMs = askedAtMonoMs;
        await this.lead(outcome.lease);
        return;
      }
      this.become({ kind: 'standby', leaderUrl: outcome.by.url });
      this.after(Math.min(RENEW_MS, Math.max(outcome.expiresInMs, 50)), () => this.seek());
    } catch (error) {
      if (!this.isPassing(error)) return;
      this.become({ kind: 'standby' });
      this.after(RENEW_MS, () => this.seek());
    }
  }

  private async lead(lease: Lease): Promise<void> {
    this.become({ kind: 'recovering', lease });
    this.options.note('elected', { epoch: lease.epoch, url: lease.url });
    this.after(RENEW_MS, () => this.renew(lease));
    for (;;) {
      try {
        await this.options.onElected(lease);
        break;
      } catch (error) {
        if (!this.isPassing(error)) return;
        await new Promise<void>((resolve) => this.options.clock.schedule(RENEW_MS, resolve));
        if (this.isStopped) return;
      }
    }
    this.become({ kind: 'leading', lease });
    this.watchRenewal();
  }

  /** On a timer of its own: a renewal the database does not answer takes longer to fail than that. */
  private watchRenewal(): void {
    if (this.isStopped) return;
    const leftMs = this.renewedAtMonoMs + LET_GO_MS - this.options.clock.now().monoMs;
    if (leftMs <= 0 && !this.isIsolated) this.options.onIsolated();
    this.isIsolated = leftMs <= 0;
    this.cancelWatch = this.options.clock.schedule(leftMs > 0 ? leftMs : RENEW_MS, () =>
      this.watchRenewal(),
    );
  }

  private async renew(lease: Lease): Promise<void> {
    const askedAtMonoMs = this.options.clock.now().monoMs;
    try {
      const outcome = await this.options.keeper.renew(lease);
      if (outcome === 'lost') {
        this.isStopped = true;
        this.options.onLost(new Error(`the lease of epoch ${lease.epoch} is lost`));
        return;
      }
      this.renewedAtMonoMs = askedAtMonoMs;
      if (this.isWritable) for (const resume of this.waitingToWrite.splice(0)) resume();
    } catch (error) {
      if (!this.isPassing(error)) return;
    }
    this.after(RENEW_MS, () => this.renew(lease));
  }

  /** False, after telling, when it is no passing outage. */
  private isPassing(error: unknown): boolean {
    if (this.isStopped) return false;
    if (error instanceof StoreUnavailableError) {
      this.options.note('the database is unavailable', { reason: error.message });
      return true;
    }
    this.isStopped = true;
    this.options.onLost(error instanceof Error ? error : new Error(String(error)));
    return false;
  }

  private after(delayMs: number, task: () => Promise<void>): void {
    if (this.isStopped) return;
    this.cancelTimer = this.options.clock.schedule(delayMs, () => void task());
  }
}
