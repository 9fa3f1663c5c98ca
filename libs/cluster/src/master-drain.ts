import { type AgentActivation, type AgentDrain, agentId } from '#core';
import type { OperatorMutation } from '#mesos-v1';
import { refreshActivity } from './master-agent-activity.js';
import { commitGone } from './master-agent-loss.js';
import { sendToAgent } from './master-agent-messages.js';
import { askNow, beginNotice, isNoticed } from './master-drain-notice.js';
import type { MasterEvent, MasterTurn } from './master-events.js';
import { touchAgent } from './master-observation.js';
import { type OperatorVerdict, refuse } from './master-operator-decision.js';
import type { Agent } from './master-state.js';
import { findDurationDefect } from './master-validate-resources.js';

/**
 * | state       | event                                         | next                                             |
 * |-------------|-----------------------------------------------|--------------------------------------------------|
 * | active      | DEACTIVATE_AGENT                              | deactivated: no offers, tasks go on              |
 * | any         | DRAIN_AGENT                                   | draining: no offers, frameworks have their time  |
 * | draining    | nobody is waited for (master-drain-notice.ts) | draining: the agent kills its tasks              |
 * | draining    | it is connected and its last task is over     | drained; with mark_gone: gone                    |
 * | draining    | REACTIVATE_AGENT                              | refused                                          |
 * | other       | REACTIVATE_AGENT                              | active                                           |
 *
 * Each is durable before it takes effect, and survives agent and master: an agent that comes back while it is drained
 * is told so again.
 */

type ActivationCall = Extract<
  OperatorMutation,
  { readonly type: 'DRAIN_AGENT' | 'DEACTIVATE_AGENT' | 'REACTIVATE_AGENT' }
>;

export function decideActivation(turn: MasterTurn, call: ActivationCall): OperatorVerdict {
  const { state } = turn;
  const id = agentId(idOf(call));
  const agent = state.agents.get(id);
  if (agent === undefined) {
    const isGone = state.goneAgents.has(id);
    return refuse(404, `Agent ${id} ${isGone ? 'was marked gone' : 'is unknown'}`);
  }
  const before = agent.activation;
  switch (call.type) {
    case 'DRAIN_AGENT':
      return decideDrain(turn, agent, call.drain_agent);
    case 'DEACTIVATE_AGENT':
      if (before?.isDeactivated === true) return { kind: 'answer', status: 200 };
      return decide(agent, { ...before, isDeactivated: true });
    case 'REACTIVATE_AGENT':
      if (before?.drain?.state === 'DRAINING') {
        return refuse(409, `Agent ${id} is draining; it can be reactivated once it is drained`);
      }
      return before === undefined ? { kind: 'answer', status: 200 } : decide(agent, undefined);
    default:
      return call satisfies never;
  }
}

/** The registry has it. */
export function applyActivation(
  turn: MasterTurn,
  { id, activation }: { readonly id: Agent['id']; readonly activation?: AgentActivation },
): void {
  const agent = turn.state.agents.get(id);
  if (agent === undefined) return;
  setActivation(turn, agent, activation);
  sendDrain(turn, agent);
  askNow(turn, agent);
  settleDrain(turn, agent);
}

/** An agent of the registry, or one that is forgotten. */
export function setActivation(
  turn: MasterTurn,
  agent: Agent,
  activation: AgentActivation | undefined,
): void {
  const { drainingAgents } = turn.state.operator;
  touchAgent(turn.state, agent);
  if (activation === undefined) delete agent.activation;
  else agent.activation = activation;
  if (activation?.drain?.state === 'DRAINING') drainingAgents.add(agent.id);
  else drainingAgents.delete(agent.id);
  beginNotice(turn, agent);
  refreshActivity(turn, agent);
}

/** Tells a draining agent to kill its tasks, once frameworks have had their time; again on each of its streams. */
export function sendDrain(turn: MasterTurn, agent: Agent): void {
  const drain = agent.activation?.drain;
  if (drain?.state !== 'DRAINING' || isNoticed(turn, agent)) return;
  sendToAgent(turn, agent, {
    type: 'DRAIN',
    drain: {
      ...(drain.maxGraceMs === undefined
        ? {}
        : { max_grace_period: { nanoseconds: drain.maxGraceMs * 1_000_000 } }),
      mark_gone: drain.isMarkedGone,
    },
  });
}

