import { addResources, noResources, type Range, type Resources, traitsOfKey } from '#core';
import type { AgentEntry } from './agent-pool.js';
import type { Audience, Client } from './clients.js';
import type { RefusalReason } from './explanation.js';
import { meetsOne, type Quantities } from './quantities.js';
import { isPlainKey, type QuotaLedger } from './quota-ledger.js';
import { subtractUpTo } from './subtract-up-to.js';

/** What may go to whom: everything an agent has free, but what is not for the audience. */
export interface EligibilityOptions {
  readonly filterGpuResources: boolean;
  readonly region: string | undefined;
}

/** How an agent is looked at. */
export interface Look {
  /** Kept for somebody else: only what is reserved may go. */
  readonly isHeld?: boolean;
  /** First stage: only offers that come nearer to an unmet guarantee. */
  readonly isForGuarantees?: boolean;
  /** Only a try for {@link Eligibility.select}, as if this much more were free of the agent. */
  readonly returned?: Resources;
  /** Nobody counts as passed over. */
  readonly isSilent?: boolean;
}

/**
 * Works out what of an agent's free resources an audience may be offered, once per look. Unreserved scalars are cut to
 * what quota leaves; reservations, ranges and revocable resources are given whole. Owns its memory.
 */
export class Eligibility {
  private number = 0;
  private agent: AgentEntry | undefined;
  private look: Look = {};
  private minimum: readonly Quantities[] = [];
  private round = 0;
  /** Of an agent in a round; from 1. */
  private visits = 0;
  private isCounted = false;
  /** What the agent had free when the visit began. */
  private atBegin: Resources = noResources;

  constructor(
    private readonly ledger: QuotaLedger,
    private readonly options: EligibilityOptions,
    /** Told when an agent has too little for a client with a minimum of its own. */
    private readonly noteTooLittle: (client: Client) => void,
  ) {}

  /** The cluster's minimum, and the number of the round, for the counts. */
  beginRound(round: number, minimum: readonly Quantities[]): void {
    this.round = round;
    this.minimum = minimum;
  }

  /** A round comes to an agent and gives it out to one after the other. Who gets nothing counts once a round. */
  beginVisit(agent: AgentEntry, look: Look): void {
    this.isCounted = look.isForGuarantees !== true && agent.countedRound !== this.round;
    if (!this.isCounted) return;
    agent.countedRound = this.round;
    this.visits += 1;
    this.atBegin = agent.available;
  }

  /** The client has refused what it would be offered in this visit. */
  countFiltered({ filteredCounts }: Client): void {
    if (this.isCounted && filteredCounts.isFirstIn(this.visits)) {
      filteredCounts.count('filtered', this.round);
    }
  }

  /** Looks at an agent, as it is now; what was worked out before is forgotten. */
  begin(agent: AgentEntry, look: Look = {}): void {
    this.number += 1;
    this.agent = agent;
    this.look = look;
  }

  /** What the agent has for an audience; undefined when nothing, and then its `refusal` says why. */
  readonly offerTo = (audience: Audience): Resources | undefined => {
    if (audience.look === this.number || this.agent === undefined) return audience.offer;
    audience.look = this.number;
    const offer = this.select(this.agent, audience, this.look);
    const isFirst =
      this.isCounted && this.look.isSilent !== true && audience.counts.isFirstIn(this.visits);
    if (typeof offer === 'string') {
      audience.offer = undefined;
      audience.refusal = offer;
      if (isFirst) audience.counts.count(this.reasonOf(offer, this.agent, audience), this.round);
      if (offer === 'below-minimum' && audience.owner !== undefined) {
        this.noteTooLittle(audience.owner);
      }
    } else {
      audience.offer = offer;
      audience.refusal = undefined;
    }
    return audience.offer;
  };

  /**
   * The offer, or why there is none. O(keys). Leaves no trace but in the quota ledger's memory of shortage, and not
   * even there when tried with something `returned`.
   */
  select(agent: AgentEntry, audience: Audience, look: Look): Resources | RefusalReason {
    const refusal = this.refuseAgent(agent, audience);
    if (refusal !== undefined) return refusal;
    const minimum = audience.minimum ?? this.minimum;
    const available = withReturned(agent.available, look.returned);
    if (agent.isPlain && !this.ledger.hasQuotas && look.isHeld !== true) {
      return meetsOne(available, minimum) ? available : 'below-minimum';
    }
    const picked = new Selection(available, this.ledger, audience, look);
    if (look.isForGuarantees === true && !picked.makesProgress) return 'quota';
    if (!picked.isEmpty && meetsOne(picked.resources, minimum)) return picked.resources;
    const wasEnough = meetsOne(available, minimum);
    return wasEnough && picked.why !== undefined ? picked.why : 'below-minimum';
  }

