import {
  isTerminalTaskState,
  type Resources,
  type RoleName,
  roleName,
  TASK_STATES,
  type TaskId,
  type TaskState,
  taskId,
} from '#core';
import { decodeResources, type LaunchId, type TaskInfo, type TaskStatus } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { taskOfExecutorEnded } from './master-executors.js';
import { touchTask } from './master-observation.js';
import { scheduleAllocation } from './master-offers.js';
import {
  type Agent,
  type Framework,
  MAX_COMPLETED_TASKS_PER_FRAMEWORK,
  MAX_STATUSES_PER_TASK,
  type Task,
  type TaskGroup,
} from './master-state.js';

/**
 * The task ledger. A task is held from LAUNCH until its terminal status is acknowledged (or its agent is gone). Its
 * resources count as used from LAUNCH until the first terminal state is heard of, acknowledged or not.
 */

/** Puts a validated task into the ledger; its resources are already allocated to the offer's framework and role. */
export function addTask(
  turn: MasterTurn,
  given: {
    readonly framework: Framework;
    readonly agent: Agent;
    readonly role: RoleName;
    readonly info: TaskInfo;
    readonly resources: Resources;
    readonly group?: TaskGroup;
  },
): Task {
  const status = masterStatus(turn, {
    taskId: given.info.task_id.value,
    agentId: given.agent.id,
    state: 'TASK_STAGING',
  });
  const task: Task = {
    id: taskId(given.info.task_id.value),
    launchId: given.group?.launchId ?? nextLaunchId(turn),
    frameworkId: given.framework.id,
    agentId: given.agent.id,
    role: given.role,
    info: given.info,
    resources: given.resources,
    ...executorOf(given.info),
    state: 'TASK_STAGING',
    status,
    statuses: [],
    holdsResources: true,
    ...(given.group === undefined ? {} : { group: given.group }),
  };
  touchTask(turn.state, task);
  given.group?.tasks.push(task);
  given.framework.tasks.set(task.id, task);
  given.agent.tasks.add(task);
  watchStaging(turn, task);
  turn.state.counters.tasksLaunched += 1;
  return task;
}

/** Unlike those of all other launches, of this master and of those before it. */
export function nextLaunchId({ state }: MasterTurn): LaunchId {
  state.nextLaunchNumber += 1;
  return { epoch: state.epoch, number: state.nextLaunchNumber };
}

const executorOf = ({ executor }: TaskInfo): Partial<Task> =>
  executor === undefined ? {} : { executorId: executor.executor_id.value };

/** Its time in TASK_STAGING begins, or is over. */
export function watchStaging({ state, now }: MasterTurn, task: Task): void {
  if (task.state !== 'TASK_STAGING') {
    state.stagingTasks.delete(task);
    state.overdueTasks.delete(task);
  } else if (!state.stagingTasks.has(task)) {
    state.stagingTasks.set(task, now.monoMs + state.config.stagingDeadlineMs);
  }
}

/** Takes over a task an agent brought that this master did not know. */
export function adoptTask(
  turn: MasterTurn,
  given: {
    readonly framework: Framework;
    readonly agent: Agent;
    readonly info: TaskInfo;
    readonly state: TaskState;
    readonly status: TaskStatus;
    readonly launchId: LaunchId | undefined;
  },
): Task {
  const { framework, agent, info, launchId } = given;
  const allocatedRole = info.resources.find(
    (resource) => resource.allocation_info?.role !== undefined,
  )?.allocation_info?.role;
  const task: Task = {
    id: taskId(info.task_id.value),
    ...(launchId === undefined ? {} : { launchId }),
    frameworkId: framework.id,
    agentId: agent.id,
    role:
      allocatedRole === undefined ? (framework.roles[0] ?? roleName('*')) : roleName(allocatedRole),
    info,
    resources: decodeResources(info.resources),
    ...executorOf(info),
    state: given.state,
    status: given.status,
    statuses: [given.status],
    holdsResources: false,
  };
  touchTask(turn.state, task);
  framework.tasks.set(task.id, task);
  agent.tasks.add(task);
  watchStaging(turn, task);
  if (!isTerminalTaskState(task.state)) holdResources(turn, task);
  return task;
}

export function holdResources(turn: MasterTurn, task: Task): void {
  if (task.holdsResources) return;
  touchTask(turn.state, task);
  task.holdsResources = true;
  turn.state.allocator.adopt({ ...task, resources: task.resources });
}

/** Gives the task's resources back, once. */
export function releaseResources(turn: MasterTurn, task: Task): void {
  if (!task.holdsResources) return;
  touchTask(turn.state, task);
  task.holdsResources = false;
  turn.state.allocator.release({
    frameworkId: task.frameworkId,
    role: task.role,
    agentId: task.agentId,
    resources: task.resources,
  });
  scheduleAllocation(turn);
}

/** Notes the newest state; a terminal one frees the resources and never changes again. */
export function setTaskState(turn: MasterTurn, task: Task, state: TaskState): void {
  if (isTerminalTaskState(task.state)) return;
  touchTask(turn.state, task);
  task.state = state;
  watchStaging(turn, task);
  if (!isTerminalTaskState(state)) return;
  const { tasksByTerminalState } = turn.state.counters;
  tasksByTerminalState.set(state, (tasksByTerminalState.get(state) ?? 0) + 1);
  releaseResources(turn, task);
  taskOfExecutorEnded(turn, task);
}

