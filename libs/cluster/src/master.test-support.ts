import { agentId, frameworkId, type Now, type RegistrySnapshot, type Resources } from '#core';
import {
  type AgentCall,
  type AgentMessage,
  type Filters,
  type FrameworkInfo,
  type LaunchId,
  type OfferConstraints,
  type OfferOperation,
  type OperationStatus,
  type OperatorMutation,
  type SchedulerCall,
  type SchedulerEvent,
  type TaskInfo,
  type TaskStatus,
  type WireOffer,
} from '#mesos-v1';
import { agentSubscription, type GivenAgent } from './master-agent.test-support.js';
import type { MasterEffect, MasterEvent } from './master-events.js';
import { reduceMaster } from './master-reducer.js';
import { createMasterState, type MasterConfig, type MasterState } from './master-state.js';
import { EMPTY_REGISTRY } from './registry.test-support.js';

export { commandTask } from './master-agent.test-support.js';

type EventOf<Type extends SchedulerEvent['type']> = Extract<
  SchedulerEvent,
  { readonly type: Type }
>;
type Call = Exclude<SchedulerCall, { readonly type: 'SUBSCRIBE' }>;
type CommitEffect = Extract<MasterEffect, { readonly kind: 'commit-registry' }>;
type AgentPlainCall = Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>;
type WithoutPlace<One> = One extends AgentPlainCall ? Omit<One, 'agent_id' | 'stream_id'> : never;
type WithoutId<One> = One extends Call ? Omit<One, 'framework_id'> : never;

/**
 * Drives the master's reducer over a virtual clock: registry commits succeed at once unless `registryIsAway`. Those that
 * nobody can be told of wait until it returns, as they do at the edge.
 */
export class MasterHarness {
  readonly state: MasterState;
  readonly sentToFrameworks = new Map<string, SchedulerEvent[]>();
  readonly sentToAgents = new Map<string, AgentMessage[]>();
  readonly closed = new Set<string>();
  readonly refused = new Map<string, number>();
  readonly answers = new Map<string, { readonly status: number; readonly message?: string }>();
  readonly committed: CommitEffect[] = [];
  /** Why the process would end. */
  aborted?: string;
  registryIsAway = false;
  /** Commits are under way until released. */
  holdsCommits = false;
  /** What the lease says: turns false a while after the registry went away. */
  isWritable = true;
  now: Now = { epochMs: 1_000_000, monoMs: 0 };
  private readonly waiting: CommitEffect[] = [];
  private readonly held: CommitEffect[] = [];
  private readonly allocationsDue: number[] = [];
  private readonly effects: MasterEffect[] = [];
  private isExecuting = false;
  private calls = 0;

  constructor(
    private readonly options: {
      readonly config?: Partial<MasterConfig>;
      readonly epoch?: number;
      /** Told after each event, before its effects. */
      readonly onReduced?: (state: MasterState) => void;
    } = {},
  ) {
    this.state = createMasterState({
      masterId: 'M',
      epoch: options.epoch ?? 1,
      startedEpochMs: this.now.epochMs,
      masterInfo: {
        id: 'M',
        ip: 0,
        port: 5050,
        pid: 'master@127.0.0.1:5050',
        hostname: 'localhost',
        version: '1.11.0',
        address: { hostname: 'localhost', ip: '127.0.0.1', port: 5050 },
      },
      ...(options.config === undefined ? {} : { config: options.config }),
    });
  }

  /** As the engine: reduces at once, its effects follow those already waiting. */
  dispatch(event: MasterEvent): void {
    this.effects.push(...reduceMaster(this.state, event, this.now).effects);
    this.options.onReduced?.(this.state);
    if (this.isExecuting) return;
    this.isExecuting = true;
    for (let effect = this.effects.shift(); effect !== undefined; effect = this.effects.shift()) {
      this.carryOut(effect);
    }
    this.isExecuting = false;
  }

  /** Moves time on in steps of `tickMs`, with ticks and the allocation rounds that fall due. */
  advance(ms: number, tickMs = 1_000): void {
    const endMs = this.now.monoMs + ms;
    while (this.now.monoMs < endMs) {
      const stepMs = Math.min(tickMs, endMs - this.now.monoMs);
      this.now = { epochMs: this.now.epochMs + stepMs, monoMs: this.now.monoMs + stepMs };
      this.runDueAllocations();
      if (stepMs === tickMs) this.tick();
      this.runDueAllocations();
    }
  }

