import { Agent, type Dispatcher } from 'undici';
import { agentId, type Clock, type FrameworkId, frameworkId, offerId } from '#core';
import type { FrameworkInfo, SchedulerEvent } from '#mesos-v1';
import { BackOff, type BackOffOptions } from './back-off.js';
import { CallSender } from './call-sender.js';
import { authorizationOf, type Credential } from './credential.js';
import { messageOf, openEventStream } from './event-stream.js';
import { toMasterOrigin } from './master-location.js';
import { pause } from './pause.js';
import { Reconciler, type ReconciliationOptions } from './reconciler.js';
import {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
  type SchedulerHandlers,
} from './scheduler-driver.js';
import { connectBy, type TlsConnection } from './secure-connect.js';
import { systemClock } from './system-clock.js';
import { MAX_OPEN_UPDATES, UpdateWindow } from './update-window.js';

export interface SchedulerOptions {
  /** Masters to try, as `host:port` or URL; any of them redirects to the leader. */
  readonly masters: readonly string[];
  /** A function is asked at each subscription. */
  readonly frameworkInfo: FrameworkInfo | (() => FrameworkInfo);
  /** The id of an earlier subscription, to fail over to; absent on the very first start. */
  readonly frameworkId?: FrameworkId;
  readonly suppressedRoles?: readonly string[];
  readonly handlers: SchedulerHandlers;
  /** The real one unless told otherwise. */
  readonly clock?: Clock;
  /** For HTTP Basic. Its principal becomes that of `frameworkInfo` where that names none: the two must match. */
  readonly credential?: Credential;
  /** For https masters, asked at each new connection: whom to trust (`ca`), who we are (`cert` and `key`). */
  readonly tls?: () => TlsConnection;
  /** Extra headers of every request; as a function, asked for each. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  readonly backOff?: Partial<BackOffOptions>;
  /** Asks the master about tasks after each subscription and on a timer. */
  readonly reconciliation?: ReconciliationOptions;
}

/** A driver that can also end the framework. */
export interface Scheduler extends SchedulerDriver {
  /** Tears the framework down: its tasks are killed and its id is used up. Then stops. */
  teardown(): Promise<void>;
  /** Known from the first subscription on. */
  readonly frameworkId: FrameworkId | undefined;
}

const DEFAULT_BACK_OFF: BackOffOptions = { initialMs: 100, maxMs: 5_000, random: Math.random };
/** A stream that lasted this long counts as a success: the next failure starts with a short delay. */
const STABLE_MS = 10_000;

/** A scheduler over HTTP that stays subscribed until stopped. Nothing happens before `start`. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new HttpScheduler(options);
}

/** What lives as long as one subscription. */
interface Session {
  readonly updates: UpdateWindow;
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
  /** Once it is subscribed. */
  reconciler?: Reconciler;
}

class HttpScheduler implements Scheduler {
  private readonly origins: readonly string[];
  private readonly backOff: BackOff;
  private readonly backOffOptions: BackOffOptions;
  private readonly clock: Clock;
  private readonly headers: () => Readonly<Record<string, string>>;
  private readonly dispatcher: Dispatcher | undefined;
  private readonly abort = new AbortController();
  private known: FrameworkId | undefined;
  private sender: CallSender | undefined;
  private nextOrigin = 0;
  private running: Promise<void> | undefined;
  private isEnded = false;
  /** Ends the present session so that the next begins at once. */
  private restart: () => void = () => undefined;
  private closing: Promise<unknown> = Promise.resolve();
  private tearingDown: Promise<boolean> | undefined;

  constructor(private readonly options: SchedulerOptions) {
    if (options.masters.length === 0) throw new TypeError('masters is empty');
    this.origins = options.masters.map(toMasterOrigin);
    this.backOffOptions = { ...DEFAULT_BACK_OFF, ...options.backOff };
    this.backOff = new BackOff(this.backOffOptions);
    this.clock = options.clock ?? systemClock;
    const { headers } = options;
    const own = authorizationOf(options.credential);
    this.headers = () => ({ ...(typeof headers === 'function' ? headers() : headers), ...own });
    // Without pipelining a connection is used once: each subscription is by the certificates of its time.
    this.dispatcher = options.tls && new Agent({ ...connectBy(options.tls), pipelining: 0 });
    this.known = options.frameworkId;
  }

  get frameworkId(): FrameworkId | undefined {
    return this.known;
  }

  start(): void {
    this.running ??= this.run();
  }

  async call(call: SchedulerCallWithoutFrameworkId): Promise<void> {
    if (this.sender === undefined) {
      throw new SchedulerCallError('DISCONNECTED', `${call.type}: not subscribed`);
    }
    await this.sender.send(call);
  }

  resubscribe(): void {
    this.restart();
  }

  async stop(): Promise<void> {
    this.isEnded = true;
    this.abort.abort();
    await this.running;
    await this.closing;
  }

  async teardown(): Promise<void> {
    const call = this.call({ type: 'TEARDOWN' });
    this.tearingDown = call.then(
      () => true,
      () => false,
    );
    await call;
    await this.stop();
  }

  private async run(): Promise<void> {
    while (!this.isEnded) {
      const startedMs = this.clock.now().monoMs;
      const { reason, isRestart } = await this.session();
      // A stream that ends by our own TEARDOWN is no reason to subscribe again.
      if ((await this.tearingDown) === true || this.isEnded) return;
      this.tearingDown = undefined;
      if (this.clock.now().monoMs - startedMs > STABLE_MS) this.backOff.reset();
      await this.tell(() => this.options.handlers.onDisconnected(reason));
      if (!isRestart) await pause(this.clock, this.backOff.next(), this.abort.signal);
    }
  }

