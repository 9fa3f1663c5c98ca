import type { Now, RunKey } from '#core';
import type { LaunchId, TaskStatus } from '#mesos-v1';
import { freeGpus } from './agent-gpus.js';
import { noteMember } from './agent-group.js';
import { placeInLanes } from './agent-lanes.js';
import { rememberCompleted } from './agent-records.js';
import { forgetRun } from './agent-runs.js';
import type { AgentEffect, AgentState } from './agent-state.js';
import { type StatusContent, toTaskStatus } from './agent-status.js';
import type { AgentTask, AgentTaskContext, AgentTaskEvent } from './agent-task.js';
import { reduceAgentTask } from './agent-task-reducer.js';
import { toCompleted } from './agent-task-turn.js';
import { isCompleted } from './update-stream.js';

/** One reduction under way; owned by this call and mutated in it. */
export interface AgentTurn {
  state: AgentState;
  readonly effects: AgentEffect[];
  readonly now: Now;
  /** Executors whose tasks came or went. */
  readonly resized: Set<RunKey>;
}

/** One event of one run: reduced, and what is done with it and its lanes. */
export function feedTask(turn: AgentTurn, run: RunKey, event: AgentTaskEvent): void {
  const { state, now } = turn;
  const task = state.tasks.get(run);
  if (task === undefined) {
    endStray(turn, run, event);
    return;
  }
  const { agentId } = state.identity;
  const context: AgentTaskContext = {
    freeGpus: () => freeGpus(state),
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
  else state.tasks.set(run, reduced.state);
  if (task.executorRun !== undefined && reduced.state.phase.kind !== task.phase.kind) {
    turn.resized.add(task.executorRun);
  }
  placeInLanes(state.lanes, run, isForgotten ? undefined : reduced.state);
  noteMember(state.groups, task, { task: reduced.state, isForgotten });
}

function forget(turn: AgentTurn, task: AgentTask): void {
  turn.state.tasks.delete(task.run);
  if (task.executorRun !== undefined) {
    turn.state.executors.get(task.executorRun)?.tasks.delete(task.run);
  }
  forgetRun(turn.state.current, task);
  const status = task.stream.latest;
  if (status === undefined || !isCompleted({ ...task.stream, pending: [] })) return;
  rememberCompleted(turn.state.completed, toCompleted(task, status));
}

/**
 * A task that was given up, acknowledged and forgotten may still be launched or found: nothing of it may go on running,
 * and once it is over its launcher frees what it held. Only the launcher that has it knows which one that is.
 */
function endStray(turn: AgentTurn, run: RunKey, event: AgentTaskEvent): void {
  if (event.kind === 'launched' || event.kind === 'reattached') {
    const launcher = event.launched.containerId === undefined ? 'process' : 'docker';
    turn.effects.push({ kind: 'kill', run, launcher, graceMs: 0 });
  }
  if (event.kind !== 'exited' && event.kind !== 'launch-failed') return;
  for (const launcher of ['process', 'docker'] as const) {
    if (!turn.state.options.launchers[launcher].available) continue;
    turn.effects.push({ kind: 'release', run, launcher });
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
export function tellOnce(
  turn: AgentTurn,
  frameworkId: string,
  told: { readonly status: TaskStatus; readonly launchId?: LaunchId | undefined },
): void {
  const { uuid: _, ...status } = told.status;
  const { launchId } = told;
  turn.effects.push({
    kind: 'tell-status',
    frameworkId,
    status,
    ...(launchId === undefined ? {} : { launchId }),
  });
}
