import { type AgentState, findCompleted, findCurrent, frameworkIdOf } from '#cluster';
import { type RunKey, runKeyOfTask } from '#core';
import { ApiError } from '#platform';
import type { SandboxPath } from './sandbox-path.js';

/**
 * Whose sandbox a path means. A task id alone will do while one framework only uses it here; it then means the newest run.
 * A name that no task known has may be that of a folder: of a run long ended, or made before runs had keys.
 */
export function findRun(
  state: Pick<AgentState, 'tasks' | 'current' | 'completed'>,
  path: SandboxPath,
): RunKey {
  const { taskId, owner } = path;
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
  if (run === 'latest' && newest !== undefined) return newest.run;
  for (const task of state.tasks.values()) {
    if (task.run === run && task.id === taskId && frameworkIdOf(task) === frameworkId) {
      return task.run;
    }
  }
  for (const one of state.completed.values()) {
    if (one.run === run && one.taskId === taskId && one.frameworkId === frameworkId) return one.run;
  }
  throw new ApiError(404, `framework ${frameworkId} has no run ${run} of a task ${taskId} here`);
}
