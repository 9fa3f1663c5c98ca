import {
  type CharacterRange,
  type PatternNode,
  type PatternPlace,
  PatternSyntaxError,
  parsePattern,
  WORD_CHARACTERS,
} from './pattern-syntax.js';

/** Longest pattern, UTF-16 units. */
export const MAX_PATTERN_LENGTH = 256;
/** Steps of a compiled pattern at most: repetitions with numbers, such as `{1,63}`, count as often as they say. */
export const MAX_PATTERN_SIZE = 4_000;
/** Longest value a pattern is tried on, UTF-16 units; longer ones do not match. */
export const MAX_VALUE_LENGTH = 256;

/** A compiled pattern, or why there is none, as a predicate: `has a look-ahead, which is not supported`. */
export type Pattern =
  | { readonly ok: true; readonly matches: (value: string) => boolean }
  | { readonly ok: false; readonly error: string };

/** One step; it goes on to the next one, and a split also to `other`. The last step is `match`. */
type Step =
  | { readonly kind: 'characters'; readonly ranges: readonly CharacterRange[] }
  | { readonly kind: 'assertion'; readonly at: PatternPlace }
  | { readonly kind: 'split'; other: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'match' };

/**
 * Compiles a regular expression that must match a whole value, as Java's `matches` and Marathon's LIKE do. Matching
 * follows all alternatives at once and never goes back: at most MAX_PATTERN_SIZE * MAX_VALUE_LENGTH steps, whatever the
 * pattern. Case counts, `.` is anything but a line end, `^` and `$` are the ends of the value, and `\d`, `\w`, `\s` and
 * `\b` mean ASCII. Supported: literals, `.`, classes, escapes, `^ $ \b \B`, `|`, groups, `* + ? {m} {m,} {m,n}`, also
 * reluctant. Refused: back references, look-around, atomic groups, possessive quantifiers, flags, nested classes.
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    return {
      ok: false,
      error: `is ${source.length} characters long, the limit is ${MAX_PATTERN_LENGTH}`,
    };
  }
  const parsed = parse(source);
  if (!parsed.ok) return parsed;
  const size = sizeOf(parsed.node) + 1;
  if (size > MAX_PATTERN_SIZE) {
    const error = `repeats too much: it has ${size} steps, the limit is ${MAX_PATTERN_SIZE}`;
    return { ok: false, error };
  }
  const program: Step[] = [];
  emit(parsed.node, program);
  program.push({ kind: 'match' });
  return {
    ok: true,
    matches: (value) =>
      value.length <= MAX_VALUE_LENGTH && matchesWhole(program, toCodePoints(value)),
  };
}

function parse(
  source: string,
):
  | { readonly ok: true; readonly node: PatternNode }
  | { readonly ok: false; readonly error: string } {
  try {
    return { ok: true, node: parsePattern(source) };
  } catch (error) {
    if (error instanceof PatternSyntaxError) return { ok: false, error: error.message };
    throw error;
  }
}

/** Steps of a node with its ranges, never less than {@link emit} makes; known before any is made. */
function sizeOf(node: PatternNode): number {
  switch (node.kind) {
    case 'characters':
      return 1 + node.ranges.length;
    case 'assertion':
      return 1;
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + sizeOf(part), 1);
    case 'choice':
      return node.branches.reduce((sum, branch) => sum + sizeOf(branch) + 2, 0);
    case 'repeat': {
      const { body, min, max } = node;
      if (max === 0) return 1;
      return 1 + (max === Number.POSITIVE_INFINITY ? min + 1 : max) * (sizeOf(body) + 2);
    }
    default:
      return node satisfies never;
  }
}

/** Appends the steps of a node to the program, which the caller owns. */
function emit(node: PatternNode, program: Step[]): void {
  switch (node.kind) {
    case 'characters':
    case 'assertion':
      program.push(node);
      return;
    case 'sequence':
      for (const part of node.parts) emit(part, program);
      return;
    case 'choice':
      emitChoice(node.branches, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
      return;
    default:
      node satisfies never;
  }
}

function emitChoice(branches: readonly PatternNode[], program: Step[]): void {
  const ends: { to: number }[] = [];
  for (const [index, branch] of branches.entries()) {
    const isLast = index === branches.length - 1;
    const split = { kind: 'split' as const, other: 0 };
    if (!isLast) program.push(split);
    emit(branch, program);
    if (isLast) break;
    const end = { kind: 'jump' as const, to: 0 };
    program.push(end);
    ends.push(end);
    split.other = program.length;
  }
  for (const end of ends) end.to = program.length;
}

function emitRepeat(
  { body, min, max }: Extract<PatternNode, { kind: 'repeat' }>,
  program: Step[],
): void {
  for (let count = 0; count < min; count += 1) emit(body, program);
  const exits: { other: number }[] = [];
  const addExit = (): void => {
    const exit = { kind: 'split' as const, other: 0 };
    program.push(exit);
    exits.push(exit);
  };
  if (max === Number.POSITIVE_INFINITY) {
    const start = program.length;
    addExit();
    emit(body, program);
    program.push({ kind: 'jump', to: start });
  } else {
    for (let count = min; count < max; count += 1) {
      addExit();
      emit(body, program);
    }
  }
  for (const exit of exits) exit.other = program.length;
}

const toCodePoints = (value: string): readonly number[] =>
  [...value].map((character) => character.codePointAt(0) ?? 0);

function matchesWhole(program: readonly Step[], text: readonly number[]): boolean {
  let current = follow(program, [0], text, 0);
  for (const [at, codePoint] of text.entries()) {
    const next: number[] = [];
    for (const index of current) {
      const step = program[index];
      if (step?.kind === 'characters' && isInRanges(codePoint, step.ranges)) next.push(index + 1);
    }
    if (next.length === 0) return false;
    current = follow(program, next, text, at + 1);
  }
  return current.includes(program.length - 1);
}

/** Every step that can be reached before the next character; each is visited once. */
function follow(
  program: readonly Step[],
  from: readonly number[],
  text: readonly number[],
  at: number,
): readonly number[] {
  const isSeen = new Uint8Array(program.length);
  const reached: number[] = [];
  const open = [...from];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (isSeen[index] === 1) continue;
    isSeen[index] = 1;
    const step = program[index];
    if (step?.kind === 'jump') open.push(step.to);
    else if (step?.kind === 'split') open.push(index + 1, step.other);
    else if (step?.kind === 'assertion') {
      if (holds(step.at, text, at)) open.push(index + 1);
    } else reached.push(index);
  }
  return reached;
}

function holds(place: PatternPlace, text: readonly number[], at: number): boolean {
  switch (place) {
    case 'start':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'boundary':
      return isWord(text[at - 1]) !== isWord(text[at]);
    case 'no-boundary':
      return isWord(text[at - 1]) === isWord(text[at]);
    default:
      return place satisfies never;
  }
}

const isWord = (codePoint: number | undefined): boolean =>
  codePoint !== undefined && isInRanges(codePoint, WORD_CHARACTERS);

const isInRanges = (codePoint: number, ranges: readonly CharacterRange[]): boolean =>
  ranges.some(([first, last]) => codePoint >= first && codePoint <= last);
