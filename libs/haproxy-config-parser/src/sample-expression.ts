/** An argument list in parentheses as HAProxy reads it; `end` is the offset behind the closing parenthesis. */
export interface ArgumentList {
  readonly ok: true;
  readonly values: readonly string[];
  readonly end: number;
}

/** Why the text behind a keyword is no argument list, and at which offset. */
export interface ExpressionFault {
  readonly ok: false;
  readonly message: string;
  readonly offset: number;
}

/** One keyword of a sample expression, with its arguments when it has parentheses. `[start, end)` is its text. */
export interface SampleCall {
  readonly keyword: string;
  readonly arguments?: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** A sample fetch and the converters behind it, as in `req.hdr(host),lower,map(/etc/hosts.map)`. */
export interface SampleExpression {
  readonly ok: true;
  readonly fetch: SampleCall;
  readonly converters: readonly SampleCall[];
}

const COMMA = ',';
const CLOSE = ')';
const KEYWORD = /[A-Za-z0-9_.-]+/y;

/**
 * Reads the argument list whose `(` is at `offset` of a decoded word. Its rules are not those of words: quotes are removed and protect commas and
 * parentheses; a backslash escapes a backslash, a space or a quote and makes `\n`, `\r`, `\t` outside single quotes, and is itself
 * elsewhere; white space is kept. An empty list has one empty argument. O(length).
 */
export function parseArguments(text: string, offset = 0): ArgumentList | ExpressionFault {
  if (text[offset] !== '(') return { ok: false, message: 'expected (', offset };
  const values: string[] = [];
  let value = '';
  let quote = '';
  for (let at = offset + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' ? character === '"' || character === "'" : character === quote) {
      quote = quote === '' ? character : '';
    } else if (character === '\\' && quote !== "'") {
      const next = text[at + 1];
      if (next === undefined)
        return { ok: false, message: 'nothing behind the backslash', offset: at };
      const escaped = ESCAPES.get(next);
      value += escaped ?? '\\';
      if (escaped !== undefined) at++;
    } else if (quote === '' && (character === COMMA || character === CLOSE)) {
      values.push(value);
      value = '';
      if (character === CLOSE) return { ok: true, values, end: at + 1 };
    } else {
      value += character;
    }
  }
  const message = quote === '' ? 'expected )' : `the ${quote} is not closed`;
  return { ok: false, message, offset: text.length };
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/**
 * Reads a decoded word such as `req.hdr(host),lower` as a sample fetch with its converters. What keywords exist and what they take is not
 * checked. O(length).
 */
export function parseSampleExpression(word: string): SampleExpression | ExpressionFault {
  const calls: SampleCall[] = [];
  let at = 0;
  for (;;) {
    const call = parseCall(word, at);
    if (!('keyword' in call)) return call;
    calls.push(call);
    at = call.end;
    if (at === word.length) break;
    if (word[at] !== COMMA) {
      return { ok: false, message: 'expected , and a converter', offset: at };
    }
    at++;
  }
  const [fetch, ...converters] = calls;
  return fetch === undefined
    ? { ok: false, message: 'expected a sample fetch', offset: 0 }
    : { ok: true, fetch, converters };
}

/** Writes a value as one argument that `parseArguments` reads back as it is: bare when possible, else in quotes. */
export function quoteArgument(value: string): string {
  if (!/["'\\,()\s]/.test(value)) return value;
  if (!value.includes("'")) return `'${value}'`;
  return `"${value.replace(/["\\]/g, (character) => `\\${character}`)}"`;
}

function parseCall(word: string, start: number): SampleCall | ExpressionFault {
  KEYWORD.lastIndex = start;
  const keyword = KEYWORD.exec(word)?.[0];
  if (keyword === undefined) return { ok: false, message: 'expected a keyword', offset: start };
  const end = start + keyword.length;
  if (word[end] !== '(') return { keyword, start, end };
  const list = parseArguments(word, end);
  return list.ok ? { keyword, arguments: list.values, start, end: list.end } : list;
}
