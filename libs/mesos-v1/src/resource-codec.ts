import { fromMilli, normaliseRanges, type Range, type Resources, toMilli } from '#core';
import type { WireResource } from './values.js';

/** Reads wire resources, adding up entries of one name. SET resources are ignored here. */
export function fromWireResources(wire: readonly WireResource[]): Resources {
  const scalars = new Map<string, number>();
  const ranges = new Map<string, Range[]>();
  for (const { name, type, ...amount } of wire) {
    if (type === 'SCALAR') {
      scalars.set(name, (scalars.get(name) ?? 0) + toMilli(Number(amount.scalar?.value ?? 0)));
    } else if (type === 'RANGES') {
      const list = ranges.get(name) ?? [];
      for (const range of amount.ranges?.range ?? []) {
        list.push({ begin: Number(range.begin), end: Number(range.end) });
      }
      ranges.set(name, list);
    }
  }
  return {
    scalars: Object.fromEntries([...scalars].filter(([, milli]) => milli !== 0)),
    ranges: Object.fromEntries(
      [...ranges]
        .map(([name, list]) => [name, normaliseRanges(list)] as const)
        .filter(([, list]) => list.length > 0),
    ),
  };
}

/** Writes resources in the old unreserved form (`role: "*"`); `allocatedTo` adds allocation_info. */
export function toWireResources(
  amount: Resources,
  options: { readonly allocatedTo?: string } = {},
): readonly WireResource[] {
  const allocation =
    options.allocatedTo === undefined ? {} : { allocation_info: { role: options.allocatedTo } };
  const scalars = Object.entries(amount.scalars).map(
    ([name, milli]): WireResource => ({
      name,
      type: 'SCALAR',
      scalar: { value: fromMilli(milli) },
      role: '*',
      ...allocation,
    }),
  );
  const ranges = Object.entries(amount.ranges).map(
    ([name, range]): WireResource => ({
      name,
      type: 'RANGES',
      ranges: { range: range.map(({ begin, end }) => ({ begin, end })) },
      role: '*',
      ...allocation,
    }),
  );
  return [...scalars, ...ranges];
}