  /** Not what is left of the agent is the reason when somebody before it in the order took what it could have had. */
  private reasonOf(refusal: RefusalReason, agent: AgentEntry, audience: Audience): RefusalReason {
    if (agent.available === this.atBegin || !isOfTheRest(refusal)) return refusal;
    const returned = subtractUpTo(this.atBegin, agent.available);
    const offer = this.select(agent, audience, { ...this.look, returned });
    return typeof offer === 'string' ? refusal : 'offered-to-others';
  }

  /** Why nothing of an agent, whatever it has free, may go to an audience. */
  refuseAgent(agent: AgentEntry, audience: Audience): RefusalReason | undefined {
    if (agent.hasGpus && this.options.filterGpuResources && !audience.takesGpus) {
      return 'capability';
    }
    const { traits } = agent;
    const { region } = this.options;
    const isRemote =
      region !== undefined && traits.region !== undefined && traits.region !== region;
    if (isRemote && !audience.isRegionAware) return 'capability';
    if (traits.capabilities !== undefined && !traits.capabilities.has('HIERARCHICAL_ROLE')) {
      if (audience.role !== audience.topRole) return 'capability';
    }
    return audience.constraints?.allows(traits) === false ? 'constraint' : undefined;
  }
}

/** The part of what is free that an audience may have. */
class Selection {
  readonly resources: Resources;
  readonly isEmpty: boolean;
  /** Why something was left out; the first reason. */
  why: RefusalReason | undefined;
  /** Whether some of it counts for an unmet guarantee. */
  makesProgress = false;

  constructor(
    available: Resources,
    private readonly ledger: QuotaLedger,
    private readonly audience: Audience,
    private readonly look: Look,
  ) {
    const scalars: Record<string, number> = {};
    const ranges: Record<string, readonly Range[]> = {};
    let count = 0;
    for (const key in available.scalars) {
      const milli = this.amountOf(key, available.scalars[key] ?? 0);
      if (milli === 0) continue;
      scalars[key] = milli;
      count += 1;
    }
    for (const key in available.ranges) {
      if (this.refuseKey(key)) continue;
      ranges[key] = available.ranges[key] ?? [];
      count += 1;
    }
    this.resources = this.why === undefined ? available : { scalars, ranges };
    this.isEmpty = count === 0;
  }

  private amountOf(key: string, milli: number): number {
    if (this.refuseKey(key)) return 0;
    if (!isPlainKey(key) || !this.ledger.hasQuotas) return milli;
    const { topRole } = this.audience;
    const { returned } = this.look;
    const room =
      returned === undefined
        ? this.ledger.room(topRole, key, milli)
        : this.ledger.tryRoom(topRole, key, milli, returned.scalars[key] ?? 0);
    if (room < milli) this.why ??= 'quota';
    if (room > 0 && this.ledger.unmetGuarantee(topRole, key) > 0) this.makesProgress = true;
    return room;
  }

  private refuseKey(key: string): boolean {
    const refusal = this.refusalOf(key);
    if (refusal !== undefined) this.why ??= refusal;
    return refusal !== undefined;
  }

  private refusalOf(key: string): RefusalReason | undefined {
    const isHeld = this.look.isHeld === true;
    if (isPlainKey(key)) return isHeld ? 'accumulating' : undefined;
    const { reservations, isRevocable } = traitsOfKey(key);
    const role = reservations.at(-1)?.role;
    if (role !== undefined && !isWithin(this.audience.role, role)) return 'reserved';
    if (isRevocable && !this.audience.takesRevocable) return 'capability';
    if (reservations.length > 1 && !this.audience.takesRefined) return 'capability';
    return role === undefined && isHeld ? 'accumulating' : undefined;
  }
}

/** Reasons that may be gone when more of an agent were free. */
export const isOfTheRest = (reason: RefusalReason): boolean =>
  reason === 'nothing-free' || reason === 'reserved' || reason === 'below-minimum';

const withReturned = (available: Resources, returned: Resources | undefined): Resources =>
  returned === undefined ? available : addResources(available, returned);

/** Whether a role is `ancestor` or below it. */
export const isWithin = (role: string, ancestor: string): boolean =>
  role === ancestor || role.startsWith(`${ancestor}/`);
