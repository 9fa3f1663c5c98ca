import type { LaunchedTask, Now, Reduction, TaskExit } from '#core';
import { endOversized } from './agent-disk-limit.js';
import { reduceExecutorTask } from './agent-executor-task.js';
import { gpusAskedFor } from './agent-gpus.js';
import { executorOfGroup } from './agent-group-place.js';
import { folderOf } from './agent-group-spec.js';
import { reattachDelayMs } from './agent-reattach.js';
import { frameworkIdOf } from './agent-runs.js';
import { describeExit, type StatusContent } from './agent-status.js';
import type {
  AgentTask,
  AgentTaskContext,
  AgentTaskEffect,
  AgentTaskEvent,
  TaskTimer,
} from './agent-task.js';
import { afterProbe, beginCheck, startChecks } from './agent-task-checks.js';
import { endOverdue, limitCompletion } from './agent-task-completion.js';
import { beginKilling, KILL_REPEAT_MS, kill } from './agent-task-kill.js';
import {
  acknowledge,
  clearTimer,
  end,
  feedStream,
  journal,
  killed,
  lost,
  release,
  report,
  sendKill,
  setTimer,
  type Turn,
} from './agent-task-turn.js';
import { endUnwritten, repeatKill } from './agent-task-unwritten.js';

/**
 * Applies one event to a task. Terminal states never change; an event that does not fit the phase (a late answer, a
 * repeated message, a stale timer) has no effects but, where something may run that should not, its kill.
 */
export function reduceAgentTask(
  task: AgentTask,
  event: AgentTaskEvent,
  now: Now,
  context: AgentTaskContext,
): Reduction<AgentTask, AgentTaskEffect> {
  if (task.executorRun !== undefined) return reduceExecutorTask(task, event, now, context);
  const turn: Turn = { task, effects: [], now, context };
  apply(turn, event);
  return { state: turn.task, effects: turn.effects };
}

function apply(turn: Turn, event: AgentTaskEvent): void {
  switch (event.kind) {
    case 'accepted':
      accept(turn);
      return;
    case 'slot-granted':
      useSlot(turn);
      return;
    case 'fetched':
      afterFetch(turn);
      return;
    case 'fetch-failed':
      failLaunch(turn, 'fetching', `fetching failed: ${event.message}`);
      return;
    case 'launched':
      afterLaunch(turn, event.launched);
      return;
    case 'launch-failed':
      // Given up before: only now the launcher lets go of it.
      if (turn.task.phase.kind === 'ended') release(turn);
      failLaunch(turn, 'launching', event.message);
      return;
    case 'launch-progress':
      noteProgress(turn, event.message);
      return;
    case 'exited':
      afterExit(turn, event.exit);
      return;
    case 'reattached':
      afterReattach(turn, event);
      return;
    case 'not-found':
      end(turn, lost(turn, event.reason, 'REASON_AGENT_RESTARTED'));
      return;
    case 'reattach-failed':
      retryReattach(turn, event.message);
      return;
    case 'probed':
      afterProbe(turn, event.subject, event.seen);
      return;
    case 'kill':
      kill(turn, event.kill);
      return;
    case 'disk-exceeded':
      endOversized(turn, event);
      return;
    case 'refused':
      end(turn, toRefusal(event));
      return;
    case 'unwritten':
      endUnwritten(turn, event.message);
      return;
    case 'disk-refuses':
      repeatKill(turn);
      return;
    case 'lost':
      end(turn, lost(turn, event.message, event.reason));
      return;
    case 'timer':
      afterTimer(turn, event.timer);
      return;
    case 'acknowledged':
      acknowledge(turn, event.uuid);
      return;
    case 'connected':
    case 'disconnected':
      feedStream(turn, event);
      return;
    default:
      // Of tasks of custom executors.
      event.kind satisfies 'deliver' | 'reported' | 'executor-ended';
  }
}

const toRefusal = ({
  state,
  reason,
  message,
}: Extract<AgentTaskEvent, { readonly kind: 'refused' }>): StatusContent => ({
  ...{ state, reason, message },
  source: 'SOURCE_AGENT',
});

