/** Major, minor, patch, build, stage (1 dev, 2 rc or pre, 3 release), number of the stage, commits since. */
export type HaproxyVersion = readonly number[];

const RELEASE = 3;
const MAX_NUMBERS = 4;

/**
 * Reads a version as HAProxy does for `version_atleast`: `2.6.12`, `3.1-dev4`, `2.6.12-1`, up to four numbers and a tag. Returns undefined for
 * what HAProxy finds older than any version, such as an empty text or a letter.
 */
export function parseHaproxyVersion(text: string): HaproxyVersion | undefined {
  if (text === '') return undefined;
  const numbers = [0, 0, 0, 0];
  let rest = text;
  for (let index = 0; index < MAX_NUMBERS; index++) {
    const [whole, value] = readNumber(rest);
    numbers[index] = value;
    rest = rest.slice(whole.length);
    if (rest === '') return [...numbers, RELEASE, 0, 0];
    if (rest.startsWith('-')) return readTag(numbers, rest.slice(1));
    if (!rest.startsWith('.') || index === MAX_NUMBERS - 1) return undefined;
    rest = rest.slice(1);
  }
  return undefined;
}

/** Negative, zero or positive as `a` is older than, the same as or newer than `b`. */
export function compareHaproxyVersions(a: HaproxyVersion, b: HaproxyVersion): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True when a version is at least this `major.minor`; an unknown version is taken as new enough. */
export function isSince(version: string | undefined, since: string): boolean {
  const actual = version === undefined ? undefined : parseHaproxyVersion(version);
  const wanted = parseHaproxyVersion(since);
  if (actual === undefined || wanted === undefined) return true;
  return compareHaproxyVersions(actual.slice(0, 2), wanted.slice(0, 2)) >= 0;
}

/** True when a version is known and at least this `major.minor`. */
export function isCertainlySince(version: string | undefined, since: string): boolean {
  return version !== undefined && isSince(version, since);
}

function readTag(numbers: readonly number[], tag: string): HaproxyVersion | undefined {
  const stage = tag.startsWith('dev') ? 1 : /^(?:rc|pre)/.test(tag) ? 2 : RELEASE;
  if (stage === RELEASE) return [...numbers, RELEASE, 0, readCommits(tag)];
  const name = tag.startsWith('rc') ? 'rc' : tag.slice(0, 3);
  const [whole, value] = readNumber(tag.slice(name.length));
  const rest = tag.slice(name.length + whole.length);
  if (rest === '') return [...numbers, stage, value, 0];
  return rest.startsWith('-') ? [...numbers, stage, value, readCommits(rest.slice(1))] : undefined;
}

/** The number behind the last dash, or the whole; zero when it is none. */
function readCommits(text: string): number {
  const last = text.slice(text.lastIndexOf('-') + 1);
  const [whole, value] = readNumber(last);
  return whole === last ? value : 0;
}

/** As C's strtol in base 10: white space and a sign are allowed, and no digits are 0 and no text. */
function readNumber(text: string): readonly [string, number] {
  const whole = /^[\t\n\v\f\r ]*[+-]?\d+/.exec(text)?.[0] ?? '';
  return [whole, whole === '' ? 0 : Number.parseInt(whole.trim(), 10)];
}
