import { assert } from './assert.js';
import { formatKey, nameOfKey } from './resource-key.js';

/** An inclusive range of integers, `begin <= end`. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/**
 * An amount of named resources. A key is a name, or a name with traits (reserved, volume, revocable; resource-key.ts).
 * Scalars are integers in thousandths (0.5 cpus is `cpus: 500`, 128 MiB of memory is `mem: 128000`), the fixed point
 * Mesos computes in. Ranges (`ports`) are sorted, disjoint and not adjacent.
 * Names with an amount of zero or no range are absent, so two equal amounts are structurally equal.
 *
 * Names come from outside and may be `constructor` or `toString`: read by name with {@link scalarMilli} and
 * {@link rangesOf} only, which see nothing but what was put in. `__proto__` is refused where messages are read.
 */
export interface Resources {
  readonly scalars: Readonly<Record<string, number>>;
  readonly ranges: Readonly<Record<string, readonly Range[]>>;
}

/** Thousandths per unit of a scalar resource. */
export const MILLI = 1000;

export const noResources: Resources = { scalars: {}, ranges: {} };

/** Rounds to the nearest thousandth, as Mesos does at its edge. */
export const toMilli = (amount: number): number => Math.round(amount * MILLI);
export const fromMilli = (milli: number): number => milli / MILLI;

/** Builds an amount from units (cpus 0.5, mem in MiB, disk in MiB, gpus) and port ranges. */
export function resources(amounts: {
  readonly cpus?: number;
  readonly mem?: number;
  readonly disk?: number;
  readonly gpus?: number;
  readonly ports?: readonly Range[];
}): Resources {
  const scalars: Record<string, number> = {};
  for (const name of ['cpus', 'mem', 'disk', 'gpus'] as const) {
    const milli = toMilli(amounts[name] ?? 0);
    if (milli !== 0) scalars[name] = milli;
  }
  const ports = normaliseRanges(amounts.ports ?? []);
  return { scalars, ranges: ports.length > 0 ? { ports } : {} };
}

export const scalarMilli = ({ scalars }: Resources, name: string): number =>
  Object.hasOwn(scalars, name) ? (scalars[name] ?? 0) : 0;
export const rangesOf = ({ ranges }: Resources, name: string): readonly Range[] =>
  Object.hasOwn(ranges, name) ? (ranges[name] ?? []) : [];
export const portRanges = (amount: Resources): readonly Range[] => rangesOf(amount, 'ports');

export function addResources(left: Resources, right: Resources): Resources {
  const scalars: Record<string, number> = { ...left.scalars };
  for (const [name, milli] of Object.entries(right.scalars)) {
    scalars[name] = scalarMilli(left, name) + milli;
  }
  const ranges: Record<string, readonly Range[]> = { ...left.ranges };
  for (const [name, more] of Object.entries(right.ranges)) {
    ranges[name] = normaliseRanges([...rangesOf(left, name), ...more]);
  }
  return { scalars, ranges };
}

/** `left - right`. Asserts that `left` contains `right`. */
export function subtractResources(left: Resources, right: Resources): Resources {
  assert(
    containsResources(left, right),
    `cannot subtract ${formatResources(right)} from ${formatResources(left)}`,
  );
  const scalars: Record<string, number> = {};
  for (const [name, milli] of Object.entries(left.scalars)) {
    const rest = milli - scalarMilli(right, name);
    if (rest !== 0) scalars[name] = rest;
  }
  const ranges: Record<string, readonly Range[]> = {};
  for (const [name, have] of Object.entries(left.ranges)) {
    const rest = subtractRanges(have, rangesOf(right, name));
    if (rest.length > 0) ranges[name] = rest;
  }
  return { scalars, ranges };
}

/** Whether `whole` has at least `part` of everything. */
export function containsResources(whole: Resources, part: Resources): boolean {
  for (const [name, milli] of Object.entries(part.scalars)) {
    if (scalarMilli(whole, name) < milli) return false;
  }
  for (const [name, wanted] of Object.entries(part.ranges)) {
    if (subtractRanges(wanted, rangesOf(whole, name)).length > 0) return false;
  }
  return true;
}

export const isEmptyResources = (amount: Resources): boolean =>
  Object.keys(amount.scalars).length === 0 && Object.keys(amount.ranges).length === 0;

/** Scalars by name, whatever their traits: what shares, quota and minima count. In thousandths. */
export function quantitiesOf(amount: Resources): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [key, milli] of Object.entries(amount.scalars)) {
    const name = nameOfKey(key);
    sums.set(name, (sums.get(name) ?? 0) + milli);
  }
  return sums;
}

/** The part of an amount whose keys pass. */
export function selectResources(amount: Resources, isWanted: (key: string) => boolean): Resources {
  const pick = <Value>(from: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(Object.entries(from).filter(([key]) => isWanted(key)));
  return { scalars: pick(amount.scalars), ranges: pick(amount.ranges) };
}

/** `cpus:0.5;mem:128;ports:[31000-31001]`, names in alphabetical order. */
export function formatResources(amount: Resources): string {
  const scalars = Object.entries(amount.scalars).map(([name, milli]) => [
    name,
    String(fromMilli(milli)),
  ]);
  const ranges = Object.entries(amount.ranges).map(([name, all]) => [name, formatRanges(all)]);
  return [...scalars, ...ranges]
    .sort(([left = ''], [right = '']) => (left < right ? -1 : 1))
    .map(([key = '', text]) => `${formatKey(key)}:${text}`)
    .join(';');
}

/** `[31000-31001, 31005-31005]`, the notation of Mesos' JSON. */
export const formatRanges = (ranges: readonly Range[]): string =>
  `[${ranges.map((range) => `${range.begin}-${range.end}`).join(', ')}]`;

/** Sorts, drops empty ranges, merges overlapping and adjacent ones. O(n log n). */
export function normaliseRanges(ranges: readonly Range[]): readonly Range[] {
  const sorted = ranges
    .filter((range) => range.begin <= range.end)
    .sort((left, right) => left.begin - right.begin);
  const merged: { begin: number; end: number }[] = [];
  for (const { begin, end } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && begin <= last.end + 1) last.end = Math.max(last.end, end);
    else merged.push({ begin, end });
  }
  return merged;
}

/** What is left of `from` after `taken` is removed. Both normalised; so is the result. */
export function subtractRanges(from: readonly Range[], taken: readonly Range[]): readonly Range[] {
  const rest: Range[] = [];
  for (const range of from) {
    let begin = range.begin;
    for (const hole of taken) {
      if (hole.end < begin || hole.begin > range.end) continue;
      if (hole.begin > begin) rest.push({ begin, end: hole.begin - 1 });
      begin = hole.end + 1;
      if (begin > range.end) break;
    }
    if (begin <= range.end) rest.push({ begin, end: range.end });
  }
  return rest;
}

/** How many integers the ranges hold. */
export const countInRanges = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, range) => sum + range.end - range.begin + 1, 0);
