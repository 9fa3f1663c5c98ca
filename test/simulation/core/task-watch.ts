import type { JournalRecord, MasterAgent, MasterEffect, MasterState } from '#cluster';
import {
  agentId,
  type FrameworkId,
  frameworkId,
  isTerminalTaskState,
  type LaunchSpec,
  present,
  reservedRole,
  type TaskId,
  type TaskState,
  taskId,
} from '#core';
import { decodeResources, type TaskInfo, type TaskStatus } from '#mesos-v1';
import type { FakeLeaseKeeper } from '../../support/fake-lease-keeper.js';
import type { AgentNode, AgentWatch } from '../agent-node.js';
import type { MasterWatch } from '../master-node.js';
import type { SchedulerWatch } from '../scheduler-link.js';
import { SurvivalWatch } from '../survival-watch.js';
import type { World } from '../world.js';
import type { FrameworkNode } from './framework-node.js';
import { GroupWatch } from './group-watch.js';
import { launchesOf, tasksOf } from './launches.js';
import type { LifeWatch, WatchedTurn } from './life-watch.js';
import { isFinal } from './task-book.js';
import { toTaskName, withTaskName } from './task-names.js';

interface Launch {
  readonly info: TaskInfo;
  readonly frameworkId: FrameworkId;
  /** Of the master that sent it last. */
  epoch: number;
}

/** The tasks of a whole cluster: what is launched, started, told, acknowledged and ended, and in which order. */
export class TaskWatch implements AgentWatch, MasterWatch, SchedulerWatch {
  readonly survival: SurvivalWatch;
  readonly groups = new GroupWatch();
  private readonly launches = new Map<string, Launch>();
  private readonly starts = new Map<string, string>();
  private readonly told = new Map<string, TaskState>();
  private readonly removed = new Set<FrameworkId>();
  /** Whose framework id it is. */
  private readonly names = new Map<string, string>();
  private readonly acknowledged = new Set<string>();
  /** Statuses of launches that a disk refused. */
  private readonly refused = new Set<string>();
  /** Executors of which some framework has asked the end. */
  private readonly shutDown = new Set<string>();

  constructor(
    private readonly parts: {
      readonly world: World;
      readonly leases: FakeLeaseKeeper;
      readonly agents: () => readonly AgentNode[];
      readonly frameworks: () => readonly FrameworkNode[];
    },
  ) {
    this.survival = new SurvivalWatch(
      parts.world,
      (task) => this.isRunning(task),
      ({ id, frameworkId }) => this.nameFor(frameworkId, id),
    );
  }

  /** What a task on a host is; the host may be full of those that are about to end with their framework. */
  definition(task: string): TaskInfo | undefined {
    const launch = this.launches.get(task);
    if (launch === undefined || !this.removed.has(launch.frameworkId)) return launch?.info;
    return { ...launch.info, resources: [] };
  }

  /** In the order of their first launch. */
  launched(): readonly TaskInfo[] {
    return [...this.launches.values()].map(({ info }) => info);
  }

  portsOf(): readonly number[] {
    return [];
  }

  /** For one life of a master. */
  life(): LifeWatch {
    return {
      after: (turn) => this.afterTurn(turn),
      effect: (state, effect) => this.carriedOut(state, effect),
    };
  }

  /** An ACCEPT reaches a master: what it launches is stored. */
  accepting(_engine: unknown, call: Parameters<MasterWatch['accepting']>[1]): void {
    for (const operation of call.accept.operations ?? []) {
      for (const { task_id } of tasksOf(operation)) {
        const id = this.nameFor(call.framework_id.value, task_id.value);
        const { disk } = this.nodeOf(id);
        if (disk.tasks.has(id) || disk.isForgotten(id)) continue;
        this.parts.world.violate(`task ${id} is launched before it is stored`);
      }
    }
  }

  /** A host starts a task's process. */
  started(task: TaskId, host: string, { run }: LaunchSpec): void {
    this.begun(task, host, (record) => record.kind === 'launching' && record.run === run);
  }

  /** It begins to run: a process of its own, or in an executor. */
  begun(task: TaskId, host: string, isIt: (record: JournalRecord) => boolean): void {
    const { world } = this.parts;
    const before = this.starts.get(task);
    if (before !== undefined) {
      world.violate(`task ${task} is started on ${host}, and was started on ${before} before`);
    }
    this.starts.set(task, host);
    const { journal } = this.agentOf(host);
    const isWritten = journal.records.some(isIt);
    if (!isWritten) world.violate(`task ${task} is started before ${host} has written it down`);
    const epoch = this.launches.get(task)?.epoch ?? 0;
    const seen = journal.identity?.highestEpoch ?? 0;
    this.checkReserved(task, host);
    if (seen < epoch) {
      world.violate(`${host} obeys epoch ${epoch} and would obey ${seen} after a restart`);
    }
  }

