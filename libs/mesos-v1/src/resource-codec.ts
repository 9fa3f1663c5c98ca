import { fromMilli, normaliseRanges, type Range, type Resources, toMilli } from '#core';
import type { WireResource } from './values.js';

/** Reads wire resources, adding up entries of one name. SET resources are ignored here. */
export function fromWireResources(wire: readonly WireResource[]): Resources {
  const scalars: Record<string, number> = {};
  const ranges: Record<string, Range[]> = {};
  for (const entry of wire) {
    if (entry.type === 'SCALAR') {
      scalars[entry.name] = (scalars[entry.name] ?? 0) + toMilli(Number(entry.scalar?.value ?? 0));
    } else if (entry.type === 'RANGES') {
      const list = ranges[entry.name] ?? [];
      for (const range of entry.ranges?.range ?? []) {
        list.push({ begin: Number(range.begin), end: Number(range.end) });
      }
      ranges[entry.name] = list;
    }
  }
  return {
    scalars: Object.fromEntries(Object.entries(scalars).filter(([, milli]) => milli !== 0)),
    ranges: Object.fromEntries(
      Object.entries(ranges)
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
