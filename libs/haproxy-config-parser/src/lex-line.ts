import {
  CR,
  HASH,
  isSeparator,
  type LexContext,
  NUL,
  readWord,
  report,
  type Scan,
} from './decode-word.js';
import { isCertainlySince } from './haproxy-version.js';
import { MAX_WORDS_PER_LINE } from './limits.js';
import type { ConfigLine, ConfigWord, LineDiagnostic, LineKind, ParseOptions } from './model.js';

/** Where one line lies in a text: `[start, contentEnd)` is its content, `[contentEnd, next)` its line end. */
export interface LineSpan {
  readonly start: number;
  readonly contentEnd: number;
  readonly next: number;
}

/** Finds the line that begins at `start`. A CR right before the LF belongs to the line end. */
export function spanLine(text: string, start: number): LineSpan {
  const lf = text.indexOf('\n', start);
  if (lf === -1) return { start, contentEnd: text.length, next: text.length };
  const hasCr = lf > start && text.charCodeAt(lf - 1) === CR;
  return { start, contentEnd: hasCr ? lf - 1 : lf, next: lf + 1 };
}

const SPACE = 32;
const NO_DIAGNOSTICS: readonly LineDiagnostic[] = Object.freeze([]);

/** Cuts one line into words by HAProxy's rules. Keeps every character and never fails; findings go into `diagnostics`. O(length). */
export function lexLine(text: string, span: LineSpan, context: LexContext): ConfigLine {
  const { start, contentEnd: end, next } = span;
  const scan = startScan(text, span, context);
  const indent = text.slice(start, scan.at);
  const words: ConfigWord[] = [];
  const separators: string[] = [];
  let kind: LineKind = 'statement';
  if (scan.at < end && text[scan.at] === '[') {
    kind = 'scope';
    words.push(readScope(scan));
    separators.push('');
  } else {
    readWords(scan, words, separators);
    if (words.length === 0) kind = 'blank';
  }
  const { comment, ignored } = readRest(scan);
  if (next === end) {
    const message = 'the last line must end with a line feed';
    report(scan, end, { severity: 'error', code: 'missing-final-newline', message });
  }
  return {
    kind,
    indent,
    words,
    separators,
    comment,
    ignored,
    eol: text.slice(end, next),
    diagnostics: scan.diagnostics.length === 0 ? NO_DIAGNOSTICS : scan.diagnostics,
  };
}

/** What `lex` read from one line. */
export interface LexResult {
  readonly values: readonly string[];
  readonly diagnostics: readonly LineDiagnostic[];
}

/** Decodes the words of one line given without its line end; text from a line feed on is not read. `lex(quote(s)).values` is `[s]`. */
export function lex(line: string, options: ParseOptions = {}): LexResult {
  const scan = startScan(line, spanLine(line, 0), toLexContext(options));
  const words: ConfigWord[] = [];
  readWords(scan, words, []);
  readRest(scan);
  return { values: valuesOf(words), diagnostics: scan.diagnostics };
}

/** The words as HAProxy receives them, expansions spread out. */
export function valuesOf(words: readonly ConfigWord[]): readonly string[] {
  const values: string[] = [];
  for (const word of words) {
    if (word.expansion === undefined) values.push(word.value);
    else for (const value of word.expansion) values.push(value);
  }
  return values;
}

/** What a word begins with: its value, or the first word of its expansion. */
export function firstValue(word: ConfigWord): string {
  return word.expansion?.[0] ?? word.value;
}

/** Fills in what the options leave out. */
export function toLexContext(options: ParseOptions): LexContext {
  return {
    environment: options.environment ?? {},
    fileName: options.fileName ?? '',
    lineNumber: 1,
    sectionName: '',
    countsTrailingSpace: !isCertainlySince(options.version, '3.2'),
  };
}

/** A scan of one line, standing behind its leading white space. */
function startScan(text: string, span: LineSpan, context: LexContext): Scan {
  const { start, contentEnd: end } = span;
  let at = start;
  while (at < end && isSeparator(text.charCodeAt(at))) at++;
  return { text, lineStart: start, end, context, diagnostics: [], at, lacksBrace: false };
}

function readWords(scan: Scan, words: ConfigWord[], separators: string[]): void {
  const { text, end } = scan;
  const firstAt = scan.at;
  let count = 0;
  while (scan.at < end && !endsWords(text.charCodeAt(scan.at))) {
    const wordAt = scan.at;
    const word = readWord(scan);
    words.push(word);
    const gapAt = scan.at;
    while (scan.at < end && isGap(scan, gapAt)) scan.at++;
    separators.push(gapOf(text, gapAt, scan.at));
    const before = count;
    count += word.expansion?.length ?? 1;
    const opensNext = scan.at > gapAt && scan.context.countsTrailingSpace ? 1 : 0;
    if (before <= MAX_WORDS_PER_LINE && count + opensNext > MAX_WORDS_PER_LINE) {
      reportTooMany(scan, count > MAX_WORDS_PER_LINE ? wordAt : gapAt);
      count = MAX_WORDS_PER_LINE + 1;
    }
  }
  const first = words[0];
  if (first !== undefined && firstValue(first) === '') {
    const message = 'the first word is empty: HAProxy skips the whole line';
    report(scan, firstAt, { severity: 'warning', code: 'empty-first-word', message });
  }
}

/** The white space between two words. A single space is by far the most common, and needs no copy. */
function gapOf(text: string, from: number, to: number): string {
  if (to === from) return '';
  return to === from + 1 && text.charCodeAt(from) === SPACE ? ' ' : text.slice(from, to);
}

function endsWords(code: number): boolean {
  return code === HASH || code === CR || code === NUL;
}

/** A CR right behind a word ends the line, but inside white space it is white space. */
function isGap(scan: Scan, gapAt: number): boolean {
  const code = scan.text.charCodeAt(scan.at);
  return isSeparator(code) && !(code === CR && scan.at === gapAt);
}

function reportTooMany(scan: Scan, offset: number): void {
  const { countsTrailingSpace } = scan.context;
  const space = countsTrailingSpace ? ' (white space behind the last word counts as one)' : '';
  const message = `more than ${MAX_WORDS_PER_LINE} words${space}`;
  report(scan, offset, { severity: 'error', code: 'too-many-words', message });
}

function readScope(scan: Scan): ConfigWord {
  const raw = scan.text.slice(scan.at, scan.end);
  if (!/^\[[A-Za-z0-9_.:-]+\][\t\v\f\r ]*(?:#.*)?$/s.test(raw)) {
    const message = 'a line beginning with [ must be one scope, as in [name]';
    report(scan, scan.at, { severity: 'error', code: 'invalid-scope', message });
  }
  reportNul(scan, scan.at);
  scan.at = scan.end;
  return { raw, value: raw };
}

function readRest(scan: Scan): { comment: string; ignored: string } {
  const { text, at, end } = scan;
  if (at >= end) return { comment: '', ignored: '' };
  const rest = text.slice(at, end);
  reportNul(scan, at);
  if (text.charCodeAt(at) === HASH) return { comment: rest, ignored: '' };
  if (text.charCodeAt(at) === CR) {
    const message = 'HAProxy ignores what follows a carriage return';
    report(scan, at, { severity: 'warning', code: 'ignored-text', message });
  }
  return { comment: '', ignored: rest };
}

function reportNul(scan: Scan, from: number): void {
  const nul = scan.text.slice(from, scan.end).indexOf('\0');
  if (nul !== -1) {
    const message = 'a NUL character is not permitted';
    report(scan, from + nul, { severity: 'error', code: 'stray-nul', message });
  }
}
