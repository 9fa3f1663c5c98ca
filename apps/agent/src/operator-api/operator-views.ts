import {
  type AgentState,
  type AgentTask,
  type CompletedTask,
  containerIdOf,
  frameworkIdOf,
  groupExecutors,
} from '#cluster';
import type { LaunchedTask } from '#core';
import type { FrameworkInfo } from '#mesos-v1';
import type { ListedFile } from '../files/virtual-files.js';
import { executorIdOf } from '../status/describe-frameworks.js';

/** The bodies of the v1 operator reads, as v1 messages. */

export const viewFile = ({ path, stats, user, group }: ListedFile): object => ({
  path,
  nlink: stats.nlink,
  size: stats.size,
  mtime: { nanoseconds: Math.floor(stats.mtimeMs) * 1_000_000 },
  mode: stats.mode,
  uid: user,
  gid: group,
});

/** By how far each task has come; what has ended is `terminated` until that was acknowledged. */
export function viewTasks(state: AgentState): object {
  const groups = { queued: [] as object[], launched: [] as object[], terminated: [] as object[] };
  for (const task of state.tasks.values()) groups[stageOf(task)].push(viewTask(task, state));
  return {
    pending_tasks: [],
    queued_tasks: groups.queued,
    launched_tasks: groups.launched,
    terminated_tasks: groups.terminated,
    completed_tasks: [...state.completed.values()].map((task) => viewCompleted(task, state)),
  };
}

export function viewFrameworks(state: AgentState): object {
  const live = new Map<string, FrameworkInfo>();
  for (const { framework } of [...state.executors.values(), ...state.tasks.values()]) {
    live.set(framework.id?.value ?? '', framework);
  }
  const ended = [...state.completedExecutors.values(), ...state.completed.values()];
  const completed = new Set(ended.map(({ frameworkId }) => frameworkId));
  return {
    frameworks: [...live.values()].map((framework) => ({ framework_info: framework })),
    completed_frameworks: [...completed]
      .filter((id) => !live.has(id))
      .map((id) => ({ framework_info: { user: '', name: '', id: { value: id } } })),
  };
}

/** Custom ones; and the agent runs a command task itself, whose executor is one in name, with the task's id. */
export const viewExecutors = (state: AgentState): object => ({
  executors: [
    ...[...state.executors.values(), ...groupExecutors(state)].map(({ info, framework }) => ({
      executor_info: { framework_id: framework.id, ...info },
    })),
    ...[...state.tasks.values()]
      .filter((task) => task.definition.executor === undefined && task.phase.kind !== 'ended')
      .map((task) => ({
        executor_info: {
          executor_id: { value: task.id },
          framework_id: { value: frameworkIdOf(task) },
          name: nameOfExecutor(task),
          source: task.id,
          resources: task.definition.resources,
        },
      })),
  ],
  completed_executors: [
    ...[...state.completedExecutors.values(), ...endedGroups(state)].map(
      ({ executorId, frameworkId }) => ({
        executor_info: {
          executor_id: { value: executorId },
          framework_id: { value: frameworkId },
        },
      }),
    ),
    ...[...state.completed.values()]
      .filter(({ executorId }) => executorId === undefined)
      .map(({ taskId, frameworkId }) => ({
        executor_info: {
          executor_id: { value: taskId },
          framework_id: { value: frameworkId },
          name: `Command Executor (Task: ${taskId})`,
          source: taskId,
        },
      })),
  ],
});

