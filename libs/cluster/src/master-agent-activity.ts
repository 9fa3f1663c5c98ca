import type { MasterTurn } from './master-events.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import type { Agent } from './master-state.js';

/**
 * Whether an agent's resources may be offered: it is connected, was heard, and no operator took it out of use. The one
 * place that decides it; to be called after each change of these.
 */
export function refreshActivity(turn: MasterTurn, agent: Agent): void {
  const { allocator } = turn.state;
  const isActive = isOffered(turn, agent);
  allocator.setAgentActive(agent.id, { isActive });
  if (isActive) scheduleAllocation(turn);
  else for (const offer of [...agent.offers]) rescindOffer(turn, offer);
}

/** Connected agents only are known to the allocator as active; unreachable ones are not known to it at all. */
function isOffered({ state }: MasterTurn, agent: Agent): boolean {
  return (
    agent.condition === 'connected' &&
    !agent.isMarking &&
    agent.activation === undefined &&
    !state.removals.scheduled.has(agent.id)
  );
}