  tick(): void {
    this.dispatch({ kind: 'tick', isWritable: this.isWritable });
  }

  /** Runs rounds until nothing is due within the next few milliseconds. */
  allocate(): void {
    this.advance(5, 10);
  }

  subscribe(
    streamId: string,
    info: Partial<FrameworkInfo> = {},
    options: {
      readonly id?: string;
      readonly suppressed?: readonly string[];
      readonly constraints?: OfferConstraints;
      readonly principal?: string;
    } = {},
  ): string {
    const id = options.id === undefined ? {} : { id: { value: options.id } };
    this.dispatch({
      kind: 'framework-subscribe',
      streamId,
      ...(options.principal === undefined ? {} : { principal: options.principal }),
      call: {
        type: 'SUBSCRIBE',
        ...(options.id === undefined ? {} : { framework_id: { value: options.id } }),
        subscribe: {
          framework_info: { user: 'root', name: streamId, failover_timeout: 60, ...info, ...id },
          ...(options.suppressed === undefined ? {} : { suppressed_roles: options.suppressed }),
          ...(options.constraints === undefined ? {} : { offer_constraints: options.constraints }),
        },
      },
    });
    return this.eventsOf(streamId, 'SUBSCRIBED')[0]?.subscribed.framework_id.value ?? '';
  }

  call(
    framework: string,
    streamId: string | undefined,
    call: WithoutId<Call>,
  ): { readonly status: number; readonly message?: string } {
    const callId = `c${this.calls}`;
    this.calls += 1;
    this.dispatch({
      kind: 'scheduler-call',
      callId,
      ...(streamId === undefined ? {} : { streamId }),
      call: { ...call, framework_id: { value: framework } } as Call,
    });
    return this.answers.get(callId) ?? { status: 0 };
  }

  addAgent(streamId: string, options: GivenAgent = {}): string {
    this.dispatch({ kind: 'agent-subscribe', streamId, subscription: agentSubscription(options) });
    const [first] = this.messagesOf(streamId);
    return first?.type === 'SUBSCRIBED' ? first.subscribed.agent_id.value : '';
  }

  /** Reads the registry, as the master does first of all. */
  recover(snapshot: Partial<RegistrySnapshot>): void {
    this.dispatch({ kind: 'recover', snapshot: { ...EMPTY_REGISTRY, ...snapshot } });
  }

  operate(call: OperatorMutation): { readonly status: number; readonly message?: string } {
    const callId = `o${this.calls}`;
    this.calls += 1;
    this.dispatch({ kind: 'operator-call', callId, call });
    return this.answers.get(callId) ?? { status: 0 };
  }

  markGone(agent: string): { readonly status: number; readonly message?: string } {
    const mark_agent_gone = { agent_id: { value: agent } };
    return this.operate({ type: 'MARK_AGENT_GONE', mark_agent_gone });
  }

  pong(agent: string, streamId: string): void {
    this.agentCall(agent, streamId, { type: 'PONG' });
  }

  /** Any call of an agent but SUBSCRIBE; the status of its answer. */
  agentCall(agent: string, streamId: string, call: WithoutPlace<AgentCall>): number {
    const callId = `a${this.calls}`;
    this.calls += 1;
    this.dispatch({
      kind: 'agent-call',
      callId,
      call: { ...call, agent_id: { value: agent }, stream_id: streamId } as AgentPlainCall,
      isWritable: this.isWritable,
    });
    return this.answers.get(callId)?.status ?? 0;
  }

