import type { AgentId } from '#core';
import type { MatchableOffer } from '#matcher';

/** Offers remembered; of an agent and a role the last one. */
const MAX_SIGHTS = 20_000;

/** An offer as we left it. */
export interface OfferSight {
  readonly offer: MatchableOffer;
  readonly seenEpochMs: number;
}

/** What each agent offered last, less what we took of it: what a launch would most likely find. In memory only. */
export class OfferSights {
  private readonly sights = new Map<string, OfferSight>();

  /** O(1); the one seen longest ago makes room. */
  note(offer: MatchableOffer, seenEpochMs: number): void {
    const key = `${offer.agentId} ${offer.allocatedRole ?? ''}`;
    this.sights.delete(key);
    this.sights.set(key, { offer, seenEpochMs });
    const [oldest] = this.sights.keys();
    if (this.sights.size > MAX_SIGHTS && oldest !== undefined) this.sights.delete(oldest);
  }

  /** The agent is gone. O(sights). */
  forget(agent: AgentId): void {
    for (const [key, { offer }] of this.sights)
      if (offer.agentId === agent) this.sights.delete(key);
  }

  clear(): void {
    this.sights.clear();
  }

  /** Seen last first, at most `limit`. O(sights). */
  latest(limit: number): readonly OfferSight[] {
    return [...this.sights.values()].slice(-limit).reverse();
  }
}
