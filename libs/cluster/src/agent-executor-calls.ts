import type { RunKey } from '#core';
import type { ExecutorCall, ExecutorStatus } from '#mesos-v1';
import { type AgentExecutor, containerIdOf } from './agent-executor.js';
import { deliverTasks } from './agent-executor-delivery.js';
import {
  clearPhaseTimer,
  findExecutor,
  journalExecutor,
  ownerOf,
  sendToExecutor,
  setExecutor,
} from './agent-executor-turn.js';
import { findCurrent } from './agent-runs.js';
import type { AgentEvent, AgentState } from './agent-state.js';
import { toContainerStatus } from './agent-status.js';
import { type AgentTurn, feedTask, log } from './agent-turn.js';

/** The executor API: who may call, and what becomes of a call. */

export type ExecutorAdmission =
  /** `taskRun`: of the task an update is about, if it has a record. */
  | { readonly kind: 'admitted'; readonly run: RunKey; readonly taskRun?: RunKey }
  | { readonly kind: 'refused'; readonly status: 400 | 403; readonly message: string };

/** Mesos' rules (slave/http.cpp): 400 for who is unknown, 403 for who has not subscribed. */
export function admitExecutorCall(state: AgentState, call: ExecutorCall): ExecutorAdmission {
  const frameworkId = call.framework_id.value;
  const executorId = call.executor_id.value;
  const executor = findExecutor(state, frameworkId, executorId);
  if (executor === undefined) {
    return refused(400, `Executor ${executorId} of framework ${frameworkId} cannot be found`);
  }
  if (call.type === 'SUBSCRIBE') {
    const { kind } = executor.phase;
    return kind === 'received' || kind === 'fetching'
      ? refused(400, `Executor ${executorId} of framework ${frameworkId} was not launched yet`)
      : { kind: 'admitted', run: executor.run };
  }
  if (executor.connection === undefined) {
    return refused(403, `Executor ${executorId} of framework ${frameworkId} is not subscribed`);
  }
  const { run } = executor;
  if (call.type !== 'UPDATE') return { kind: 'admitted', run };
  const taskRun = findTaskOf(state, executor, call.update.status)?.run;
  return { kind: 'admitted', run, ...(taskRun === undefined ? {} : { taskRun }) };
}

/**
 * It has a stream. First what it says of its tasks is taken, then it is told what it has not got: tasks it never received,
 * and kills and its own shutdown, which may be repeated.
 */
export function afterSubscribe(
  turn: AgentTurn,
  event: Extract<AgentEvent, { readonly kind: 'executor-subscribed' }>,
): void {
  const executor = turn.state.executors.get(event.run);
  if (executor === undefined) return;
  const { run } = executor;
  const next = register(turn, { ...executor, connection: event.connection });
  turn.effects.push({
    kind: 'open-executor-stream',
    ...{ run, connection: event.connection },
    executor: next,
  });
  const { unacknowledged_tasks, unacknowledged_updates } = event.subscribe;
  for (const { status } of unacknowledged_updates) takeUpdate(turn, next, status);
  const known = new Set(unacknowledged_tasks.map(({ task_id }) => task_id.value));
  for (const id of known) endUnknown(turn, next, id);
  deliverTasks(turn, next, { known });
  if (next.ending !== undefined) sendToExecutor(turn, run, { type: 'SHUTDOWN' });
}

/** A call of an executor that has a stream. */
export function takeExecutorCall(
  turn: AgentTurn,
  { run, call }: Extract<AgentEvent, { readonly kind: 'executor-call' }>,
): void {
  const executor = turn.state.executors.get(run);
  if (executor === undefined) return;
  switch (call.type) {
    case 'UPDATE':
      takeUpdate(turn, executor, call.update.status);
      return;
    case 'MESSAGE':
      turn.effects.push({
        kind: 'send-executor-message',
        ...{ run, frameworkId: ownerOf(executor), executorId: executor.id },
        data: call.message.data,
      });
      return;
    case 'HEARTBEAT':
      return;
    default:
      call satisfies never;
  }
}

/** Its process may run on; it can come back. */
export function loseExecutorStream(
  turn: AgentTurn,
  { run, connection }: Extract<AgentEvent, { readonly kind: 'executor-disconnected' }>,
): void {
  const executor = turn.state.executors.get(run);
  if (executor?.connection !== connection) return;
  const { connection: _, ...rest } = executor;
  setExecutor(turn, rest);
}

function register(turn: AgentTurn, executor: AgentExecutor): AgentExecutor {
  const { run, phase } = executor;
  const isWaiting = phase.kind === 'registering';
  const next: AgentExecutor = {
    ...executor,
    isRegistered: true,
    ...(isWaiting ? { phase: { kind: 'running' } } : {}),
  };
  if (!executor.isRegistered) journalExecutor(turn, { kind: 'executor-registered', run });
  if (isWaiting) clearPhaseTimer(turn, run);
  setExecutor(turn, next);
  log(turn, 'info', `executor ${executor.id} of ${ownerOf(executor)} is subscribed`);
  return next;
}

/** A status of one of its tasks. What is not of a task of its own, or of one long over, it need not keep. */
function takeUpdate(turn: AgentTurn, executor: AgentExecutor, given: ExecutorStatus): void {
  const task = findTaskOf(turn.state, executor, given);
  if (task === undefined) {
    sendToExecutor(turn, executor.run, {
      type: 'ACKNOWLEDGED',
      acknowledged: { task_id: given.task_id, uuid: given.uuid },
    });
    return;
  }
  feedTask(turn, task.run, { kind: 'reported', status: complete(turn, executor, given) });
}

/** The fields that executors leave to the agent. */
function complete(turn: AgentTurn, executor: AgentExecutor, given: ExecutorStatus): ExecutorStatus {
  const { identity, options } = turn.state;
  const { launched, id } = executor;
  const found = launched === undefined ? {} : toContainerStatus(launched, options.hostAddress);
  return {
    ...given,
    agent_id: { value: identity.agentId ?? '' },
    executor_id: { value: id },
    timestamp: given.timestamp ?? turn.now.epochMs / 1000,
    container_status: {
      container_id: { value: containerIdOf(executor) },
      ...found,
      ...given.container_status,
    },
  };
}

/** A task the executor still has and the agent has told the end of, or does not know. */
function endUnknown(turn: AgentTurn, executor: AgentExecutor, id: string): void {
  const task = findTaskOf(turn.state, executor, { task_id: { value: id } });
  if (task !== undefined && task.phase.kind !== 'ended') return;
  if (task?.stream.latest?.source === 'SOURCE_EXECUTOR') return;
  sendToExecutor(turn, executor.run, { type: 'KILL', kill: { task_id: { value: id } } });
}

function findTaskOf(
  state: AgentState,
  executor: AgentExecutor,
  { task_id }: Pick<ExecutorStatus, 'task_id'>,
) {
  const task = findCurrent(state, ownerOf(executor), task_id.value);
  return task?.executorRun === executor.run ? task : undefined;
}

const refused = (status: 400 | 403, message: string): ExecutorAdmission => ({
  kind: 'refused',
  status,
  message,
});
