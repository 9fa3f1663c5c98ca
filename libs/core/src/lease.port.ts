/** Which daemon's leadership: one lease row each. */
export type LeaseScope = 'controller' | 'master';

/** A held lease. `epoch` rises with every change of holder and fences all writes. */
export interface Lease {
  readonly scope: LeaseScope;
  readonly epoch: number;
  readonly holder: string;
  readonly url: string;
}

/** Thrown by a write whose epoch's lease row is no longer there: the process must exit. */
export class FencedError extends Error {
  readonly code = 'FENCED';
}

/** Thrown while the database cannot be reached: answer 503, accept and acknowledge nothing, try again. */
export class StoreUnavailableError extends Error {
  readonly code = 'STORE_UNAVAILABLE';
}

/** Thrown by a write whose values the database does not take: nothing was written, and trying again changes nothing. */
export class StoreRefusedError extends Error {
  readonly code = 'STORE_REFUSED';
}

/**
 * Leadership on the database's clock: TTL 3 s, renewed every second, taken by compare-and-set. While the database is
 * away the holder may renew the same epoch later, unless somebody else took it.
 */
export interface LeaseKeeper {
  /** Tries once. `held` with a new or renewed epoch, or who has it. Throws {@link StoreUnavailableError}. */
  acquire(wanted: {
    readonly scope: LeaseScope;
    readonly holder: string;
    readonly url: string;
  }): Promise<
    | { readonly kind: 'held'; readonly lease: Lease }
    | { readonly kind: 'taken'; readonly by: Lease; readonly expiresInMs: number }
  >;
  /** `renewed`, or `lost` when another epoch stands. Throws {@link StoreUnavailableError}. */
  renew(lease: Lease): Promise<'renewed' | 'lost'>;
  /** Gives it up at once, so that a standby need not wait for the TTL. */
  release(lease: Lease): Promise<void>;
}
