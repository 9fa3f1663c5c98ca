import { isTerminalTaskState, type Reduction, type TaskState } from '#core';
import type { ExecutorEvent, ExecutorStatus, TaskStatus } from '#mesos-v1';
import type { KillRequest } from './agent-records.js';
import { MAX_SETTLED_UUIDS } from './agent-records.js';
import type { StatusContent } from './agent-status.js';
import type { AgentTask, AgentTaskContext, AgentTaskEffect, AgentTaskEvent } from './agent-task.js';
import {
  acknowledge,
  complete,
  end,
  feedStream,
  journal,
  killed,
  killedStatus,
  lost,
  type Turn,
} from './agent-task-turn.js';
import { endUnwritten } from './agent-task-unwritten.js';
import { isClosed } from './update-stream.js';

/**
 * A task that runs in a custom executor. Its process is the executor's affair: what it says is passed on, kept until the
 * framework has acknowledged it, and only then acknowledged to the executor.
 *
 * | phase     | deliver                 | reported          | kill              | executor-ended |
 * |-----------|-------------------------|-------------------|-------------------|----------------|
 * | delegated, not sent | LAUNCH        | status kept, sent | ended             | ended          |
 * | delegated, sent     | nothing       | status kept, sent | KILL              | ended          |
 * | ended     | nothing                 | acknowledged      | nothing           | nothing        |
 */

/** Applies one event to a task of an executor; see {@link reduceAgentTask}. */
export function reduceExecutorTask(
  task: AgentTask,
  event: AgentTaskEvent,
  now: Turn['now'],
  context: AgentTaskContext,
): Reduction<AgentTask, AgentTaskEffect> {
  const turn: Turn = { task, effects: [], now, context };
  const held = new Set(uuidsOfExecutor(task.stream.pending));
  if (event.kind === 'reported') held.add(event.status.uuid);
  apply(turn, event);
  if (!turn.effects.some(({ kind }) => kind === 'forget')) {
    for (const uuid of uuidsOfExecutor(turn.task.stream.pending)) held.delete(uuid);
  }
  for (const uuid of held) settle(turn, uuid);
  return { state: turn.task, effects: turn.effects };
}

function apply(turn: Turn, event: AgentTaskEvent): void {
  switch (event.kind) {
    case 'deliver':
      deliver(turn, event);
      return;
    case 'reported':
      takeStatus(turn, event.status);
      return;
    case 'executor-ended': {
      const { task } = turn;
      end(turn, task.kill === undefined ? event.content : killedByAgent(task, task.kill));
      return;
    }
    case 'kill':
      kill(turn, event.kill);
      return;
    case 'refused': {
      const { state, reason, message } = event;
      end(turn, { state, source: 'SOURCE_AGENT', reason, message });
      return;
    }
    case 'unwritten':
      endUnwritten(turn, event.message);
      return;
    case 'disk-refuses': {
      const { kill: request, phase } = turn.task;
      if (request !== undefined && phase.kind === 'delegated' && phase.isSent) {
        sendKill(turn, request);
      }
      return;
    }
    case 'lost':
      end(turn, lost(turn, event.message, event.reason));
      return;
    case 'timer':
      if (event.timer === 'resend') feedStream(turn, { kind: 'resend-due' });
      return;
    case 'acknowledged':
      acknowledge(turn, event.uuid);
      return;
    case 'connected':
    case 'disconnected':
      feedStream(turn, event);
      return;
    default:
      // Of the life of a process the agent starts itself.
      return;
  }
}

/** The executor can be reached. What it has got already is not launched again: executors take that for a second task. */
function deliver(turn: Turn, event: Extract<AgentTaskEvent, { readonly kind: 'deliver' }>): void {
  const { task } = turn;
  if (task.phase.kind !== 'delegated') return;
  const wasReceived = event.isKnown || task.stream.latest !== undefined;
  if (!wasReceived && task.kill !== undefined) {
    endUndelivered(turn, task.kill);
    return;
  }
  turn.task = { ...task, phase: { kind: 'delegated', isSent: true } };
  if (!wasReceived && !event.isInGroup) {
    send(turn, { type: 'LAUNCH', launch: { task: task.definition } });
  }
  if (task.kill !== undefined) sendKill(turn, task.kill);
}

