import {
  type AgentSubscription,
  createMasterState,
  type MasterChange,
  type MasterConfig,
  type MasterEffect,
  type MasterEvent,
  type MasterState,
  type MasterTouches,
  reduceMaster,
  type SubscribeCall,
  startObserving,
  takeChanges,
  touchesOf,
} from '#cluster';
import type { ExecutorTable, Lease } from '#core';
import type { AgentCall, MasterInfo, OperatorMutation, SchedulerCall } from '#mesos-v1';
import { EngineCounters } from './engine-counters.js';
import { type CallAnswer, createMasterExecutors } from './master-executors.js';
import type { MasterPorts } from './master-ports.js';
import { RegistrySize } from './registry-size.js';
import { RegistryWriter } from './registry-writer.js';

export interface MasterEngineOptions {
  readonly lease: Lease;
  /** Its `id` is replaced by the registry's. */
  readonly masterInfo: MasterInfo;
  readonly config?: Partial<MasterConfig>;
  /** Told of each effect before it is carried out; the simulation watches, and stops the engine, here. */
  readonly beforeEffect?: (effect: MasterEffect) => void;
  /** Decides in place of `reduceMaster`; the simulation watches events here, and breaks rules on purpose. */
  readonly reduce?: typeof reduceMaster;
}

const TICK_MS = 1_000;
/** With more effects that wait the engine is behind, and its turns last longer. */
const MAX_WAITING_EFFECTS = 20_000;

