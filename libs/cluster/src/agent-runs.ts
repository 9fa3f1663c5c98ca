import { type RunKey, runKey } from '#core';
import type { LaunchId } from '#mesos-v1';
import type { CompletedTask } from './agent-records.js';
import type { AgentTask } from './agent-task.js';
import { isOtherLaunch } from './launch-id.js';
import type { UuidSource } from './update-stream-uuid.js';

/**
 * Runs of tasks. A task id belongs to its framework, and once it has ended the framework may use it again; so everything
 * about a run goes by the run's own key. Messages name a framework and a task: they mean the current run, the one that was
 * launched last.
 */

/** The current run of each task that has a record, by framework and task id. Owned by the agent's state. */
export type CurrentRuns = Map<string, Map<string, RunKey>>;

interface Runs {
  readonly current: CurrentRuns;
  readonly tasks: ReadonlyMap<RunKey, AgentTask>;
}

/** The key of a new run; never repeats for one seed. */
export function nameRun(source: UuidSource, taskId: string): RunKey {
  source.count += 1;
  const seed = source.seed.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return runKey(taskId, `${seed}-${source.count.toString(36)}`);
}

/** From here on this run is the one that messages about its task mean. */
export function makeCurrent(current: CurrentRuns, task: AgentTask): void {
  const frameworkId = frameworkIdOf(task);
  const known = current.get(frameworkId);
  if (known === undefined) current.set(frameworkId, new Map([[task.id, task.run]]));
  else known.set(task.id, task.run);
}

/** Its record is dropped. */
export function forgetRun(current: CurrentRuns, task: AgentTask): void {
  const frameworkId = frameworkIdOf(task);
  const known = current.get(frameworkId);
  if (known?.get(task.id) !== task.run) return;
  known.delete(task.id);
  if (known.size === 0) current.delete(frameworkId);
}

/** The run a message about a task means; undefined when there is no record of any. */
export function findCurrent(
  { current, tasks }: Runs,
  frameworkId: string,
  taskId: string,
): AgentTask | undefined {
  const run = current.get(frameworkId)?.get(taskId);
  return run === undefined ? undefined : tasks.get(run);
}

export const isCurrent = ({ current }: Pick<Runs, 'current'>, task: AgentTask): boolean =>
  current.get(frameworkIdOf(task))?.get(task.id) === task.run;

/** The newest end that is remembered of a task, or of the one launch of it. O(completed tasks), which are few. */
export function findCompleted(
  completed: ReadonlyMap<RunKey, CompletedTask>,
  task: { readonly frameworkId: string; readonly taskId: string },
  launchId?: LaunchId,
): CompletedTask | undefined {
  let newest: CompletedTask | undefined;
  for (const one of completed.values()) {
    if (one.taskId !== task.taskId || one.frameworkId !== task.frameworkId) continue;
    if (!isOtherLaunch(one.launchId, launchId)) newest = one;
  }
  return newest;
}

export const frameworkIdOf = ({ framework }: Pick<AgentTask, 'framework'>): string =>
  framework.id?.value ?? '';
