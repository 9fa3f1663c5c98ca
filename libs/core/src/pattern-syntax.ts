/** Code points from the first to the second, both included. */
export type CharacterRange = readonly [first: number, last: number];

/** A pattern as a tree. Every kind can be matched without going back in the text. */
export type PatternNode =
  /** One code point in one of the ranges, which are sorted and do not touch. */
  | { readonly kind: 'characters'; readonly ranges: readonly CharacterRange[] }
  | { readonly kind: 'assertion'; readonly at: PatternPlace }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly PatternNode[] }
  /** `max` is Infinity when there is none. */
  | {
      readonly kind: 'repeat';
      readonly body: PatternNode;
      readonly min: number;
      readonly max: number;
    };

/** Where an assertion holds: at the start or the end of the text, at or off a word boundary. */
export type PatternPlace = 'start' | 'end' | 'boundary' | 'no-boundary';

/** What a pattern has that is not supported, or not well-formed. The message names it. */
export class PatternSyntaxError extends Error {
  readonly code = 'PATTERN_SYNTAX';
}

const LAST_CODE_POINT = 0x10ffff;
const LINE_ENDS: readonly CharacterRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x85, 0x85],
  [0x2028, 0x2029],
];
const DIGITS: readonly CharacterRange[] = [[0x30, 0x39]];
export const WORD_CHARACTERS: readonly CharacterRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACES: readonly CharacterRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
];
const CLASS_ESCAPES: ReadonlyMap<string, readonly CharacterRange[]> = new Map([
  ['d', DIGITS],
  ['D', complement(DIGITS)],
  ['w', WORD_CHARACTERS],
  ['W', complement(WORD_CHARACTERS)],
  ['s', SPACES],
  ['S', complement(SPACES)],
]);
const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['f', 0x0c],
  ['r', 0x0d],
]);
const HEX_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
]);
const UNSUPPORTED_GROUPS: readonly (readonly [start: string, name: string])[] = [
  ['?=', 'a look-ahead'],
  ['?!', 'a look-ahead'],
  ['?<=', 'a look-behind'],
  ['?<!', 'a look-behind'],
  ['?>', 'an atomic group'],
];
const QUANTIFIERS: ReadonlyMap<string, readonly [min: number, max: number]> = new Map([
  ['*', [0, Number.POSITIVE_INFINITY]],
  ['+', [1, Number.POSITIVE_INFINITY]],
  ['?', [0, 1]],
]);

/** The place of reading in a pattern. Owned by one parse. */
interface Cursor {
  readonly characters: readonly string[];
  at: number;
}

/** Reads a pattern. Throws {@link PatternSyntaxError}. Recursion is as deep as its groups. O(length). */
export function parsePattern(source: string): PatternNode {
  const cursor: Cursor = { characters: [...source], at: 0 };
  const node = parseChoice(cursor);
  if (cursor.at < cursor.characters.length) throw problem("has a ')' without a '('");
  return node;
}

const problem = (text: string): PatternSyntaxError => new PatternSyntaxError(text);
const unsupported = (name: string): PatternSyntaxError =>
  problem(`has ${name}, which is not supported`);

const peek = ({ characters, at }: Cursor, ahead = 0): string | undefined => characters[at + ahead];

function take(cursor: Cursor, expected: string): boolean {
  const isThere = [...expected].every((character, ahead) => peek(cursor, ahead) === character);
  if (isThere) cursor.at += expected.length;
  return isThere;
}

function parseChoice(cursor: Cursor): PatternNode {
  const first = parseSequence(cursor);
  if (peek(cursor) !== '|') return first;
  const branches = [first];
  while (take(cursor, '|')) branches.push(parseSequence(cursor));
  return { kind: 'choice', branches };
}

function parseSequence(cursor: Cursor): PatternNode {
  const parts: PatternNode[] = [];
  for (let next = peek(cursor); next !== undefined; next = peek(cursor)) {
    if (next === '|' || next === ')') break;
    parts.push(parseRepeated(cursor));
  }
  return { kind: 'sequence', parts };
}

function parseRepeated(cursor: Cursor): PatternNode {
  const body = parseAtom(cursor);
  const bounds = parseQuantifier(cursor);
  if (bounds === undefined) return body;
  if (body.kind === 'assertion') throw problem('repeats an assertion');
  // Reluctant or not decides how a text is matched, never whether.
  take(cursor, '?');
  if (peek(cursor) === '+') throw unsupported('a possessive quantifier');
  const [min, max] = bounds;
  return { kind: 'repeat', body, min, max };
}

function parseQuantifier(cursor: Cursor): readonly [min: number, max: number] | undefined {
  const known = QUANTIFIERS.get(peek(cursor) ?? '');
  if (known !== undefined) {
    cursor.at += 1;
    return known;
  }
  if (!take(cursor, '{')) return undefined;
  const min = parseCount(cursor);
  const max = take(cursor, ',') ? (parseCount(cursor) ?? Number.POSITIVE_INFINITY) : min;
  if (min === undefined || max === undefined || !take(cursor, '}')) {
    throw problem("has a '{' that begins no {m}, {m,} or {m,n}");
  }
  if (min > max) throw problem(`has {${min},${max}}, whose numbers are out of order`);
  return [min, max];
}

function parseCount(cursor: Cursor): number | undefined {
  let digits = '';
  for (let next = peek(cursor); next !== undefined && /^[0-9]$/.test(next); next = peek(cursor)) {
    digits += next;
    cursor.at += 1;
  }
  return digits === '' ? undefined : Number(digits);
}

