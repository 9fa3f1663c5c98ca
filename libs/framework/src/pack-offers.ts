import { assert, MILLI, type OfferId, toMilli } from '#core';
import type { WireAttribute, WireOffer, WireResource } from '#mesos-v1';
import { type Need, type OfferBin, toOfferBins } from './offer-bin.js';

/** What a task needs of an agent. */
export interface Requirements {
  readonly cpus: number;
  readonly memMib: number;
  readonly diskMib?: number;
  readonly gpus?: number;
  /** How many ports, whichever. */
  readonly ports?: number;
  /** Attributes the agent must have, by name, as text: `{ rack: 'r1' }`. Numbers as they print. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Where a task goes and what it gets there. */
export interface Placement<Task extends Requirements> {
  readonly task: Task;
  readonly agentId: string;
  readonly hostname: string;
  readonly ports: readonly number[];
  /** For the TaskInfo: taken out of the offers, with their roles and reservations. */
  readonly resources: readonly WireResource[];
  /** One of the offers it is taken from: attributes, and the address of the agent's own API. */
  readonly offer: WireOffer;
}

export interface Packing<Task extends Requirements> {
  /** One ACCEPT each: offers of one agent and role, with the tasks that go there. */
  readonly accepts: readonly {
    readonly offerIds: readonly OfferId[];
    readonly placements: readonly Placement<Task>[];
  }[];
  /** Offers nothing was placed on. */
  readonly unused: readonly OfferId[];
  /** Gangs that found no place, in the order given. */
  readonly waiting: readonly (readonly Task[])[];
}

/** Gangs compared with each offer at most; the others wait for the next offers. Bounds the work of one packing. */
export const MAX_GANGS_PACKED = 10_000;

/**
 * Says which tasks to launch on which offers. A gang is placed whole or not at all; a task alone is a gang of one. Gangs
 * of several go first, in the order given, as they find room least easily; then single tasks, largest first. Each task
 * goes where it leaves least (best fit), so that large gaps stay whole. Deterministic; changes nothing it is given.
 * O(tasks × agents), and less where many tasks are alike.
 */
export function packOffers<Task extends Requirements>(
  offers: readonly WireOffer[],
  gangs: readonly (readonly Task[])[],
): Packing<Task> {
  const bins = toOfferBins(offers);
  const placed = new Map<OfferBin, Placement<Task>[]>();
  const isPlaced = new Set<readonly Task[]>();
  // Bins only get emptier: what found no place once finds none later.
  const hopeless = new Set<string>();
  for (const gang of inPackingOrder(gangs.slice(0, MAX_GANGS_PACKED))) {
    const key = JSON.stringify(gang.map((task) => [toNeed(task), task.attributes]));
    if (hopeless.has(key)) continue;
    const found = placeGang(bins, gang);
    if (found === undefined) {
      hopeless.add(key);
      continue;
    }
    isPlaced.add(gang);
    for (const [bin, placement] of found) {
      const list = placed.get(bin) ?? [];
      list.push(placement);
      placed.set(bin, list);
    }
  }
  return {
    accepts: [...placed].map(([bin, placements]) => ({ offerIds: bin.offerIds, placements })),
    unused: bins.filter((bin) => !placed.has(bin)).flatMap(({ offerIds }) => offerIds),
    waiting: gangs.filter((gang) => !isPlaced.has(gang)),
  };
}

function inPackingOrder<Task extends Requirements>(
  gangs: readonly (readonly Task[])[],
): readonly (readonly Task[])[] {
  const singles = gangs.filter(({ length }) => length === 1);
  // Sorting is stable: equal tasks stay in the order given.
  singles.sort(([left], [right]) => sizeOf(right) - sizeOf(left));
  return [...gangs.filter(({ length }) => length > 1), ...singles];
}

/** To compare tasks by: memory weighs as much as cpus at 2 GiB a cpu. */
const sizeOf = (task: Requirements | undefined): number =>
  task === undefined ? 0 : Math.max(task.cpus, task.memMib / 2048);

/** All of the gang, or undefined and nothing taken. */
function placeGang<Task extends Requirements>(
  bins: readonly OfferBin[],
  gang: readonly Task[],
): readonly (readonly [OfferBin, Placement<Task>])[] | undefined {
  const before = new Map<OfferBin, ReturnType<OfferBin['snapshot']>>();
  const found = new Map<Task, readonly [OfferBin, Placement<Task>]>();
  for (const task of gang.toSorted((left, right) => sizeOf(right) - sizeOf(left))) {
    const need = toNeed(task);
    const bin = tightestBin(bins, task, need);
    if (bin === undefined) {
      for (const [changed, snapshot] of before) changed.restore(snapshot);
      return undefined;
    }
    if (gang.length > 1 && !before.has(bin)) before.set(bin, bin.snapshot());
    const { agentId, hostname, offer } = bin;
    found.set(task, [bin, { task, agentId, hostname, offer, ...bin.take(need) }]);
  }
  assert(found.size === gang.length, 'a gang names the same task twice');
  return gang.flatMap((task) => {
    const one = found.get(task);
    return one === undefined ? [] : [one];
  });
}

function tightestBin(
  bins: readonly OfferBin[],
  task: Requirements,
  need: Need,
): OfferBin | undefined {
  let best: { readonly bin: OfferBin; readonly left: number } | undefined;
  for (const bin of bins) {
    if (!hasAttributes(bin.attributes, task.attributes) || !bin.holds(need)) continue;
    const left = Math.max(bin.milliOf('cpus') / MILLI, bin.milliOf('mem') / MILLI / 2048);
    if (best === undefined || left < best.left) best = { bin, left };
  }
  return best?.bin;
}

function toNeed({ cpus, memMib, diskMib = 0, gpus = 0, ports = 0 }: Requirements): Need {
  const amounts = { cpus, mem: memMib, disk: diskMib, gpus };
  const scalars = Object.entries(amounts)
    .map(([name, amount]) => [name, toMilli(amount)] as const)
    .filter(([, milli]) => milli > 0);
  return { scalars: Object.fromEntries(scalars), ports };
}

function hasAttributes(
  attributes: readonly WireAttribute[],
  wanted: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(wanted).every(([name, text]) =>
    attributes.some((attribute) => attribute.name === name && textOf(attribute) === text),
  );
}

function textOf({ type, text, scalar }: WireAttribute): string | undefined {
  if (type === 'TEXT') return text?.value;
  return type === 'SCALAR' && scalar !== undefined ? String(scalar.value) : undefined;
}
