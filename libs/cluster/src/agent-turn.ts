import type { Now } from '#core';
import type { TaskStatus } from '#mesos-v1';
import { placeInLanes } from './agent-lanes.js';
import { rememberCompleted } from './agent-records.js';
import type { AgentEffect, AgentState } from './agent-state.js';
import { type StatusContent, toTaskStatus } from './agent-status.js';
import type { AgentTask, AgentTaskContext, AgentTaskEvent } from './agent-task.js';
import { reduceAgentTask } from './agent-task-reducer.js';
import { isCompleted } from './update-stream.js';

/** One reduction under way; owned by this call and mutated in it. */
export interface AgentTurn {
  state: AgentState;
  readonly effects: AgentEffect[];
  readonly now: Now;
}

/** One event of one task: reduced, and what is done with it and its lanes. */
export function feedTask(turn: AgentTurn, taskId: string, event: AgentTaskEvent): void {
  const { state, now } = turn;
  const task = state.tasks.get(taskId);
  if (task === undefined) {
    endStray(turn, taskId, event);
    return;
  }
  const { agentId } = state.identity;
  const context: AgentTaskContext = {
    options: state.options,
    agentId: agentId ?? task.definition.agent_id.value,
    hostAddress: state.options.hostAddress,
    uuids: state.uuids,
    isConnected: isSubscribed(state),
  };
  const reduced = reduceAgentTask(task, event, now, context);
  turn.effects.push(...reduced.effects);
  const isForgotten = reduced.effects.some((effect) => effect.kind === 'forget');
  if (isForgotten) forget(turn, reduced.state);
  else state.tasks.set(taskId, reduced.state);
  placeInLanes(state.lanes, taskId, isForgotten ? undefined : reduced.state);
}

function forget(turn: AgentTurn, task: AgentTask): void {
  turn.state.tasks.delete(task.id);
  const status = task.stream.latest;
  if (status === undefined || !isCompleted({ ...task.stream, pending: [] })) return;
  rememberCompleted(turn.state.completed, {
    taskId: task.id,
    frameworkId: task.framework.id?.value ?? '',
    status,
  });
}

/**
 * A task that was given up, acknowledged and forgotten may still be launched or found: nothing of it may go on running,
 * and once it is over its launcher frees what it held. Only the launcher that has it knows which one that is.
 */
function endStray(turn: AgentTurn, taskId: string, event: AgentTaskEvent): void {
  if (event.kind === 'launched' || event.kind === 'reattached') {
    const launcher = event.launched.containerId === undefined ? 'process' : 'docker';
    turn.effects.push({ kind: 'kill', taskId, launcher, graceMs: 0 });
  }
  if (event.kind !== 'exited' && event.kind !== 'launch-failed') return;
  for (const launcher of ['process', 'docker'] as const) {
    if (!turn.state.options.launchers[launcher].available) continue;
    turn.effects.push({ kind: 'release', taskId, launcher });
  }
}

/** Whether a master has admitted the agent on the connection that is open. */
export const isSubscribed = (state: AgentState): boolean => state.master.current !== undefined;

export const log = (turn: AgentTurn, level: 'info' | 'warn', message: string): void => {
  turn.effects.push({ kind: 'log', level, message });
};

/** A status the agent itself speaks, of a task it does not have for that framework. */
export function ownStatus(turn: AgentTurn, taskId: string, content: StatusContent): TaskStatus {
  const { identity, options } = turn.state;
  const { hostAddress } = options;
  return toTaskStatus({ taskId, agentId: identity.agentId ?? '', hostAddress }, content, turn.now);
}

/** Tells a framework a status that no stream keeps: without a uuid, so that nobody acknowledges it. */
export function tellOnce(turn: AgentTurn, frameworkId: string, status: TaskStatus): void {
  const { uuid: _, ...told } = status;
  turn.effects.push({
    kind: 'send-update',
    taskId: status.task_id.value,
    frameworkId,
    status: told,
    latestState: status.state,
  });
}
