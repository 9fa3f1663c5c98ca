import { type AgentId, type App, scalarMilli, toMilli } from '#core';
import type { MatchableOffer, ResourcePool } from './offer.js';

/** Where something is, as far as spreading goes. */
export interface SpreadSite {
  readonly agentId: AgentId;
  readonly region?: string;
  readonly zone?: string;
}

/** Something with an offer, which shrinks as it is used. */
export interface SpreadTarget {
  readonly offer: SpreadSite & Pick<MatchableOffer, 'pools'>;
}

/** How many instances of one app are where. Owned by one round. */
export class SpreadTally {
  private readonly counts = new Map<string, number>();

  add(site: SpreadSite): void {
    for (const key of [agentKey(site), regionKey(site), zoneKey(site)]) {
      this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    }
  }

  get isEmpty(): boolean {
    return this.counts.size === 0;
  }

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }
}

const agentKey = ({ agentId }: SpreadSite): string => `agent ${agentId}`;
const regionKey = ({ region }: SpreadSite): string => `region ${region ?? ''}`;
const zoneKey = ({ region, zone }: SpreadSite): string => `zone ${region ?? ''}\n${zone ?? ''}`;

/** A target with what it is counted by, worked out once a round, and what is free there, once a change. */
interface Place<Target> {
  readonly target: Target;
  readonly agent: string;
  readonly region: string;
  readonly zone: string;
  seen: readonly ResourcePool[] | undefined;
  cpus: number;
  mem: number;
}

/** What the apps of a round are spread over, one after another. O(targets) to make. */
export class SpreadRound<Target extends SpreadTarget> {
  readonly places: readonly Place<Target>[];
  /** Positions of the places of each zone. */
  readonly zones: readonly Int32Array[];

  constructor(targets: readonly Target[]) {
    this.places = targets.map((target) => ({
      target,
      agent: agentKey(target.offer),
      region: regionKey(target.offer),
      zone: zoneKey(target.offer),
      seen: undefined,
      ...{ cpus: 0, mem: 0 },
    }));
    const zones = new Map<string, number[]>();
    for (const [position, { zone }] of this.places.entries()) {
      const positions = zones.get(zone);
      if (positions === undefined) zones.set(zone, [position]);
      else positions.push(position);
    }
    this.zones = [...zones.values()].map((positions) => Int32Array.from(positions));
  }
}

/** Positions, the best on top; those from `size` on are dropped. */
interface Heap {
  readonly positions: Int32Array;
  size: number;
}

/**
 * Offers in the order in which an app should use them: first the agent with fewest instances of it, among equals the
 * region and the zone with fewest, then where most more would fit. Counts grow and offers shrink while it is used, so
 * what is on top is looked at again before it is given. O(offers) to make, O(zones + log offers) an answer.
 */
export class SpreadOrder<Target extends SpreadTarget> {
  private readonly places: readonly Place<Target>[];
  private readonly heaps: readonly Heap[];
  /** Instances on the agent of each place, and how many more it holds, when last looked at. */
  private readonly counts: Int32Array;
  private readonly rooms: Float64Array;
  private readonly needs: { readonly cpus: number; readonly mem: number };
  private current: Heap | undefined;

  constructor(
    round: SpreadRound<Target>,
    app: Pick<App, 'cpus' | 'mem'>,
    private readonly tally: SpreadTally,
  ) {
    this.places = round.places;
    this.needs = { cpus: toMilli(app.cpus), mem: toMilli(app.mem) };
    this.counts = new Int32Array(this.places.length);
    this.rooms = new Float64Array(this.places.length);
    for (const [position, place] of this.places.entries()) {
      this.rooms[position] = roomIn(place, this.needs);
      if (!tally.isEmpty) this.counts[position] = tally.of(place.agent);
    }
    this.heaps = round.zones.map((zone) => ({ positions: zone.slice(), size: zone.length }));
    for (const heap of this.heaps) {
      for (let at = (heap.size >> 1) - 1; at >= 0; at -= 1) this.sink(heap, at);
    }
  }

  /** The best offer left; undefined when all were dropped. */
  best(): Target | undefined {
    this.current = undefined;
    let chosen: number | undefined;
    for (const heap of this.heaps) {
      const top = this.settle(heap);
      if (top === undefined || (chosen !== undefined && !this.isBetter(top, chosen))) continue;
      chosen = top;
      this.current = heap;
    }
    return chosen === undefined ? undefined : this.places[chosen]?.target;
  }

  /** The last one given takes no more of the app. */
  drop(): void {
    const heap = this.current;
    if (heap === undefined || heap.size === 0) return;
    heap.size -= 1;
    heap.positions[0] = heap.positions[heap.size] ?? 0;
    this.sink(heap, 0);
  }

  /** Brings the best to the top: others can only have become worse than when they were last looked at. */
  private settle(heap: Heap): number | undefined {
    while (heap.size > 0) {
      const top = heap.positions[0] ?? 0;
      const place = this.places[top];
      if (place === undefined) return undefined;
      const count = this.tally.of(place.agent);
      const room = roomIn(place, this.needs);
      if (count === this.counts[top] && room === this.rooms[top]) return top;
      this.counts[top] = count;
      this.rooms[top] = room;
      this.sink(heap, 0);
    }
    return undefined;
  }

  private isBetter(top: number, than: number): boolean {
    const [place, other] = [this.places[top], this.places[than]];
    const byCount = (this.counts[top] ?? 0) - (this.counts[than] ?? 0);
    if (byCount !== 0 || place === undefined || other === undefined) return byCount < 0;
    const byDomain =
      this.tally.of(place.region) - this.tally.of(other.region) ||
      this.tally.of(place.zone) - this.tally.of(other.zone);
    return byDomain === 0 ? this.compare(top, than) < 0 : byDomain < 0;
  }

  /** Negative: `left` comes first. Equal rooms may be infinite, so they are not subtracted. */
  private compare(left: number, right: number): number {
    const byCount = (this.counts[left] ?? 0) - (this.counts[right] ?? 0);
    if (byCount !== 0) return byCount;
    const [leftRoom = 0, rightRoom = 0] = [this.rooms[left], this.rooms[right]];
    if (leftRoom !== rightRoom) return leftRoom > rightRoom ? -1 : 1;
    return left - right;
  }

  /** Restores the order of a heap below `from`. */
  private sink({ positions, size }: Heap, from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const isRight =
        left + 1 < size && this.compare(positions[left + 1] ?? 0, positions[left] ?? 0) < 0;
      const child = isRight ? left + 1 : left;
      const [moving = 0, below = 0] = [positions[at], positions[child]];
      if (this.compare(moving, below) <= 0) return;
      positions[at] = below;
      positions[child] = moving;
      at = child;
    }
  }
}

/** How many more would fit, in fractions: what is relatively scarcest decides. */
function roomIn<Target extends SpreadTarget>(
  place: Place<Target>,
  needs: { readonly cpus: number; readonly mem: number },
): number {
  const { pools } = place.target.offer;
  if (place.seen !== pools) {
    place.seen = pools;
    place.cpus = 0;
    place.mem = 0;
    for (const { resources } of pools) {
      place.cpus += scalarMilli(resources, 'cpus');
      place.mem += scalarMilli(resources, 'mem');
    }
  }
  const byCpus = needs.cpus > 0 ? place.cpus / needs.cpus : Number.POSITIVE_INFINITY;
  const byMem = needs.mem > 0 ? place.mem / needs.mem : Number.POSITIVE_INFINITY;
  return Math.min(byCpus, byMem);
}
