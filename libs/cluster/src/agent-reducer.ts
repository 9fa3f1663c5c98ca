import type { Now, Reduction } from '#core';
import type { AgentMessage, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { drainKills, shutdownKills } from './agent-drain.js';
import { groupJournal } from './agent-effects.js';
import { nextInLanes, placeInLanes } from './agent-lanes.js';
import { findTaskDefect, launcherKindOf } from './agent-launch-spec.js';
import { admitMessage } from './agent-master-stream.js';
import { type KillRequest, rememberCompleted } from './agent-records.js';
import { type AgentEffect, type AgentEvent, type AgentState, newAgentTask } from './agent-state.js';
import { toTaskStatus } from './agent-status.js';
import type { AgentTask, AgentTaskContext, AgentTaskEvent } from './agent-task.js';
import { killGraceMs } from './agent-task-kill.js';
import { reduceAgentTask } from './agent-task-reducer.js';
import { isCompleted } from './update-stream.js';

/** One reduction under way; owned by this call and mutated in it. */
interface Turn {
  state: AgentState;
  readonly effects: AgentEffect[];
  readonly now: Now;
}

/**
 * Applies one event to the agent. Effects are in the order they have to be carried out: what is written down comes before
 * what relies on it. The maps inside `state` are mutated in place; the returned state replaces the given one.
 */
export function reduceAgent(
  state: AgentState,
  event: AgentEvent,
  now: Now,
): Reduction<AgentState, AgentEffect> {
  const turn: Turn = { state, effects: [], now };
  applyEvent(turn, event);
  grantSlots(turn);
  finishLeaving(turn);
  return { state: turn.state, effects: groupJournal(turn.effects) };
}

function applyEvent(turn: Turn, event: AgentEvent): void {
  switch (event.kind) {
    case 'started':
      if (turn.state.leaving === 'reregister') endAll(turn, 'the agent starts over');
      return;
    case 'link-opened':
      turn.state = {
        ...turn.state,
        master: withoutCurrent(turn.state, { connection: event.connection, at: turn.now }),
      };
      return;
    case 'message':
      receive(turn, event.connection, event.message);
      return;
    case 'link-closed':
      loseLink(turn, event.connection);
      return;
    case 'ping-overdue':
      checkPings(turn);
      return;
    case 'launchers-changed': {
      const { state } = turn;
      turn.state = { ...state, options: { ...state.options, launchers: event.launchers } };
      if (!isSubscribed(state)) return;
      turn.effects.push({ kind: 'reconnect', reason: 'the launchers have changed' });
      return;
    }
    case 'task':
      feedTask(turn, event.taskId, event.event);
      return;
    case 'shutdown':
      turn.state = { ...turn.state, leaving: 'shutdown' };
      killEach(turn, shutdownKills(turn.state, event.maxGraceMs));
      return;
    default:
      event satisfies never;
  }
}

function receive(turn: Turn, connection: number, message: AgentMessage): void {
  const { state, now } = turn;
  const admission = admitMessage(state.master, connection, message, now.monoMs);
  switch (admission.kind) {
    case 'already-applied':
      if (message.type === 'PING') turn.effects.push({ kind: 'send-pong' });
      return;
    case 'not-current':
      log(turn, 'warn', `ignored ${message.type}: ${admission.reason}`);
      return;
    case 'refuse':
      turn.effects.push({
        kind: 'reconnect',
        reason: `refused ${message.type}: ${admission.reason}`,
      });
      return;
    case 'apply':
      turn.state = { ...state, master: admission.stream };
      applyMessage(turn, message);
      return;
    default:
      admission satisfies never;
  }
}

function applyMessage(turn: Turn, message: AgentMessage): void {
  switch (message.type) {
    case 'SUBSCRIBED':
      afterSubscribed(turn, message);
      return;
    case 'PING':
      turn.effects.push({ kind: 'send-pong' });
      return;
    case 'LAUNCH':
      launch(turn, message.launch.framework, message.launch.task);
      return;
    case 'KILL':
      killOne(turn, message);
      return;
    case 'ACKNOWLEDGE': {
      const { task_id, uuid } = message.acknowledge;
      feedTask(turn, task_id.value, { kind: 'acknowledged', uuid });
      return;
    }
    case 'SHUTDOWN_FRAMEWORK': {
      const gone = message.shutdown_framework.framework_id.value;
      killAll(turn, (task) => task.framework.id?.value === gone, {
        graceMs: turn.state.options.defaultKillGraceMs,
        reason: 'REASON_FRAMEWORK_REMOVED',
        message: `framework ${gone} was removed`,
        unacknowledged: true,
      });
      return;
    }
    case 'SHUTDOWN':
      startOver(turn, message.shutdown.message);
      return;
    case 'DRAIN':
      killEach(turn, drainKills(turn.state, message.drain));
      return;
    case 'LAUNCH_GROUP':
    case 'CHECKPOINT_RESOURCES':
    case 'SHUTDOWN_EXECUTOR':
    case 'MESSAGE':
      log(turn, 'warn', `ignored a message of type ${message.type}`);
      return;
    case 'ERROR':
      turn.effects.push({ kind: 'reconnect', reason: `master says: ${message.error.message}` });
      return;
    default:
      // A newer master may say things we do not know; they change nothing here.
      message satisfies never;
      log(turn, 'warn', 'ignored a message of an unknown type');
      return;
  }
}

function afterSubscribed(
  turn: Turn,
  message: Extract<AgentMessage, { readonly type: 'SUBSCRIBED' }>,
): void {
  const { state } = turn;
  const agentId = message.subscribed.agent_id.value;
  const identity = { ...state.identity, agentId, highestEpoch: state.master.highestEpoch };
  if (agentId !== state.identity.agentId || identity.highestEpoch !== state.identity.highestEpoch) {
    turn.effects.push({ kind: 'persist-identity', identity });
  }
  turn.state = { ...state, identity };
  const timeoutMs = state.master.current?.pingTimeoutMs;
  if (timeoutMs !== undefined) turn.effects.push({ kind: 'watch-pings', delayMs: timeoutMs });
  log(turn, 'info', `subscribed as ${agentId} in epoch ${message.epoch}`);
  for (const taskId of [...turn.state.tasks.keys()]) feedTask(turn, taskId, { kind: 'connected' });
}

function loseLink(turn: Turn, connection: number): void {
  if (turn.state.master.connection !== connection) return;
  const { connection: _, current: __, ...master } = turn.state.master;
  turn.state = { ...turn.state, master };
  for (const taskId of [...turn.state.tasks.keys()]) {
    feedTask(turn, taskId, { kind: 'disconnected' });
  }
}

function checkPings(turn: Turn): void {
  const { current, heardAtMs } = turn.state.master;
  if (current === undefined) return;
  const leftMs = heardAtMs + current.pingTimeoutMs - turn.now.monoMs;
  if (leftMs > 0) turn.effects.push({ kind: 'watch-pings', delayMs: leftMs });
  else {
    turn.effects.push({
      kind: 'reconnect',
      reason: `nothing was heard of the master for ${current.pingTimeoutMs} ms`,
    });
  }
}

/** A task already known, running or completed, is not launched again. */
function launch(turn: Turn, framework: FrameworkInfo, definition: TaskInfo): void {
  const { state, now } = turn;
  const id = definition.task_id.value;
  if (state.tasks.has(id)) return;
  const before = state.completed.get(id);
  if (before !== undefined) {
    const { uuid: _, ...status } = before.status;
    turn.effects.push({
      kind: 'send-update',
      taskId: id,
      frameworkId: before.frameworkId,
      status,
      latestState: status.state,
    });
    return;
  }
  const launcher = launcherKindOf(definition);
  const task = newAgentTask(framework, definition, {
    monoMs: now.monoMs,
    isConnected: isSubscribed(state),
    launcher,
  });
  state.tasks.set(id, task);
  turn.effects.push({
    kind: 'journal',
    taskId: id,
    records: [{ kind: 'accepted', taskId: id, framework, task: definition }],
  });
  const refusal = findRefusal(state, definition);
  feedTask(turn, id, refusal ?? { kind: 'accepted' });
}

function findRefusal(state: AgentState, definition: TaskInfo): AgentTaskEvent | undefined {
  const defect = findTaskDefect(definition);
  if (defect !== undefined) {
    return { kind: 'refused', state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', message: defect };
  }
  const launcher = launcherKindOf(definition);
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

function killOne(turn: Turn, message: Extract<AgentMessage, { readonly type: 'KILL' }>): void {
  const { task_id, framework_id, kill_policy } = message.kill;
  const task = turn.state.tasks.get(task_id.value);
  if (task === undefined) {
    reportUnknown(turn, task_id.value, framework_id.value);
    return;
  }
  const policy = kill_policy ?? task.definition.kill_policy;
  const graceMs = killGraceMs(policy, turn.state.options.defaultKillGraceMs);
  feedTask(turn, task_id.value, { kind: 'kill', kill: { graceMs } });
}

/** The master believes in a task we have not got: say so, or it would wait for its end for ever. */
function reportUnknown(turn: Turn, taskId: string, frameworkId: string): void {
  const { state } = turn;
  const before = state.completed.get(taskId);
  const status =
    before?.status ??
    toTaskStatus(
      { taskId, agentId: state.identity.agentId ?? '', hostAddress: state.options.hostAddress },
      {
        state: 'TASK_LOST',
        source: 'SOURCE_AGENT',
        reason: 'REASON_RECONCILIATION',
        message: 'this agent has no such task',
      },
      turn.now,
    );
  const { uuid: _, ...withoutUuid } = status;
  turn.effects.push({
    kind: 'send-update',
    taskId,
    frameworkId,
    status: withoutUuid,
    latestState: status.state,
  });
}

function killEach(turn: Turn, kills: ReadonlyMap<string, KillRequest>): void {
  for (const [taskId, kill] of kills) feedTask(turn, taskId, { kind: 'kill', kill });
}

function killAll(turn: Turn, matches: (task: AgentTask) => boolean, kill: KillRequest): void {
  for (const task of [...turn.state.tasks.values()]) {
    if (matches(task)) feedTask(turn, task.id, { kind: 'kill', kill });
  }
}

/** SHUTDOWN: the master forgot this agent. End its tasks, drop the identity, then register as a new agent. */
function startOver(turn: Turn, message: string): void {
  const { agentId: _, ...identity } = turn.state.identity;
  const { connection: __, current: ___, lastApplied: ____, ...master } = turn.state.master;
  turn.state = { ...turn.state, identity, master, leaving: 'reregister' };
  turn.effects.push({ kind: 'persist-identity', identity });
  turn.effects.push({ kind: 'pause-link', reason: `master says: ${message}` });
  endAll(turn, message);
}

/** Ends what belongs to an identity that is given up: nobody will acknowledge it. */
function endAll(turn: Turn, message: string): void {
  killAll(turn, () => true, {
    graceMs: turn.state.options.defaultKillGraceMs,
    reason: 'REASON_AGENT_REMOVED',
    message,
    unacknowledged: true,
  });
}

function feedTask(turn: Turn, taskId: string, event: AgentTaskEvent): void {
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

function forget(turn: Turn, task: AgentTask): void {
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
function endStray(turn: Turn, taskId: string, event: AgentTaskEvent): void {
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

function grantSlots(turn: Turn): void {
  for (;;) {
    const taskId = nextInLanes(turn.state.lanes);
    if (taskId === undefined) return;
    feedTask(turn, taskId, { kind: 'slot-granted' });
  }
}

function finishLeaving(turn: Turn): void {
  if (turn.state.leaving !== 'reregister' || turn.state.tasks.size > 0) return;
  const { leaving: _, ...state } = turn.state;
  turn.state = state;
  turn.effects.push({ kind: 'resume-link' });
}

/** Whether a master has admitted the agent on the connection that is open. */
export const isSubscribed = (state: AgentState): boolean => state.master.current !== undefined;

function withoutCurrent(
  state: AgentState,
  opened: { readonly connection: number; readonly at: Now },
): AgentState['master'] {
  const { current: _, ...master } = state.master;
  return { ...master, connection: opened.connection, heardAtMs: opened.at.monoMs };
}

const log = (turn: Turn, level: 'info' | 'warn', message: string): void => {
  turn.effects.push({ kind: 'log', level, message });
};
