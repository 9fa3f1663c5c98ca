import type { RunKey, TaskExit } from '#core';
import type { AgentMessage } from '#mesos-v1';
import {
  type AgentExecutor,
  type ExecutorEnding,
  type ExecutorExit,
  executorKeyOf,
  MAX_COMPLETED_EXECUTORS,
  rememberExecutor,
} from './agent-executor.js';
import {
  clearPhaseTimer,
  feedTasksOf,
  findExecutor,
  journalExecutor,
  killExecutor,
  ownerOf,
  sendToExecutor,
  setExecutor,
  setPhaseTimer,
  shutdownGraceMs,
} from './agent-executor-turn.js';
import { findGroupExecutor } from './agent-group.js';
import { placeInLanes } from './agent-lanes.js';
import { describeExit, type StatusContent } from './agent-status.js';
import { KILL_REPEAT_MS } from './agent-task-kill.js';
import { type AgentTurn, isSubscribed, log } from './agent-turn.js';

/** The end of executors: asked for, enforced, and told. */

/** The status of an executor whose end nobody saw. */
const UNKNOWN_STATUS = -1;
const EXIT_CODE_FACTOR = 256;

/**
 * SHUTDOWN, then after the grace a kill. One that cannot be told is killed, by the same grace; one that was never started
 * is over at once. Repeated, the shorter grace counts.
 */
export function shutDownExecutor(turn: AgentTurn, run: RunKey, ending: ExecutorEnding): void {
  const executor = turn.state.executors.get(run);
  if (executor === undefined) return;
  const before = executor.ending;
  if (before !== undefined && before.graceMs <= ending.graceMs) return;
  const wanted = before === undefined ? ending : { ...before, graceMs: ending.graceMs };
  journalExecutor(turn, { kind: 'executor-ending', run, ending: wanted });
  const next: AgentExecutor = { ...executor, ending: wanted };
  setExecutor(turn, next);
  switch (next.phase.kind) {
    case 'received':
    case 'fetching':
      if (next.phase.kind === 'fetching') turn.effects.push({ kind: 'cancel-fetch', run });
      finishExecutor(turn, next, { status: UNKNOWN_STATUS });
      return;
    case 'launching':
    case 'recovering':
      // Ends a pull under way; done again as soon as it is known to run.
      killExecutor(turn, next, wanted.graceMs);
      return;
    case 'registering':
    case 'running':
    case 'shutting-down':
    case 'killing':
      endRunning(turn, next, wanted);
      return;
    default:
      next.phase satisfies never;
  }
}

/** Its process runs, and is to end. */
export function endRunning(turn: AgentTurn, executor: AgentExecutor, ending: ExecutorEnding): void {
  const { run } = executor;
  const { disk } = turn.state;
  // While the disk refuses, the end of the grace could not be waited for: its launcher does that.
  if (
    executor.connection === undefined ||
    executor.phase.kind === 'killing' ||
    disk !== undefined
  ) {
    beginKilling(turn, executor, ending.graceMs);
    return;
  }
  const killAtMs = turn.now.monoMs + ending.graceMs;
  setExecutor(turn, { ...executor, phase: { kind: 'shutting-down', killAtMs } });
  sendToExecutor(turn, run, { type: 'SHUTDOWN' });
  setPhaseTimer(turn, run, ending.graceMs);
}

/** Its acceptance was refused by the disk: nothing was done for it, and nothing of it is written down. */
export function endUnwrittenExecutor(turn: AgentTurn, run: RunKey, problem: string): void {
  const executor = turn.state.executors.get(run);
  if (executor === undefined) {
    const gone = turn.state.completedExecutors.get(run);
    // What the master was to hear was queued behind what was refused.
    if (gone !== undefined) tellNoExecutor(turn, gone.frameworkId, gone.executorId, gone);
    return;
  }
  finishExecutor(turn, executor, {
    status: UNKNOWN_STATUS,
    isUnwritten: true,
    content: {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
      message: `this agent cannot write down what it launches: ${problem}`,
    },
  });
}

/** From now on what is written waits: kills are asked for again, as ending something may be what makes room. */
export function repeatExecutorKill(turn: AgentTurn, executor: AgentExecutor): void {
  const { ending, phase } = executor;
  if (ending === undefined || phase.kind === 'received' || phase.kind === 'fetching') return;
  if (phase.kind === 'shutting-down') beginKilling(turn, executor, ending.graceMs);
  else killExecutor(turn, executor, ending.graceMs);
}

export function beginKilling(turn: AgentTurn, executor: AgentExecutor, graceMs: number): void {
  setExecutor(turn, { ...executor, phase: { kind: 'killing' } });
  killExecutor(turn, executor, graceMs);
  setPhaseTimer(turn, executor.run, graceMs + KILL_REPEAT_MS);
}

/** It did not do what it had to in time: killed without grace, and its tasks fail for this reason. */
export function giveUpExecutor(
  turn: AgentTurn,
  executor: AgentExecutor,
  ending: Omit<ExecutorEnding, 'graceMs'>,
): void {
  const wanted = executor.ending ?? { ...ending, graceMs: 0 };
  journalExecutor(turn, { kind: 'executor-ending', run: executor.run, ending: wanted });
  log(turn, 'warn', `executor ${executor.id} of ${ownerOf(executor)} is killed: ${ending.message}`);
  beginKilling(turn, { ...executor, ending: wanted }, 0);
}