function accept(turn: Turn): void {
  const { task } = turn;
  const hasUris = (task.definition.command?.uris ?? []).length > 0;
  turn.task = { ...task, phase: { kind: 'received', waitsFor: hasUris ? 'fetch' : 'launch' } };
  // Without anything to fetch or pull TASK_RUNNING follows within milliseconds, and would have to wait for this one's
  // acknowledgement: half of all updates and a round trip of each start.
  const takesTime = hasUris || task.launcher === 'docker';
  if (takesTime && task.stream.latest === undefined) {
    report(turn, { state: 'TASK_STARTING', source: 'SOURCE_EXECUTOR' });
  }
}

function useSlot(turn: Turn): void {
  const { task, context } = turn;
  if (task.phase.kind !== 'received') return;
  if (task.phase.waitsFor === 'fetch') {
    turn.task = { ...task, phase: { kind: 'fetching' } };
    turn.effects.push({ kind: 'fetch', run: task.run, task: task.definition, ...folderOf(task) });
    setTimer(turn, 'phase', context.options.fetchDeadlineMs);
    return;
  }
  const wanted = gpusAskedFor(task.definition);
  const free = wanted === 0 ? [] : context.freeGpus();
  if (free.length < wanted) {
    end(turn, toLackOfGpus(wanted, free.length));
    return;
  }
  const given = wanted === 0 ? {} : { gpus: free.slice(0, wanted) };
  turn.task = { ...task, ...given, phase: { kind: 'launching' } };
  journal(turn, { kind: 'launching', run: task.run, ...given });
  turn.effects.push({
    kind: 'launch',
    ...given,
    run: task.run,
    task: task.definition,
    frameworkId: frameworkIdOf(task),
    launcher: task.launcher,
    ...folderOf(task),
  });
  setTimer(turn, 'phase', launchDeadlineMs(turn));
}

/** Those of a task before it may not be free yet: its id was used again, or it was lost to its master and still ends. */
const toLackOfGpus = (wanted: number, free: number): StatusContent => ({
  state: 'TASK_FAILED',
  source: 'SOURCE_AGENT',
  reason: 'REASON_CONTAINER_LAUNCH_FAILED',
  message: `it asks for ${wanted} gpus, ${free} of this agent are free`,
});

function afterFetch(turn: Turn): void {
  if (turn.task.phase.kind !== 'fetching') return;
  clearTimer(turn, 'phase');
  turn.task = { ...turn.task, phase: { kind: 'received', waitsFor: 'launch' } };
}

/** Shown by the agent only: a status update for each would have to be stored and acknowledged all the way up. */
function noteProgress(turn: Turn, progress: string): void {
  const { task } = turn;
  if (task.phase.kind !== 'launching') return;
  turn.task = { ...task, phase: { ...task.phase, progress } };
}

function afterLaunch(turn: Turn, launched: LaunchedTask): void {
  const { task } = turn;
  // Its deadline had passed, or it was given up: nothing of it may go on running.
  if (task.phase.kind === 'ended') {
    sendKill(turn, 0);
    return;
  }
  if (task.phase.kind !== 'launching') return;
  const { exit } = task.phase;
  turn.effects.push({
    kind: 'observe-launch',
    run: task.run,
    latencyMs: turn.now.monoMs - task.acceptedAtMs,
  });
  start(turn, launched);
  if (exit !== undefined) afterExit(turn, exit);
}

/** The task is known to run: tell it, begin its health check, and end it if that was asked for meanwhile. */
function start(turn: Turn, launched: LaunchedTask, knownMs?: number): void {
  clearTimer(turn, 'phase');
  turn.task = { ...turn.task, launched, phase: { kind: 'running' } };
  if (turn.task.stream.latest?.state !== 'TASK_RUNNING' && turn.task.kill === undefined) {
    report(turn, { state: 'TASK_RUNNING', source: 'SOURCE_EXECUTOR' });
  }
  if (turn.task.kill !== undefined) {
    beginKilling(turn, turn.task.kill);
    return;
  }
  const runningForMs = knownMs ?? sinceWrittenMs(turn);
  startChecks(turn, runningForMs);
  limitCompletion(turn, runningForMs);
}

/** As far as is known without its process: since what was written down, by a clock that may have been set meanwhile. */
function sinceWrittenMs({ task, now }: Turn): number {
  const { runningSince } = task;
  return runningSince === undefined ? 0 : Math.max(0, now.epochMs - runningSince * 1000);
}

