import type { AgentId } from '#core';
import { refreshActivity } from './master-agent-activity.js';
import type { MasterTurn } from './master-events.js';
import { touchAgent } from './master-observation.js';
import type { Agent, MasterState } from './master-state.js';
import { removeTask } from './master-tasks.js';

/**
 * When agents that are not heard are given up, and when those that were are forgotten. Removals may be limited in rate:
 * one that waits for its permit is not offered, and is called off when the agent is heard.
 */

/** An agent has not been heard for its timeout. */
export function scheduleRemoval(turn: MasterTurn, agent: Agent): void {
  const { removals, counters } = turn.state;
  if (removals.scheduled.has(agent.id)) return;
  removals.scheduled.add(agent.id);
  counters.agentRemovalsScheduled += 1;
  refreshActivity(turn, agent);
}

/** It was heard after all. */
export function cancelRemoval(turn: MasterTurn, agent: Agent): void {
  const { removals, counters } = turn.state;
  if (!removals.scheduled.delete(agent.id)) return;
  counters.agentRemovalsCanceled += 1;
  refreshActivity(turn, agent);
  turn.effects.push({
    kind: 'note',
    level: 'info',
    message: 'agent heard again before it was given up',
    fields: { agentId: agent.id, hostname: agent.info.hostname },
  });
}

/** The agents whose turn it is, out of those that wait. */
export function takeDueRemovals({ state, now }: MasterTurn): readonly Agent[] {
  const { removals, config } = state;
  const { agentRemovalRateLimit: limit } = config;
  const due: Agent[] = [];
  for (const id of removals.scheduled) {
    if (limit !== undefined) {
      if (removals.nextPermitMonoMs > now.monoMs) break;
      removals.nextPermitMonoMs =
        Math.max(removals.nextPermitMonoMs, now.monoMs) + limit.perMs / limit.count;
    }
    removals.scheduled.delete(id);
    const agent = state.agents.get(id);
    if (agent !== undefined) due.push(agent);
  }
  return due;
}

/**
 * Too many agents did not come back after a fail-over: rather the network or this master is at fault than they. The
 * process ends, and whoever runs the cluster has to look.
 */
export function checkRecoveryLimit(turn: MasterTurn, missing: number): boolean {
  const { removals, config } = turn.state;
  const percent = removals.recoveredAgents === 0 ? 0 : (missing / removals.recoveredAgents) * 100;
  if (percent <= config.recoveryAgentRemovalLimitPercent) return true;
  turn.effects.push({
    kind: 'abort',
    message: `${missing} of ${removals.recoveredAgents} agents have not come back within ${config.agentReregisterTimeoutMs} ms, more than the recovery agent removal limit of ${config.recoveryAgentRemovalLimitPercent} %`,
  });
  return false;
}

/** Forgets unreachable and gone agents by age and by number, the oldest first. O(agents) each interval. */
export function collectForgotten(turn: MasterTurn): void {
  const { state, now } = turn;
  const { removals, config } = state;
  if (removals.nextCollectionMonoMs > now.monoMs) return;
  removals.nextCollectionMonoMs = now.monoMs + config.agentCollectionIntervalMs;
  const unreachable = [...state.agents.values()]
    .filter((agent) => agent.condition === 'unreachable' && !agent.isMarking)
    .map((agent) => ({ id: agent.id, sinceEpochMs: agent.unreachableSinceEpochMs ?? 0 }));
  const gone = [...state.goneAgents].map(([id, { goneEpochMs }]) => ({
    id,
    sinceEpochMs: goneEpochMs,
  }));
  const forgotten = [...selectOldest(turn, unreachable), ...selectOldest(turn, gone)];
  if (forgotten.length === 0) return;
  for (const id of forgotten) forgetAgent(turn, id);
  turn.effects.push({
    kind: 'commit-registry',
    changes: forgotten.map((id) => ({ kind: 'remove-agent', id })),
  });
}

/** An agent whose place another one takes under its address. */
export function findReplaced(state: MasterState, address: string): Agent | undefined {
  const agent = state.agentsByAddress.get(address);
  if (agent === undefined || state.agents.get(agent.id) !== agent) return undefined;
  return agent.condition === 'disconnected' || agent.condition === 'recovering' ? agent : undefined;
}

export const addressOf = (info: { readonly hostname: string; readonly port: number }): string =>
  `${info.hostname}:${info.port}`;

function selectOldest(
  { state, now }: MasterTurn,
  candidates: readonly { readonly id: AgentId; readonly sinceEpochMs: number }[],
): readonly AgentId[] {
  const { config } = state;
  const sorted = candidates.toSorted((left, right) => left.sinceEpochMs - right.sinceEpochMs);
  const tooMany = sorted.length - config.maxForgottenAgents;
  return sorted
    .filter(
      ({ sinceEpochMs }, index) =>
        index < tooMany || now.epochMs - sinceEpochMs > config.forgottenAgentMaxAgeMs,
    )
    .map(({ id }) => id);
}

function forgetAgent(turn: MasterTurn, id: AgentId): void {
  const { state } = turn;
  state.goneAgents.delete(id);
  const agent = state.agents.get(id);
  if (agent === undefined) return;
  touchAgent(state, agent);
  for (const task of [...agent.tasks]) removeTask(turn, task);
  state.operator.drainingAgents.delete(id);
  state.operator.unavailableAgents.delete(id);
  state.agents.delete(id);
}