  /** What a task is reserved is on the agent's disk before it runs. */
  private checkReserved(task: TaskId, host: string): void {
    const held = decodeResources(this.launches.get(task)?.info.resources ?? []);
    const onDisk = decodeResources(
      this.agentOf(host).journal.identity?.checkpointedResources ?? [],
    );
    for (const key of Object.keys(held.scalars)) {
      if (reservedRole(key) === undefined || Object.hasOwn(onDisk.scalars, key)) continue;
      this.parts.world.violate(`task ${task} runs on ${key}, which ${host} has not written down`);
    }
  }

  /** An agent is about to send a status. */
  reporting(status: TaskStatus, host: string): void {
    const { uuid } = status;
    if (uuid === undefined) return;
    const node = this.agentOf(host);
    const isWritten = node.journal.records.findLast(
      (record) => record.kind === 'update' && record.status.uuid === uuid,
    );
    if (isWritten !== undefined) return;
    this.noteRefusals(node);
    if (this.refused.has(uuid)) return;
    // One nobody will acknowledge, as its framework is gone, is forgotten in the step in which it is refused: that disk must
    // have refused something, and the status says so.
    const isForgotten =
      node.journal.hasEverRefused &&
      (status.message?.startsWith('this agent cannot write down what it launches') === true ||
        status.reason === 'REASON_TASK_KILLED_DURING_LAUNCH');
    if (isForgotten) return;
    this.parts.world.violate(
      `${host} reports ${status.state} of ${status.task_id.value} before it has written it down`,
    );
  }

  /**
   * After each step: the runs an agent refused as its disk did not take them, and what it says of them. It has them, as
   * refused, at the end of the step in which it refused them, as nobody can have acknowledged that yet; its disk did
   * refuse; and nothing of them is on it.
   */
  noteRefusals({ journal, state, process, name }: AgentNode): void {
    if (!journal.hasEverRefused || state === undefined || !process.isAlive) return;
    for (const { run, isUnwritten, stream } of state.tasks.values()) {
      if (isUnwritten !== true) continue;
      for (const { uuid } of stream.pending) {
        if (uuid === undefined || this.refused.has(uuid)) continue;
        this.refused.add(uuid);
        const isKnown = journal.records.some((record) => record.run === run);
        if (isKnown) this.parts.world.violate(`${name} refuses ${run}, which it has written down`);
      }
    }
  }

  /** The framework is told. */
  statusDelivered(status: TaskStatus): void {
    const id = status.task_id.value;
    const state = status.state as TaskState;
    const { world } = this.parts;
    world.trace.add(this.nodeOf(id).name, `hears ${id} ${state} ${status.reason ?? ''}`);
    const before = this.told.get(id);
    // A status that may be wrong contradicts nothing.
    if (mayBeWrong(state) || before === state) return;
    // Asked about a task whose end is acknowledged, a master does not know it any more.
    if (before !== undefined && state === 'TASK_GONE') return;
    if (before !== undefined) world.violate(`task ${id} is ${state} after it was ${before}`);
    else if (isTerminalTaskState(state)) this.told.set(id, state);
  }

  /** The framework sends a KILL. */
  killing(task: string): void {
    this.survival.killing(task, undefined);
  }

  /** The framework confirms that it will not forget a status. */
  acknowledging(status: TaskStatus): void {
    const id = status.task_id.value;
    const { disk } = this.nodeOf(id);
    const stored = disk.tasks.get(id);
    if (disk.isForgotten(id)) return;
    if (stored !== undefined && isFinal(stored)) return;
    if (disk.hasStored(id, status.state)) return;
    this.parts.world.violate(
      `${status.state} of ${id} is acknowledged; stored is ${stored?.state ?? 'nothing'}`,
    );
  }

  private afterTurn({ event, effects, state }: WatchedTurn): void {
    if (event.kind === 'scheduler-call') {
      const { call } = event;
      const isTaken = effects.some((one) => one.kind === 'answer-call' && one.status === 202);
      if (call.type === 'ACKNOWLEDGE' && isTaken) this.acknowledged.add(call.acknowledge.uuid);
      if (call.type === 'TEARDOWN') this.mayEndAll(frameworkId(call.framework_id.value));
    }
    if (event.kind === 'operator-call' && event.call.type === 'TEARDOWN') {
      this.mayEndAll(frameworkId(event.call.teardown.framework_id.value));
    }
    if (event.kind === 'framework-completed') this.mayEndAll(event.frameworkId);
    for (const effect of effects) {
      if (effect.kind === 'send-to-framework') this.learnName(state, effect);
      if (effect.kind !== 'send-to-agent') continue;
      const agent = state.agentStreams.get(effect.streamId);
      if (effect.message.type === 'DRAIN') this.mayEndOn(agent);
      for (const { frameworkId: owner, task } of launchesOf(effect)) {
        const id = frameworkId(owner);
        const name = this.nameFor(id, task.task_id.value);
        this.launches.set(name, { info: task, frameworkId: id, epoch: state.epoch });
      }
      const { message } = effect;
      if (message.type !== 'LAUNCH_GROUP') continue;
      const owner = message.launch_group.framework.id?.value ?? '';
      const nameOf = (id: string) => this.nameFor(owner, id);
      for (const member of this.groups.launched(message.launch_group, nameOf)) {
        this.survival.mayEnd(member, 'its group may end');
      }
    }
  }