/** Remembers what the framework is told, for reads and for reconciliation. */
export function recordStatus(turn: MasterTurn, task: Task, status: TaskStatus): void {
  touchTask(turn.state, task);
  task.status = status;
  task.statuses.push(status);
  if (task.statuses.length > MAX_STATUSES_PER_TASK) task.statuses.shift();
}

/**
 * The newest state the framework may know. An end is not told before the updates that lead to it: those the agent still
 * holds come first, and nothing may follow an end. Until then it is the state told last (Mesos' status_update_state), or
 * undefined where an earlier master told it.
 */
export function toldState(task: Task): TaskState | undefined {
  if (!isTerminalTaskState(task.state)) return task.state;
  const told = toTaskState(task.status.state);
  if (told === undefined || !isTerminalTaskState(told)) return told;
  const { uuid } = task.status;
  return uuid === undefined || uuid === task.unacknowledged?.uuid ? told : undefined;
}

/**
 * Takes a task out of the ledger, for good; kept among the completed for reads. Given up: the master itself spoke its
 * end, so that an agent that has it all the same is to end it.
 */
export function removeTask(
  turn: MasterTurn,
  task: Task,
  options: { readonly isGivenUp?: boolean } = {},
): void {
  touchTask(turn.state, task);
  releaseResources(turn, task);
  turn.state.stagingTasks.delete(task);
  turn.state.overdueTasks.delete(task);
  turn.state.agents.get(task.agentId)?.tasks.delete(task);
  const framework = turn.state.frameworks.get(task.frameworkId);
  if (framework === undefined) return;
  framework.tasks.delete(task.id);
  // An id that was used again is as new as its last use.
  framework.completedTasks.delete(task.id);
  framework.completedTasks.set(task.id, {
    id: task.id,
    ...(task.launchId === undefined ? {} : { launchId: task.launchId }),
    agentId: task.agentId,
    role: task.role,
    info: task.info,
    state: task.state,
    statuses: task.statuses,
    ...(options.isGivenUp === true ? { isGivenUp: true } : {}),
  });
  for (const oldest of framework.completedTasks.keys()) {
    if (framework.completedTasks.size <= MAX_COMPLETED_TASKS_PER_FRAMEWORK) break;
    framework.completedTasks.delete(oldest);
  }
}

/** Sends a status if the framework listens; else reconciliation or the agent's resending will tell it. */
export function sendUpdate(turn: MasterTurn, framework: Framework, status: TaskStatus): void {
  if (framework.streamId === undefined) return;
  turn.effects.push({
    kind: 'send-to-framework',
    streamId: framework.streamId,
    event: { type: 'UPDATE', update: { status } },
  });
}

/** A task of a framework that is torn down ends now; what its agent says of it later is nobody's. */
export function killWithFramework(turn: MasterTurn, task: Task): void {
  const status = masterStatus(turn, {
    taskId: task.id,
    agentId: task.agentId,
    state: 'TASK_KILLED',
    reason: 'REASON_FRAMEWORK_REMOVED',
    message: 'the framework was torn down',
  });
  setTaskState(turn, task, 'TASK_KILLED');
  recordStatus(turn, task, status);
  removeTask(turn, task);
}

/** A status the master itself speaks: no uuid, so it must not be acknowledged. */
export function masterStatus(
  turn: MasterTurn,
  content: {
    readonly taskId: TaskId | string;
    readonly agentId?: string;
    readonly state: TaskState;
    readonly reason?: string;
    readonly message?: string;
    readonly basedOn?: TaskStatus;
    readonly unreachableSinceEpochMs?: number;
  },
): TaskStatus {
  const { basedOn } = content;
  return {
    ...(basedOn?.healthy === undefined ? {} : { healthy: basedOn.healthy }),
    ...(basedOn?.check_status === undefined ? {} : { check_status: basedOn.check_status }),
    ...(basedOn?.container_status === undefined
      ? {}
      : { container_status: basedOn.container_status }),
    ...(basedOn?.executor_id === undefined ? {} : { executor_id: basedOn.executor_id }),
    ...(basedOn?.labels === undefined ? {} : { labels: basedOn.labels }),
    ...(basedOn?.data === undefined ? {} : { data: basedOn.data }),
    task_id: { value: content.taskId },
    state: content.state,
    source: 'SOURCE_MASTER',
    timestamp: turn.now.epochMs / 1000,
    ...(content.reason === undefined ? {} : { reason: content.reason }),
    ...(content.message === undefined ? {} : { message: content.message }),
    ...(content.agentId === undefined ? {} : { agent_id: { value: content.agentId } }),
    ...(content.unreachableSinceEpochMs === undefined
      ? {}
      : { unreachable_time: { nanoseconds: content.unreachableSinceEpochMs * 1_000_000 } }),
  };
}

/** The state a framework without PARTITION_AWARE is told instead: TASK_LOST for all that came later. */
export function stateFor(
  framework: Pick<Framework, 'isPartitionAware'>,
  state: TaskState,
): TaskState {
  return !framework.isPartitionAware && LATER_STATES.has(state) ? 'TASK_LOST' : state;
}

/** A state's name from the wire; undefined for one we do not know. */
export const toTaskState = (name: string): TaskState | undefined =>
  TASK_STATES.find((state) => state === name);

const LATER_STATES: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_DROPPED',
  'TASK_UNREACHABLE',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
]);
