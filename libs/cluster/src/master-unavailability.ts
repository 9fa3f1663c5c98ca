import type { Unavailability } from '#mesos-v1';
import type { Agent, MasterState } from './master-state.js';

const NANOS_PER_MS = 1_000_000;

/**
 * Since when on the agent will be away, with its drain or its maintenance, whichever comes first. A window that is over
 * says nothing of a drain, and while there is one nobody says when the agent will be back.
 */
export function unavailabilityOf(
  { operator }: MasterState,
  agent: Agent,
  nowEpochMs: number,
): Unavailability | undefined {
  const { unavailability } = agent;
  const notice = operator.drainNotices.get(agent.id);
  if (notice === undefined) return unavailability;
  const nanoseconds = Math.round(notice.untilEpochMs) * NANOS_PER_MS;
  if (unavailability === undefined || isOver(unavailability, nowEpochMs)) {
    return { start: { nanoseconds } };
  }
  const { start } = unavailability;
  return { start: { nanoseconds: Math.min(start.nanoseconds, nanoseconds) } };
}

const isOver = ({ start, duration }: Unavailability, nowEpochMs: number): boolean =>
  duration !== undefined && start.nanoseconds + duration.nanoseconds <= nowEpochMs * NANOS_PER_MS;
