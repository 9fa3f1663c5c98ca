import type { RunKey } from '#core';
import type { AgentMessage, ExecutorInfo, FrameworkInfo, LaunchId, TaskInfo } from '#mesos-v1';
import { type AgentExecutor, executorKeyOf } from './agent-executor.js';
import { deliverNow } from './agent-executor-delivery.js';
import { shutDownExecutor, tellNoExecutor } from './agent-executor-end.js';
import { resizeExecutors } from './agent-executor-limits.js';
import {
  findExecutor,
  hasLiveTasks,
  journalExecutor,
  sendToExecutor,
  setExecutor,
} from './agent-executor-turn.js';
import { findRefusal } from './agent-launch-admission.js';
import { launcherKindOf } from './agent-launch-spec.js';
import { makeCurrent, nameRun } from './agent-runs.js';
import { newAgentTask } from './agent-state.js';
import type { AgentTask, AgentTaskEvent } from './agent-task.js';
import { type AgentTurn, feedTask, isSubscribed, log } from './agent-turn.js';
import { isOtherLaunch } from './launch-id.js';

/** How a task comes to its executor: the one that runs, or one that is started for it. */

interface ExecutorWish {
  readonly framework: FrameworkInfo;
  readonly executor: ExecutorInfo;
  readonly launchId?: LaunchId | undefined;
  /** Of the launch that started the executor, as the master has it. Absent: it does not say. */
  readonly executorLaunchId?: LaunchId | undefined;
}

interface ExecutorLaunch {
  readonly framework: FrameworkInfo;
  readonly executor: ExecutorInfo;
  readonly tasks: readonly TaskInfo[];
  readonly launch_id?: LaunchId;
  readonly executor_launch_id?: LaunchId;
  readonly isGrouped?: true;
}

/** The run of the executor, started if need be; or why the task cannot be one of it. */
type ExecutorChoice =
  | { readonly kind: 'chosen'; readonly run: RunKey }
  | { readonly kind: 'refused'; readonly run: RunKey; readonly refusal: AgentTaskEvent };

/**
 * One executor runs for each (framework, executor id). The master knows by which launch the one it means was started: where
 * that is over, so is the task, as the resources of a new one would be nobody's.
 */
function chooseExecutor(turn: AgentTurn, wish: ExecutorWish): ExecutorChoice {
  const { framework, executor: info, launchId, executorLaunchId } = wish;
  const id = info.executor_id.value;
  const frameworkId = framework.id?.value ?? '';
  const known = findExecutor(turn.state, frameworkId, id);
  if (known !== undefined) {
    const isOver = known.ending !== undefined || isOtherLaunch(known.launchId, executorLaunchId);
    if (!isOver) return { kind: 'chosen', run: known.run };
    // The master charges one that will never be.
    if (isOtherLaunch(known.launchId, executorLaunchId)) {
      tellNoExecutor(turn, frameworkId, id, toLaunch(executorLaunchId));
    }
    return refuse(wish, known.run, `its executor ${id} is terminating`);
  }
  const run = nameRun(turn.state.runNames, id);
  if (isOtherLaunch(launchId, executorLaunchId)) {
    tellNoExecutor(turn, frameworkId, id, toLaunch(executorLaunchId));
    return refuse(wish, run, `its executor ${id} has terminated`);
  }
  startExecutor(turn, { run, framework, info, launchId: executorLaunchId ?? launchId });
  return { kind: 'chosen', run };
}

/** A new executor; it waits for a slot. */
export function startExecutor(
  turn: AgentTurn,
  given: Pick<AgentExecutor, 'run' | 'framework' | 'info'> & {
    readonly launchId: LaunchId | undefined;
  },
): AgentExecutor {
  const { run, framework, info, launchId } = given;
  const launch = launchId === undefined ? {} : { launchId };
  const executor: AgentExecutor = {
    ...{ run, framework, info, ...launch },
    id: info.executor_id.value,
    launcher: launcherKindOf(info),
    phase: { kind: 'received', waitsFor: info.command?.uris?.length ? 'fetch' : 'launch' },
    isRegistered: false,
    tasks: new Set(),
  };
  turn.state.executorRuns.set(executorKeyOf(framework.id?.value ?? '', executor.id), run);
  setExecutor(turn, executor);
  journalExecutor(turn, {
    kind: 'executor-accepted',
    ...{ run, framework, executor: info, ...launch },
  });
  return executor;
}

