import { groupExecutors, type JournalRecord, type MasterState } from '#cluster';
import { isTerminalTaskState, present, type RunKey, type TaskState } from '#core';
import type { ExecutorInfo, ExecutorStatus, TaskInfo, WireResource } from '#mesos-v1';
import type { AgentNode } from '../agent-node.js';
import type { ExecutorWatch, SimulatedExecutor } from '../simulated-executor.js';
import type { World } from '../world.js';
import type { TaskWatch } from './task-watch.js';

/**
 * Custom executors: started once and after they are written down; given a task once; an update is taken when it is on the
 * disk, and may be forgotten when the framework has it; none is ended that somebody needs.
 */
export class CoreExecutorWatch implements ExecutorWatch {
  private readonly infos = new Map<RunKey, ExecutorInfo>();

  constructor(
    private readonly world: World,
    private readonly tasks: TaskWatch,
  ) {}

  started({ run, name, about }: SimulatedExecutor): void {
    if (this.infos.has(run)) this.world.violate(`executor ${name} is started a second time`);
    const records = this.recordsOf(about.host);
    const accepted = records.find(
      (record) => record.kind === 'executor-accepted' && record.run === run,
    );
    const isLaunching = records.some(
      (record) => record.kind === 'executor-launching' && record.run === run,
    );
    const info = accepted?.kind === 'executor-accepted' ? accepted.executor : undefined;
    if (info !== undefined) this.infos.set(run, info);
    if (info !== undefined && isLaunching) return;
    this.world.violate(`executor ${name} is started before its agent has written it down`);
  }

  delivered(executor: SimulatedExecutor, { task_id }: TaskInfo): void {
    const { about, run, name } = executor;
    const task = this.tasks.nameFor(about.frameworkId, task_id.value);
    if (executor.tasks.has(task_id.value)) {
      this.world.violate(`task ${task} is launched a second time in ${name}`);
    }
    this.tasks.begun(task, about.host, (record) => isAcceptance(record, run, task_id.value));
  }

  taken(executor: SimulatedExecutor, status: ExecutorStatus): void {
    const records = this.recordsOf(executor.about.host);
    const isWritten = records.some(
      (record) => record.kind === 'update' && record.status.uuid === status.uuid,
    );
    if (isWritten || this.isOver(executor, status)) return;
    this.world.violate(`${describe(executor, status)} is taken before it is written down`);
  }

  acknowledged(executor: SimulatedExecutor, status: ExecutorStatus): void {
    if (this.tasks.isAcknowledged(status.uuid) || this.isOver(executor, status)) return;
    this.world.violate(`${describe(executor, status)} may be forgotten, and nobody has it`);
  }

  mayEnd(executor: SimulatedExecutor, why: string): void {
    for (const { id } of executor.tasks.values()) this.tasks.survival.mayEnd(id, why);
  }

  ending(executor: SimulatedExecutor, how: string): void {
    const { host, frameworkId, executorId } = executor.about;
    const agent = this.tasks.agentOf(host).state?.identity.agentId ?? '';
    if (this.tasks.isShutDown(frameworkId, executorId, agent)) {
      this.mayEnd(executor, 'its executor is shut down');
    }
    for (const { id, state } of executor.tasks.values()) {
      if (state === 'running') this.tasks.survival.ending(id, host, `its executor: ${how}`);
    }
  }

  /** What an executor on a host holds; a host may have some that end with their framework. */
  resourcesOf({ run, about }: SimulatedExecutor): readonly WireResource[] {
    if (this.tasks.isRemoved(about.frameworkId)) return [];
    return present(this.infos.get(run), `executor ${run} is nobody's`).resources;
  }

  /** Its agent has told the end of the task by itself, or has lost its disk: what else is said is of no use. */
  private isOver({ about, run }: SimulatedExecutor, { task_id, uuid }: ExecutorStatus): boolean {
    const records = this.recordsOf(about.host);
    const accepted = records.find((record) => isAcceptance(record, run, task_id.value));
    if (accepted === undefined || this.tasks.isRemoved(about.frameworkId)) return true;
    return records.some((record) => {
      if (record.run !== accepted.run) return false;
      if (record.kind === 'completed') return true;
      if (record.kind !== 'update' || record.status.uuid === uuid) return false;
      return isTerminalTaskState(record.status.state as TaskState);
    });
  }

  private recordsOf(host: string): readonly JournalRecord[] {
    return this.tasks.agentOf(host).journal.records;
  }
}

/** Where hosts, agents and the master disagree about executors, and what is told and nobody took. */
export function compareExecutors(
  { agents: known }: Pick<MasterState, 'agents'>,
  nodes: readonly AgentNode[],
  reasons: string[],
): void {
  for (const { name, host, state } of nodes) {
    const live = host.liveExecutors();
    const records = state?.executors;
    for (const executor of live) {
      if (records?.has(executor.run) !== true) {
        reasons.push(`${executor.name} runs, and its agent has no record of it`);
      }
      const { size } = executor.unacknowledged;
      if (size > 0) reasons.push(`${executor.name} has ${size} updates nobody took`);
    }
    if (records !== undefined && records.size > live.length) {
      reasons.push(`${name} has ${records.size} executors, of which ${live.length} run`);
    }
    const agent = [...known.values()].find(
      ({ info, condition }) => info.hostname === name && condition === 'connected',
    );
    if (agent === undefined || state === undefined) continue;
    // What runs groups is a process of nobody's.
    const count = live.length + [...groupExecutors(state)].length;
    if (agent.executors.size !== count) {
      reasons.push(`the master charges ${agent.executors.size} executors of ${name}, not ${count}`);
    }
  }
}

const isAcceptance = (record: JournalRecord, executorRun: RunKey, wireId: string): boolean =>
  record.kind === 'accepted' &&
  record.executorRun === executorRun &&
  record.task.task_id.value === wireId;

const describe = ({ name }: SimulatedExecutor, { task_id, state }: ExecutorStatus): string =>
  `${state} of ${task_id.value} in ${name}`;
