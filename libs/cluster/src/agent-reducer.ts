import type { Now, Reduction } from '#core';
import type { AgentMessage, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { groupJournal } from './agent-effects.js';
import { drain, endAll, killAll, killOne, startOver } from './agent-kills.js';
import { nextInLanes } from './agent-lanes.js';
import { findTaskDefect, launcherKindOf } from './agent-launch-spec.js';
import { admitMessage } from './agent-master-stream.js';
import { type AgentEffect, type AgentEvent, type AgentState, newAgentTask } from './agent-state.js';
import type { AgentTaskEvent } from './agent-task.js';
import { killGraceMs } from './agent-task-kill.js';
import { type AgentTurn, feedTask, isSubscribed, log, ownStatus, tellOnce } from './agent-turn.js';

/**
 * Applies one event to the agent. Effects are in the order they have to be carried out: what is written down comes before
 * what relies on it. The maps inside `state` are mutated in place; the returned state replaces the given one.
 */
export function reduceAgent(
  state: AgentState,
  event: AgentEvent,
  now: Now,
): Reduction<AgentState, AgentEffect> {
  const turn: AgentTurn = { state, effects: [], now };
  applyEvent(turn, event);
  grantSlots(turn);
  finishLeaving(turn);
  return { state: turn.state, effects: groupJournal(turn.effects) };
}

function applyEvent(turn: AgentTurn, event: AgentEvent): void {
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
      for (const task of [...turn.state.tasks.values()]) {
        const ownMs = killGraceMs(
          task.definition.kill_policy,
          turn.state.options.defaultKillGraceMs,
        );
        const graceMs = Math.min(ownMs, event.maxGraceMs);
        const kill = { graceMs, message: 'the agent is being shut down' };
        feedTask(turn, task.id, { kind: 'kill', kill });
      }
      return;
    default:
      event satisfies never;
  }
}

function receive(turn: AgentTurn, connection: number, message: AgentMessage): void {
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

function applyMessage(turn: AgentTurn, message: AgentMessage): void {
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
    case 'CHECKPOINT_RESOURCES':
      checkpoint(turn, message);
      return;
    case 'LAUNCH_GROUP':
      refuseGroup(turn, message.launch_group);
      return;
    case 'DRAIN':
      drain(turn, message.drain);
      return;
    case 'SHUTDOWN_EXECUTOR':
    case 'MESSAGE':
      log(turn, 'warn', `ignored a message of type ${message.type}: there are no executors here`);
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
  turn: AgentTurn,
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

/** On the disk before anything later is applied, and confirmed when it is. */
function checkpoint(
  turn: AgentTurn,
  message: Extract<AgentMessage, { readonly type: 'CHECKPOINT_RESOURCES' }>,
): void {
  const checkpointedResources = message.checkpoint_resources.resources;
  const identity = { ...turn.state.identity, checkpointedResources };
  turn.state = { ...turn.state, identity };
  turn.effects.push(
    { kind: 'persist-identity', identity },
    { kind: 'send-checkpointed', streamId: message.stream_id, sequence: message.sequence },
  );
}

function loseLink(turn: AgentTurn, connection: number): void {
  if (turn.state.master.connection !== connection) return;
  const { connection: _, current: __, ...master } = turn.state.master;
  turn.state = { ...turn.state, master };
  for (const taskId of [...turn.state.tasks.keys()]) {
    feedTask(turn, taskId, { kind: 'disconnected' });
  }
}

function checkPings(turn: AgentTurn): void {
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

/** A group needs an executor, which this agent does not run and does not advertise. */
function refuseGroup(
  turn: AgentTurn,
  group: Extract<AgentMessage, { readonly type: 'LAUNCH_GROUP' }>['launch_group'],
): void {
  for (const definition of group.tasks) {
    launch(turn, group.framework, definition, {
      kind: 'refused',
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_GROUP_INVALID',
      message: 'this agent does not have the capability TASK_GROUPS',
    });
  }
}

/** A task already known, running or completed, is not launched again. */
function launch(
  turn: AgentTurn,
  framework: FrameworkInfo,
  definition: TaskInfo,
  groupRefusal?: AgentTaskEvent,
): void {
  const { state, now } = turn;
  const id = definition.task_id.value;
  const known = state.tasks.get(id);
  const before = state.completed.get(id);
  const owner = known?.framework.id?.value ?? before?.frameworkId;
  if (owner !== undefined && owner !== framework.id?.value) {
    refuseId(turn, framework, definition);
    return;
  }
  if (known !== undefined) return;
  if (before !== undefined) {
    tellOnce(turn, before.frameworkId, before.status);
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
  const refusal = groupRefusal ?? findRefusal(state, definition);
  feedTask(turn, id, refusal ?? { kind: 'accepted' });
}

/** Sandboxes and runtime folders are named by the task alone, so two frameworks cannot have one id on an agent. */
function refuseId(turn: AgentTurn, framework: FrameworkInfo, definition: TaskInfo): void {
  const taskId = definition.task_id.value;
  const status = ownStatus(turn, taskId, {
    state: 'TASK_ERROR',
    source: 'SOURCE_AGENT',
    reason: 'REASON_TASK_INVALID',
    message: `another framework has or had a task with the id ${taskId} on this agent`,
  });
  tellOnce(turn, framework.id?.value ?? '', status);
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

function grantSlots(turn: AgentTurn): void {
  for (;;) {
    const taskId = nextInLanes(turn.state.lanes);
    if (taskId === undefined) return;
    feedTask(turn, taskId, { kind: 'slot-granted' });
  }
}

function finishLeaving(turn: AgentTurn): void {
  if (turn.state.leaving !== 'reregister' || turn.state.tasks.size > 0) return;
  const { leaving: _, ...state } = turn.state;
  turn.state = state;
  turn.effects.push({ kind: 'resume-link' });
}

function withoutCurrent(
  state: AgentState,
  opened: { readonly connection: number; readonly at: Now },
): AgentState['master'] {
  const { current: _, ...master } = state.master;
  return { ...master, connection: opened.connection, heardAtMs: opened.at.monoMs };
}
