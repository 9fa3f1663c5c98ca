import type { ConfigEnvironment, ConfigWord, LineDiagnostic } from './model.js';

/** What pseudo variables and `$NAME` decode to on one line. */
export interface LexContext {
  readonly environment: ConfigEnvironment;
  readonly fileName: string;
  readonly lineNumber: number;
  readonly sectionName: string;
  /** Whether white space behind the last word a line may have begins one more. */
  readonly countsTrailingSpace: boolean;
}

/** The lexer's place in a line. Owned and mutated by one `lexLine` call; `end` is where the line's content stops. */
export interface Scan {
  readonly text: string;
  readonly lineStart: number;
  readonly end: number;
  readonly context: LexContext;
  readonly diagnostics: LineDiagnostic[];
  at: number;
  /** Known that no `}` follows on the line, so that a line of open braces is not searched again for each. */
  lacksBrace: boolean;
}

export const NUL = 0;
export const CR = 13;
export const HASH = 35;
const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const SINGLE_QUOTE = 39;
const BACKSLASH = 92;
const CLOSING_BRACE = 125;

// 0 ordinary, 1 white space (C isspace; LF never gets here), 2 may end a word or change how it is read.
const CLASS_OF_ASCII = new Uint8Array(128);
for (const code of [9, 11, 12, 32]) CLASS_OF_ASCII[code] = 1;
for (const code of [NUL, CR, HASH, DOUBLE_QUOTE, SINGLE_QUOTE, BACKSLASH]) CLASS_OF_ASCII[code] = 2;

const HEX_PAIR = /^[0-9A-Fa-f]{2}$/;
const SPACES = /[\t\n\v\f\r ]+/;
const VARIABLE = /([A-Za-z_][A-Za-z0-9_]*)|\.([A-Za-z0-9_]*)/y;

