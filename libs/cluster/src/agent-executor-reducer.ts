import type { LaunchedTask, RunKey, TaskExit } from '#core';
import type { AgentExecutor } from './agent-executor.js';
import { endGroupOf } from './agent-executor-delivery.js';
import {
  beginKilling,
  endRunning,
  endUnwrittenExecutor,
  finishExecutor,
  giveUpExecutor,
  repeatExecutorKill,
} from './agent-executor-end.js';
import { limitsOf } from './agent-executor-limits.js';
import {
  clearPhaseTimer,
  executorOptions,
  journalExecutor,
  killExecutor,
  ownerOf,
  setExecutor,
  setPhaseTimer,
  shutdownGraceMs,
} from './agent-executor-turn.js';
import { endMembers, endUnwrittenGroup } from './agent-group-fate.js';
import { reattachDelayMs } from './agent-reattach.js';
import type { StatusContent } from './agent-status.js';
import type { AgentTaskEvent } from './agent-task.js';
import { KILL_REPEAT_MS } from './agent-task-kill.js';
import { type AgentTurn, feedTask, log } from './agent-turn.js';

/**
 * The life of an executor's process; what it says is in `agent-executor-calls.ts`. See {@link AgentExecutorPhase} for the
 * phases. An event that does not fit the phase has no effects but, where something may run that should not, its kill.
 */

/** One event of one run, be it a task, an executor, or what a group shares: of that only its loss is told. */
export function feedRun(turn: AgentTurn, run: RunKey, event: AgentTaskEvent): void {
  const executor = turn.state.executors.get(run);
  if (event.kind === 'unwritten') endUnwritten(turn, run, event);
  else if (turn.state.groups.members.has(run)) endMembers(turn, run);
  else if (executor === undefined) feedTask(turn, run, event);
  else feedExecutor(turn, executor, event);
}

function endUnwritten(
  turn: AgentTurn,
  run: RunKey,
  event: Extract<AgentTaskEvent, { readonly kind: 'unwritten' }>,
): void {
  const task = turn.state.tasks.get(run);
  if (task === undefined) {
    endUnwrittenExecutor(turn, run, event.message);
    return;
  }
  if (task.group !== undefined) {
    endUnwrittenGroup(turn, task, event.message);
    return;
  }
  feedTask(turn, run, event);
  endGroupOf(turn, task);
}

function feedExecutor(turn: AgentTurn, executor: AgentExecutor, event: AgentTaskEvent): void {
  switch (event.kind) {
    case 'slot-granted':
      useSlot(turn, executor);
      return;
    case 'fetched':
      if (executor.phase.kind !== 'fetching') return;
      clearPhaseTimer(turn, executor.run);
      setExecutor(turn, { ...executor, phase: { kind: 'received', waitsFor: 'launch' } });
      return;
    case 'fetch-failed':
      failLaunch(turn, executor, 'fetching', `fetching failed: ${event.message}`);
      return;
    case 'launched':
      afterLaunch(turn, executor, event.launched);
      return;
    case 'launch-failed':
      failLaunch(turn, executor, 'launching', event.message);
      return;
    case 'exited':
      afterExit(turn, executor, event.exit);
      return;
    case 'reattached':
      afterReattach(turn, executor, event.launched);
      return;
    case 'not-found':
      loseExecutor(turn, executor, event.reason);
      return;
    case 'reattach-failed':
      retryReattach(turn, executor, event.message);
      return;
    case 'timer':
      afterTimer(turn, executor);
      return;
    case 'disk-refuses':
      repeatExecutorKill(turn, executor);
      return;
    default:
      // Of tasks only.
      return;
  }
}

function useSlot(turn: AgentTurn, executor: AgentExecutor): void {
  const { phase, run, info, framework, launcher } = executor;
  const { options } = turn.state;
  if (phase.kind !== 'received') return;
  if (phase.waitsFor === 'fetch') {
    setExecutor(turn, { ...executor, phase: { kind: 'fetching' } });
    const task = info.command === undefined ? {} : { command: info.command };
    turn.effects.push({ kind: 'fetch', run, task });
    setPhaseTimer(turn, run, options.fetchDeadlineMs);
    return;
  }
  const limits = limitsOf(turn.state, executor);
  setExecutor(turn, { ...executor, limits, phase: { kind: 'launching' } });
  journalExecutor(turn, { kind: 'executor-launching', run });
  turn.effects.push({
    kind: 'launch-executor',
    ...{ run, executor: info, framework, launcher, limits },
    shutdownGraceMs: shutdownGraceMs(turn, executor),
    reregistrationMs: executorOptions(turn).reregistrationMs,
  });
  setPhaseTimer(turn, run, launchDeadlineMs(turn, executor));
}

function afterLaunch(turn: AgentTurn, executor: AgentExecutor, launched: LaunchedTask): void {
  const { phase, run } = executor;
  if (phase.kind !== 'launching') return;
  clearPhaseTimer(turn, run);
  // It may have subscribed before its launcher said that it runs.
  const isRunning = executor.connection !== undefined;
  const started: AgentExecutor = {
    ...executor,
    launched,
    phase: { kind: isRunning ? 'running' : 'registering' },
  };
  setExecutor(turn, started);
  if (phase.exit !== undefined) {
    finishExecutor(turn, started, { exit: phase.exit });
    return;
  }
  if (executor.ending !== undefined) endRunning(turn, started, executor.ending);
  else if (!isRunning) setPhaseTimer(turn, run, executorOptions(turn).registrationMs);
}

