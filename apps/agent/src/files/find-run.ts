import { type AgentState, findCompleted, findCurrent, findExecutor, frameworkIdOf } from '#cluster';
import { type RunKey, readRunKey, runKeyOfTask } from '#core';
import { ApiError } from '#platform';
import type { SandboxPath } from './sandbox-path.js';

type Sandboxes = Pick<
  AgentState,
  'tasks' | 'current' | 'completed' | 'executors' | 'executorRuns' | 'completedExecutors'
>;

/**
 * Whose sandbox a path means. A task id alone will do while one framework only uses it here; it then means the newest run.
 * A name that no task known has may be that of a folder: of a run long ended, or made before runs had keys.
 */
export function findRun(state: Sandboxes, path: SandboxPath): RunKey {
  const { taskId, owner } = path;
  const executor = owner && findExecutorRun(state, taskId, owner);
  if (executor !== undefined) return executor;
  const owners = ownersOf(state, taskId);
  const [frameworkId, ...others] = owners;
  if (frameworkId === undefined && (owner === undefined || owner.run === 'latest')) {
    return runKeyOfTask(taskId);
  }
  if (owner !== undefined) return findOwned(state, taskId, owner);
  if (frameworkId === undefined) return runKeyOfTask(taskId);
  if (others.length === 0) return findOwned(state, taskId, { frameworkId, run: 'latest' });
  throw new ApiError(
    400,
    `task ${taskId} is one of several frameworks here (${[...owners].sort().join(', ')}): ask for /frameworks/<framework id>/executors/${taskId}/runs/latest/`,
  );
}

/** The frameworks that use a task id here, or did not long ago. */
function ownersOf(
  state: Pick<AgentState, 'tasks' | 'completed'>,
  taskId: string,
): ReadonlySet<string> {
  const owners = new Set<string>();
  for (const task of state.tasks.values()) if (task.id === taskId) owners.add(frameworkIdOf(task));
  for (const one of state.completed.values()) {
    if (one.taskId === taskId) owners.add(one.frameworkId);
  }
  return owners;
}

function findOwned(
  state: Pick<AgentState, 'tasks' | 'current' | 'completed'>,
  taskId: string,
  { frameworkId, run }: { readonly frameworkId: string; readonly run: string },
): RunKey {
  const newest =
    findCurrent(state, frameworkId, taskId) ??
    findCompleted(state.completed, { frameworkId, taskId });
  if (run === 'latest' && newest !== undefined) return newest.executorRun ?? newest.run;
  for (const task of state.tasks.values()) {
    if (task.run === run && task.id === taskId && frameworkIdOf(task) === frameworkId) {
      return task.executorRun ?? task.run;
    }
  }
  for (const one of state.completed.values()) {
    if (one.run === run && one.taskId === taskId && one.frameworkId === frameworkId) {
      return one.executorRun ?? one.run;
    }
  }
  throw new ApiError(404, `framework ${frameworkId} has no run ${run} of a task ${taskId} here`);
}

/** Mesos' path names the executor; a command task is its own. A custom one's tasks share its sandbox. */
function findExecutorRun(
  { executors, executorRuns, completedExecutors }: Sandboxes,
  executorId: string,
  { frameworkId, run }: { readonly frameworkId: string; readonly run: string },
): RunKey | undefined {
  const key = readRunKey(run);
  const live = findExecutor({ executors, executorRuns }, frameworkId, executorId);
  if (live !== undefined && (run === 'latest' || live.run === key)) return live.run;
  let newest: RunKey | undefined;
  for (const one of completedExecutors.values()) {
    const isMine = one.executorId === executorId && one.frameworkId === frameworkId;
    if (isMine && (run === 'latest' || one.run === key)) newest = one.run;
  }
  return newest;
}
