import { randomUUID } from 'node:crypto';
import { type Clock, frameworkId, isTerminalTaskState, type TaskState } from '#core';
import type { TaskStatus, WireOffer } from '#mesos-v1';
import { createScheduler, type Scheduler } from './create-scheduler.js';
import { messageOf } from './event-stream.js';
import { LaunchQueue } from './launch-queue.js';
import { type LiveTask, newTask, toQuestion } from './live-task.js';
import { HOLD_MS, OfferDesk, REFUSAL_SECONDS } from './offer-desk.js';
import { type Placement, packOffers } from './pack-offers.js';
import { pause } from './pause.js';
import type { TaskRunner, TaskRunnerOptions } from './runner-options.js';
import { CoalescingSaver, type RunnerState } from './runner-store.js';
import {
  checkRunnerTask,
  type Place,
  type RunnerTask,
  toPlace,
  toTaskInfo,
} from './runner-task.js';
import { SchedulerCallError, type SchedulerCallWithoutFrameworkId } from './scheduler-driver.js';
import { systemClock } from './system-clock.js';

const DEFAULT_FAILOVER_SECONDS = 3_600;
const DEFAULT_RECONCILE_MS = 60_000;
const DEFAULT_UNREACHABLE_LIMIT_MS = 300_000;
/** A minute: longer than masters take to elect another. */
const MAX_TEARDOWN_ATTEMPTS = 120;
const TEARDOWN_RETRY_MS = 500;
const NEVER = new AbortController().signal;
/** What a master says of a framework that was torn down. */
const FRAMEWORK_REMOVED = 'Framework has been removed';

/** A runner over HTTP. Nothing happens before `start`. */
export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  return new HttpTaskRunner(options);
}

class HttpTaskRunner implements TaskRunner {
  private readonly clock: Clock;
  private readonly queue: LaunchQueue;
  private readonly live = new Map<string, LiveTask>();
  private readonly saver: CoalescingSaver;
  private readonly desk = new OfferDesk((call) => this.request(call));
  private scheduler: Scheduler | undefined;
  private frameworkId: string | undefined;
  private isConnected = false;
  private lastReason = '';
  private packing: Promise<void> | undefined;
  private nextPacking: { readonly dueMs: number; readonly cancel: () => void } | undefined;
  private failure: Error | undefined;
  private waiters: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  constructor(private readonly options: TaskRunnerOptions) {
    this.clock = options.clock ?? systemClock;
    this.queue = new LaunchQueue(Math.random);
    this.saver = new CoalescingSaver(async () => this.options.store?.save(this.state()));
  }

  async start(): Promise<void> {
    const { options } = this;
    const state = await options.store?.load();
    this.frameworkId = state?.frameworkId;
    for (const { isKilling, ...place } of state?.tasks ?? []) {
      this.live.set(place.taskId, { ...newTask(place), isKilling, isSent: true });
    }
    this.scheduler = createScheduler({
      masters: options.masters,
      frameworkInfo: {
        failover_timeout: DEFAULT_FAILOVER_SECONDS,
        checkpoint: true,
        capabilities: [{ type: 'PARTITION_AWARE' }],
        ...options.frameworkInfo,
      },
      ...(state?.frameworkId === undefined ? {} : { frameworkId: frameworkId(state.frameworkId) }),
      clock: this.clock,
      ...(options.credential === undefined ? {} : { credential: options.credential }),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      ...(options.backOff === undefined ? {} : { backOff: options.backOff }),
      reconciliation: {
        intervalMs: options.reconcileIntervalMs ?? DEFAULT_RECONCILE_MS,
        tasks: async () => [...this.live.values()].filter((task) => task.isSent).map(toQuestion),
      },
      handlers: {
        onSubscribed: (id, master) => this.subscribed(id, master),
        onOffers: (offers) => this.take(offers),
        onRescind: (id) => this.desk.remove([id]),
        onUpdate: (status) => this.update(status),
        onFailure: () => undefined,
        onError: (message) => this.refused(message),
        onDisconnected: (reason) => this.disconnected(reason),
      },
    });
    this.scheduler.start();
  }

  submit(...gang: readonly RunnerTask[]): void {
    gang.forEach(checkRunnerTask);
    if (gang.length === 0) return;
    const names = gang.map(({ name }) => name);
    if (new Set(names).size < names.length)
      throw new TypeError(`a name twice in one gang: ${names}`);
    const known = new Set(this.running().map(({ name }) => name));
    const already = names.filter((name) => known.has(name));
    if (already.length === names.length) return;
    if (already.length > 0) throw new TypeError(`of this gang run already: ${already.join(', ')}`);
    this.queue.add(gang);
    this.packSoon(0);
  }

  kill(name: string): void {
    this.queue.drop(name);
    for (const task of this.live.values()) {
      if (task.place.name !== name || task.isEnding || task.isKilling) continue;
      task.isKilling = true;
      this.save().then(
        () => this.sendKill(task),
        () => undefined,
      );
    }
    this.settleIdle();
  }