/** `usage` are the statistics of a custom executor, or of a task the agent runs itself. */
export const viewContainers = (
  state: AgentState,
  usage: (frameworkId: string, id: string) => object | undefined,
): object => ({
  containers: [
    ...[...state.executors.values()].flatMap((executor) => {
      const { id, info, framework, launched } = executor;
      const frameworkId = framework.id?.value ?? '';
      const container = { frameworkId, id, executorId: id, name: info.name ?? '', launched };
      return launched === undefined
        ? []
        : [viewContainer(container, containerIdOf(executor), usage)];
    }),
    ...[...state.tasks.values()].flatMap((task) => {
      const { id, launched, phase, run, stream } = task;
      if (launched === undefined || phase.kind === 'ended') return [];
      const container = {
        ...{
          frameworkId: frameworkIdOf(task),
          id,
          executorId: executorIdOf(task),
          name: nameOfExecutor(task),
          launched,
        },
        status: stream.latest?.container_status,
      };
      return [viewContainer(container, launched.containerId ?? run, usage)];
    }),
  ],
});

function viewContainer(
  given: {
    readonly frameworkId: string;
    readonly id: string;
    readonly executorId: string;
    readonly name: string;
    readonly launched: LaunchedTask | undefined;
    readonly status?: object | undefined;
  },
  containerId: string,
  usage: (frameworkId: string, id: string) => object | undefined,
): object {
  const { frameworkId, id, executorId, name, launched, status } = given;
  const statistics = usage(frameworkId, id);
  return {
    framework_id: { value: frameworkId },
    executor_id: { value: executorId },
    executor_name: name,
    container_id: { value: containerId },
    container_status: {
      container_id: { value: containerId },
      ...(launched?.pid ? { executor_pid: launched.pid } : {}),
      ...status,
    },
    ...(statistics === undefined ? {} : { resource_statistics: statistics }),
  };
}

/** Executors of groups that are over, while a task of one is remembered. */
function endedGroups(
  state: AgentState,
): Iterable<{ readonly executorId: string; readonly frameworkId: string }> {
  const ended = new Map(
    [...state.completed.values()].flatMap(({ group, frameworkId }) =>
      group === undefined
        ? []
        : [[group.executor, { executorId: group.executorId, frameworkId }] as const],
    ),
  );
  for (const { run } of groupExecutors(state)) ended.delete(run);
  return ended.values();
}

const nameOfExecutor = ({ id, definition }: AgentTask): string =>
  definition.executor === undefined
    ? `Command Executor (Task: ${id})`
    : (definition.executor.name ?? '');

function stageOf({ phase }: AgentTask): 'queued' | 'launched' | 'terminated' {
  if (phase.kind === 'ended') return 'terminated';
  const isQueued = phase.kind === 'delegated' && !phase.isSent;
  return isQueued || phase.kind === 'received' || phase.kind === 'fetching' ? 'queued' : 'launched';
}

function viewTask(task: AgentTask, state: AgentState): object {
  const { definition: info, stream } = task;
  const { latest } = stream;
  return {
    name: info.name,
    task_id: { value: task.id },
    framework_id: { value: frameworkIdOf(task) },
    executor_id: { value: executorIdOf(task) },
    agent_id: { value: state.identity.agentId ?? '' },
    state: latest?.state ?? 'TASK_STAGING',
    resources: info.resources,
    statuses: latest === undefined ? [] : [latest],
    ...(latest === undefined ? {} : { status_update_state: latest.state }),
    ...(latest?.uuid === undefined ? {} : { status_update_uuid: latest.uuid }),
    ...(info.labels === undefined ? {} : { labels: info.labels }),
    ...(info.discovery === undefined ? {} : { discovery: info.discovery }),
    ...(info.container === undefined ? {} : { container: info.container }),
    ...(info.health_check === undefined ? {} : { health_check: info.health_check }),
    ...(info.kill_policy === undefined ? {} : { kill_policy: info.kill_policy }),
    ...(info.command?.user === undefined ? {} : { user: info.command.user }),
  };
}

const viewCompleted = (task: CompletedTask, state: AgentState): object => ({
  name: '',
  task_id: { value: task.taskId },
  framework_id: { value: task.frameworkId },
  executor_id: { value: task.executorId ?? task.taskId },
  agent_id: { value: state.identity.agentId ?? '' },
  state: task.status.state,
  resources: [],
  statuses: [task.status],
});
