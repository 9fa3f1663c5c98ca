import { isSeparator } from './decode-word.js';
import { MAX_WORDS_PER_LINE, SECTION_INDENT_SPACES } from './limits.js';
import type { ConfigDocument, ConfigLine, ConfigWord } from './model.js';
import { printLine } from './parse.js';
import { quote, quoteFirstWord } from './quote.js';
import { isOrdinary, opensSection } from './sections.js';

const INDENT = ' '.repeat(SECTION_INDENT_SPACES);

/**
 * Writes a parsed document in canonical form: LF, one space between words, four spaces before the lines of a section and none before
 * headers and directives, canonical quoting. Nothing is added, left out or moved: each line stays one line, with its comment, and HAProxy reads
 * the same words from it. What cannot be written otherwise without doubt stays as it is: words that hold variables or bytes above 7f
 * in escapes, scopes, and whole lines that HAProxy refuses or skips, so that a file it refuses is not mended. The result is its own
 * canonical form. O(text).
 */
export function printCanonical(document: ConfigDocument): string {
  const { lines } = document;
  const texts: string[] = [];
  const isTopLevel = commentsOfHeaders(lines);
  let isInSection = false;
  for (const [index, line] of lines.entries()) {
    if (opensSection(line)) isInSection = true;
    const isIndented = isInSection && !isTopLevel[index];
    texts.push(canonicalLine(line, isIndented ? INDENT : ''));
  }
  return texts.join('');
}

/** For each line, whether it stands at the left edge: headers, directives, and the comments right before them. */
function commentsOfHeaders(lines: readonly ConfigLine[]): readonly boolean[] {
  const isTopLevel: boolean[] = [];
  let isBeforeHeader = false;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index];
    if (line === undefined) continue;
    if (line.kind !== 'blank') isBeforeHeader = opensSection(line) || isDirective(line);
    else if (line.comment === '') isBeforeHeader = false;
    isTopLevel[index] = isBeforeHeader || line.kind === 'scope';
  }
  return isTopLevel;
}

function isDirective(line: ConfigLine): boolean {
  const [first] = line.words;
  return line.kind === 'statement' && first !== undefined && !isOrdinary(line);
}

function canonicalLine(line: ConfigLine, indent: string): string {
  if (line.ignored !== '' || line.diagnostics.length > 0) return printLine(line);
  const comment = trimEnd(line.comment);
  if (line.kind === 'blank') return comment === '' ? '\n' : `${indent}${comment}\n`;
  const [first, ...rest] = line.words;
  if (first === undefined) return '\n';
  if (line.kind === 'scope') return `${trimEnd(first.raw)}\n`;
  let text = indent + (isFixed(first) ? first.raw : quoteFirstWord(first.value));
  let count = countOf(first);
  for (const [index, word] of rest.entries()) {
    text += gapAfter(line, index) + (isFixed(word) ? word.raw : quote(word.value));
    count += countOf(word);
  }
  if (comment === '') return `${text}\n`;
  // White space behind the last word that fits would begin one more.
  const gap = count === MAX_WORDS_PER_LINE ? '' : gapAfter(line, rest.length);
  return `${text}${gap}${comment}\n`;
}

/** One space; but behind a word kept with a backslash at its end a space would become part of the word, so that the gap is kept too. */
function gapAfter(line: ConfigLine, wordIndex: number): string {
  const word = line.words[wordIndex];
  const isEscaping = word !== undefined && isFixed(word) && word.raw.endsWith('\\');
  return isEscaping ? (line.separators[wordIndex] ?? ' ') : ' ';
}

/** Without the white space HAProxy knows at the end; a regular expression would take quadratic time over long gaps. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSeparator(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

function countOf(word: ConfigWord): number {
  return word.expansion?.length ?? 1;
}

/** True for words whose value depends on variables, or on bytes that cannot be told from characters. */
function isFixed(word: ConfigWord): boolean {
  return word.variables !== undefined || /\\x[89A-Fa-f]/.test(word.raw);
}
