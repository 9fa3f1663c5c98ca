import type { AgentId } from '#core';

/** How agents are given up, and what waits for those that come back. */

/** At most `count` removals each `perMs`, evenly spaced. */
export interface RemovalRateLimit {
  readonly count: number;
  readonly perMs: number;
}

export interface Removals {
  /** Not heard for their timeout; oldest first. */
  readonly scheduled: Set<AgentId>;
  nextPermitMonoMs: number;
  nextCollectionMonoMs: number;
  /** How many agents the registry had when this master began. */
  recoveredAgents: number;
  /** How many of them came back. */
  returnedAgents: number;
}

export const createRemovals = (): Removals => ({
  scheduled: new Set(),
  nextPermitMonoMs: 0,
  nextCollectionMonoMs: 0,
  recoveredAgents: 0,
  returnedAgents: 0,
});

/**
 * After a fail-over nothing is offered until most agents are back, if a quota is set: a guarantee can be honoured, and a
 * limit kept, only with what they bring.
 */
export interface AllocationPause {
  readonly untilReturned: number;
  readonly untilMonoMs: number;
}
