import { type AgentActivation, type AgentId, type AgentRecord, agentId } from '#core';
import { type AgentInfo, decodeResources } from '#mesos-v1';
import { refreshActivity } from './master-agent-activity.js';
import { takeExecutors } from './master-agent-executors.js';
import { dropStream, sendToAgent } from './master-agent-messages.js';
import { putAgent } from './master-agent-record.js';
import { refuseDownMachine, removeReplaced, turnAway } from './master-agent-refusal.js';
import { addressOf, findReplaced } from './master-agent-removal.js';
import { findMisfit, takeTotal, toAgentTraits } from './master-agent-resources.js';
import { compareTasks } from './master-agent-tasks.js';
import { noteArrival } from './master-arrivals.js';
import { sendDrain, setActivation } from './master-drain.js';
import { resumeNotice } from './master-drain-notice.js';
import type { MasterEvent, MasterTurn } from './master-events.js';
import { settleExecutors } from './master-executors.js';
import { isDown, refreshUnavailability } from './master-maintenance.js';
import { touchAgent } from './master-observation.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { sendCheckpoint } from './master-operations.js';
import type { Agent } from './master-state.js';

/**
 * Agents coming and coming back. subscribe -> (stored, when the registry must learn of it) -> connected: SUBSCRIBED,
 * then both sides' tasks are compared, then what was in flight and not applied is sent again.
 */

/** SUBSCRIBE: a new agent, or changed news of one, is durable before it is answered. */
export function subscribeAgent(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-subscribe' }>,
): void {
  const { state, now } = turn;
  const { streamId, subscription } = event;
  if (subscription.highest_epoch > state.epoch) {
    turn.effects.push({
      kind: 'refuse-stream',
      streamId,
      status: 503,
      message: `this master's epoch ${state.epoch} is below ${subscription.highest_epoch}, which the agent has seen`,
    });
    return;
  }
  const asked = subscription.agent_info.id?.value;
  if (asked !== undefined && state.goneAgents.has(agentId(asked))) {
    turnAway(turn, streamId, { id: asked, message: `agent ${asked} was marked gone` });
    return;
  }
  if (isDown(state, subscription.agent_info)) {
    refuseDownMachine(turn, event);
    return;
  }
  const misfit = findMisfit(turn, subscription);
  if (misfit !== undefined) {
    turn.effects.push({ kind: 'refuse-stream', streamId, status: 400, message: misfit });
    return;
  }
  const id = agentId(asked ?? `${state.masterId}-${state.epoch}-S${state.nextAgentNumber}`);
  if (asked === undefined) state.nextAgentNumber += 1;
  const known = state.agents.get(id);
  const isStored =
    known !== undefined &&
    known.condition !== 'unreachable' &&
    !known.isMarking &&
    isSameInfo(known.info, subscription.agent_info);
  const replaced =
    asked === undefined ? findReplaced(state, addressOf(subscription.agent_info)) : undefined;
  const stored = {
    kind: 'agent-stored',
    streamId,
    agentId: id,
    subscription,
    ...(replaced === undefined ? {} : { replaced: replaced.id }),
  } as const;
  if (isStored) {
    connectAgent(turn, stored);
    return;
  }
  const info = { ...subscription.agent_info, id: { value: id } };
  turn.effects.push({
    kind: 'commit-registry',
    changes: [
      ...(replaced === undefined ? [] : [{ kind: 'remove-agent', id: replaced.id } as const]),
      putAgent({ id, info }, 'admitted', known?.registeredEpochMs ?? now.epochMs),
    ],
    stored,
    unavailable: { kind: 'registry-unavailable', streamId },
  });
}

