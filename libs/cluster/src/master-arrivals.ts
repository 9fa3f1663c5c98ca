import { createArrivals } from './master-arrival-state.js';
import type { MasterTurn } from './master-events.js';
import type { Agent } from './master-state.js';

const MAX_NAMED = 5;

/**
 * One line a second for all agents that came, and one each for whoever looks closely: after a fail-over thousands come
 * in seconds, and a line each took a twentieth of the time that takes.
 */
export function noteArrival(
  turn: MasterTurn,
  agent: Agent,
  arrival: { readonly isNew: boolean; readonly tasks: number },
): void {
  const { arrivals } = turn.state;
  if (arrival.isNew) arrivals.registered += 1;
  else arrivals.reregistered += 1;
  arrivals.tasks += arrival.tasks;
  if (arrivals.named.length < MAX_NAMED) arrivals.named.push(agent.id);
  turn.effects.push({
    kind: 'note',
    level: 'debug',
    message: arrival.isNew ? 'agent registered' : 'agent reregistered',
    fields: { agentId: agent.id, hostname: agent.info.hostname, tasks: arrival.tasks },
  });
}

/** Says who came since the last time. */
export function tickArrivals({ state, effects }: MasterTurn): void {
  const { registered, reregistered, tasks, named } = state.arrivals;
  if (registered + reregistered === 0) return;
  const others = registered + reregistered - named.length;
  effects.push({
    kind: 'note',
    level: 'info',
    message: 'agents came',
    fields: {
      registered,
      reregistered,
      tasks,
      agents: `${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`,
    },
  });
  state.arrivals = createArrivals();
}
