import type { Now, Reduction } from '#core';
import type { AgentMessage } from '#mesos-v1';
import { changeDisk, refuseUnwritten } from './agent-disk.js';
import { groupJournal } from './agent-effects.js';
import { afterSubscribe, loseExecutorStream, takeExecutorCall } from './agent-executor-calls.js';
import { shutDownExecutors, shutDownOne, tellExits } from './agent-executor-end.js';
import { launchInExecutor, passOn, settleExecutors } from './agent-executor-launch.js';
import { feedRun } from './agent-executor-reducer.js';
import { ownerOf } from './agent-executor-turn.js';
import { settleGroups, shutDownGroups } from './agent-group-fate.js';
import { launchGroup } from './agent-group-launch.js';
import { drain, endAll, killAll, killOne, startOver } from './agent-kills.js';
import { nextInLanes } from './agent-lanes.js';
import { findRefusal, isNewLaunch, newOnes } from './agent-launch-admission.js';
import { launcherKindOf } from './agent-launch-spec.js';
import { admitMessage } from './agent-master-stream.js';
import { findCurrent, makeCurrent, nameRun } from './agent-runs.js';
import { type AgentEffect, type AgentEvent, type AgentState, newAgentTask } from './agent-state.js';
import { killGraceMs } from './agent-task-kill.js';
import { type AgentTurn, feedTask, isSubscribed, log } from './agent-turn.js';
import { takeCheckpoint } from './volume-checkpoint.js';

/**
 * Applies one event to the agent. Effects are in the order they have to be carried out: what is written down comes before
 * what relies on it. The maps inside `state` are mutated in place; the returned state replaces the given one.
 */
export function reduceAgent(
  state: AgentState,
  event: AgentEvent,
  now: Now,
): Reduction<AgentState, AgentEffect> {
  const turn: AgentTurn = { state, effects: [], now, resized: new Set() };
  applyEvent(turn, event);
  settleGroups(turn);
  grantSlots(turn);
  settleExecutors(turn);
  finishLeaving(turn);
  return { state: turn.state, effects: groupJournal(turn.effects) };
}

function applyEvent(turn: AgentTurn, event: AgentEvent): void {
  switch (event.kind) {
    case 'started': {
      const { identity } = turn.state;
      const volumes = event.volumes ?? { make: [], remove: [] };
      const hasWork = volumes.make.length + volumes.remove.length > 0;
      if (event.isNewIdentity || hasWork) {
        turn.effects.push({ kind: 'persist-identity', identity, volumes });
      }
      if (turn.state.leaving === 'reregister') endAll(turn, 'the agent starts over');
      return;
    }
    case 'disk-changed':
      changeDisk(turn, event.problem);
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
      feedRun(turn, event.run, event.event);
      return;
    case 'executor-subscribed':
      afterSubscribe(turn, event);
      return;
    case 'executor-call':
      takeExecutorCall(turn, event);
      return;
    case 'executor-disconnected':
      loseExecutorStream(turn, event);
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
        feedTask(turn, task.run, { kind: 'kill', kill });
      }
      shutDownExecutors(turn, () => true, {
        maxGraceMs: event.maxGraceMs,
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: 'the agent is being shut down',
      });
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
      launch(turn, message.launch);
      return;
    case 'KILL':
      killOne(turn, message);
      return;
    case 'ACKNOWLEDGE': {
      const { framework_id, task_id, uuid } = message.acknowledge;
      const task = findCurrent(turn.state, framework_id.value, task_id.value);
      // Of a run of before: the uuid is that of none of this one's statuses, so nothing comes of it.
      if (task !== undefined) feedTask(turn, task.run, { kind: 'acknowledged', uuid });
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
      shutDownExecutors(turn, (executor) => ownerOf(executor) === gone, {
        reason: 'REASON_FRAMEWORK_REMOVED',
        message: `framework ${gone} was removed`,
      });
      return;
    }
    case 'SHUTDOWN':
      startOver(turn, message.shutdown.message);
      return;
    case 'CHECKPOINT_RESOURCES':
      checkpoint(turn, message);
      return;
    case 'LAUNCH_GROUP': {
      const { tasks, ...group } = message.launch_group;
      if (group.executor.type !== 'CUSTOM') launchGroup(turn, message.launch_group);
      else
        launchInExecutor(turn, { ...group, tasks: newOnes(turn, group, tasks), isGrouped: true });
      return;
    }
    case 'DRAIN':
      drain(turn, message.drain);
      return;
    case 'SHUTDOWN_EXECUTOR':
      if (!shutDownGroups(turn, message)) shutDownOne(turn, message);
      return;
    case 'MESSAGE':
      passOn(turn, message);
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
  tellExits(turn);
  for (const run of [...turn.state.tasks.keys()]) feedTask(turn, run, { kind: 'connected' });
}

/** On the disk before anything later is applied, and confirmed when it is. */
function checkpoint(
  turn: AgentTurn,
  message: Extract<AgentMessage, { readonly type: 'CHECKPOINT_RESOURCES' }>,
): void {
  const { resources } = message.checkpoint_resources;
  const { identity, change } = takeCheckpoint(turn.state.identity, resources);
  turn.state = { ...turn.state, identity };
  turn.effects.push(
    { kind: 'persist-identity', identity, volumes: change },
    { kind: 'send-checkpointed', streamId: message.stream_id, sequence: message.sequence },
  );
}

function loseLink(turn: AgentTurn, connection: number): void {
  if (turn.state.master.connection !== connection) return;
  const { connection: _, current: __, ...master } = turn.state.master;
  turn.state = { ...turn.state, master };
  for (const run of [...turn.state.tasks.keys()]) {
    feedTask(turn, run, { kind: 'disconnected' });
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

/**
 * The launch of a run. One that is known, alive or ended, is not launched again; another launch of the same task is a new
 * run, and whatever is left of the one before is superseded.
 */
function launch(
  turn: AgentTurn,
  given: Extract<AgentMessage, { readonly type: 'LAUNCH' }>['launch'],
): void {
  const { state, now } = turn;
  const { framework, task: definition, launch_id: launchId } = given;
  const id = definition.task_id.value;
  if (!isNewLaunch(turn, given)) return;
  if (definition.executor !== undefined) {
    launchInExecutor(turn, { ...given, executor: definition.executor, tasks: [definition] });
    return;
  }
  const launcher = launcherKindOf(definition);
  const run = nameRun(state.runNames, id);
  const task = newAgentTask(framework, definition, {
    monoMs: now.monoMs,
    isConnected: isSubscribed(state),
    ...{ launcher, run, launchId },
  });
  state.tasks.set(run, task);
  makeCurrent(state.current, task);
  if (state.disk !== undefined) {
    refuseUnwritten(turn, run, state.disk);
    return;
  }
  const named = launchId === undefined ? {} : { launchId };
  turn.effects.push({
    kind: 'journal',
    run,
    records: [{ kind: 'accepted', run, framework, task: definition, ...named }],
  });
  const refusal = findRefusal(state, definition);
  feedTask(turn, run, refusal ?? { kind: 'accepted' });
}

function grantSlots(turn: AgentTurn): void {
  for (;;) {
    const run = nextInLanes(turn.state.lanes);
    if (run === undefined) return;
    feedRun(turn, run, { kind: 'slot-granted' });
  }
}

function finishLeaving(turn: AgentTurn): void {
  if (turn.state.leaving !== 'reregister' || turn.state.tasks.size > 0) return;
  if (turn.state.executors.size > 0) return;
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
