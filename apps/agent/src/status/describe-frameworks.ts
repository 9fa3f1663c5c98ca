import {
  type AgentExecutor,
  type AgentState,
  type AgentTask,
  type CompletedTask,
  containerIdOf,
  frameworkIdOf,
  type GroupExecutor,
  groupExecutors,
  MEMBERS_FOLDER,
} from '#cluster';
import type { RunKey } from '#core';
import type { FrameworkInfo } from '#mesos-v1';

interface Executors {
  readonly info: FrameworkInfo;
  readonly executors: unknown[];
}

/** Mesos' `frameworks` of an agent's /state: an executor for each task of its own, custom ones with theirs. O(tasks). */
export function describeFrameworks(state: AgentState): readonly unknown[] {
  const frameworks = new Map<string, Executors>();
  const add = (framework: FrameworkInfo, executor: unknown) => {
    const id = framework.id?.value ?? '';
    const known = frameworks.get(id) ?? { info: framework, executors: [] };
    known.executors.push(executor);
    frameworks.set(id, known);
  };
  for (const executor of state.executors.values()) {
    add(executor.framework, describeExecutor(state, executor));
  }
  const members = new Set<RunKey>();
  for (const executor of groupExecutors(state)) {
    add(executor.framework, describeGroups(executor));
    for (const { run } of executor.members) members.add(run);
  }
  for (const task of state.tasks.values()) {
    const isOfOther =
      members.has(task.run) ||
      (task.executorRun !== undefined && state.executors.has(task.executorRun));
    if (!isOfOther) add(task.framework, describeOwn(task));
  }
  return [...frameworks].map(([id, { info, executors }]) => ({
    id,
    name: info.name,
    user: info.user,
    role: info.role ?? '*',
    checkpoint: info.checkpoint === true,
    executors,
  }));
}

/** Where the files of an executor's run are found by GET /files. */
export const directoryOf = (
  frameworkId: string,
  { executorId, run }: { readonly executorId: string; readonly run: RunKey },
): string => `/frameworks/${frameworkId}/executors/${executorId}/runs/${run}`;

/** The same of a task: that of a member is in its group's, those of a custom executor's tasks are the executor's. */
export function taskDirectory({
  frameworkId,
  executorId,
  executorRun,
  group,
  run,
  ...task
}: Pick<CompletedTask, 'frameworkId' | 'executorId' | 'executorRun' | 'group' | 'run'> &
  ({ readonly id: string } | Pick<CompletedTask, 'taskId'>)): string {
  const taskId = 'id' in task ? task.id : task.taskId;
  const id = executorId ?? taskId;
  if (group === undefined) {
    return directoryOf(frameworkId, { executorId: id, run: executorRun ?? run });
  }
  return `${directoryOf(frameworkId, { executorId: id, run: group.executor })}/${MEMBERS_FOLDER}/${run}`;
}

/** A command task is its own. */
export const executorIdOf = ({ id, definition }: AgentTask): string =>
  definition.executor?.executor_id.value ?? id;

function describeExecutor(state: AgentState, executor: AgentExecutor): unknown {
  const tasks = [...executor.tasks].flatMap((run) => state.tasks.get(run) ?? []);
  const isQueued = ({ phase }: AgentTask) => phase.kind === 'delegated' && !phase.isSent;
  const frameworkId = executor.framework.id?.value ?? '';
  return {
    id: executor.id,
    name: executor.info.name ?? '',
    source: executor.info.source ?? '',
    type: executor.info.type ?? 'CUSTOM',
    container: containerIdOf(executor),
    directory: directoryOf(frameworkId, { executorId: executor.id, run: executor.run }),
    phase: executor.phase.kind,
    subscribed: executor.connection !== undefined,
    launcher: executor.launcher,
    pid: executor.launched?.pid ?? null,
    resources: executor.info.resources,
    limits: executor.limits ?? null,
    tasks: tasks.filter((task) => !isQueued(task) && !hasEnded(task)).map(describeTask),
    queued_tasks: tasks.filter(isQueued).map(describeTask),
    completed_tasks: tasks.filter(hasEnded).map(describeTask),
  };
}

/** What the agent runs as Mesos' default executor would. */
function describeGroups({ run, framework, info, members }: GroupExecutor): unknown {
  const frameworkId = framework.id?.value ?? '';
  const isQueued = ({ phase: { kind } }: AgentTask) => kind === 'received' || kind === 'fetching';
  return {
    id: info.executor_id.value,
    name: info.name ?? '',
    source: info.source ?? '',
    type: 'DEFAULT',
    container: run,
    directory: directoryOf(frameworkId, { executorId: info.executor_id.value, run }),
    resources: info.resources,
    tasks: members.filter((task) => !isQueued(task) && !hasEnded(task)).map(describeTask),
    queued_tasks: members.filter(isQueued).map(describeTask),
    completed_tasks: members.filter(hasEnded).map(describeTask),
  };
}

/** A command task, which needs no executor; or one whose executor has ended before it was acknowledged. */
function describeOwn(task: AgentTask): unknown {
  const id = executorIdOf(task);
  const run = task.group?.executor ?? task.executorRun ?? task.run;
  const description = [describeTask(task)];
  return {
    id,
    name: task.definition.name,
    source: task.id,
    container: task.launched?.containerId ?? run,
    directory: directoryOf(frameworkIdOf(task), { executorId: id, run }),
    resources: task.definition.resources,
    tasks: hasEnded(task) ? [] : description,
    queued_tasks: [],
    completed_tasks: hasEnded(task) ? description : [],
  };
}

function describeTask(task: AgentTask): unknown {
  const { definition, stream } = task;
  return {
    id: task.id,
    name: definition.name,
    framework_id: frameworkIdOf(task),
    executor_id: definition.executor?.executor_id.value ?? '',
    slave_id: definition.agent_id.value,
    state: stream.latest?.state ?? 'TASK_STAGING',
    resources: definition.resources,
    statuses: stream.latest === undefined ? [] : [stream.latest],
  };
}

const hasEnded = ({ phase }: AgentTask): boolean => phase.kind === 'ended';
