import { type AgentState, type AgentTask, type CompletedTask, frameworkIdOf } from '#cluster';
import type { ListedFile } from '../files/virtual-files.js';

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
  const live = new Map(
    [...state.tasks.values()].map((task) => [frameworkIdOf(task), task.framework]),
  );
  const completed = new Set([...state.completed.values()].map(({ frameworkId }) => frameworkId));
  return {
    frameworks: [...live.values()].map((framework) => ({ framework_info: framework })),
    completed_frameworks: [...completed]
      .filter((id) => !live.has(id))
      .map((id) => ({ framework_info: { user: '', name: '', id: { value: id } } })),
  };
}

/** The agent runs a command task itself; its executor is one in name, with the task's id. */
export const viewExecutors = (state: AgentState): object => ({
  executors: [...state.tasks.values()]
    .filter((task) => task.phase.kind !== 'ended')
    .map((task) => ({
      executor_info: {
        executor_id: { value: task.id },
        framework_id: { value: frameworkIdOf(task) },
        name: nameOfExecutor(task),
        source: task.id,
        resources: task.definition.resources,
      },
    })),
  completed_executors: [...state.completed.values()].map(({ taskId, frameworkId }) => ({
    executor_info: {
      executor_id: { value: taskId },
      framework_id: { value: frameworkId },
      name: `Command Executor (Task: ${taskId})`,
      source: taskId,
    },
  })),
});

/** `usage` are the statistics of each task, by run. */
export const viewContainers = (
  state: AgentState,
  usage: (task: AgentTask) => object | undefined,
): object => ({
  containers: [...state.tasks.values()]
    .filter(({ launched, phase }) => launched !== undefined && phase.kind !== 'ended')
    .map((task) => {
      const statistics = usage(task);
      return {
        framework_id: { value: frameworkIdOf(task) },
        executor_id: { value: task.id },
        executor_name: nameOfExecutor(task),
        container_id: { value: task.launched?.containerId ?? task.run },
        container_status: {
          container_id: { value: task.launched?.containerId ?? task.run },
          ...(task.launched?.pid ? { executor_pid: task.launched.pid } : {}),
          ...task.stream.latest?.container_status,
        },
        ...(statistics === undefined ? {} : { resource_statistics: statistics }),
      };
    }),
});

const nameOfExecutor = ({ id }: AgentTask): string => `Command Executor (Task: ${id})`;

function stageOf({ phase }: AgentTask): 'queued' | 'launched' | 'terminated' {
  if (phase.kind === 'ended') return 'terminated';
  return phase.kind === 'received' || phase.kind === 'fetching' ? 'queued' : 'launched';
}

function viewTask(task: AgentTask, state: AgentState): object {
  const { definition: info, stream } = task;
  const { latest } = stream;
  return {
    name: info.name,
    task_id: { value: task.id },
    framework_id: { value: frameworkIdOf(task) },
    executor_id: { value: task.id },
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
  executor_id: { value: task.taskId },
  agent_id: { value: state.identity.agentId ?? '' },
  state: task.status.state,
  resources: [],
  statuses: [task.status],
});
