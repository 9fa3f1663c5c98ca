import { isSince } from './haproxy-version.js';
import { parseArguments } from './sample-expression.js';

/** A parsed condition of `.if` or `.elif`. `&&` binds tighter than `||`. */
export type ConditionExpression =
  | { readonly kind: 'constant'; readonly value: boolean }
  | {
      readonly kind: 'predicate';
      readonly name: string;
      readonly arguments: readonly string[];
    }
  | { readonly kind: 'not'; readonly operand: ConditionExpression }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly ConditionExpression[] };

/** A condition, or why HAProxy would refuse it and at which offset of its text. */
export type ConditionParseResult =
  | { readonly ok: true; readonly expression: ConditionExpression }
  | { readonly ok: false; readonly message: string; readonly offset: number };

/** Number of arguments of each predicate and the version that brought it, where that is later than 2.4. */
const PREDICATES: Readonly<Record<string, { readonly arity: 1 | 2; readonly since?: string }>> = {
  defined: { arity: 1 },
  feature: { arity: 1 },
  streq: { arity: 2 },
  strneq: { arity: 2 },
  version_atleast: { arity: 1 },
  version_before: { arity: 1 },
  openssl_version_atleast: { arity: 1, since: '2.5' },
  openssl_version_before: { arity: 1, since: '2.5' },
  ssllib_name_startswith: { arity: 1, since: '2.5' },
  enabled: { arity: 1, since: '2.7' },
  strstr: { arity: 2, since: '2.7' },
};

/** HAProxy's MAX_CFG_RECURSION: levels of expressions, operands and terms together. */
const MAX_RECURSION = 1024;
const INTEGER = /[\t\n\v\f\r ]*[+-]?(?:0[xX]([0-9A-Fa-f]+)|0([0-7]*)|([1-9][0-9]*))/y;

/**
 * Parses the decoded words of a condition, joined by one space as HAProxy joins them. An empty text is false. `version` decides which
 * predicates exist; without it all do. O(length), and bounded by HAProxy's own limit of recursion.
 */
export function parseCondition(text: string, version?: string): ConditionParseResult {
  if (text === '') return { ok: true, expression: { kind: 'constant', value: false } };
  const cursor: Cursor = { text, at: 0, version };
  try {
    const expression = parseChain(cursor, 'or', MAX_RECURSION);
    skipBlanks(cursor);
    if (cursor.at < text.length) throw new ConditionFault('unexpected text', cursor.at);
    return { ok: true, expression };
  } catch (fault) {
    if (!(fault instanceof ConditionFault)) throw fault;
    return { ok: false, message: fault.message, offset: fault.offset };
  }
}

/** The place in a condition's text; owned by one parse. */
interface Cursor {
  readonly text: string;
  readonly version: string | undefined;
  at: number;
}

/** Leaves the recursion; it never leaves this file. */
class ConditionFault extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Operands between `||`, each a chain of terms between `&&`. Each operand costs one level, as it recurses in HAProxy. */
function parseChain(cursor: Cursor, kind: 'and' | 'or', depth: number): ConditionExpression {
  const operator = kind === 'or' ? '||' : '&&';
  const operands: ConditionExpression[] = [];
  for (let level = depth; ; level--) {
    if (cursor.at >= cursor.text.length || level <= 0) throw unreadable(cursor);
    operands.push(
      kind === 'or' ? parseChain(cursor, 'and', level - 1) : parseTerm(cursor, level - 1),
    );
    skipBlanks(cursor);
    if (!cursor.text.startsWith(operator, cursor.at)) break;
    cursor.at += operator.length;
    skipBlanks(cursor);
  }
  const [first] = operands;
  return operands.length === 1 && first !== undefined ? first : { kind, operands };
}

function parseTerm(cursor: Cursor, depth: number): ConditionExpression {
  skipBlanks(cursor);
  if (cursor.at >= cursor.text.length || depth <= 0) throw unreadable(cursor);
  let isNegated = false;
  while (cursor.text[cursor.at] === '!') {
    isNegated = !isNegated;
    cursor.at++;
    skipBlanks(cursor);
  }
  const term = parseInteger(cursor) ?? parseParentheses(cursor, depth) ?? parsePredicate(cursor);
  return isNegated ? { kind: 'not', operand: term } : term;
}

function parseInteger(cursor: Cursor): ConditionExpression | undefined {
  INTEGER.lastIndex = cursor.at;
  const match = INTEGER.exec(cursor.text);
  if (match === null) return undefined;
  cursor.at += match[0].length;
  const digits = match[1] ?? match[2] ?? match[3] ?? '';
  return { kind: 'constant', value: /[1-9A-Fa-f]/.test(digits) };
}

function parseParentheses(cursor: Cursor, depth: number): ConditionExpression | undefined {
  if (cursor.text[cursor.at] !== '(') return undefined;
  cursor.at++;
  skipBlanks(cursor);
  const inner = parseChain(cursor, 'or', depth - 1);
  skipBlanks(cursor);
  if (cursor.text[cursor.at] !== ')') throw new ConditionFault('expected )', cursor.at);
  cursor.at++;
  return inner;
}

/** A predicate's name ends at a space or `(` only. Without parentheses it has one empty argument. */
function parsePredicate(cursor: Cursor): ConditionExpression {
  const { text, at, version } = cursor;
  const name = /^[^ (]*/.exec(text.slice(at, at + MAX_PREDICATE_LENGTH))?.[0] ?? '';
  const predicate = Object.hasOwn(PREDICATES, name) ? PREDICATES[name] : undefined;
  if (predicate === undefined || !isSince(version, predicate.since ?? '2.4')) {
    throw unreadable(cursor);
  }
  const open = at + name.length;
  const list =
    text[open] === '('
      ? parseArguments(text, open)
      : { ok: true as const, values: [''], end: open };
  if (!list.ok) throw new ConditionFault(list.message, list.offset);
  if (list.values.length !== predicate.arity) {
    const message = `${name} takes ${predicate.arity} argument(s), not ${list.values.length}`;
    throw new ConditionFault(message, at);
  }
  cursor.at = list.end;
  return { kind: 'predicate', name, arguments: list.values };
}

const MAX_PREDICATE_LENGTH = 64;

function skipBlanks(cursor: Cursor): void {
  while (cursor.text[cursor.at] === ' ' || cursor.text[cursor.at] === '\t') cursor.at++;
}

function unreadable(cursor: Cursor): ConditionFault {
  return new ConditionFault('unreadable condition', cursor.at);
}
