import type { AgentId, FrameworkId, OfferId } from '#core';
import type { InverseOffer, SchedulerCall, TaskStatus, WireOffer } from '#mesos-v1';

/** A call without the fields the driver fills in. Distributes over the union so that every member keeps its payload. */
type WithoutFrameworkId<Call> = Call extends SchedulerCall ? Omit<Call, 'framework_id'> : never;

/** Every scheduler call but SUBSCRIBE, which the driver makes itself; the driver adds `framework_id`. */
export type SchedulerCallWithoutFrameworkId = WithoutFrameworkId<
  Exclude<SchedulerCall, { readonly type: 'SUBSCRIBE' }>
>;

/**
 * What a scheduler reacts to, called in the order of the stream. All but `onUpdate` are awaited before the next event.
 * `onUpdate` is called without waiting for the promises of earlier updates (at most 1,024 are open at once), so that a
 * scheduler can store many in one transaction; each update is acknowledged when its own promise resolves. A rejected
 * promise counts as "not handled": the driver drops the connection and subscribes again, so that the master and the
 * agents resend.
 */
export interface SchedulerHandlers {
  /**
   * The stream stands. Persist the id before resolving: it is the same one for the life of the framework. `master` is
   * the `host:port` that leads, after redirects.
   */
  onSubscribed(frameworkId: FrameworkId, master: string): Promise<void> | void;
  onOffers(offers: readonly WireOffer[]): Promise<void> | void;
  onRescind(offerId: OfferId): Promise<void> | void;
  /** Agents with tasks of ours are about to be taken out of service. Without it they are left unanswered. */
  onInverseOffers?(offers: readonly InverseOffer[]): Promise<void> | void;
  /** An inverse offer that was not answered does not hold any more. */
  onRescindInverseOffer?(inverseOfferId: string): Promise<void> | void;
  /** Resolve once the status is durable; only then is it acknowledged. May be called again with the same status. */
  onUpdate(status: TaskStatus): Promise<void>;
  /** An agent was lost, or with `status` an executor of it exited. */
  onFailure(failure: {
    readonly agentId?: AgentId;
    readonly executorId?: string;
    readonly status?: number;
  }): Promise<void> | void;
  /** A custom executor of it has something to say; best effort. `data` is base64. */
  onMessage?(message: {
    readonly agentId: AgentId;
    readonly executorId: string;
    readonly data: string;
  }): Promise<void> | void;
  /**
   * The master refused this framework, for good (torn down, failed over to another instance, invalid info). The
   * driver has stopped; it will not reconnect.
   */
  onError(message: string): Promise<void> | void;
  /** The stream broke or could not be opened; all offers are void. The driver reconnects by itself. */
  onDisconnected(reason: string): Promise<void> | void;
}

/** A connection of one framework to whichever master leads. */
export interface SchedulerDriver {
  /** Begins to connect; returns at once. A second call has no effect. */
  start(): void;
  /**
   * Resolves once the master has answered 202. Rejects with {@link SchedulerCallError}; ACCEPT, LAUNCH and KILL are
   * requests, so reconcile when in doubt.
   */
  call(call: SchedulerCallWithoutFrameworkId): Promise<void>;
  /**
   * Gives the stream up, if there is one, and subscribes again at once with the same id, so that the master learns what
   * changed in the framework's info. Offers are void; no task is touched.
   */
  resubscribe(): void;
  /** Closes the stream and waits for the handler in progress. The framework stays registered for its failover timeout. */
  stop(): Promise<void>;
}

/** Why a call did not reach the master, by `code`; `status` is the HTTP status where there was one. */
export class SchedulerCallError extends Error {
  constructor(
    /**
     * DISCONNECTED: no stream, so it was not sent. REFUSED: 4xx/501, it was not carried out. UNAVAILABLE: 503, timeouts,
     * broken connections, after retries: it may have been carried out.
     */
    readonly code: 'DISCONNECTED' | 'REFUSED' | 'UNAVAILABLE',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
