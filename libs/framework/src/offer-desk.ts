import type { WireOffer } from '#mesos-v1';
import type { LaunchQueue } from './launch-queue.js';
import type { SchedulerCallWithoutFrameworkId } from './scheduler-driver.js';

/** Offers are kept this long for a gang that needs more than one. */
export const HOLD_MS = 5_000;
/** Shorter than offers are held, so that those of all agents are there at one time. */
const HELD_REFUSAL_SECONDS = 1;
export const REFUSAL_SECONDS = 5;

/** The offers a framework holds, and what it tells the master about wanting more. */
export class OfferDesk {
  private readonly held = new Map<string, { readonly offer: WireOffer; readonly atMs: number }>();
  private isSuppressed = false;
  /** The master filters something for us. */
  private hasRefused = false;

  constructor(private readonly request: (call: SchedulerCallWithoutFrameworkId) => void) {}

  get size(): number {
    return this.held.size;
  }

  offers(): readonly WireOffer[] {
    return [...this.held.values()].map(({ offer }) => offer);
  }

  /** A new subscription: no offer stands, none is filtered or suppressed. */
  reset(): void {
    this.held.clear();
    this.isSuppressed = false;
    this.hasRefused = false;
  }

  add(offers: readonly WireOffer[], atMs: number): void {
    for (const offer of offers) this.held.set(offer.id.value, { offer, atMs });
  }

  /** They are accepted, or rescinded. */
  remove(offerIds: readonly string[]): void {
    for (const id of offerIds) this.held.delete(id);
  }

  /** Their rest is filtered by the master. */
  accepted(offerIds: readonly string[]): void {
    this.remove(offerIds);
    this.hasRefused = true;
  }

  /** Declines these, or while a gang waits for more of them those held long enough. */
  decline(
    unused: readonly string[],
    nowMs: number,
    { isHolding }: { readonly isHolding: boolean },
  ): void {
    const untilMs = isHolding ? nowMs - HOLD_MS : Number.POSITIVE_INFINITY;
    const ids = unused.filter(
      (id) => (this.held.get(id)?.atMs ?? Number.POSITIVE_INFINITY) <= untilMs && this.held.has(id),
    );
    if (ids.length === 0) return;
    this.remove(ids);
    this.hasRefused = true;
    const filters = { refuse_seconds: isHolding ? HELD_REFUSAL_SECONDS : REFUSAL_SECONDS };
    const offer_ids = ids.map((value) => ({ value }));
    this.request({ type: 'DECLINE', decline: { offer_ids, filters } });
  }

  /** No offers while nothing waits, so that others get them; all of them as soon as something new does. */
  ask(queue: LaunchQueue, nowMs: number): void {
    if (queue.isEmpty) {
      if (!this.isSuppressed) this.request({ type: 'SUPPRESS' });
      this.isSuppressed = true;
      return;
    }
    if (!queue.takeNews(nowMs)) return;
    if (this.isSuppressed || this.hasRefused) this.request({ type: 'REVIVE' });
    this.isSuppressed = false;
    this.hasRefused = false;
  }
}
