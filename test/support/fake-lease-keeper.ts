import {
  FencedError,
  type Lease,
  type LeaseKeeper,
  type LeaseScope,
  type Now,
  StoreUnavailableError,
} from '#core';

const TTL_MS = 3_000;

interface StandingLease {
  readonly epoch: number;
  readonly holder: string;
  readonly url: string;
  readonly expiresAtMs: number;
}

/** Leases in memory, on a virtual clock. The fake stores ask it whether an epoch still stands. */
export class FakeLeaseKeeper implements LeaseKeeper {
  private readonly leases = new Map<LeaseScope, StandingLease>();
  private isAvailable = true;

  constructor(private readonly now: () => Now) {}

  /** While not available every call, also of stores built on this, fails as if the database were away. */
  setAvailable(isAvailable: boolean): void {
    this.isAvailable = isAvailable;
  }

  /** The epoch that stands, 0 before the first. */
  epochOf(scope: LeaseScope): number {
    return this.leases.get(scope)?.epoch ?? 0;
  }

  async acquire(wanted: Parameters<LeaseKeeper['acquire']>[0]): ReturnType<LeaseKeeper['acquire']> {
    this.requireAvailable();
    const standing = this.leases.get(wanted.scope);
    if (standing !== undefined && standing.holder === wanted.holder) {
      return { kind: 'held', lease: this.put(wanted, standing.epoch) };
    }
    if (standing === undefined || standing.expiresAtMs <= this.now().monoMs) {
      return { kind: 'held', lease: this.put(wanted, (standing?.epoch ?? 0) + 1) };
    }
    return {
      kind: 'taken',
      by: {
        scope: wanted.scope,
        epoch: standing.epoch,
        holder: standing.holder,
        url: standing.url,
      },
      expiresInMs: standing.expiresAtMs - this.now().monoMs,
    };
  }

  async renew(lease: Lease): Promise<'renewed' | 'lost'> {
    this.requireAvailable();
    if (!this.stands(lease)) return 'lost';
    this.put(lease, lease.epoch);
    return 'renewed';
  }

  async release(lease: Lease): Promise<void> {
    this.requireAvailable();
    const standing = this.leases.get(lease.scope);
    if (standing === undefined || !this.stands(lease)) return;
    this.leases.set(lease.scope, { ...standing, expiresAtMs: this.now().monoMs });
  }

  /** Throws what a fenced write throws. */
  requireLease(lease: Lease): void {
    this.requireAvailable();
    if (this.leases.get(lease.scope)?.epoch === lease.epoch) return;
    throw new FencedError(`epoch ${lease.epoch} of the ${lease.scope} lease no longer stands`);
  }

  requireAvailable(): void {
    if (!this.isAvailable) throw new StoreUnavailableError('the database is away');
  }

  private stands(lease: Lease): boolean {
    const standing = this.leases.get(lease.scope);
    return standing?.epoch === lease.epoch && standing.holder === lease.holder;
  }

  private put(
    wanted: { readonly scope: LeaseScope; readonly holder: string; readonly url: string },
    epoch: number,
  ): Lease {
    const { scope, holder, url } = wanted;
    const expiresAtMs = this.now().monoMs + TTL_MS;
    this.leases.set(scope, { epoch, holder, url, expiresAtMs });
    return { scope, holder, url, epoch };
  }
}