/** Loads the registry under the lease and begins to lead. Throws FencedError or StoreUnavailableError. */
export async function createMasterEngine(
  ports: MasterPorts,
  options: MasterEngineOptions,
): Promise<MasterEngine> {
  const snapshot = await ports.registry.load(options.lease, ports.ids.next());
  const state = createMasterState({
    masterId: snapshot.masterId,
    epoch: options.lease.epoch,
    masterInfo: { ...options.masterInfo, id: snapshot.masterId },
    startedEpochMs: ports.clock.now().epochMs,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  const size = new RegistrySize(snapshot);
  const engine = new MasterEngine(ports, { ...options, size }, state);
  engine.dispatch({ kind: 'recover', snapshot });
  return engine;
}

/**
 * Runs the master's reducer: one event at a time, its effects in order. Everything it touches is a port, so that the
 * simulation runs this very class.
 */
export class MasterEngine {
  private readonly reduce: typeof reduceMaster;
  private readonly executors: ExecutorTable<MasterEffect>;
  private readonly writer: RegistryWriter;
  private readonly calls = new Map<string, (answer: CallAnswer) => void>();
  /** Answers to give once what was sent before them is written. */
  private answers: (() => void)[] = [];
  private effects: MasterEffect[] = [];
  /** Of those taken from {@link effects} to be carried out. */
  private unfinished = 0;
  private isExecuting = false;
  private isStopped = false;
  private cancelTick: () => void;
  private allocation: { readonly dueMonoMs: number; readonly cancel: () => void } | undefined;
  private nextCallNumber = 0;
  /** For metrics. */
  readonly counters = new EngineCounters();
  private follower: ((touches: MasterTouches) => void) | undefined;
  private watcher: ((changes: readonly MasterChange[]) => void) | undefined;
  private reductions = 0;

  constructor(
    private readonly ports: MasterPorts,
    private readonly options: MasterEngineOptions & { readonly size: RegistrySize },
    /** For reads. Only the reducer changes it. */
    readonly state: MasterState,
  ) {
    startObserving(state);
    const { counters } = this;
    this.reduce = options.reduce ?? reduceMaster;
    const fail = (error: Error) => this.fail(error);
    this.writer = new RegistryWriter({
      ...ports,
      lease: options.lease,
      onFatal: fail,
      onWritten: (ms, changes) => {
        counters.registryStore.add(ms);
        for (const change of changes) options.size.apply(change);
      },
    });
    this.executors = createMasterExecutors({
      ports,
      writer: this.writer,
      dispatch: (event) => this.dispatch(event),
      answer: (callId, answer) => this.answer(callId, answer),
      told: (streamId, event) => {
        const framework = state.frameworkStreams.get(streamId);
        if (framework !== undefined) counters.told(framework.id, event);
      },
      scheduleAllocation: (delayMs) => this.scheduleAllocation(delayMs),
      abort: fail,
    });
    this.cancelTick = ports.clock.schedule(TICK_MS, () => this.tick());
  }

  /** The stream is pending in {@link MasterPorts.frameworkStreams} under this id already. */
  subscribeFramework(given: {
    readonly streamId: string;
    readonly call: SubscribeCall;
    readonly principal?: string;
  }): void {
    this.dispatch({ kind: 'framework-subscribe', ...given });
  }

  /** Any scheduler call but SUBSCRIBE; resolves with the HTTP status. */
  callFromScheduler(given: {
    readonly call: Exclude<SchedulerCall, { readonly type: 'SUBSCRIBE' }>;
    readonly streamId?: string;
    readonly principal?: string;
  }): Promise<CallAnswer> {
    this.counters.called(given.call.framework_id.value, given.call);
    return this.ask((callId) => ({ kind: 'scheduler-call', callId, ...given }));
  }

  frameworkStreamClosed(streamId: string): void {
    this.dispatch({ kind: 'framework-stream-closed', streamId });
  }

  /** The stream is pending in {@link MasterPorts.agentStreams} under this id already. */
  subscribeAgent(given: {
    readonly streamId: string;
    readonly subscription: AgentSubscription;
  }): void {
    this.dispatch({ kind: 'agent-subscribe', ...given });
  }

  /** Also while the registry is away: the agent is heard then, and its UPDATE refused. */
  callFromAgent(call: Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>): Promise<CallAnswer> {
    const isWritable = this.ports.isWritable();
    return this.ask((callId) => ({ kind: 'agent-call', callId, call, isWritable }));
  }

  agentStreamClosed(streamId: string): void {
    this.dispatch({ kind: 'agent-stream-closed', streamId });
  }

  /** An operator call that changes the cluster; resolves once the change is durable, or refused. */
  callFromOperator(given: {
    readonly call: OperatorMutation;
    readonly principal?: string;
  }): Promise<CallAnswer> {
    return this.ask((callId) => ({ kind: 'operator-call', callId, ...given }));
  }

  /**
   * Grows whenever something that reads show may have changed: two reads at the same revision are the same. Signs of
   * life show nowhere.
   */
  get revision(): number {
    return this.reductions;
  }

  /** Events whose effects are not carried out yet. */
  get backlog(): { readonly effects: number; readonly registryOperations: number } {
    const effects = this.unfinished + this.effects.length;
    return { effects, registryOperations: this.writer.queued };
  }

  /** What the registry holds. For metrics. */
  get registryBytes(): number {
    return this.options.size.bytes;
  }

  /** Tells one follower of all that an event touched, whether it changed or not. */
  follow(follower: (touches: MasterTouches) => void): void {
    this.follower = follower;
  }

  /** Tells one watcher what each event changed, at once and before its effects. Undefined: nobody any more. */
  watch(watcher: ((changes: readonly MasterChange[]) => void) | undefined): void {
    this.watcher = watcher;
  }

  /** Reduces one event now; its effects follow those already waiting. */
  dispatch(event: MasterEvent): void {
    if (this.isStopped) return;
    try {
      const { effects } = this.reduce(this.state, event, this.ports.clock.now());
      for (const effect of effects) this.effects.push(effect);
      if (event.kind !== 'agent-call' || event.call.type !== 'PONG') this.reductions += 1;
      this.follower?.(touchesOf(this.state));
      const changes = takeChanges(this.state);
      this.counters.changed(changes);
      if (changes.length > 0) this.watcher?.(changes);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (!this.isExecuting) void this.execute();
  }

  /** Does nothing any more: no event, no effect. Calls under way are answered 503. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.effects = [];
    this.answers = [];
    this.cancelTick();
    this.allocation?.cancel();
    this.writer.stop();
    for (const answer of this.calls.values()) {
      answer({ status: 503, message: 'the master is stopping' });
    }
    this.calls.clear();
  }

  /** In their order and in turns, so that others go on however much is to be done. */
  private async execute(): Promise<void> {
    this.isExecuting = true;
    const { pacer } = this.ports;
    try {
      if (pacer !== undefined) await pacer.turn();
      while (this.effects.length > 0) {
        const batch = this.effects;
        this.effects = [];
        this.unfinished = batch.length;
        for (const effect of batch) {
          this.options.beforeEffect?.(effect);
          if (this.isStopped) return;
          await this.run(effect);
          this.unfinished -= 1;
          if (pacer === undefined) this.flush();
          else if (pacer.isOver) {
            this.flush();
            await pacer.turn({ isBehind: this.backlog.effects > MAX_WAITING_EFFECTS });
          }
        }
      }
      this.flush();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.isExecuting = false;
    }
  }

  /** What was sent is written before what comes after it is answered. */
  private flush(): void {
    this.ports.frameworkStreams.flush?.();
    this.ports.agentStreams.flush?.();
    const { answers } = this;
    this.answers = [];
    for (const answer of answers) answer();
  }

  private run<Kind extends MasterEffect['kind']>(
    effect: Extract<MasterEffect, { readonly kind: Kind }>,
  ): Promise<void> {
    // The table is keyed by the effect's own kind; the compiler cannot correlate the two.
    const execute = this.executors[effect.kind] as (one: typeof effect) => Promise<void>;
    return execute(effect);
  }

  private ask(toEvent: (callId: string) => MasterEvent): Promise<CallAnswer> {
    if (this.isStopped) {
      return Promise.resolve({ status: 503, message: 'the master is stopping' });
    }
    const callId = `call-${this.nextCallNumber}`;
    this.nextCallNumber += 1;
    return new Promise((resolve) => {
      this.calls.set(callId, resolve);
      this.dispatch(toEvent(callId));
    });
  }

  private answer(callId: string, answer: CallAnswer): void {
    this.answers.push(() => {
      this.calls.get(callId)?.(answer);
      this.calls.delete(callId);
    });
  }

  private tick(): void {
    this.dispatch({ kind: 'tick', isWritable: this.ports.isWritable() });
    if (!this.isStopped) this.cancelTick = this.ports.clock.schedule(TICK_MS, () => this.tick());
  }

  private scheduleAllocation(delayMs: number): void {
    const dueMonoMs = this.ports.clock.now().monoMs + delayMs;
    if (this.allocation !== undefined) {
      if (this.allocation.dueMonoMs <= dueMonoMs) return;
      this.allocation.cancel();
    }
    const cancel = this.ports.clock.schedule(delayMs, () => {
      this.allocation = undefined;
      this.allocate(dueMonoMs);
    });
    this.allocation = { dueMonoMs, cancel };
  }

  private allocate(dueMonoMs: number): void {
    const beganMonoMs = this.ports.clock.now().monoMs;
    this.dispatch({ kind: 'allocate' });
    this.counters.allocationLatency.add(Math.max(0, beganMonoMs - dueMonoMs));
    this.counters.allocationRun.add(this.ports.clock.now().monoMs - beganMonoMs);
  }

  private fail(error: Error): void {
    if (this.isStopped) return;
    this.stop();
    this.ports.onFatal(error);
  }
}
