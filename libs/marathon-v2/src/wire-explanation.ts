/** JSON of what explains waiting: `lastUnusedOffers` of the queue (Marathon's) and `/v2/apps/{id}/why` (ours). */

export interface WireOfferRange {
  readonly begin: number;
  readonly end: number;
}

/** A resource or an attribute of an offer: its value stands in the field of its type. */
export interface WireOfferValue {
  readonly name: string;
  readonly text?: string;
  readonly scalar?: number;
  readonly ranges?: readonly WireOfferRange[];
  readonly set?: readonly string[];
}

export interface WireSeenOffer {
  readonly id: string;
  readonly hostname: string;
  readonly agentId: string;
  readonly resources: readonly (WireOfferValue & { readonly role: string })[];
  readonly attributes: readonly WireOfferValue[];
}

export interface WireUnusedOffer {
  readonly offer: WireSeenOffer;
  readonly reason: readonly string[];
  readonly timestamp: string;
}

/** An agent and when it was last offered. */
export interface WireSeenAgent {
  readonly agentId: string;
  readonly hostname: string;
  readonly offeredAt: string;
}

export interface WireReasonCount {
  readonly reason: string;
  /** Agents that refuse for this reason, whatever their other reasons. */
  readonly agents: number;
  /** Those of them that have no other reason. */
  readonly alone: number;
  readonly example?: string;
}

/** A change that was tried with the matcher against what agents last offered. */
export interface WireSuggestion {
  /** `cpus 2 -> 1.5`; several are joined by ` and `. */
  readonly change: string;
  /** What to PUT to the app for it; absent where that takes more than a field. */
  readonly patch?: Readonly<Record<string, unknown>>;
  /** Waiting instances it places at least; with fewer instances: that no longer wait. */
  readonly places: number;
  readonly agentId?: string;
  readonly hostname?: string;
}

/** Instances of one definition that wait. */
export interface WireWaitingGroup {
  readonly count: number;
  readonly version: string;
  readonly role: string;
  readonly since: string;
  readonly delay: { readonly timeLeftSeconds: number; readonly overdue: boolean };
  readonly delayReason?: string;
  /** Offers are answered at once, so none is held: what is told is of agents as they were last offered. */
  readonly offers: {
    readonly held: number;
    /** Agents looked at, and those known beyond them. */
    readonly agents: number;
    readonly omitted: number;
    readonly newestAt?: string;
    readonly oldestAt?: string;
  };
  readonly reasons: readonly WireReasonCount[];
  /** Agents on which an instance would fit by what they last offered, the newest first; `agents` counts them all. */
  readonly fitting: { readonly agents: number; readonly newest: readonly WireSeenAgent[] };
  readonly nearestFit?: WireSeenAgent & {
    /** `needs 2 cpus, 1.5 are left on host-3`. */
    readonly summary: string;
    readonly lacks: readonly { readonly reason: string; readonly detail: string }[];
  };
  readonly suggestions: readonly WireSuggestion[];
}

/** Why an app is not as declared. */
export interface WireWhy {
  readonly appId: string;
  readonly summary: string;
  readonly instances: {
    readonly wanted: number;
    readonly byCondition: Readonly<Record<string, number>>;
  };
  /** In words and numbers, most telling first; empty: for nothing. */
  readonly waitingFor: readonly string[];
  readonly waiting: readonly WireWaitingGroup[];
  readonly deployments: readonly {
    readonly id: string;
    readonly currentStep: number;
    readonly totalSteps: number;
  }[];
}
