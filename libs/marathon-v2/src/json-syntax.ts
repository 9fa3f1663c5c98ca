/** Where a text stops being JSON, and what would have to stand there. */
export interface SyntaxProblem {
  readonly position: number;
  readonly expected: string;
}

const WORD = /[-+.\w]+/y;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const SPACE = /[ \t\n\r]*/y;
const LITERALS: ReadonlySet<string> = new Set(['true', 'false', 'null']);
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
/** Characters of what was found instead that are shown. */
const MAX_SHOWN = 20;

/** Says in words where a text is wrong: parsers give a position, or nothing. Undefined: it is JSON. Linear, without recursion. */
export function describeSyntax(text: string): string | undefined {
  const problem = findSyntaxProblem(text);
  if (problem === undefined) return undefined;
  const { position, expected } = problem;
  const lines = text.slice(0, position).split('\n');
  const found =
    position >= text.length
      ? 'the body ends'
      : `${JSON.stringify(text.slice(position).split(/\s/, 1)[0]?.slice(0, MAX_SHOWN) || text[position])} stands`;
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}: ${found} where ${expected} is expected`;
}

/** Reads a text as JSON and tells where it cannot go on. */
export function findSyntaxProblem(text: string): SyntaxProblem | undefined {
  const open: ('{' | '[')[] = [];
  let at = skip(text, 0);
  let state: 'value' | 'first-item' | 'key' | 'first-key' | 'after' = 'value';
  for (;;) {
    if (state === 'after') {
      const container = open.at(-1);
      if (container === undefined) {
        return at === text.length ? undefined : { position: at, expected: 'the end' };
      }
      const close = container === '{' ? '}' : ']';
      if (text[at] === close) open.pop();
      else if (text[at] === ',') state = container === '{' ? 'key' : 'value';
      else return { position: at, expected: `',' or '${close}'` };
      at = skip(text, at + 1);
      continue;
    }
    if (
      (state === 'first-key' && text[at] === '}') ||
      (state === 'first-item' && text[at] === ']')
    ) {
      state = 'after';
      continue;
    }
    if (state === 'key' || state === 'first-key') {
      const key = text[at] === '"' ? readText(text, at) : { position: at, expected: NAME[state] };
      if (typeof key !== 'number') return key;
      at = skip(text, key);
      if (text[at] !== ':') return { position: at, expected: "':'" };
      at = skip(text, at + 1);
      state = 'value';
      continue;
    }
    if (text[at] === '{' || text[at] === '[') {
      open.push(text[at] as '{' | '[');
      state = text[at] === '{' ? 'first-key' : 'first-item';
      at = skip(text, at + 1);
      continue;
    }
    const end = text[at] === '"' ? readText(text, at) : readWord(text, at);
    if (typeof end !== 'number') return end;
    at = skip(text, end);
    state = 'after';
  }
}

const NAME = { key: 'a name in double quotes', 'first-key': "a name in double quotes or '}'" };

function skip(text: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/** The position after a text in quotes. */
function readText(text: string, start: number): number | SyntaxProblem {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at + 1;
    if (text.charCodeAt(at) < 0x20) return { position: at, expected: 'an escape such as \\n' };
    if (text[at] !== '\\') continue;
    ESCAPE.lastIndex = at;
    if (!ESCAPE.test(text)) return { position: at, expected: 'an escape that JSON knows' };
    at = ESCAPE.lastIndex - 1;
  }
  return { position: text.length, expected: 'the closing quote of a text' };
}

/** The position after a number, true, false or null. */
function readWord(text: string, start: number): number | SyntaxProblem {
  WORD.lastIndex = start;
  const word = WORD.exec(text)?.[0] ?? '';
  if (LITERALS.has(word) || NUMBER.test(word)) return start + word.length;
  return { position: start, expected: 'a value' };
}
