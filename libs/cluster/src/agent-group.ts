import type { RunKey } from '#core';
import type { ExecutorInfo, FrameworkInfo, LaunchId } from '#mesos-v1';
import { executorKeyOf } from './agent-executor.js';
import type { GroupPlace } from './agent-group-place.js';
import { frameworkIdOf } from './agent-runs.js';
import type { AgentTask } from './agent-task.js';

/**
 * Task groups, as Mesos' default executor has them; the agent itself stands in for that executor. What is launched under
 * one executor shares its sandbox and its network; the tasks of one LAUNCH_GROUP share their fate.
 */

/** A member that is over. */
export interface EndedMember {
  readonly place: GroupPlace;
  readonly frameworkId: string;
  /** Why the others have to end; undefined when they may go on. */
  readonly cause?: string;
}

/** Owned by the agent's state and mutated in place. */
export interface Groups {
  /** The records of members, by their executor's run. */
  readonly members: Map<RunKey, Set<RunKey>>;
  /** The newest run of each executor that has such records, by {@link executorKeyOf}: no older one has live members. */
  readonly runs: Map<string, RunKey>;
  /** Executors that were shut down and have not ended; a master says it again to an agent that starts. */
  readonly ending: Set<RunKey>;
  /** Those that have ended and of which their groups have not heard yet; empty between events. */
  readonly ended: EndedMember[];
}

export const createGroups = (): Groups => ({
  members: new Map(),
  runs: new Map(),
  ending: new Set(),
  ended: [],
});

/** A member has a record from here on. */
export function addMember(groups: Groups, task: AgentTask): void {
  const { run, group } = task;
  if (group === undefined) return;
  groups.runs.set(keyOf(task, group), group.executor);
  const known = groups.members.get(group.executor);
  if (known === undefined) groups.members.set(group.executor, new Set([run]));
  else known.add(run);
}

/** After an event of a task: whether it was the end of a member, or of its record. */
export function noteMember(
  groups: Groups,
  before: AgentTask,
  after: { readonly task: AgentTask; readonly isForgotten: boolean },
): void {
  const { task, isForgotten } = after;
  if (task.group === undefined) return;
  if (before.phase.kind !== 'ended' && task.phase.kind === 'ended') noteEnded(groups, task);
  if (!isForgotten) return;
  const known = groups.members.get(task.group.executor);
  known?.delete(task.run);
  if (known?.size !== 0) return;
  groups.members.delete(task.group.executor);
  const key = keyOf(task, task.group);
  if (groups.runs.get(key) === task.group.executor) groups.runs.delete(key);
}

const keyOf = (task: AgentTask, { executorId }: GroupPlace): string =>
  executorKeyOf(frameworkIdOf(task), executorId);

/** Its group hears of it before the event is over. */
export function noteEnded(groups: Groups, task: AgentTask): void {
  const { group: place, id, stream } = task;
  if (place === undefined) return;
  const cause = causeOf(id, stream.latest);
  groups.ended.push({ place, frameworkId: frameworkIdOf(task), ...cause });
}

/** Mesos: only who finishes leaves the others alone. */
export function causeOf(
  taskId: string,
  status: AgentTask['stream']['latest'],
): Pick<EndedMember, 'cause'> {
  if (status?.state === 'TASK_FINISHED') return {};
  const detail = status?.message === undefined ? '' : `: ${status.message}`;
  return {
    cause: `task ${taskId} of its group ended with ${status?.state ?? 'TASK_LOST'}${detail}`,
  };
}

interface Members {
  readonly groups: Groups;
  readonly tasks: ReadonlyMap<RunKey, AgentTask>;
}

/** The members of an executor's run that have not ended. O(its members). */
export function* liveMembers(
  { groups, tasks }: Members,
  executor: RunKey,
): Generator<AgentTask, undefined> {
  for (const run of [...(groups.members.get(executor) ?? [])]) {
    const task = tasks.get(run);
    if (task !== undefined && task.phase.kind !== 'ended') yield task;
  }
  return undefined;
}

/** An executor the agent stands in for, while a member of it lives. */
export interface GroupExecutor {
  readonly run: RunKey;
  readonly framework: FrameworkInfo;
  readonly info: ExecutorInfo;
  readonly launchId?: LaunchId;
  /** Members with a record, oldest first. */
  readonly members: readonly AgentTask[];
}

/** O(members). */
export function* groupExecutors(state: Members): Generator<GroupExecutor> {
  for (const run of state.groups.members.keys()) {
    const executor = describe(state, run);
    if (executor !== undefined) yield executor;
  }
}

/** The run of a framework's executor that lives here, which a further group joins. O(its members). */
export function findGroupExecutor(
  state: Members,
  frameworkId: string,
  executorId: string,
): GroupExecutor | undefined {
  const run = state.groups.runs.get(executorKeyOf(frameworkId, executorId));
  return run === undefined ? undefined : describe(state, run);
}

function describe(state: Members, run: RunKey): GroupExecutor | undefined {
  const { value: live } = liveMembers(state, run).next();
  const info = live?.definition.executor;
  if (live === undefined || info === undefined) return undefined;
  const { executorLaunchId: launchId } = live.group ?? {};
  const members = [...(state.groups.members.get(run) ?? [])];
  return {
    ...{ run, framework: live.framework, info },
    ...(launchId === undefined ? {} : { launchId }),
    members: members.flatMap((member) => state.tasks.get(member) ?? []),
  };
}
