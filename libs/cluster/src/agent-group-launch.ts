import type { RunKey } from '#core';
import type { AgentMessage, LaunchId, TaskInfo } from '#mesos-v1';
import { toDropped } from './agent-executor-launch.js';
import { addMember, findGroupExecutor } from './agent-group.js';
import { placeOf } from './agent-group-place.js';
import { asPlainTask, findGroupDefect } from './agent-group-spec.js';
import { supersede } from './agent-kills.js';
import { findHindrance, isSameEnd, isSameLaunch } from './agent-launch-admission.js';
import { launcherKindOf } from './agent-launch-spec.js';
import type { JournalRecord } from './agent-records.js';
import { findCompleted, findCurrent, makeCurrent, nameRun } from './agent-runs.js';
import { type AgentState, newAgentTask } from './agent-state.js';
import type { AgentTaskEvent } from './agent-task.js';
import { type AgentTurn, feedTask, isSubscribed, ownStatus, tellOnce } from './agent-turn.js';
import { isOtherLaunch } from './launch-id.js';

type LaunchGroup = Extract<AgentMessage, { readonly type: 'LAUNCH_GROUP' }>['launch_group'];
type AcceptedGroup = Extract<JournalRecord, { readonly kind: 'accepted-group' }>;

/** The run of its executor, and why the group cannot be one of it. */
interface ExecutorChoice {
  readonly run: RunKey;
  readonly launchId?: LaunchId | undefined;
  readonly refusal?: AgentTaskEvent;
}

/**
 * LAUNCH_GROUP: all members are accepted by one record, so that a crash leaves all of them or none, and all are refused
 * if one is. A group that is known is not launched again.
 */
export function launchGroup(turn: AgentTurn, given: LaunchGroup): void {
  if (given.tasks.length === 0 || isRepeated(turn, given)) return;
  const { state } = turn;
  for (const { task_id } of given.tasks) {
    const known = findCurrent(state, given.framework.id?.value ?? '', task_id.value);
    if (known !== undefined) supersede(turn, known);
  }
  const choice = chooseExecutor(state, given);
  const accepted = toRecord(turn, given, choice);
  const runs = accepted.members.map(({ run }) => run);
  for (const member of accepted.members) addRecord(turn, accepted, member);
  if (state.disk !== undefined) {
    for (const run of runs) feedTask(turn, run, { kind: 'unwritten', message: state.disk });
    return;
  }
  turn.effects.push({ kind: 'accept-group', runs, records: [accepted] });
  const event = choice.refusal ?? findRefusal(state, given) ?? { kind: 'accepted' };
  for (const run of runs) feedTask(turn, run, event);
}

/**
 * The executor that lives, or a new one. As with custom ones the master knows by which launch the one it means was
 * started: where that is over, so is the group, as what it would take is charged to nobody.
 */
function chooseExecutor(state: AgentState, given: LaunchGroup): ExecutorChoice {
  const { framework, executor, launch_id, executor_launch_id: meant } = given;
  const id = executor.executor_id.value;
  const live = findGroupExecutor(state, framework.id?.value ?? '', id);
  if (live !== undefined) {
    const { run, launchId } = live;
    if (!state.groups.ending.has(run) && !isOtherLaunch(launchId, meant)) return { run, launchId };
    const refusal = toDropped(framework, `its executor ${id} is terminating`);
    return { run, launchId, refusal };
  }
  const run = nameRun(state.runNames, id);
  if (!isOtherLaunch(launch_id, meant)) return { run, launchId: meant ?? launch_id };
  return {
    ...{ run, launchId: meant },
    refusal: toDropped(framework, `its executor ${id} has terminated`),
  };
}

function toRecord(
  { state }: AgentTurn,
  { framework, executor, tasks, launch_id: launchId }: LaunchGroup,
  choice: ExecutorChoice,
): AcceptedGroup {
  return {
    kind: 'accepted-group',
    run: nameRun(state.runNames, executor.executor_id.value),
    executor: choice.run,
    ...(choice.launchId === undefined ? {} : { executorLaunchId: choice.launchId }),
    framework,
    // The executor is the group's, whatever a member says of it.
    members: tasks.map((task) => ({
      run: nameRun(state.runNames, task.task_id.value),
      task: { ...task, executor },
    })),
    ...(launchId === undefined ? {} : { launchId }),
  };
}

function addRecord(
  { state, now }: AgentTurn,
  accepted: AcceptedGroup,
  { run, task: definition }: { readonly run: RunKey; readonly task: TaskInfo },
): void {
  const task = newAgentTask(accepted.framework, definition, {
    monoMs: now.monoMs,
    isConnected: isSubscribed(state),
    launcher: launcherKindOf(asPlainTask(definition)),
    run,
    launchId: accepted.launchId,
    group: placeOf(accepted, definition.executor),
  });
  state.tasks.set(run, task);
  makeCurrent(state.current, task);
  addMember(state.groups, task);
}

/**
 * Whether any member is here by this very launch, alive or ended: then the group is. What ended members were told to be
 * is said again; one that is remembered no more is over, as a member never runs without the others.
 */
function isRepeated(turn: AgentTurn, { framework, tasks, launch_id }: LaunchGroup): boolean {
  const { state } = turn;
  const frameworkId = framework.id?.value ?? '';
  const members = tasks.map((task) => {
    const taskId = task.task_id.value;
    const known = findCurrent(state, frameworkId, taskId);
    const before = findCompleted(state.completed, { frameworkId, taskId }, launch_id);
    return {
      taskId,
      isHere: known !== undefined && isSameLaunch(known, launch_id),
      end: before !== undefined && isSameEnd(before, launch_id) ? before : undefined,
    };
  });
  if (members.every(({ isHere, end }) => !isHere && end === undefined)) return false;
  for (const { taskId, isHere, end } of members) {
    if (isHere) continue;
    const status = ownStatus(turn, taskId, {
      state: 'TASK_LOST',
      source: 'SOURCE_AGENT',
      reason: 'REASON_RECONCILIATION',
      message: 'this agent has its group, but no such task any more',
    });
    tellOnce(turn, frameworkId, end ?? { status, launchId: launch_id });
  }
  return true;
}

/** Why no member is launched, or undefined. */
function findRefusal(state: AgentState, given: LaunchGroup): AgentTaskEvent | undefined {
  const defect = findGroupDefect(given.executor, given.tasks);
  if (defect !== undefined) {
    const reason = 'REASON_TASK_GROUP_INVALID';
    return { kind: 'refused', state: 'TASK_ERROR', reason, message: defect };
  }
  for (const task of given.tasks) {
    const hindrance = findHindrance(state, launcherKindOf(asPlainTask(task)));
    if (hindrance !== undefined) return hindrance;
  }
  return undefined;
}
