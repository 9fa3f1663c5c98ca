import {
  type AgentExecutor,
  type AgentState,
  type AgentTask,
  containerIdOf,
  frameworkIdOf,
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
  for (const task of state.tasks.values()) {
    const isOfOther = task.executorRun !== undefined && state.executors.has(task.executorRun);
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

/** A command task, which needs no executor; or one whose executor has ended before it was acknowledged. */
function describeOwn(task: AgentTask): unknown {
  const id = task.definition.executor?.executor_id.value ?? task.id;
  const run = task.executorRun ?? task.run;
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
