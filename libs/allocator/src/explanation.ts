import type { AgentId, FrameworkId, Resources, RoleName } from '#core';
import type { Quantities } from './quantities.js';

/** Why an agent is not offered to a framework in a role. */
export const REFUSAL_REASONS = [
  'inactive',
  'suppressed',
  'agent-inactive',
  'nothing-free',
  'offered-to-others',
  'capability',
  'constraint',
  'reserved',
  'quota',
  'below-minimum',
  'accumulating',
  'filtered',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** An offer nobody has answered. */
export interface OutstandingOffer {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
  readonly resources: Resources;
}

/** What is to be explained. */
export interface ExplainOptions {
  /** Only this framework. */
  readonly frameworkId?: FrameworkId;
  /** What of an agent is offered and not used yet; without it, such agents count as used. */
  readonly offeredOn?: (id: AgentId) => Iterable<OutstandingOffer>;
}

/** What a framework has in one of its roles, and why it is not offered the rest. */
export interface Explanation {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
  /** The framework's, of the whole cluster, 0..1. */
  readonly dominantShare: number;
  /** Weighted dominant share of the role. */
  readonly roleShare: number;
  readonly weight: number;
  /** Offered to it or used by its tasks. */
  readonly held: Quantities;
  /** Agents of which it has refused something, for a time that is not over. */
  readonly refusedAgents: number;
  /** Agents in the cluster. */
  readonly agents: number;
  /** Agents with something free or offered that were tried for {@link reasons}; in large clusters a sample of them. */
  readonly sampled: number;
  /** Agents per reason, as they stand now, each once; scaled up from the sample. What is about to be offered has none. */
  readonly reasons: Readonly<Partial<Record<RefusalReason, number>>>;
  /** How often it was passed over in the last rounds, per reason; at most once a round and agent. */
  readonly passedOver: Readonly<Partial<Record<RefusalReason, number>>>;
}