/** True for what separates words. CR counts only between words: right after a word it ends the line. */
export function isSeparator(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Adds a finding at a text offset. The first of each code is enough: HAProxy itself stops at a line's first error. */
export function report(scan: Scan, offset: number, finding: Omit<LineDiagnostic, 'column'>): void {
  if (scan.diagnostics.some(({ code }) => code === finding.code)) return;
  scan.diagnostics.push({ ...finding, column: offset - scan.lineStart + 1 });
}

/** Reads the word at `scan.at` and moves past it. Never fails: what HAProxy refuses is kept literally and reported. */
export function readWord(scan: Scan): ConfigWord {
  const { text, end } = scan;
  const start = scan.at;
  let at = start;
  while (at < end && classOf(text.charCodeAt(at)) === 0) at++;
  const code = at < end ? text.charCodeAt(at) : CR;
  scan.at = at;
  if (code === CR || code === NUL || code === HASH || classOf(code) === 1) {
    const raw = text.slice(start, at);
    return { raw, value: raw };
  }
  return decodeWord(scan, start);
}

function classOf(code: number): number {
  return code < 128 ? (CLASS_OF_ASCII[code] ?? 0) : 0;
}

/** The word being decoded: finished words of an expansion, and the one still growing. */
interface Decoding {
  readonly finished: string[];
  readonly variables: string[];
  current: string;
}

function decodeWord(scan: Scan, start: number): ConfigWord {
  const { text, end } = scan;
  const decoding: Decoding = {
    finished: [],
    variables: [],
    current: text.slice(start, scan.at),
  };
  let quote = 0;
  let quoteAt = 0;
  while (scan.at < end) {
    const code = text.charCodeAt(scan.at);
    if (code === CR || code === NUL) break;
    if (quote === 0 && (code === HASH || isSeparator(code))) break;
    if ((code === DOUBLE_QUOTE || code === SINGLE_QUOTE) && (quote === 0 || quote === code)) {
      quote = quote === 0 ? code : 0;
      quoteAt = scan.at;
      scan.at++;
    } else if (code === BACKSLASH && quote !== SINGLE_QUOTE) {
      decoding.current += readEscape(scan, quote === DOUBLE_QUOTE);
    } else if (code === DOLLAR && quote === DOUBLE_QUOTE) {
      readVariable(scan, decoding);
    } else {
      decoding.current += text[scan.at] ?? '';
      scan.at++;
    }
  }
  if (quote !== 0) {
    const message = `${quote === DOUBLE_QUOTE ? 'double' : 'single'} quote is not closed on this line`;
    report(scan, quoteAt, { severity: 'error', code: 'unmatched-quote', message });
  }
  return finishWord(scan, start, decoding);
}

function finishWord(scan: Scan, start: number, decoding: Decoding): ConfigWord {
  const raw = scan.text.slice(start, scan.at);
  const values = [...decoding.finished, decoding.current].map((value) => {
    const nul = value.indexOf('\0');
    return nul === -1 ? value : value.slice(0, nul);
  });
  const [value = ''] = values;
  const { variables } = decoding;
  const word =
    values.length === 1 ? { raw, value } : { raw, value: values.join(' '), expansion: values };
  return variables.length === 0 ? word : { ...word, variables };
}

function readEscape(scan: Scan, inDoubleQuotes: boolean): string {
  const at = scan.at;
  const next = at + 1 < scan.end ? (scan.text[at + 1] ?? '') : '';
  scan.at = at + 2;
  switch (next) {
    case ' ':
    case '\\':
    case '"':
    case "'":
    case '#':
      return next;
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '$':
      if (inDoubleQuotes) return '$';
      break;
    case 'x':
      return readHexEscape(scan, at);
  }
  scan.at = at + 1;
  return '\\';
}

function readHexEscape(scan: Scan, at: number): string {
  const digits = scan.text.slice(at + 2, Math.min(at + 4, scan.end));
  if (!HEX_PAIR.test(digits)) {
    const message = `\\x must be followed by two hexadecimal digits, got ${JSON.stringify(digits)}`;
    report(scan, at, { severity: 'error', code: 'invalid-hex-escape', message });
    scan.at = at + 1;
    return '\\';
  }
  const code = Number.parseInt(digits, 16);
  if (code === NUL) {
    const message = '\\x00 ends the word: HAProxy drops the rest of it';
    report(scan, at, { severity: 'warning', code: 'encoded-nul', message });
  }
  scan.at = at + 4;
  return String.fromCharCode(code);
}

/** Reads the variable at `scan.at`. On an error its `$` is kept and reading goes on behind it. */
function readVariable(scan: Scan, decoding: Decoding): void {
  const reference = parseVariable(scan);
  if ('code' in reference) {
    const { code, message } = reference;
    report(scan, reference.offset, { severity: 'error', code, message });
    decoding.current += '$';
    scan.at++;
  } else {
    scan.at = reference.next;
    decoding.variables.push(reference.name);
    append(decoding, reference.value, reference.expands);
  }
}

interface VariableReference {
  readonly name: string;
  readonly value: string;
  readonly expands: boolean;
  readonly next: number;
}

interface VariableFault {
  readonly offset: number;
  readonly code: LineDiagnostic['code'];
  readonly message: string;
}

/** `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`, `${NAME[*]-default}`; a default is literal text up to the next brace. */
function parseVariable(scan: Scan): VariableReference | VariableFault {
  const { text, end, at: dollarAt } = scan;
  const braced = text[dollarAt + 1] === '{' && dollarAt + 1 < end;
  const nameAt = dollarAt + (braced ? 2 : 1);
  VARIABLE.lastIndex = nameAt;
  const match = nameAt < end ? VARIABLE.exec(text) : null;
  if (match === null || !isKnownName(match)) {
    const message = 'a variable name begins with a letter or _, or is .FILE, .LINE or .SECTION';
    return { offset: nameAt, code: 'invalid-variable-name', message };
  }
  const [name] = match;
  const value = lookUp(scan.context, match);
  let at = nameAt + name.length;
  if (!braced) return { name, value: value ?? '', expands: false, next: at };

  const expands = text[at] === '[';
  if (expands) {
    if (!text.startsWith('[*]', at)) {
      const message = 'only [*] may follow the variable name';
      return { offset: at, code: 'invalid-word-expansion', message };
    }
    at += 3;
  }
  const close = text[at] === '-' ? findBrace(scan, at) : at;
  if (close >= end || text[close] !== '}') {
    const message = 'the brace of this variable is not closed';
    return { offset: dollarAt, code: 'unmatched-brace', message };
  }
  const fallback = close > at ? text.slice(at + 1, close) : '';
  return { name, value: value ?? fallback, expands, next: close + 1 };
}

/** Offset of the next `}` on the line, or the line's end. */
function findBrace(scan: Scan, from: number): number {
  const { text, end } = scan;
  let at = scan.lacksBrace ? end : from;
  while (at < end && text.charCodeAt(at) !== CLOSING_BRACE) at++;
  scan.lacksBrace = at === end;
  return at;
}

function isKnownName(match: RegExpExecArray): boolean {
  const pseudo = match[2];
  return pseudo === undefined || pseudo === 'FILE' || pseudo === 'LINE' || pseudo === 'SECTION';
}

function lookUp(context: LexContext, match: RegExpExecArray): string | undefined {
  switch (match[2]) {
    case 'FILE':
      return context.fileName;
    case 'LINE':
      return String(context.lineNumber);
    case 'SECTION':
      return context.sectionName;
  }
  const name = match[1] ?? '';
  return Object.hasOwn(context.environment, name) ? context.environment[name] : undefined;
}

function append(decoding: Decoding, value: string, expands: boolean): void {
  if (!expands) {
    decoding.current += value;
    return;
  }
  const [first = '', ...rest] = value.split(SPACES);
  decoding.current += first;
  for (const piece of rest) {
    decoding.finished.push(decoding.current);
    decoding.current = piece;
  }
}
