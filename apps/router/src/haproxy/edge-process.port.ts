/** How HAProxy took the request for a new worker. That the worker serves is proved elsewhere. */
export type ReloadAnswer =
  /** `verdict`: HAProxy 2.7 and later say whether the worker came up, with what it said meanwhile. */
  | {
      readonly kind: 'taken';
      readonly verdict: 'success' | 'failure' | undefined;
      readonly log: string;
    }
  /** Asked by signal, the master's socket having not answered. */
  | { readonly kind: 'signalled'; readonly reason: string }
  /** Nobody could be asked. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** The router stops: nothing is started any more. */
export class EdgeReleasedError extends Error {
  readonly code = 'EDGE_RELEASED';

  constructor() {
    super('the router stops, so no HAProxy is started any more');
  }
}

/** The HAProxy (master and workers) an edge is made of, whoever started it. */
export interface EdgeProcess {
  /** Whether it is started and ended here. */
  readonly isOurs: boolean;
  /** Of the master; undefined: there is none, as far as is known. */
  readonly pid: number | undefined;
  /** What is wrong with it now, for operators; undefined: nothing. */
  readonly problem: string | undefined;
  /** Takes over a HAProxy that runs. False: there is none. */
  adopt(): Promise<boolean>;
  /** Resolves once there is one; that it serves is proved elsewhere. Rejects with {@link EdgeReleasedError} after `release`. */
  start(): Promise<void>;
  /** Asks for a new worker with the configuration on disk; the old one finishes its sessions. */
  reload(): Promise<ReloadAnswer>;
  /** What it has written since it was last asked for a worker, or started; empty: that is not known. */
  said(): Promise<string>;
  /**
   * A new master with the configuration on disk, which takes the listeners over; the former one ends with its last
   * session. False: it is not ours to replace.
   */
  replace(): Promise<boolean>;
  /** Leaves it running, unwatched, for good. */
  release(): void;
  /** Ends it, if it is ours. */
  stop(): Promise<void>;
}
