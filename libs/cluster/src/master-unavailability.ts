import type { Unavailability } from '#mesos-v1';
import type { Agent, MasterState } from './master-state.js';

const NANOS_PER_MS = 1_000_000;

/** Since when on the agent will be away, with its drain or its maintenance, whichever comes first. */
export function unavailabilityOf(
  { operator }: MasterState,
  agent: Agent,
): Unavailability | undefined {
  const { unavailability } = agent;
  const notice = operator.drainNotices.get(agent.id);
  if (notice === undefined) return unavailability;
  const nanoseconds = Math.round(notice.untilEpochMs) * NANOS_PER_MS;
  return unavailability !== undefined && unavailability.start.nanoseconds <= nanoseconds
    ? unavailability
    : { start: { nanoseconds } };
}