function afterExit(turn: AgentTurn, executor: AgentExecutor, exit: TaskExit): void {
  if (executor.phase.kind === 'launching') {
    setExecutor(turn, { ...executor, phase: { kind: 'launching', exit } });
    return;
  }
  finishExecutor(turn, executor, { exit });
}

/** After a restart of the agent. Its executors come back by themselves, within a time. */
function afterReattach(turn: AgentTurn, executor: AgentExecutor, launched: LaunchedTask): void {
  const { phase, run, ending } = executor;
  if (phase.kind !== 'recovering') return;
  clearPhaseTimer(turn, run);
  const isRunning = executor.connection !== undefined;
  const found: AgentExecutor = {
    ...executor,
    launched,
    phase: { kind: isRunning ? 'running' : 'registering' },
  };
  setExecutor(turn, found);
  if (ending !== undefined) {
    beginKilling(turn, found, ending.graceMs);
    return;
  }
  if (isRunning) return;
  const { registrationMs, reregistrationMs } = executorOptions(turn);
  setPhaseTimer(turn, run, executor.isRegistered ? reregistrationMs : registrationMs);
}

function retryReattach(turn: AgentTurn, executor: AgentExecutor, message: string): void {
  const { phase, run } = executor;
  if (phase.kind !== 'recovering') return;
  if (turn.now.monoMs >= phase.deadlineMs) {
    loseExecutor(turn, executor, `could not be found again: ${message}`);
    return;
  }
  const attempts = phase.attempts + 1;
  setExecutor(turn, { ...executor, phase: { ...phase, attempts } });
  setPhaseTimer(turn, run, reattachDelayMs(attempts));
}

function loseExecutor(turn: AgentTurn, executor: AgentExecutor, reason: string): void {
  if (executor.phase.kind !== 'recovering') return;
  finishExecutor(turn, executor, {
    status: -1,
    content: {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: `its executor ${executor.id} was not found after a restart of the agent: ${reason}`,
    },
  });
}

function afterTimer(turn: AgentTurn, executor: AgentExecutor): void {
  const { phase, run, launcher } = executor;
  switch (phase.kind) {
    case 'fetching': {
      turn.effects.push({ kind: 'cancel-fetch', run });
      const { fetchDeadlineMs } = turn.state.options;
      const message = `fetching its URIs took longer than ${fetchDeadlineMs} ms`;
      failLaunch(turn, executor, 'fetching', message);
      return;
    }
    case 'launching': {
      const deadlineMs = launchDeadlineMs(turn, executor);
      const message = `the ${launcher} launcher took longer than ${deadlineMs} ms`;
      killExecutor(turn, executor, 0);
      failLaunch(turn, executor, 'launching', message);
      return;
    }
    case 'recovering':
      if (turn.now.monoMs >= phase.deadlineMs) {
        loseExecutor(turn, executor, `the ${launcher} launcher does not answer`);
        return;
      }
      turn.effects.push({ kind: 'reattach', run, launcher });
      setPhaseTimer(turn, run, phase.deadlineMs - turn.now.monoMs);
      return;
    case 'registering':
      giveUpExecutor(turn, executor, lateness(turn, executor));
      return;
    case 'shutting-down':
      if (turn.now.monoMs < phase.killAtMs) return;
      log(turn, 'info', `executor ${executor.id} of ${ownerOf(executor)} did not end by itself`);
      beginKilling(turn, executor, 0);
      return;
    case 'killing':
      killExecutor(turn, executor, 0);
      setPhaseTimer(turn, run, KILL_REPEAT_MS);
      return;
    case 'received':
    case 'running':
      return;
    default:
      phase satisfies never;
  }
}

function lateness(turn: AgentTurn, { id, isRegistered }: AgentExecutor) {
  const { registrationMs, reregistrationMs } = executorOptions(turn);
  return isRegistered
    ? {
        reason: 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
        message: `executor ${id} did not subscribe again within ${reregistrationMs} ms`,
      }
    : {
        reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
        message: `executor ${id} did not subscribe within ${registrationMs} ms`,
      };
}

function failLaunch(
  turn: AgentTurn,
  executor: AgentExecutor,
  phase: 'fetching' | 'launching',
  message: string,
): void {
  if (executor.phase.kind !== phase) return;
  const content: StatusContent = {
    state: 'TASK_FAILED',
    source: 'SOURCE_AGENT',
    reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    message: `executor ${executor.id}: ${message}`,
  };
  finishExecutor(turn, executor, { status: -1, content });
}

const launchDeadlineMs = (
  { state: { options } }: AgentTurn,
  { launcher }: AgentExecutor,
): number =>
  launcher === 'docker' ? options.dockerLaunchDeadlineMs : options.processLaunchDeadlineMs;
