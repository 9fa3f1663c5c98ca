import { compilePattern, type Pattern } from '#core';

const CACHE_SIZE = 1_000;

/** Patterns are few and needed for every offer; the cache only saves time, never changes an answer. */
const cache = new Map<string, Pattern>();

/** The compiled pattern of a LIKE or UNLIKE constraint. */
export function patternOf(source: string): Pattern {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const compiled = compilePattern(source);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(source, compiled);
  return compiled;
}