  running(): readonly Place[] {
    return [...this.live.values()].filter(({ isEnding }) => !isEnding).map(({ place }) => place);
  }

  idle(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.settleIdle();
    });
  }

  async stop(): Promise<void> {
    this.nextPacking?.cancel();
    for (const task of this.live.values()) task.cancelUnreachable?.();
    await this.scheduler?.stop();
    await this.packing;
  }

  async teardown(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.scheduler?.teardown();
        break;
      } catch (error) {
        const isPassing = error instanceof SchedulerCallError && error.code !== 'REFUSED';
        if (!isPassing || attempt >= MAX_TEARDOWN_ATTEMPTS) throw error;
        await pause(this.clock, TEARDOWN_RETRY_MS, NEVER);
      }
    }
    await this.stop();
    await this.forget();
  }

  private async subscribed(id: string, master: string): Promise<void> {
    this.options.log?.(`subscribed as ${id} at ${master}`);
    this.frameworkId = id;
    this.isConnected = true;
    this.lastReason = '';
    this.desk.reset();
    await this.save();
    for (const task of this.live.values()) if (task.isKilling) this.sendKill(task);
    this.packSoon(0);
  }

  private disconnected(reason: string): void {
    // A master that is away is tried for long: each reason is told once.
    if (reason !== this.lastReason) this.options.log?.(`disconnected: ${reason}`);
    this.lastReason = reason;
    this.isConnected = false;
    this.desk.reset();
  }

  private async refused(message: string): Promise<void> {
    if (message === FRAMEWORK_REMOVED) await this.forget();
    this.fail(new Error(`the master refuses this framework: ${message}`));
  }

  private take(offers: readonly WireOffer[]): void {
    this.desk.add(offers, this.clock.now().monoMs);
    this.packSoon(0);
  }

  private packSoon(delayMs: number): void {
    const dueMs = this.clock.now().monoMs + delayMs;
    if (this.nextPacking !== undefined && this.nextPacking.dueMs <= dueMs) return;
    this.nextPacking?.cancel();
    const cancel = this.clock.schedule(delayMs, () => {
      this.nextPacking = undefined;
      this.packing = (this.packing ?? Promise.resolve())
        .then(() => this.pack())
        .catch((error: unknown) => this.fail(error));
    });
    this.nextPacking = { dueMs, cancel };
  }

  /** Launches what there is room for, and says what is wanted. */
  private async pack(): Promise<void> {
    if (!this.isConnected || this.failure !== undefined) return;
    const nowMs = this.clock.now().monoMs;
    const { accepts, unused, waiting } = packOffers(this.desk.offers(), this.queue.ready(nowMs));
    for (const { offerIds } of accepts) this.desk.accepted(offerIds);
    const launches = this.prepare(accepts.map(({ placements }) => placements));
    // Persist, then send: a task that may run is never forgotten.
    if (launches.length > 0) await this.save();
    for (const [index, { offerIds }] of accepts.entries()) {
      this.accept(offerIds, launches[index] ?? []);
    }
    const isHolding = waiting.some((gang) => gang.length > 1);
    this.desk.decline(unused, nowMs, { isHolding });
    this.desk.ask(this.queue, nowMs);
    const againMs = Math.min(
      this.queue.nextReadyMs(nowMs) - nowMs,
      isHolding && this.desk.size > 0 ? HOLD_MS : Number.POSITIVE_INFINITY,
    );
    if (Number.isFinite(againMs)) this.packSoon(againMs);
    this.settleIdle();
  }

  /** Makes the tasks live and takes them off the queue. */
  private prepare(accepts: readonly (readonly Placement<RunnerTask>[])[]) {
    const places = new Map<RunnerTask, Place>();
    for (const placement of accepts.flat()) {
      const place = toPlace(placement, randomUUID().slice(0, 8));
      places.set(placement.task, place);
      this.live.set(place.taskId, newTask(place));
    }
    const gangs = this.queue.remove(new Set(places.keys()));
    const peersOf = new Map(
      gangs.flatMap((gang) => {
        const peers = gang.flatMap((task) => places.get(task) ?? []);
        return gang.map((task) => [task, peers] as const);
      }),
    );
    return accepts.map((placements) =>
      placements.flatMap((placement) => {
        const place = places.get(placement.task);
        if (place === undefined) return [];
        return [toTaskInfo(placement, place, peersOf.get(placement.task) ?? [place])];
      }),
    );
  }

  private accept(
    offerIds: readonly string[],
    task_infos: readonly ReturnType<typeof toTaskInfo>[],
  ): void {
    const call = this.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: offerIds.map((value) => ({ value })),
        operations: [{ type: 'LAUNCH', launch: { task_infos } }],
        filters: { refuse_seconds: REFUSAL_SECONDS },
      },
    });
    const tasks = task_infos.flatMap(({ task_id }) => this.live.get(task_id.value) ?? []);
    for (const task of tasks) {
      task.isSent = true;
      if (task.isKilling) this.sendKill(task);
    }
    call.catch((error: unknown) => {
      if (!(error instanceof SchedulerCallError)) return this.fail(error);
      this.options.log?.(messageOf(error));
      // On a new subscription nothing of the old one is carried out any more, so reconciliation is conclusive.
      if (error.code === 'UNAVAILABLE') return this.scheduler?.resubscribe();
      for (const { place } of tasks) this.drop(place, error.message);
    });
  }

  /** Of a task the master never heard of. */
  private drop({ taskId, agentId }: Place, message: string): void {
    const status = { task_id: { value: taskId }, agent_id: { value: agentId }, message };
    // Should the framework not take it in, the next reconciliation tells it again.
    this.update({ ...status, state: 'TASK_DROPPED' }).catch((error: unknown) =>
      this.options.log?.(messageOf(error)),
    );
  }

  private async update(status: TaskStatus): Promise<void> {
    const task = this.live.get(status.task_id.value);
    const isEnded =
      status.state === 'TASK_UNKNOWN' || isTerminalTaskState(status.state as TaskState);
    if (task === undefined) {
      // Given up, or launched by a scheduler that lost its state: it would run for nobody.
      if (!isEnded) this.requestKill(status.task_id.value, status.agent_id?.value);
      return;
    }
    task.telling = task.telling.catch(() => undefined).then(() => this.tell(task, status, isEnded));
    await task.telling;
  }

  private async tell(task: LiveTask, status: TaskStatus, isEnded: boolean): Promise<void> {
    const { place } = task;
    if (!this.live.has(place.taskId)) return;
    task.isEnding = isEnded;
    this.watchReachability(task, status);
    if (isEnded) {
      const isFailure = status.state !== 'TASK_FINISHED' && !task.isKilling;
      this.queue.ended(place.name, isFailure, this.clock.now().monoMs);
    } else if (task.isKilling) this.sendKill(task);
    try {
      await this.options.onStatus({ place, status, isEnded });
    } catch (error) {
      task.isEnding = false;
      throw error;
    }
    if (!isEnded) return;
    this.live.delete(place.taskId);
    await this.save();
    this.settleIdle();
  }

  private watchReachability(task: LiveTask, status: TaskStatus): void {
    if (status.state === 'TASK_UNREACHABLE' && task.cancelUnreachable !== undefined) return;
    task.cancelUnreachable?.();
    task.cancelUnreachable = undefined;
    if (status.state !== 'TASK_UNREACHABLE') return;
    const limitMs = this.options.unreachableLimitMs ?? DEFAULT_UNREACHABLE_LIMIT_MS;
    task.cancelUnreachable = this.clock.schedule(limitMs, () =>
      this.drop(task.place, `its agent has been unreachable for ${limitMs} ms`),
    );
  }

  private sendKill({ place, isSent }: LiveTask): void {
    if (isSent) this.requestKill(place.taskId, place.agentId);
  }

  private requestKill(taskId: string, agentId: string | undefined): void {
    const agent = agentId === undefined ? {} : { agent_id: { value: agentId } };
    this.request({ type: 'KILL', kill: { task_id: { value: taskId }, ...agent } });
  }

  /** What is lost of these is made good by the next subscription, or the next reconciliation. */
  private request(call: SchedulerCallWithoutFrameworkId): void {
    this.call(call).catch((error: unknown) => {
      if (!(error instanceof SchedulerCallError)) return this.fail(error);
      this.options.log?.(messageOf(error));
      if (error.code === 'UNAVAILABLE') this.scheduler?.resubscribe();
    });
  }

  private async call(call: SchedulerCallWithoutFrameworkId): Promise<void> {
    await this.scheduler?.call(call);
  }

  private state(): RunnerState {
    return {
      ...(this.frameworkId === undefined ? {} : { frameworkId: this.frameworkId }),
      tasks: [...this.live.values()].map(({ place, isKilling }) => ({ ...place, isKilling })),
    };
  }

  private async save(): Promise<void> {
    try {
      await this.saver.save();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  private async forget(): Promise<void> {
    this.live.clear();
    this.frameworkId = undefined;
    await this.save();
  }

  /** What cannot be stored cannot be promised: the process should end, and start again from what is. */
  private fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    this.nextPacking?.cancel();
    void this.scheduler?.stop();
    this.settleIdle();
  }

  private settleIdle(): void {
    const { failure } = this;
    if (failure === undefined && (this.live.size > 0 || !this.queue.isEmpty)) return;
    const { waiters } = this;
    this.waiters = [];
    for (const { resolve, reject } of waiters) failure === undefined ? resolve() : reject(failure);
  }
}