function takeStatus(turn: Turn, given: ExecutorStatus): void {
  const { task } = turn;
  if (task.settled?.includes(given.uuid)) return;
  if (isClosed(task.stream) || task.stream.pending.some(({ uuid }) => uuid === given.uuid)) return;
  const status = killedStatus(task, given);
  journal(turn, { kind: 'update', run: task.run, status });
  feedStream(turn, { kind: 'update', status });
  if (!isTerminalTaskState(status.state as TaskState)) return;
  turn.task = { ...turn.task, phase: { kind: 'ended' } };
  if (task.kill?.unacknowledged) complete(turn);
}

function kill(turn: Turn, request: KillRequest): void {
  const { task } = turn;
  const { phase } = task;
  if (phase.kind !== 'delegated') {
    if (request.unacknowledged) complete(turn);
    return;
  }
  const flags = {
    ...(task.kill?.unacknowledged || request.unacknowledged
      ? { unacknowledged: true as const }
      : {}),
    ...(task.kill?.isSuperseded || request.isSuperseded ? { isSuperseded: true as const } : {}),
  };
  const { graceMs, policy } = request;
  const policies = policy === undefined ? {} : { policy };
  const wanted: KillRequest = { ...(task.kill ?? request), graceMs, ...policies, ...flags };
  turn.task = { ...task, kill: wanted };
  journal(turn, { kind: 'kill', run: task.run, kill: wanted });
  if (!phase.isSent && task.stream.latest === undefined) {
    // After a restart of the agent the executor may have it; that shows when it subscribes.
    if (phase.isUnproven !== true) endUndelivered(turn, wanted);
    return;
  }
  sendKill(turn, wanted);
  // Its id is another launch's by now.
  if (wanted.isSuperseded) end(turn, killedByAgent(turn.task, wanted));
}

const endUndelivered = (turn: Turn, request: KillRequest): void =>
  end(turn, {
    reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
    message: 'killed before it was delivered to its executor',
    ...killedByAgent(turn.task, request),
  });

/** As the agent says it: an executor is told of the acknowledgements of its own statuses only. */
const killedByAgent = (task: AgentTask, request: KillRequest): StatusContent => ({
  ...killed(task, request),
  source: 'SOURCE_AGENT',
});

/** The executor enforces the grace; a later KILL may change it. */
function sendKill(turn: Turn, request: KillRequest): void {
  send(turn, {
    type: 'KILL',
    kill: {
      task_id: { value: turn.task.id },
      ...(request.policy === undefined ? {} : { kill_policy: request.policy }),
    },
  });
}

/** The framework has it, or it is of no use any more: the executor may forget it. */
function settle(turn: Turn, uuid: string): void {
  send(turn, {
    type: 'ACKNOWLEDGED',
    acknowledged: { task_id: { value: turn.task.id }, uuid },
  });
  const settled = (turn.task.settled ?? []).filter((one) => one !== uuid);
  turn.task = { ...turn.task, settled: [...settled, uuid].slice(-MAX_SETTLED_UUIDS) };
}

function send(turn: Turn, event: ExecutorEvent): void {
  const { run, executorRun } = turn.task;
  if (executorRun === undefined) return;
  turn.effects.push({ kind: 'send-to-executor', run, executorRun, event });
}

const uuidsOfExecutor = (pending: readonly TaskStatus[]): readonly string[] =>
  pending.flatMap(({ uuid, source }) =>
    uuid === undefined || source !== 'SOURCE_EXECUTOR' ? [] : [uuid],
  );
