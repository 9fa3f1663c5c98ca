import type { AgentId, App, AppId, OfferId, Resources } from '#core';
import type { Site } from './constraints.js';

/** Resources of one reservation: role `*` is unreserved. */
export interface ResourcePool {
  readonly role: string;
  readonly resources: Resources;
}

/** An offer as the matcher sees it. */
export interface MatchableOffer {
  readonly id: OfferId;
  readonly agentId: AgentId;
  readonly hostname: string;
  /** Attributes rendered as text: scalars with at most 3 decimals, sets `{a,b}`, ranges `[1-2]`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
  /** The role it was offered to; absent from masters without multi-role frameworks. */
  readonly allocatedRole?: string;
  readonly pools: readonly ResourcePool[];
  /** False: the agent says it has no Docker engine. Undefined: it does not say. */
  readonly hasDocker?: boolean;
  /** Now lies within a maintenance window of the agent. */
  readonly isInMaintenance?: boolean;
}

/** An app that waits, and how many instances this offer may take of it. */
export interface WaitingApp {
  readonly app: App;
  readonly count: number;
}

/** Where an instance of an app already is, as far as constraints see it. */
export interface PlacedInstance {
  /** `lastConfigChangeAt` of the definition it runs: instances of another configuration do not block placement. */
  readonly configVersion: string;
  readonly site: Site;
}

/** What matching looks at besides the offer. All look-ups are by app; nothing here is of the size of the cluster. */
export interface MatchContext {
  /** Instances of the app that count for constraints. */
  readonly placedOf: (app: AppId) => readonly PlacedInstance[];
  /** How many different values of a field the agents seen so far have, for GROUP_BY without a number. */
  readonly distinctValues?: (field: string) => number;
  /** Ports of tasks that ended lately on this agent: used only when no other is free. */
  readonly recentPorts?: ReadonlySet<number>;
  /** Any integer. The same seed gives the same ports. */
  readonly seed: number;
}

/** A match, ready to become a task. */
export interface MatchedLaunch {
  readonly app: App;
  /** One per port definition or mapping; null where a mapping has no host port. */
  readonly hostPorts: readonly (number | null)[];
  /** What the task takes, by the role it is reserved for. */
  readonly taken: readonly ResourcePool[];
}

/**
 * Marathon's names, in funnel order; `NoDockerSupport` is ours. Two are never given: no reservations are made that an
 * instance could miss, and nothing is kept for apps that need scarce resources.
 */
export const REFUSAL_REASONS = [
  'UnfulfilledRole',
  'NoDockerSupport',
  'UnfulfilledConstraint',
  'NoCorrespondingReservationFound',
  'AgentMaintenance',
  'InsufficientCpus',
  'InsufficientMemory',
  'InsufficientDisk',
  'InsufficientGpus',
  'InsufficientPorts',
  'DeclinedScarceResources',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Refusal {
  readonly reason: RefusalReason;
  /** In words and numbers: `needs 2 cpus, 0.5 are left`. */
  readonly detail: string;
}

export interface OfferMatch {
  readonly launches: readonly MatchedLaunch[];
  /** For each waiting app that got fewer than its count: why not one more. */
  readonly refusals: ReadonlyMap<AppId, Refusal>;
  /** What is left of the offer. */
  readonly remaining: readonly ResourcePool[];
}
