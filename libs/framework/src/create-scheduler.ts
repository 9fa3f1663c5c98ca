import { agentId, type Clock, type FrameworkId, frameworkId, offerId } from '#core';
import type { FrameworkInfo, SchedulerEvent } from '#mesos-v1';
import { BackOff, type BackOffOptions } from './back-off.js';
import { CallSender } from './call-sender.js';
import { messageOf, openEventStream } from './event-stream.js';
import { toMasterOrigin } from './master-location.js';
import {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
  type SchedulerHandlers,
} from './scheduler-driver.js';
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
  readonly clock: Clock;
  /** Extra headers such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly backOff?: Partial<BackOffOptions>;
  /** Asks the master about these tasks after each subscription and every `intervalMs`; an empty list asks about all. */
  readonly reconciliation?: {
    readonly intervalMs: number;
    readonly tasks: () => Promise<
      readonly { readonly taskId: string; readonly agentId?: string }[]
    >;
  };
}

/** A driver that can also end the framework. */
export interface Scheduler extends SchedulerDriver {
  /** Tears the framework down: its tasks are killed and its id is used up. Then stops. */
  teardown(): Promise<void>;
  /** Known from the first subscription on. */
  readonly frameworkId: FrameworkId | undefined;
}

const DEFAULT_BACK_OFF: BackOffOptions = { initialMs: 100, maxMs: 5_000, random: Math.random };
/** Tasks asked about in one RECONCILE. */
const RECONCILE_BATCH = 1_000;
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
}

class HttpScheduler implements Scheduler {
  private readonly origins: readonly string[];
  private readonly backOff: BackOff;
  private readonly backOffOptions: BackOffOptions;
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
      const startedMs = this.options.clock.now().monoMs;
      const { reason, isRestart } = await this.session();
      // A stream that ends by our own TEARDOWN is no reason to subscribe again.
      if ((await this.tearingDown) === true || this.isEnded) return;
      this.tearingDown = undefined;
      if (this.options.clock.now().monoMs - startedMs > STABLE_MS) this.backOff.reset();
      await this.tell(() => this.options.handlers.onDisconnected(reason));
      if (!isRestart) await this.pause(this.backOff.next(), this.abort.signal);
    }
  }

  /** One subscription from begin to end; returns why it ended. */
  private async session(): Promise<{ readonly reason: string; readonly isRestart: boolean }> {
    const { frameworkInfo } = this.options;
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
        frameworkInfo: typeof frameworkInfo === 'function' ? frameworkInfo() : frameworkInfo,
        frameworkId: this.known,
        suppressedRoles: this.options.suppressedRoles ?? [],
        headers: this.options.headers ?? {},
        clock: this.options.clock,
        signal: abort.signal,
      });
      for await (const event of stream.events) {
        if (abort.signal.aborted) break;
        await this.deliver(event, stream, { updates, signal: abort.signal, fail });
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
      case 'ERROR':
        this.isEnded = true;
        await handlers.onError(event.error.message);
        return;
      case 'INVERSE_OFFERS':
      case 'RESCIND_INVERSE_OFFER':
      case 'UPDATE_OPERATION_STATUS':
      case 'MESSAGE':
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
      headers: this.options.headers ?? {},
      clock: this.options.clock,
      backOff: this.backOffOptions,
    });
    await this.options.handlers.onSubscribed(id, new URL(stream.origin).host);
    if (this.options.reconciliation !== undefined) void this.reconcile(session).catch(session.fail);
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

  /** Now and every interval while the subscription stands. A round the master refuses is made good by the next. */
  private async reconcile({ signal }: Session): Promise<void> {
    const { reconciliation } = this.options;
    while (reconciliation !== undefined && !signal.aborted) {
      const tasks = await reconciliation.tasks();
      await this.askAbout(tasks).catch((error: unknown) => {
        if (!(error instanceof SchedulerCallError)) throw error;
      });
      await this.pause(reconciliation.intervalMs, signal);
    }
  }

  private async askAbout(
    tasks: readonly { readonly taskId: string; readonly agentId?: string }[],
  ): Promise<void> {
    let at = 0;
    do {
      const batch = tasks.slice(at, at + RECONCILE_BATCH).map((task) => ({
        task_id: { value: task.taskId },
        ...(task.agentId === undefined ? {} : { agent_id: { value: task.agentId } }),
      }));
      await this.call({ type: 'RECONCILE', reconcile: { tasks: batch } });
      at += RECONCILE_BATCH;
    } while (at < tasks.length);
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

  /** Waits, but not longer than the driver or the subscription lives. */
  private pause(delayMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.options.clock.schedule(delayMs, end);
      signal.addEventListener('abort', end);
    });
  }
}