  private learnName(
    { frameworkStreams }: MasterState,
    { streamId, event }: Extract<MasterEffect, { readonly kind: 'send-to-framework' }>,
  ): void {
    if (event.type !== 'SUBSCRIBED') return;
    const name = frameworkStreams.get(streamId)?.info.name;
    if (name !== undefined) this.names.set(event.subscribed.framework_id.value, name);
  }

  private carriedOut(state: MasterState, effect: MasterEffect): void {
    if (effect.kind === 'send-to-agent' && effect.message.type === 'ACKNOWLEDGE') {
      const { uuid, task_id } = effect.message.acknowledge;
      if (this.acknowledged.has(uuid)) return;
      this.parts.world.violate(`an agent forgets a status of ${task_id.value} nobody acknowledged`);
    }
    if (effect.kind === 'send-to-framework' && effect.event.type === 'UPDATE') {
      const framework = state.frameworkStreams.get(effect.streamId);
      const { status } = effect.event.update;
      if (framework !== undefined) this.telling(state, withTaskName(framework.info.name, status));
    }
  }

  /** A master that leads says what became of a task: nobody's end is told who runs and is wanted. */
  private telling(state: MasterState, status: TaskStatus): void {
    if (this.parts.leases.epochOf('master') !== state.epoch) return;
    const { world } = this.parts;
    const id = taskId(status.task_id.value);
    const isUnknown = status.state === 'TASK_UNKNOWN';
    if (!isUnknown && !isTerminalTaskState(status.state as TaskState)) return;
    const launch = this.launches.get(id);
    const host = launch && agentId(launch.info.agent_id.value);
    const agent = host && state.agents.get(host);
    // What an agent that cannot be seen does, nobody can know, and one that was given up ends what it runs when it is back.
    const isLost = isUnknown || status.state === 'TASK_LOST';
    if (isLost && agent?.condition === 'unreachable') return;
    if (isLost && host !== undefined && state.goneAgents.has(host)) return;
    if (isUnknown && !this.isRunning(id)) return;
    if (!isUnknown) this.survival.told(status);
    else if (this.survival.isWanted(id)) world.violate(`${id} runs, and ${status.state} is told`);
  }

  private mayEndAll(framework: FrameworkId): void {
    this.removed.add(framework);
    for (const [task, launch] of this.launches) {
      if (launch.frameworkId === framework) this.survival.mayEnd(task, 'its framework is removed');
    }
  }

  /** An operator wants the agent empty. */
  private mayEndOn(agent: MasterAgent | undefined): void {
    if (agent === undefined) return;
    const { host } = this.agentOf(agent.info.hostname);
    for (const task of agent.tasks) this.survival.mayEndAt(task, 'its agent is drained');
    for (const id of host.tasks.keys()) this.survival.mayEnd(id, 'its agent is drained');
  }

  /** Several frameworks use the same ids. */
  nameOf({ frameworkId: owner, taskId: id }: Pick<LaunchSpec, 'taskId' | 'frameworkId'>): TaskId {
    return this.nameFor(owner, id);
  }

  /** Its end is over with its framework. */
  isRemoved(framework: string): boolean {
    return this.removed.has(frameworkId(framework));
  }

  /** A framework has confirmed this status, as a master knows. */
  isAcknowledged(uuid: string): boolean {
    return this.acknowledged.has(uuid);
  }

  nameFor(owner: string, id: string): TaskId {
    return toTaskName(this.names.get(owner) ?? owner, id);
  }

  /** An executor may be ended: SHUTDOWN was called. */
  frameworkShutsDown(framework: string, executor: string, agent: string): void {
    for (const [name, { info }] of this.launches) {
      const isMeant =
        info.executor?.executor_id.value === executor && info.agent_id.value === agent;
      if (isMeant && name.startsWith(`${framework}.`)) {
        this.survival.mayEnd(name, 'its executor is shut down');
      }
    }
    this.shutDown.add(`${framework} ${executor} ${agent}`);
  }

  isShutDown(framework: string, executor: string, agent: string): boolean {
    return this.shutDown.has(`${this.names.get(framework) ?? framework} ${executor} ${agent}`);
  }

  private isRunning(task: TaskId): boolean {
    return this.parts.agents().some(({ host }) => host.tasks.get(task)?.state === 'running');
  }

  agentOf(host: string): AgentNode {
    return present(
      this.parts.agents().find(({ name }) => name === host),
      `no agent on ${host}`,
    );
  }

  private nodeOf(task: string): FrameworkNode {
    const [name] = task.split('.');
    return present(
      this.parts.frameworks().find((node) => node.name === name),
      `task ${task} is nobody's`,
    );
  }
}

/** Nobody can see it, or an operator believes so: either may turn out wrong. */
const mayBeWrong = (state: TaskState): boolean =>
  state === 'TASK_LOST' ||
  state === 'TASK_GONE_BY_OPERATOR' ||
  state === 'TASK_UNREACHABLE' ||
  state === 'TASK_UNKNOWN';
