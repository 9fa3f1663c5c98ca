/** Longest pattern of a LIKE or UNLIKE constraint, characters. */
export const MAX_PATTERN_LENGTH = 256;
/** Longest attribute value a pattern is tried on, characters; longer ones do not match. */
export const MAX_VALUE_LENGTH = 256;
const CACHE_SIZE = 1_000;

export type BoundedPattern =
  | { readonly ok: true; readonly matches: (value: string) => boolean }
  | { readonly ok: false; readonly error: string };

/** Patterns are few and compiled for every offer; the cache only saves time, never changes an answer. */
const cache = new Map<string, BoundedPattern>();

/**
 * Compiles a pattern that must match a whole value. Refuses what could take exponential time: back references, and a
 * repetition inside a repeated group.
 */
export function compilePattern(source: string): BoundedPattern {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const compiled = compile(source);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(source, compiled);
  return compiled;
}

function compile(source: string): BoundedPattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    return {
      ok: false,
      error: `pattern of ${source.length} characters is longer than ${MAX_PATTERN_LENGTH}`,
    };
  }
  const danger = findDanger(source);
  if (danger !== undefined) return { ok: false, error: `pattern "${source}" ${danger}` };
  try {
    const expression = new RegExp(`^(?:${source})$`);
    return {
      ok: true,
      matches: (value) => value.length <= MAX_VALUE_LENGTH && expression.test(value),
    };
  } catch {
    return { ok: false, error: `pattern "${source}" is not a regular expression` };
  }
}

/** Finds nested repetition such as `(a+)*` by remembering, per open group, whether it holds a repetition. */
function findDanger(source: string): string | undefined {
  const groups: { repeats: boolean; branches: boolean }[] = [{ repeats: false, branches: false }];
  let isInClass = false;
  for (let index = 0; index < source.length; index += 1) {
    const character = source[index];
    if (character === '\\') {
      if (!isInClass && /[1-9k]/.test(source[index + 1] ?? '')) return 'has a back reference';
      index += 1;
    } else if (isInClass) {
      isInClass = character !== ']';
    } else if (character === '[') {
      isInClass = true;
    } else if (character === '(') {
      groups.push({ repeats: false, branches: false });
    } else if (character === '|') {
      const group = groups.at(-1);
      if (group !== undefined) group.branches = true;
    } else if (character === ')') {
      const closed = groups.length > 1 ? groups.pop() : undefined;
      const isRepeated = /[*+{]/.test(source[index + 1] ?? '');
      if (isRepeated && (closed?.repeats || closed?.branches)) {
        return 'repeats a group that repeats or branches';
      }
      const parent = groups.at(-1);
      if (parent !== undefined && (closed?.repeats || isRepeated)) parent.repeats = true;
    } else if (character === '*' || character === '+' || character === '{') {
      const group = groups.at(-1);
      if (group !== undefined) group.repeats = true;
    }
  }
  return undefined;
}
