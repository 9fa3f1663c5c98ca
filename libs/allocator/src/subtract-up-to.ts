import { type Range, type Resources, rangesOf, scalarMilli, subtractRanges } from '#core';

/**
 * `left - right`, where what `right` has too much is ignored. For agents that came back smaller than what runs on
 * them: nothing is free then, which is not a broken invariant of ours.
 */
export function subtractUpTo(left: Resources, right: Resources): Resources {
  const scalars: Record<string, number> = {};
  for (const [name, milli] of Object.entries(left.scalars)) {
    const rest = milli - scalarMilli(right, name);
    if (rest > 0) scalars[name] = rest;
  }
  const ranges: Record<string, readonly Range[]> = {};
  for (const [name, have] of Object.entries(left.ranges)) {
    const rest = subtractRanges(have, rangesOf(right, name));
    if (rest.length > 0) ranges[name] = rest;
  }
  return { scalars, ranges };
}