function parseAtom(cursor: Cursor): PatternNode {
  const character = peek(cursor) ?? '';
  cursor.at += 1;
  switch (character) {
    case '.':
      return { kind: 'characters', ranges: complement(LINE_ENDS) };
    case '^':
      return { kind: 'assertion', at: 'start' };
    case '$':
      return { kind: 'assertion', at: 'end' };
    case '(':
      return parseGroup(cursor);
    case '[':
      return { kind: 'characters', ranges: parseClass(cursor) };
    case '\\':
      return parseEscapedAtom(cursor);
    case '*':
    case '+':
    case '?':
    case '{':
      throw problem(`has a '${character}' that repeats nothing`);
    default:
      return { kind: 'characters', ranges: only(character) };
  }
}

function parseGroup(cursor: Cursor): PatternNode {
  for (const [start, name] of UNSUPPORTED_GROUPS) {
    if (take(cursor, start)) throw unsupported(name);
  }
  if (take(cursor, '?<')) skipGroupName(cursor);
  else if (!take(cursor, '?:') && peek(cursor) === '?') throw unsupported('an inline flag');
  const node = parseChoice(cursor);
  if (!take(cursor, ')')) throw problem("has a '(' without a ')'");
  return node;
}

function skipGroupName(cursor: Cursor): void {
  const start = cursor.at;
  while (/^[a-zA-Z0-9_]$/.test(peek(cursor) ?? '')) cursor.at += 1;
  if (cursor.at === start || !take(cursor, '>')) throw problem('has a group name without an end');
}

function parseEscapedAtom(cursor: Cursor): PatternNode {
  const name = peek(cursor);
  if (name === 'b' || name === 'B') {
    cursor.at += 1;
    return { kind: 'assertion', at: name === 'b' ? 'boundary' : 'no-boundary' };
  }
  return { kind: 'characters', ranges: parseEscape(cursor) };
}

/** What follows a backslash, inside a class or outside. */
function parseEscape(cursor: Cursor): readonly CharacterRange[] {
  const name = peek(cursor);
  if (name === undefined) throw problem('ends in a backslash');
  cursor.at += 1;
  const ranges = CLASS_ESCAPES.get(name);
  if (ranges !== undefined) return ranges;
  const control = CONTROL_ESCAPES.get(name);
  if (control !== undefined) return [[control, control]];
  const digits = HEX_ESCAPES.get(name);
  if (digits !== undefined) return parseHex(cursor, name, digits);
  if (/^[1-9k]$/.test(name)) throw unsupported(`a back reference (\\${name})`);
  if (/^[a-zA-Z0-9]$/.test(name)) throw unsupported(`\\${name}`);
  return only(name);
}

function parseHex(cursor: Cursor, name: string, digits: number): readonly CharacterRange[] {
  const text = cursor.characters.slice(cursor.at, cursor.at + digits).join('');
  if (text.length !== digits || !/^[0-9a-fA-F]+$/.test(text)) {
    throw problem(`has a \\${name} without ${digits} hexadecimal digits`);
  }
  cursor.at += digits;
  const codePoint = Number.parseInt(text, 16);
  return [[codePoint, codePoint]];
}

/** A class after its `[`. Where Java and other dialects read one differently, it is refused. */
function parseClass(cursor: Cursor): readonly CharacterRange[] {
  const isNegated = take(cursor, '^');
  if (peek(cursor) === ']') throw problem('has an empty class');
  const ranges: CharacterRange[] = [];
  while (!take(cursor, ']')) ranges.push(...parseClassItem(cursor));
  return isNegated ? complement(ranges) : merge(ranges);
}

function parseClassItem(cursor: Cursor): readonly CharacterRange[] {
  const first = parseClassMember(cursor);
  const isRange = peek(cursor) === '-' && peek(cursor, 1) !== ']' && isSingle(first);
  if (!isRange) return first;
  cursor.at += 1;
  const last = parseClassMember(cursor);
  if (!isSingle(last)) throw problem('has a range that ends in a class');
  const [[from], [to]] = [first[0], last[0]];
  if (from > to) throw problem('has a range that is out of order');
  return [[from, to]];
}

function parseClassMember(cursor: Cursor): readonly CharacterRange[] {
  const character = peek(cursor);
  if (character === undefined) throw problem("has a '[' without a ']'");
  if (character === '[') throw unsupported("a class within a class ('[' must be escaped)");
  if (character === '&' && peek(cursor, 1) === '&') throw unsupported('an intersection of classes');
  cursor.at += 1;
  return character === '\\' ? parseEscape(cursor) : only(character);
}

const isSingle = (ranges: readonly CharacterRange[]): ranges is readonly [CharacterRange] =>
  ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1];

function only(character: string): readonly CharacterRange[] {
  const codePoint = character.codePointAt(0) ?? 0;
  return [[codePoint, codePoint]];
}

/** Sorted, with what overlaps or touches made one. O(n log n). */
function merge(ranges: readonly CharacterRange[]): readonly CharacterRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((left, right) => left[0] - right[0])) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) {
      previous[1] = Math.max(previous[1], last);
    } else merged.push([first, last]);
  }
  return merged;
}

function complement(ranges: readonly CharacterRange[]): readonly CharacterRange[] {
  const others: CharacterRange[] = [];
  let from = 0;
  for (const [first, last] of merge(ranges)) {
    if (first > from) others.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= LAST_CODE_POINT) others.push([from, LAST_CODE_POINT]);
  return others;
}