  /** One subscription from begin to end; returns why it ended. */
  private async session(): Promise<{ readonly reason: string; readonly isRestart: boolean }> {
    const { frameworkInfo, credential } = this.options;
    const info = typeof frameworkInfo === 'function' ? frameworkInfo() : frameworkInfo;
    const principal = credential === undefined ? {} : { principal: credential.principal };
    const abort = new AbortController();
    const stop = () => abort.abort();
    this.abort.signal.addEventListener('abort', stop);
    let reason = 'stopped';
    let isRestart = false;
    this.restart = () => {
      isRestart = true;
      fail('subscribing again');
    };
    const fail = (error: unknown) => {
      reason = messageOf(error);
      abort.abort();
    };
    const updates = new UpdateWindow(MAX_OPEN_UPDATES, fail);
    try {
      const stream = await openEventStream({
        origin: this.origins[this.nextOrigin % this.origins.length] ?? '',
        frameworkInfo: { ...principal, ...info },
        frameworkId: this.known,
        suppressedRoles: this.options.suppressedRoles ?? [],
        headers: this.headers(),
        ...(this.dispatcher === undefined ? {} : { dispatcher: this.dispatcher }),
        clock: this.clock,
        signal: abort.signal,
      });
      const session: Session = { updates, signal: abort.signal, fail };
      for await (const event of stream.events) {
        if (abort.signal.aborted) break;
        await this.deliver(event, stream, session);
        if (this.isEnded) break;
      }
    } catch (error) {
      if (!abort.signal.aborted) reason = messageOf(error);
      if (!isRestart) this.nextOrigin += 1;
    } finally {
      abort.abort();
      this.abort.signal.removeEventListener('abort', stop);
      const { sender } = this;
      this.sender = undefined;
      // Not waited for: it may take a while with a master that died.
      this.closing = Promise.all([this.closing, sender?.close()]);
      await updates.idle();
    }
    return { reason, isRestart };
  }

  private async deliver(
    event: SchedulerEvent,
    stream: { readonly origin: string; readonly streamId: string },
    session: Session,
  ): Promise<void> {
    const { handlers } = this.options;
    switch (event.type) {
      case 'SUBSCRIBED':
        await this.subscribed(frameworkId(event.subscribed.framework_id.value), stream, session);
        return;
      case 'OFFERS':
        await handlers.onOffers(event.offers.offers);
        return;
      case 'RESCIND':
        await handlers.onRescind(offerId(event.rescind.offer_id.value));
        return;
      case 'UPDATE':
        session.reconciler?.answered(event.update.status.task_id.value);
        await session.updates.add(() => this.update(event.update.status));
        return;
      case 'FAILURE': {
        const { agent_id, executor_id, status } = event.failure;
        await handlers.onFailure({
          ...(agent_id === undefined ? {} : { agentId: agentId(agent_id.value) }),
          ...(executor_id === undefined ? {} : { executorId: executor_id.value }),
          ...(status === undefined ? {} : { status }),
        });
        return;
      }
      case 'MESSAGE': {
        const { agent_id, executor_id, data } = event.message;
        await handlers.onMessage?.({
          agentId: agentId(agent_id.value),
          executorId: executor_id.value,
          data,
        });
        return;
      }
      case 'ERROR':
        this.isEnded = true;
        await handlers.onError(event.error.message);
        return;
      case 'INVERSE_OFFERS':
        await handlers.onInverseOffers?.(event.inverse_offers.inverse_offers);
        return;
      case 'RESCIND_INVERSE_OFFER':
        await handlers.onRescindInverseOffer?.(event.rescind_inverse_offer.inverse_offer_id.value);
        return;
      case 'UPDATE_OPERATION_STATUS':
      case 'HEARTBEAT':
        return;
      default:
        event satisfies never;
    }
  }

  private async subscribed(
    id: FrameworkId,
    stream: { readonly origin: string; readonly streamId: string },
    session: Session,
  ): Promise<void> {
    this.known = id;
    this.sender = new CallSender({
      origin: stream.origin,
      streamId: stream.streamId,
      frameworkId: id,
      headers: this.headers,
      tls: this.options.tls,
      clock: this.clock,
      backOff: this.backOffOptions,
    });
    await this.options.handlers.onSubscribed(id, new URL(stream.origin).host);
    const { reconciliation } = this.options;
    if (reconciliation === undefined) return;
    session.reconciler = new Reconciler({
      ...reconciliation,
      clock: this.clock,
      random: this.backOffOptions.random,
      signal: session.signal,
      ask: (tasks) => this.call({ type: 'RECONCILE', reconcile: { tasks } }),
    });
    void session.reconciler.run().catch(session.fail);
  }

  /** Acknowledges what the handler has made durable. An acknowledgement that fails is repeated by the agent's resend. */
  private async update(status: Parameters<SchedulerHandlers['onUpdate']>[0]): Promise<void> {
    const { sender } = this;
    await this.options.handlers.onUpdate(status);
    if (status.uuid === undefined || status.agent_id === undefined) return;
    const acknowledge = { agent_id: status.agent_id, task_id: status.task_id, uuid: status.uuid };
    await sender?.send({ type: 'ACKNOWLEDGE', acknowledge }).catch((error: unknown) => {
      if (!(error instanceof SchedulerCallError)) throw error;
    });
  }

  /** A handler that fails outside of a subscription has nowhere to be retried; it must not end the driver. */
  private async tell(handler: () => Promise<void> | void): Promise<void> {
    try {
      await handler();
    } catch (error) {
      this.isEnded = true;
      await this.options.handlers.onError(`onDisconnected failed: ${messageOf(error)}`);
    }
  }
}
