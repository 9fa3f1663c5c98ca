import { isTerminalTaskState, type TaskState } from '#core';
import { refreshActivity } from './master-agent-activity.js';
import { dropStream, sendToAgent } from './master-agent-messages.js';
import { putAgent } from './master-agent-record.js';
import {
  addressOf,
  cancelRemoval,
  checkRecoveryLimit,
  scheduleRemoval,
  takeDueRemovals,
} from './master-agent-removal.js';
import type { MasterEvent, MasterTurn } from './master-events.js';
import { removeExecutors } from './master-executors.js';
import { touchAgent } from './master-observation.js';
import { rescindOffer } from './master-offers.js';
import { loseOperations } from './master-operation-feedback.js';
import type { Agent, Framework, MasterState } from './master-state.js';
import {
  masterStatus,
  recordStatus,
  releaseResources,
  removeTask,
  sendUpdate,
  setTaskState,
  stateFor,
  toldState,
} from './master-tasks.js';

/**
 * Agents leaving. connected -> disconnected (stream broke: offers rescinded, tasks left alone) -> unreachable (not
 * heard for the timeout; when its turn comes, durable first, and only if still not heard then) -> connected again, or
 * gone by the operator's word, or removed. While the registry is away nobody becomes unreachable.
 */

/** The stream broke. The agent has until its timeout to come back before its tasks are touched. */
export function closeAgentStream(turn: MasterTurn, streamId: string): void {
  const agent = turn.state.agentStreams.get(streamId);
  if (agent === undefined) return;
  turn.state.agentStreams.delete(streamId);
  delete agent.stream;
  disconnect(turn, agent);
}

/** PINGs that are due, and agents that were not heard for too long. O(agents). */
export function tickAgents(turn: MasterTurn): void {
  const { state, now } = turn;
  forgiveOwnPause(turn);
  let missing = 0;
  for (const agent of state.agents.values()) {
    if (agent.condition === 'unreachable') continue;
    if (isSilent(turn, agent)) {
      if (agent.condition === 'recovering') missing += 1;
      if (!agent.isMarking) scheduleRemoval(turn, agent);
      continue;
    }
    cancelRemoval(turn, agent);
    if (agent.stream !== undefined && agent.nextPingMonoMs <= now.monoMs) {
      agent.nextPingMonoMs = now.monoMs + state.config.pingIntervalMs;
      sendToAgent(turn, agent, { type: 'PING' });
    }
  }
  if (missing > 0 && !checkRecoveryLimit(turn, missing)) return;
  for (const agent of takeDueRemovals(turn)) markUnreachable(turn, agent);
}

/** The registry has it as unreachable: its tasks are too, and its resources are nobody's. Unless it was heard since. */
export function loseAgent(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-marked-unreachable' }>,
): void {
  const { state, now } = turn;
  const agent = state.agents.get(event.agentId);
  if (agent?.isMarking !== true) return;
  agent.isMarking = false;
  if (!isSilent(turn, agent)) {
    keepAgent(turn, agent);
    return;
  }
  touchAgent(state, agent);
  if (agent.condition === 'recovering') state.recoveringAgents -= 1;
  agent.condition = 'unreachable';
  agent.unreachableSinceEpochMs = now.epochMs;
  state.counters.agentsUnreachable += 1;
  dropStream(turn, agent);
  tellFrameworks(turn, agent, 'TASK_UNREACHABLE');
  removeExecutors(turn, agent);
  loseOperations(turn, agent, 'OPERATION_UNREACHABLE');
  state.allocator.removeAgent(agent.id);
}

/** The operator's word: durable first, then {@link removeGoneAgent}. */
export function markAgentGone(
  turn: MasterTurn,
  event: { readonly callId: string; readonly agentId: Agent['id'] },
): void {
  const { callId, agentId } = event;
  const agent = turn.state.agents.get(agentId);
  if (agent === undefined) {
    const isGone = turn.state.goneAgents.has(agentId);
    turn.effects.push({
      kind: 'answer-call',
      callId,
      ...(isGone ? { status: 200 } : { status: 404, message: `Agent ${agentId} is unknown` }),
    });
    return;
  }
  commitGone(turn, agent, callId);
}

/** For a caller who can try again, once; on our own behalf, until it is stored. */
export function commitGone(turn: MasterTurn, agent: Agent, callId?: string): void {
  turn.effects.push({
    kind: 'commit-registry',
    changes: [putAgent(agent, 'gone', turn.now.epochMs), { kind: 'put-activation', id: agent.id }],
    stored: {
      kind: 'agent-marked-gone',
      agentId: agent.id,
      ...(callId === undefined ? {} : { callId }),
    },
    ...(callId === undefined ? {} : { unavailable: { kind: 'registry-unavailable', callId } }),
  });
}

export function removeGoneAgent(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-marked-gone' }>,
): void {
  const { state } = turn;
  const agent = state.agents.get(event.agentId);
  if (agent !== undefined) {
    dismiss(turn, agent, {
      lostAs: 'TASK_GONE_BY_OPERATOR',
      message: `agent ${agent.id} was marked gone`,
    });
    state.goneAgents.set(agent.id, {
      hostname: agent.info.hostname,
      goneEpochMs: turn.now.epochMs,
    });
  }
  const { callId } = event;
  if (callId !== undefined) turn.effects.push({ kind: 'answer-call', callId, status: 200 });
}

/** An agent that will not come back under its id, for a reason of the cluster's own. Its tasks are gone. */
export function removeAgent(
  turn: MasterTurn,
  agent: Agent,
  { message }: { readonly message: string },
): void {
  turn.state.counters.agentsRemoved += 1;
  dismiss(turn, agent, { lostAs: 'TASK_GONE', message });
  turn.effects.push(
    { kind: 'commit-registry', changes: [{ kind: 'remove-agent', id: agent.id }] },
    { kind: 'note', level: 'warn', message, fields: { agentId: agent.id } },
  );
}

