import {
  countInRanges,
  fromMilli,
  normaliseRanges,
  type OfferId,
  offerId,
  type Range,
  subtractRanges,
  toMilli,
} from '#core';
import type { WireAttribute, WireOffer, WireResource } from '#mesos-v1';

/** How much of what a task needs. Scalars in thousandths, ports as a count. */
export interface Need {
  readonly scalars: Readonly<Record<string, number>>;
  readonly ports: number;
}

/** What a task was given out of a bin. */
export interface Share {
  readonly resources: readonly WireResource[];
  readonly ports: readonly number[];
}

/** One entry of an offer with what is left of it. */
interface Portion {
  readonly resource: WireResource;
  milli: number;
  ranges: readonly Range[];
}

/**
 * Everything one agent offers to one role: several offers of an agent may be accepted together, but not of two roles.
 * Filled by {@link packOffers}, which owns it, so it is changed in place.
 */
export class OfferBin {
  readonly agentId: string;
  readonly hostname: string;
  readonly attributes: readonly WireAttribute[];
  readonly offerIds: readonly OfferId[];
  /** The first of its offers: where the agent is. */
  readonly offer: WireOffer;
  private portions: Portion[];

  constructor(readonly offers: readonly [WireOffer, ...WireOffer[]]) {
    const [offer] = offers;
    this.offer = offer;
    this.agentId = offer.agent_id.value;
    this.hostname = offer.hostname;
    this.attributes = offer.attributes;
    this.offerIds = offers.map(({ id }) => offerId(id.value));
    // What is reserved goes first: nobody but this role can use it.
    this.portions = offers
      .flatMap(({ resources }) => resources)
      .filter((resource) => !isSpecial(resource))
      .map(toPortion)
      .sort(
        (left, right) => Number(isReserved(right.resource)) - Number(isReserved(left.resource)),
      );
  }

  /** How much of a scalar is left, in thousandths. */
  milliOf(name: string): number {
    return this.scalarsOf(name).reduce((sum, { milli }) => sum + milli, 0);
  }

  get portCount(): number {
    return this.portPortions().reduce((sum, { ranges }) => sum + countInRanges(ranges), 0);
  }

  holds({ scalars, ports }: Need): boolean {
    return (
      (ports === 0 || this.portCount >= ports) &&
      Object.entries(scalars).every(([name, milli]) => this.milliOf(name) >= milli)
    );
  }

  /** Takes what is needed, which must be there; the lowest ports first. */
  take({ scalars, ports }: Need): Share {
    const resources: WireResource[] = [];
    for (const [name, milli] of Object.entries(scalars)) {
      resources.push(...this.takeScalar(name, milli));
    }
    const taken: number[] = [];
    for (const portion of this.portPortions()) {
      const range = firstPorts(portion.ranges, ports - taken.length);
      if (range.length === 0) continue;
      portion.ranges = subtractRanges(portion.ranges, range);
      taken.push(...range.flatMap(({ begin, end }) => numbersFrom(begin, end)));
      resources.push({ ...portion.resource, ranges: { range } });
    }
    return { resources, ports: taken };
  }

  /** For trying: what is left now, to be given to `restore`. */
  snapshot(): readonly Portion[] {
    return this.portions.map((portion) => ({ ...portion }));
  }

  restore(portions: readonly Portion[]): void {
    this.portions = portions.map((portion) => ({ ...portion }));
  }

  private takeScalar(name: string, milli: number): readonly WireResource[] {
    const taken: WireResource[] = [];
    let missing = milli;
    for (const portion of this.scalarsOf(name)) {
      const part = Math.min(portion.milli, missing);
      if (part <= 0) continue;
      portion.milli -= part;
      missing -= part;
      taken.push({ ...portion.resource, scalar: { value: fromMilli(part) } });
    }
    return taken;
  }

  private scalarsOf(name: string): readonly Portion[] {
    return this.portions.filter(
      ({ resource }) => resource.type === 'SCALAR' && resource.name === name,
    );
  }

  private portPortions(): readonly Portion[] {
    return this.portions.filter(
      ({ resource }) => resource.type === 'RANGES' && resource.name === 'ports',
    );
  }
}

/** Groups offers by agent and role, in the order in which they came. */
export function toOfferBins(offers: readonly WireOffer[]): readonly OfferBin[] {
  const groups = new Map<string, [WireOffer, ...WireOffer[]]>();
  for (const offer of offers) {
    const key = `${offer.agent_id.value} ${offer.allocation_info?.role ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [offer]);
    else group.push(offer);
  }
  return [...groups.values()].map((group) => new OfferBin(group));
}

function toPortion(resource: WireResource): Portion {
  const ranges = (resource.ranges?.range ?? []).map(({ begin, end }) => ({
    begin: Number(begin),
    end: Number(end),
  }));
  return {
    resource,
    milli: toMilli(Number(resource.scalar?.value ?? 0)),
    ranges: normaliseRanges(ranges),
  };
}

/** Persistent volumes, revocable and shared resources are taken by who asks for them by name, never by amount. */
const isSpecial = (resource: WireResource): boolean =>
  ['disk', 'revocable', 'shared'].some((field) => {
    const value = (resource as unknown as Readonly<Record<string, unknown>>)[field];
    return value !== undefined && value !== null;
  });

const isReserved = ({ role, reservations }: WireResource): boolean =>
  (reservations ?? []).length > 0 || (role !== undefined && role !== '*');

/** The first `count` ports of the ranges, as ranges. */
function firstPorts(ranges: readonly Range[], count: number): readonly Range[] {
  const taken: Range[] = [];
  let missing = count;
  for (const { begin, end } of ranges) {
    if (missing <= 0) break;
    const last = Math.min(end, begin + missing - 1);
    taken.push({ begin, end: last });
    missing -= last - begin + 1;
  }
  return taken;
}

const numbersFrom = (begin: number, end: number): readonly number[] =>
  Array.from({ length: end - begin + 1 }, (_, index) => begin + index);