/** Nothing of it runs any more. Its tasks that have not ended by themselves fail, and the master hears of its end. */
export function finishExecutor(
  turn: AgentTurn,
  executor: AgentExecutor,
  how:
    | { readonly exit: TaskExit }
    | {
        readonly status: number;
        readonly content?: StatusContent;
        /** Nothing of it is or will be written down. */
        readonly isUnwritten?: true;
      },
): void {
  const { run, id, launcher, phase } = executor;
  const { state, effects } = turn;
  const content = endOfTasks(executor, 'exit' in how ? how.exit : how.content);
  feedTasksOf(turn, executor, { kind: 'executor-ended', content });
  const frameworkId = ownerOf(executor);
  const launch = executor.launchId === undefined ? {} : { launchId: executor.launchId };
  const completed = { run, executorId: id, frameworkId, ...launch };
  const isUnwritten = 'isUnwritten' in how && how.isUnwritten;
  if (!isUnwritten) journalExecutor(turn, { kind: 'executor-ended', ...completed });
  state.executors.delete(run);
  placeInLanes(state.lanes, run, undefined);
  const key = executorKeyOf(frameworkId, id);
  if (state.executorRuns.get(key) === run) state.executorRuns.delete(key);
  rememberExecutor(state.completedExecutors, completed);
  clearPhaseTimer(turn, run);
  effects.push({ kind: 'close-executor-stream', run });
  if (phase.kind !== 'received' && phase.kind !== 'fetching') {
    effects.push({ kind: 'release', run, launcher });
  }
  const status = 'exit' in how ? toWaitStatus(how.exit) : how.status;
  const exit: ExecutorExit = { run, frameworkId, executorId: id, status, ...launch };
  tellExit(turn, exit);
  effects.push({ kind: 'forget', run });
}

/** The master hears of the end of an executor, if need be the next one. */
export function tellExit(turn: AgentTurn, exit: ExecutorExit): void {
  const { state, effects } = turn;
  effects.push({ kind: 'send-executor-exit', ...exit });
  if (isSubscribed(state)) return;
  const untold = [...(state.untoldExits ?? []), exit].slice(-MAX_COMPLETED_EXECUTORS);
  turn.state = { ...state, untoldExits: untold };
}

/** A master has answered a SUBSCRIBE that may be older than the ends of executors it names as running. */
export function tellExits(turn: AgentTurn): void {
  const { untoldExits = [], ...state } = turn.state;
  turn.state = state;
  for (const exit of untoldExits) {
    const { frameworkId, executorId } = exit;
    const isBack =
      state.executorRuns.has(executorKeyOf(frameworkId, executorId)) ||
      findGroupExecutor(state, frameworkId, executorId) !== undefined;
    // Without a launch's id it would be taken for the end of the one that runs now.
    if (exit.launchId === undefined && isBack) continue;
    turn.effects.push({ kind: 'send-executor-exit', ...exit });
  }
}

/** Each executor that matches is shut down by its own grace, at most `maxGraceMs`. */
export function shutDownExecutors(
  turn: AgentTurn,
  matches: (executor: AgentExecutor) => boolean,
  ending: Omit<ExecutorEnding, 'graceMs'> & { readonly maxGraceMs?: number },
): void {
  const { maxGraceMs = Number.POSITIVE_INFINITY, reason, message } = ending;
  for (const executor of [...turn.state.executors.values()]) {
    if (!matches(executor)) continue;
    const graceMs = Math.min(shutdownGraceMs(turn, executor), maxGraceMs);
    shutDownExecutor(turn, executor.run, { graceMs, reason, message });
  }
}

/** SHUTDOWN_EXECUTOR. The master believes in one we have not got: say so, or it would hold its resources for ever. */
export function shutDownOne(
  turn: AgentTurn,
  message: Extract<AgentMessage, { readonly type: 'SHUTDOWN_EXECUTOR' }>,
): void {
  const { framework_id, executor_id } = message.shutdown_executor;
  const executor = findExecutor(turn.state, framework_id.value, executor_id.value);
  if (executor === undefined) {
    tellNoExecutor(turn, framework_id.value, executor_id.value);
    return;
  }
  shutDownExecutor(turn, executor.run, {
    graceMs: shutdownGraceMs(turn, executor),
    reason: 'REASON_EXECUTOR_TERMINATED',
    message: 'its executor was shut down by the framework',
  });
}

export function tellNoExecutor(
  turn: AgentTurn,
  frameworkId: string,
  executorId: string,
  launch: Pick<AgentExecutor, 'launchId'> = {},
): void {
  turn.effects.push({
    kind: 'send-executor-exit',
    ...{ run: '' as RunKey, frameworkId, executorId, status: UNKNOWN_STATUS },
    ...launch,
  });
}

/** As `waitpid` gives it, which Mesos passes on: the exit code's byte above that of the signal. */
export function toWaitStatus({ status }: TaskExit): number {
  switch (status.kind) {
    case 'exited':
      return status.code * EXIT_CODE_FACTOR;
    case 'exited-or-signalled':
    case 'signalled':
      return status.signal;
    case 'unknown':
      return UNKNOWN_STATUS;
    default:
      return status satisfies never;
  }
}

function endOfTasks(
  { id, ending }: AgentExecutor,
  how: TaskExit | StatusContent | undefined,
): StatusContent {
  const source = 'SOURCE_AGENT';
  if (ending !== undefined) {
    return { state: 'TASK_FAILED', source, reason: ending.reason, message: ending.message };
  }
  if (how !== undefined && 'state' in how) return how;
  const exit = how === undefined ? undefined : describeExit(how);
  const isMemory = exit?.reason === 'REASON_CONTAINER_LIMITATION_MEMORY';
  return {
    state: 'TASK_FAILED',
    source,
    reason: isMemory ? exit.reason : 'REASON_EXECUTOR_TERMINATED',
    message: `its executor ${id} ${exit?.message ?? 'is gone'}`,
  };
}
