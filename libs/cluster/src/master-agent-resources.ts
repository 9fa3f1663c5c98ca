import type { AgentTraits } from '#allocator';
import { agentId, containsResources } from '#core';
import { type AgentInfo, decodeResources } from '#mesos-v1';
import type { AgentSubscription, MasterTurn } from './master-events.js';
import { touchAgent } from './master-observation.js';
import type { Agent } from './master-state.js';
import { checkpointedOf, withCheckpoint } from './resource-conversion.js';

/**
 * Why an agent's reservations and volumes do not fit what it was started with. It must not come in: to go on without
 * them would lose what is on its volumes.
 */
export function findMisfit(turn: MasterTurn, subscription: AgentSubscription): string | undefined {
  const id = subscription.agent_info.id?.value;
  const agent = id === undefined ? undefined : turn.state.agents.get(agentId(id));
  const { misfits } = combine(agent, subscription);
  return misfits.length === 0
    ? undefined
    : `the agent's resources do not contain what is reserved on it: ${misfits.join(', ')}; start it with at least these`;
}

/**
 * What an agent that subscribes has: what it was started with, with its reservations and volumes in place. A master that
 * had it before knows them better, as something may not have reached the agent: then the agent is to be told again
 * (true). To a new master the agent's word is the truth.
 */
export function takeTotal(
  turn: MasterTurn,
  agent: Agent,
  subscription: AgentSubscription,
): boolean {
  const { total, reported, misfits } = combine(agent, subscription);
  for (const resource of misfits) {
    turn.effects.push({
      kind: 'note',
      level: 'warn',
      message: 'a reservation does not fit what the agent has now',
      fields: { agentId: agent.id, hostname: agent.info.hostname, resource },
    });
  }
  touchAgent(turn.state, agent);
  agent.total = total;
  agent.isCheckpointOurs = true;
  const known = checkpointedOf(total);
  const isSame = containsResources(known, reported) && containsResources(reported, known);
  return !isSame || agent.pendingOperations.size > 0;
}

function combine(agent: Agent | undefined, subscription: AgentSubscription) {
  const base = decodeResources(subscription.agent_info.resources);
  const reported = decodeResources(subscription.checkpointed_resources ?? []);
  const wanted = agent?.isCheckpointOurs === true ? checkpointedOf(agent.total) : reported;
  return { ...withCheckpoint(base, wanted), reported };
}

/** What the allocator has to know of an agent beside its resources. */
export function toAgentTraits(info: AgentInfo): AgentTraits {
  const domain = info.domain?.fault_domain;
  return {
    hostname: info.hostname,
    attributes: info.attributes.map(({ name, text }) => ({
      name,
      ...(text === undefined ? {} : { text: text.value }),
    })),
    ...(domain === undefined ? {} : { region: domain.region.name, zone: domain.zone.name }),
  };
}