/** Shuts the agent down, tells its frameworks, and forgets it. */
function dismiss(
  turn: MasterTurn,
  agent: Agent,
  why: { readonly lostAs: Loss; readonly message: string },
): void {
  const { state } = turn;
  touchAgent(state, agent);
  if (agent.condition === 'recovering') state.recoveringAgents -= 1;
  for (const offer of [...agent.offers]) rescindOffer(turn, offer);
  sendToAgent(turn, agent, { type: 'SHUTDOWN', shutdown: { message: why.message } });
  dropStream(turn, agent);
  agent.condition = 'disconnected';
  tellFrameworks(turn, agent, why.lostAs);
  removeExecutors(turn, agent);
  loseOperations(
    turn,
    agent,
    why.lostAs === 'TASK_GONE' ? 'OPERATION_UNREACHABLE' : 'OPERATION_GONE_BY_OPERATOR',
  );
  for (const task of [...agent.tasks]) removeTask(turn, task);
  state.allocator.removeAgent(agent.id);
  state.agents.delete(agent.id);
  state.operator.drainingAgents.delete(agent.id);
  state.operator.unavailableAgents.delete(agent.id);
  state.removals.scheduled.delete(agent.id);
  const address = addressOf(agent.info);
  if (state.agentsByAddress.get(address) === agent) state.agentsByAddress.delete(address);
}

/** A master that was stopped or starved itself heard nobody: that is no agent's fault, so the clock skips the pause. */
function forgiveOwnPause(turn: MasterTurn): void {
  const { state, now } = turn;
  const pausedMs = now.monoMs - (state.lastTickMonoMs ?? now.monoMs);
  state.lastTickMonoMs = now.monoMs;
  if (pausedMs < state.config.agentTimeoutMs / 2) return;
  for (const agent of state.agents.values()) agent.heardMonoMs += pausedMs;
}

/** Not heard for its timeout, in time in which it could have been. */
function isSilent({ state, now }: MasterTurn, agent: Agent): boolean {
  const sinceMonoMs = Math.max(agent.heardMonoMs, state.lastUnwritableMonoMs ?? agent.heardMonoMs);
  return now.monoMs - sinceMonoMs >= timeoutOf(state, agent);
}

const timeoutOf = ({ config }: MasterState, { condition }: Agent): number =>
  condition === 'recovering' ? config.agentReregisterTimeoutMs : config.agentTimeoutMs;

/** It was heard while it was being marked: the registry is told so, and nobody else need ever know. */
function keepAgent(turn: MasterTurn, agent: Agent): void {
  turn.effects.push({
    kind: 'commit-registry',
    changes: [putAgent(agent, 'admitted', agent.registeredEpochMs)],
  });
  touchAgent(turn.state, agent);
  if (agent.stream !== undefined) agent.condition = 'connected';
  refreshActivity(turn, agent);
}

function disconnect(turn: MasterTurn, agent: Agent): void {
  touchAgent(turn.state, agent);
  if (agent.condition === 'connected') agent.condition = 'disconnected';
  refreshActivity(turn, agent);
  turn.effects.push({
    kind: 'note',
    level: 'warn',
    message: 'agent disconnected',
    fields: { agentId: agent.id, hostname: agent.info.hostname },
  });
}

function markUnreachable(turn: MasterTurn, agent: Agent): void {
  agent.isMarking = true;
  disconnect(turn, agent);
  turn.effects.push({
    kind: 'commit-registry',
    changes: [putAgent(agent, 'unreachable', turn.now.epochMs)],
    stored: { kind: 'agent-marked-unreachable', agentId: agent.id },
  });
}

/** What becomes of the tasks of an agent that leaves. */
type Loss = Extract<TaskState, 'TASK_UNREACHABLE' | 'TASK_GONE' | 'TASK_GONE_BY_OPERATOR'>;

/** FAILURE and one status per task, to each framework with tasks there. */
function tellFrameworks(turn: MasterTurn, agent: Agent, lostAs: Loss): void {
  const frameworks = new Set<Framework>();
  for (const task of agent.tasks) {
    const framework = turn.state.frameworks.get(task.frameworkId);
    if (framework === undefined) continue;
    frameworks.add(framework);
    // An end that only the agent could have told is not known to the framework: it hears the same as of the others.
    const told = toldState(task);
    if (told !== undefined && isTerminalTaskState(told)) continue;
    releaseResources(turn, task);
    const status = masterStatus(turn, {
      taskId: task.id,
      agentId: agent.id,
      state: stateFor(framework, lostAs),
      reason:
        lostAs === 'TASK_GONE_BY_OPERATOR'
          ? 'REASON_AGENT_REMOVED_BY_OPERATOR'
          : 'REASON_AGENT_REMOVED',
      message: `agent ${agent.id} (${agent.info.hostname}) is ${lostAs === 'TASK_UNREACHABLE' ? 'unreachable' : 'gone'}`,
      ...(agent.unreachableSinceEpochMs === undefined
        ? {}
        : { unreachableSinceEpochMs: agent.unreachableSinceEpochMs }),
    });
    setTaskState(turn, task, lostAs);
    recordStatus(turn, task, status);
    sendUpdate(turn, framework, status);
  }
  for (const { streamId } of turn.state.frameworks.values()) {
    if (streamId === undefined) continue;
    turn.effects.push({
      kind: 'send-to-framework',
      streamId,
      event: { type: 'FAILURE', failure: { agent_id: { value: agent.id } } },
    });
  }
}