/** Agents whose time is up, and those of which the last end was acknowledged since. O(draining agents). */
export function tickDrains(turn: MasterTurn): void {
  for (const id of [...turn.state.operator.drainNotices.keys()]) {
    const agent = turn.state.agents.get(id);
    if (agent === undefined) turn.state.operator.drainNotices.delete(id);
    else if (!isNoticed(turn, agent)) sendDrain(turn, agent);
  }
  for (const id of [...turn.state.operator.drainingAgents]) {
    const agent = turn.state.agents.get(id);
    if (agent !== undefined) settleDrain(turn, agent);
  }
}

/** The registry has it as drained. */
export function completeDrain(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-drained' }>,
): void {
  const agent = turn.state.agents.get(event.agentId);
  if (agent?.activation?.drain?.state !== 'DRAINING') return;
  setActivation(turn, agent, event.activation);
  turn.effects.push({
    kind: 'note',
    level: 'info',
    message: 'agent drained',
    fields: { agentId: agent.id, hostname: agent.info.hostname },
  });
}

/**
 * Only of a connected agent is it known what it runs. It stays in the set until the registry has the outcome, and a
 * second commit of the same does no harm; but it is not sent each second.
 */
function settleDrain(turn: MasterTurn, agent: Agent): void {
  const drain = agent.activation?.drain;
  if (drain?.state !== 'DRAINING' || agent.condition !== 'connected' || agent.isMarking) return;
  if (agent.tasks.size > 0 || agent.pendingOperations.size > 0) return;
  turn.state.operator.drainingAgents.delete(agent.id);
  if (drain.isMarkedGone) {
    commitGone(turn, agent);
    return;
  }
  const activation: AgentActivation = {
    isDeactivated: true,
    drain: { ...drain, state: 'DRAINED' },
  };
  turn.effects.push({
    kind: 'commit-registry',
    changes: [{ kind: 'put-activation', id: agent.id, activation }],
    stored: { kind: 'agent-drained', agentId: agent.id, activation },
  });
}

function decideDrain(
  turn: MasterTurn,
  agent: Agent,
  given: Extract<ActivationCall, { readonly type: 'DRAIN_AGENT' }>['drain_agent'],
): OperatorVerdict {
  const nanoseconds = given.max_grace_period?.nanoseconds;
  const defect = findDurationDefect('max_grace_period', nanoseconds, MAX_GRACE_NANOS);
  if (defect !== undefined) return refuse(400, defect);
  const before = agent.activation?.drain;
  const drain: AgentDrain = {
    state: 'DRAINING',
    ...(nanoseconds === undefined ? {} : { maxGraceMs: Math.ceil(nanoseconds / 1_000_000) }),
    isMarkedGone: given.mark_gone === true,
    startedEpochMs: before?.state === 'DRAINING' ? before.startedEpochMs : turn.now.epochMs,
  };
  return decide(agent, { isDeactivated: true, drain });
}

/** A year. */
const MAX_GRACE_NANOS = 365 * 24 * 3600 * 1e9;

const decide = (agent: Agent, activation: AgentActivation | undefined): OperatorVerdict => {
  const after = activation === undefined ? {} : { activation };
  return {
    kind: 'decide',
    changes: [{ kind: 'put-activation', id: agent.id, ...after }],
    decision: { kind: 'activation', id: agent.id, ...after },
  };
};

function idOf(call: ActivationCall): string {
  switch (call.type) {
    case 'DRAIN_AGENT':
      return call.drain_agent.agent_id.value;
    case 'DEACTIVATE_AGENT':
      return call.deactivate_agent.agent_id.value;
    case 'REACTIVATE_AGENT':
      return call.reactivate_agent.agent_id.value;
    default:
      return call satisfies never;
  }
}
