import type { AgentMessage, FrameworkInfo, LaunchId, TaskInfo } from '#mesos-v1';
import { supersede } from './agent-kills.js';
import { findTaskDefect, type LauncherKind, launcherKindOf } from './agent-launch-spec.js';
import type { CompletedTask } from './agent-records.js';
import { findCompleted, findCurrent } from './agent-runs.js';
import type { AgentState } from './agent-state.js';
import type { AgentTask, AgentTaskEvent } from './agent-task.js';
import { type AgentTurn, tellOnce } from './agent-turn.js';
import { isOtherLaunch } from './launch-id.js';

/** Which launches are new, and which cannot be. */

type LaunchGroup = Extract<AgentMessage, { readonly type: 'LAUNCH_GROUP' }>['launch_group'];

/**
 * Whether a launch is one the agent does not know, alive or ended. Another launch of a known task is: whatever is left of
 * the one before is superseded.
 */
export function isNewLaunch(
  turn: AgentTurn,
  given: {
    readonly framework: FrameworkInfo;
    readonly task: TaskInfo;
    readonly launch_id?: LaunchId;
  },
): boolean {
  const { state } = turn;
  const { launch_id: launchId } = given;
  const taskId = given.task.task_id.value;
  const frameworkId = given.framework.id?.value ?? '';
  const known = findCurrent(state, frameworkId, taskId);
  if (known !== undefined) {
    if (isSameLaunch(known, launchId)) return false;
    supersede(turn, known);
    return true;
  }
  const before = findCompleted(state.completed, { frameworkId, taskId }, launchId);
  if (before === undefined || !isSameEnd(before, launchId)) return true;
  tellOnce(turn, frameworkId, before);
  return false;
}

/** Those of a group that are new. */
export const newOnes = (
  turn: AgentTurn,
  group: Omit<LaunchGroup, 'tasks'>,
  tasks: readonly TaskInfo[],
): readonly TaskInfo[] => tasks.filter((task) => isNewLaunch(turn, { ...group, task }));

/** Why a task cannot be run here, or not now. */
export function findRefusal(state: AgentState, definition: TaskInfo): AgentTaskEvent | undefined {
  const defect = findTaskDefect(definition);
  if (defect !== undefined) {
    return { kind: 'refused', state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', message: defect };
  }
  return findHindrance(state, launcherKindOf(definition.executor ?? definition));
}

/** Why nothing can be launched by that launcher now. */
export function findHindrance(
  state: AgentState,
  launcher: LauncherKind,
): AgentTaskEvent | undefined {
  const usable = state.options.launchers[launcher];
  if (!usable.available) {
    return {
      kind: 'refused',
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: `this agent has no ${launcher} launcher: ${usable.reason}`,
    };
  }
  if (state.leaving === undefined) return undefined;
  return {
    kind: 'refused',
    state: 'TASK_FAILED',
    reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    message: 'this agent is being shut down',
  };
}

/**
 * Whether it is this very launch that comes again. A master that gives its launches no ids means the known one; where
 * only the record has none (an earlier version wrote it), one that has not ended must be it: a task that lives is not
 * launched anew.
 */
export const isSameLaunch = (known: AgentTask, launchId: LaunchId | undefined): boolean =>
  known.launchId === undefined && launchId !== undefined
    ? known.phase.kind !== 'ended'
    : !isOtherLaunch(known.launchId, launchId);

/** Of one that has ended and is acknowledged: a launch with an id that its record lacks is another one. */
export const isSameEnd = (before: CompletedTask, launchId: LaunchId | undefined): boolean =>
  launchId === undefined || before.launchId !== undefined;
