import { type AgentState, findGroupExecutor, type GroupPlace, MEMBERS_FOLDER } from '#cluster';
import { type RunKey, readRunKey } from '#core';
import { findRun } from './find-run.js';
import type { SandboxPath } from './sandbox-path.js';

/** Whose sandbox is meant, and where it is. */
export interface FoundSandbox {
  /** Its task, or its executor. */
  readonly run: RunKey;
  /** The run whose folder it is in, and where in it. Links from one member of a group to another's files lead inside. */
  readonly folder: RunKey;
  readonly inside: string;
}

type State = Parameters<typeof findRun>[0] & Pick<AgentState, 'groups'>;

/**
 * The sandbox a path means. `executors/<id>` is that of a group where the agent runs groups under an executor of that id;
 * else the id is that of a task, which may be a member of one. O(tasks here).
 */
export function findSandbox(state: State, path: SandboxPath): FoundSandbox {
  const executor = findGroupRun(state, path);
  if (executor !== undefined) return { run: executor, folder: executor, inside: '' };
  const run = findRun(state, path);
  const { group } = state.tasks.get(run) ?? state.completed.get(run) ?? {};
  if (group === undefined) return { run, folder: run, inside: '' };
  return { run, folder: group.executor, inside: `${MEMBERS_FOLDER}/${run}` };
}

/** The run of an executor of groups that the path names; for `latest` the one that lives, else the newest. */
function findGroupRun(state: State, { taskId: id, owner }: SandboxPath): RunKey | undefined {
  if (owner === undefined) return undefined;
  const { frameworkId, run } = owner;
  const live = findGroupExecutor(state, frameworkId, id);
  if (live !== undefined && (run === 'latest' || live.run === readRunKey(run))) return live.run;
  const isMeant = (place: GroupPlace | undefined, owner: string | undefined): boolean =>
    place?.executorId === id &&
    owner === frameworkId &&
    (run === 'latest' || place.executor === readRunKey(run));
  let newest: RunKey | undefined;
  for (const { group, frameworkId } of state.completed.values()) {
    if (isMeant(group, frameworkId)) newest = group?.executor;
  }
  for (const { group, framework } of state.tasks.values()) {
    if (isMeant(group, framework.id?.value)) newest = group?.executor;
  }
  return newest;
}