/** LAUNCH of a task of a custom executor, or LAUNCH_GROUP of several: all of them, or none. */
export function launchInExecutor(turn: AgentTurn, launch: ExecutorLaunch): void {
  const { framework, tasks, executor: info } = launch;
  const { launch_id: launchId, executor_launch_id: executorLaunchId } = launch;
  if (tasks.length === 0) return;
  const wish: ExecutorWish = { framework, executor: info, launchId, executorLaunchId };
  const { disk } = turn.state;
  const unwritten = disk === undefined ? undefined : { kind: 'unwritten' as const, message: disk };
  const choice = chooseFor(turn, wish, unwritten ?? findAnyRefusal(turn, tasks));
  const accepted = tasks.map((definition) => accept(turn, launch, definition, choice.run));
  if (choice.kind === 'refused') {
    for (const { run } of accepted) feedTask(turn, run, choice.refusal);
    return;
  }
  const executor = turn.state.executors.get(choice.run);
  if (executor === undefined) return;
  for (const { run } of accepted) executor.tasks.add(run);
  turn.resized.add(executor.run);
  deliverNow(turn, executor, accepted);
}

/** Executors that have changed in this turn: those nobody needs before they ever subscribed end, others are resized. */
export function settleExecutors(turn: AgentTurn): void {
  for (const run of turn.resized) {
    const executor = turn.state.executors.get(run);
    if (executor === undefined || executor.isRegistered || executor.ending !== undefined) continue;
    if (hasLiveTasks(turn, executor)) continue;
    shutDownExecutor(turn, run, {
      graceMs: 0,
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: 'its executor has no tasks',
    });
  }
  resizeExecutors(turn);
}

/** MESSAGE to an executor; best effort. */
export function passOn(
  turn: AgentTurn,
  { message }: Extract<AgentMessage, { readonly type: 'MESSAGE' }>,
): void {
  const { framework_id, executor_id, data } = message;
  const executor = findExecutor(turn.state, framework_id.value, executor_id.value);
  if (executor?.connection === undefined) {
    const name = `executor ${executor_id.value} of ${framework_id.value}`;
    log(turn, 'warn', `dropped a message: ${name} is not subscribed`);
    return;
  }
  sendToExecutor(turn, executor.run, { type: 'MESSAGE', message: { data } });
}

function chooseFor(
  turn: AgentTurn,
  wish: ExecutorWish,
  refusal: AgentTaskEvent | undefined,
): ExecutorChoice {
  if (refusal === undefined) return chooseExecutor(turn, wish);
  const { framework, executor, launchId, executorLaunchId } = wish;
  const frameworkId = framework.id?.value ?? '';
  const id = executor.executor_id.value;
  const known = findExecutor(turn.state, frameworkId, id);
  if (known !== undefined) return { kind: 'refused', run: known.run, refusal };
  // The one it would have been started for is never started.
  tellNoExecutor(turn, frameworkId, id, toLaunch(executorLaunchId ?? launchId));
  return { kind: 'refused', run: nameRun(turn.state.runNames, id), refusal };
}

function findAnyRefusal(
  { state }: AgentTurn,
  tasks: readonly TaskInfo[],
): AgentTaskEvent | undefined {
  for (const task of tasks) {
    const refusal = findRefusal(state, task);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The record of a task, before anything becomes of it. */
function accept(
  turn: AgentTurn,
  { framework, launch_id: launchId, isGrouped }: ExecutorLaunch,
  task: TaskInfo,
  executorRun: RunKey,
): AgentTask {
  const { state, now } = turn;
  const run = nameRun(state.runNames, task.task_id.value);
  const made = newAgentTask(framework, task, {
    monoMs: now.monoMs,
    isConnected: isSubscribed(state),
    launcher: launcherKindOf(task.executor ?? task),
    ...{ run, launchId, executorRun, isGrouped },
  });
  state.tasks.set(run, made);
  makeCurrent(state.current, made);
  // It is refused, from memory.
  if (state.disk !== undefined) return made;
  turn.effects.push({
    kind: 'journal',
    run,
    records: [
      {
        kind: 'accepted',
        ...{ run, framework, task, executorRun },
        ...(launchId === undefined ? {} : { launchId }),
        ...(isGrouped ? { isGrouped } : {}),
      },
    ],
  });
  return made;
}

const toLaunch = (launchId: LaunchId | undefined): { readonly launchId?: LaunchId } =>
  launchId === undefined ? {} : { launchId };

const refuse = ({ framework }: ExecutorWish, run: RunKey, message: string): ExecutorChoice => ({
  kind: 'refused',
  run,
  refusal: toDropped(framework, message),
});

/** The executor that was meant is over: only a PARTITION_AWARE framework knows TASK_DROPPED. */
export function toDropped(framework: FrameworkInfo, message: string): AgentTaskEvent {
  const knowsDropped = (framework.capabilities ?? []).some(
    ({ type }) => type === 'PARTITION_AWARE',
  );
  return {
    kind: 'refused',
    state: knowsDropped ? 'TASK_DROPPED' : 'TASK_LOST',
    reason: 'REASON_EXECUTOR_TERMINATED',
    message,
  };
}