function afterExit(turn: Turn, exit: TaskExit): void {
  const { task } = turn;
  if (task.phase.kind === 'ended') {
    // It was given up while it ran on, so it could not be released then.
    release(turn);
    return;
  }
  if (task.phase.kind === 'launching') {
    turn.task = { ...task, phase: { ...task.phase, exit } };
    return;
  }
  end(turn, task.kill === undefined ? describeExit(exit) : killed(task, task.kill));
}

function afterReattach(
  turn: Turn,
  { launched, runningForMs }: Extract<AgentTaskEvent, { readonly kind: 'reattached' }>,
): void {
  // It was found too late.
  if (turn.task.phase.kind === 'ended') sendKill(turn, 0);
  if (turn.task.phase.kind === 'recovering') start(turn, launched, runningForMs);
}

function retryReattach(turn: Turn, message: string): void {
  const { task, now } = turn;
  if (task.phase.kind !== 'recovering') return;
  if (now.monoMs >= task.phase.deadlineMs) {
    loseUnfound(turn, message);
    return;
  }
  const attempts = task.phase.attempts + 1;
  turn.task = { ...task, phase: { ...task.phase, attempts } };
  setTimer(turn, 'phase', reattachDelayMs(attempts));
}

/** Looks again; the timer then stands for the deadline, until this look fails. */
function reattach(turn: Turn, deadlineMs: number): void {
  const { task, now } = turn;
  if (now.monoMs >= deadlineMs) {
    loseUnfound(turn, `the ${task.launcher} launcher does not answer`);
    return;
  }
  turn.effects.push({
    kind: 'reattach',
    run: task.run,
    launcher: task.launcher,
    ...executorOfGroup(task),
  });
  setTimer(turn, 'phase', deadlineMs - now.monoMs);
}

const loseUnfound = (turn: Turn, reason: string): void =>
  end(turn, lost(turn, `could not be found again: ${reason}`, 'REASON_AGENT_RESTARTED'));

function afterTimer(turn: Turn, timer: TaskTimer): void {
  const { task, now } = turn;
  if (timer === 'resend') {
    feedStream(turn, { kind: 'resend-due' });
    return;
  }
  if (timer === 'health' || timer === 'check') {
    beginCheck(turn, timer);
    return;
  }
  if (timer === 'completion') {
    endOverdue(turn);
    return;
  }
  switch (task.phase.kind) {
    case 'fetching':
      turn.effects.push({ kind: 'cancel-fetch', run: task.run });
      failLaunch(
        turn,
        'fetching',
        `fetching its URIs took longer than ${turn.context.options.fetchDeadlineMs} ms`,
      );
      return;
    case 'launching':
      sendKill(turn, 0);
      failLaunch(
        turn,
        'launching',
        `the ${task.launcher} launcher took longer than ${launchDeadlineMs(turn)} ms`,
      );
      return;
    case 'recovering':
      reattach(turn, task.phase.deadlineMs);
      return;
    case 'killing':
      if (now.monoMs < task.phase.repeatAtMs) return;
      turn.task = {
        ...task,
        phase: { kind: 'killing', repeatAtMs: now.monoMs + KILL_REPEAT_MS },
      };
      sendKill(turn, 0);
      setTimer(turn, 'phase', KILL_REPEAT_MS);
      return;
    case 'received':
    case 'running':
    case 'delegated':
    case 'ended':
      return;
    default:
      task.phase satisfies never;
  }
}

function failLaunch(turn: Turn, phase: 'fetching' | 'launching', message: string): void {
  const { task } = turn;
  if (task.phase.kind !== phase) return;
  const content: StatusContent =
    task.kill === undefined
      ? {
          state: 'TASK_FAILED',
          source: 'SOURCE_AGENT',
          reason: 'REASON_CONTAINER_LAUNCH_FAILED',
          message,
        }
      : { ...killed(task, task.kill), reason: 'REASON_TASK_KILLED_DURING_LAUNCH' };
  end(turn, content);
}

const launchDeadlineMs = ({ task, context }: Turn): number =>
  task.launcher === 'docker'
    ? context.options.dockerLaunchDeadlineMs
    : context.options.processLaunchDeadlineMs;