/** The registry holds it: takes the stream, the agent's totals and its tasks. */
export function connectAgent(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-stored' }>,
): void {
  const { state, now } = turn;
  if (state.goneAgents.has(event.agentId)) {
    turnAway(turn, event.streamId, {
      id: event.agentId,
      message: `agent ${event.agentId} was marked gone`,
    });
    return;
  }
  const { subscription } = event;
  removeReplaced(turn, event);
  const known = state.agents.get(event.agentId);
  const agent = known ?? newAgent(turn, event.agentId, subscription.agent_info);
  touchAgent(state, agent);
  if (agent.stream !== undefined) dropStream(turn, agent);
  if (agent.condition === 'recovering') {
    state.recoveringAgents -= 1;
    state.removals.returnedAgents += 1;
  }
  const wasUnreachable = agent.condition === 'unreachable';
  for (const offer of [...agent.offers]) rescindOffer(turn, offer);
  agent.info = { ...subscription.agent_info, id: { value: agent.id } };
  const isCheckpointNews = takeTotal(turn, agent, subscription);
  agent.version = subscription.version;
  agent.condition = 'connected';
  agent.stream = { id: event.streamId, nextSequence: 1 };
  agent.heardMonoMs = now.monoMs;
  agent.nextPingMonoMs = now.monoMs + state.config.pingIntervalMs;
  agent.isMarking = false;
  delete agent.unreachableSinceEpochMs;
  if (known === undefined) state.counters.agentRegistrations += 1;
  else {
    state.counters.agentReregistrations += 1;
    agent.reregisteredEpochMs = now.epochMs;
  }
  state.agentStreams.set(event.streamId, agent);
  state.agentsByAddress.set(addressOf(agent.info), agent);
  state.removals.scheduled.delete(agent.id);
  state.allocator.addAgent(agent.id, agent.total, toAgentTraits(agent.info));
  refreshActivity(turn, agent);
  refreshUnavailability(turn, agent);
  sendToAgent(turn, agent, {
    type: 'SUBSCRIBED',
    subscribed: {
      agent_id: { value: agent.id },
      master_id: state.masterId,
      ping_timeout_seconds: state.config.agentTimeoutMs / 1000,
    },
  });
  noteArrival(turn, agent, { isNew: known === undefined, tasks: subscription.tasks.length });
  if (isCheckpointNews) sendCheckpoint(turn, agent, agent.pendingOperations);
  const executors = takeExecutors(turn, agent, subscription);
  compareTasks(turn, agent, subscription, { wasUnreachable });
  settleExecutors(turn, agent, executors);
  resumeNotice(turn, agent);
  sendDrain(turn, agent);
  scheduleAllocation(turn);
}

/** An agent of the registry: recovering until it comes back or its time is up. */
export function recoverAgent(
  turn: MasterTurn,
  record: AgentRecord,
  activation?: AgentActivation,
): void {
  const { state, now } = turn;
  if (record.state === 'gone') {
    state.goneAgents.set(record.id, {
      hostname: record.hostname,
      goneEpochMs: record.sinceEpochMs,
    });
    return;
  }
  // The registry holds what this module put there.
  const agent = newAgent(turn, record.id, record.info as AgentInfo);
  agent.heardMonoMs = now.monoMs;
  if (record.state === 'unreachable') {
    agent.condition = 'unreachable';
    agent.unreachableSinceEpochMs = record.sinceEpochMs;
  } else {
    agent.condition = 'recovering';
    state.recoveringAgents += 1;
    state.removals.recoveredAgents += 1;
    state.agentsByAddress.set(addressOf(agent.info), agent);
  }
  setActivation(turn, agent, activation);
}

function newAgent(turn: MasterTurn, id: AgentId, info: AgentInfo): Agent {
  const agent: Agent = {
    id,
    info: { ...info, id: { value: id } },
    total: decodeResources(info.resources),
    condition: 'disconnected',
    version: '',
    heardMonoMs: turn.now.monoMs,
    nextPingMonoMs: 0,
    isMarking: false,
    registeredEpochMs: turn.now.epochMs,
    maintenanceAnswers: new Map(),
    inverseOffers: new Map(),
    tasks: new Set(),
    unproven: new Set(),
    offers: new Set(),
    executors: new Map(),
    isCheckpointOurs: false,
    pendingOperations: new Set(),
  };
  touchAgent(turn.state, agent);
  turn.state.agents.set(id, agent);
  return agent;
}

/** Whatever the place of the id, which a new agent does not have yet. The order of all else is the agent's own, and stable. */
function isSameInfo(known: AgentInfo, given: AgentInfo): boolean {
  const { id: _knownId, ...before } = known;
  const { id: _givenId, ...now } = given;
  return JSON.stringify(before) === JSON.stringify(now);
}