  /** ACCEPT with these operations. */
  accept(
    framework: string,
    streamId: string,
    offer: Pick<WireOffer, 'id'>,
    operations: readonly OfferOperation[],
    filters?: Filters,
  ): number {
    return this.call(framework, streamId, {
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations,
        ...(filters === undefined ? {} : { filters }),
      },
    }).status;
  }

  /** States and messages of operations the framework was told of. */
  operationsOf(streamId: string): OperationStatus[] {
    return this.eventsOf(streamId, 'UPDATE_OPERATION_STATUS').map(
      (event) => event.update_operation_status.status,
    );
  }

  update(
    where: { readonly agent: string; readonly streamId: string; readonly framework: string },
    status: {
      readonly taskId: string;
      readonly state: string;
      readonly latest?: string;
      readonly uuid?: string;
      readonly launchId?: LaunchId | undefined;
    },
  ): number {
    const callId = `u${this.calls}`;
    this.calls += 1;
    const wire: TaskStatus = {
      task_id: { value: status.taskId },
      state: status.state,
      source: 'SOURCE_EXECUTOR',
      ...(status.uuid === undefined ? {} : { uuid: status.uuid }),
    };
    this.dispatch({
      kind: 'agent-call',
      callId,
      call: {
        type: 'UPDATE',
        agent_id: { value: where.agent },
        stream_id: where.streamId,
        update: {
          framework_id: { value: where.framework },
          status: wire,
          latest_state: status.latest ?? status.state,
          ...(status.launchId === undefined ? {} : { launch_id: status.launchId }),
        },
      },
      isWritable: this.isWritable,
    });
    return this.answers.get(callId)?.status ?? 0;
  }

  /** Accepts an offer with one LAUNCH per task. */
  launch(
    framework: string,
    streamId: string,
    offer: WireOffer,
    tasks: readonly TaskInfo[],
  ): number {
    return this.call(framework, streamId, {
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: tasks } }],
      },
    }).status;
  }

  eventsOf<Type extends SchedulerEvent['type']>(streamId: string, type: Type): EventOf<Type>[] {
    return (this.sentToFrameworks.get(streamId) ?? []).filter(
      (event): event is EventOf<Type> => event.type === type,
    );
  }

  offersOf(streamId: string): WireOffer[] {
    return this.eventsOf(streamId, 'OFFERS').flatMap((event) => [...event.offers.offers]);
  }

  statusesOf(streamId: string): TaskStatus[] {
    return this.eventsOf(streamId, 'UPDATE').map((event) => event.update.status);
  }

  messagesOf(streamId: string): AgentMessage[] {
    return this.sentToAgents.get(streamId) ?? [];
  }

  usedOn(agent: string): Resources {
    return this.state.allocator.availableOn(agentId(agent));
  }

  hasTask(framework: string, task: string): boolean {
    const tasks = this.state.frameworks.get(frameworkId(framework))?.tasks;
    return [...(tasks?.keys() ?? [])].some((id) => id === task);
  }

  releaseCommits(): void {
    this.holdsCommits = false;
    for (const effect of this.held.splice(0)) this.carryOut(effect);
  }

  registryReturns(): void {
    this.registryIsAway = false;
    this.isWritable = true;
    for (const effect of this.waiting.splice(0)) this.commit(effect);
  }

  private commit(effect: CommitEffect): void {
    this.committed.push(effect);
    if (effect.stored !== undefined) this.dispatch(effect.stored);
  }

  private runDueAllocations(): void {
    if (!this.allocationsDue.some((dueMs) => dueMs <= this.now.monoMs)) return;
    const later = this.allocationsDue.filter((dueMs) => dueMs > this.now.monoMs);
    this.allocationsDue.splice(0, this.allocationsDue.length, ...later);
    this.dispatch({ kind: 'allocate' });
  }

  readonly notes: Extract<MasterEffect, { readonly kind: 'note' }>[] = [];

  private carryOut(effect: MasterEffect): void {
    switch (effect.kind) {
      case 'send-to-framework':
        push(this.sentToFrameworks, effect.streamId, effect.event);
        return;
      case 'send-to-agent':
        push(this.sentToAgents, effect.streamId, effect.message);
        return;
      case 'close-framework-stream':
      case 'close-agent-stream':
        this.closed.add(effect.streamId);
        return;
      case 'refuse-stream':
        this.refused.set(effect.streamId, effect.status);
        return;
      case 'answer-call':
        this.answers.set(effect.callId, effect);
        return;
      case 'commit-registry':
        if (this.holdsCommits) {
          this.held.push(effect);
          return;
        }
        if (this.registryIsAway) {
          if (effect.unavailable === undefined) this.waiting.push(effect);
          else this.dispatch(effect.unavailable);
          return;
        }
        this.commit(effect);
        return;
      case 'schedule-allocation':
        this.allocationsDue.push(this.now.monoMs + effect.delayMs);
        return;
      case 'abort':
        this.aborted = effect.message;
        return;
      case 'note':
        this.notes.push(effect);
        return;
      default:
        effect satisfies never;
    }
  }
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
