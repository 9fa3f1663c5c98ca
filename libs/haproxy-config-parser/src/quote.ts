import { ConfigWriteError } from './config-write-error.js';
import { MAX_WORDS_PER_LINE } from './limits.js';

// Nothing here has a meaning to the lexer (`$` is ordinary outside double quotes). Unicode's own spaces are quoted to be seen.
const BARE = /^[^\p{Cc}\p{Z}"#'\\]+$/u;
// ASCII controls only: `\xHH` makes one byte, so it cannot stand for U+0080..U+009F in a UTF-8 file.
const CONTROL = /(?![\u0080-\u009f])\p{Cc}/u;
const NEEDS_ESCAPE_IN_DOUBLE = /["$\\]/;
const ESCAPED_IN_DOUBLE = /(?![\u0080-\u009f])[\p{Cc}"$\\]/gu;

/**
 * Writes a value as one word that HAProxy reads back as exactly that value: bare when possible, else in double quotes, else in single
 * quotes, else in double quotes with escapes. The result has no line break. Throws `ConfigWriteError` on NUL, which no HAProxy word can hold.
 */
export function quote(value: string): string {
  if (BARE.test(value)) return value;
  if (value.includes('\0')) {
    throw new ConfigWriteError(
      'nul-in-word',
      `word ${JSON.stringify(value)}: NUL at index ${value.indexOf('\0')} cannot be written in a HAProxy configuration`,
    );
  }
  if (!CONTROL.test(value)) {
    if (!NEEDS_ESCAPE_IN_DOUBLE.test(value)) return `"${value}"`;
    if (!value.includes("'")) return `'${value}'`;
  }
  return `"${value.replace(ESCAPED_IN_DOUBLE, escapeCharacter)}"`;
}

/** How `formatLine` lays a line out. */
export interface FormatLineOptions {
  /** Spaces before the first word, 0 by default. */
  readonly indent?: number;
  /** Text of a trailing comment, without `#`. */
  readonly comment?: string;
}

/**
 * Writes words as one line without its line end, each quoted as needed and separated by one space. Throws `ConfigWriteError` when HAProxy
 * would not read the line back: no words, an empty first word (the line would be skipped), more than 64 words, NUL.
 */
export function formatLine(words: readonly string[], options: FormatLineOptions = {}): string {
  const first = words[0];
  if (first === undefined) throw new ConfigWriteError('no-words', 'line has no words');
  if (first === '') {
    throw new ConfigWriteError(
      'empty-first-word',
      `line ${JSON.stringify(words)}: HAProxy skips a line whose first word is empty`,
    );
  }
  if (words.length > MAX_WORDS_PER_LINE) {
    throw new ConfigWriteError(
      'too-many-words',
      `line beginning with "${first}": ${words.length} words are above the maximum ${MAX_WORDS_PER_LINE}`,
    );
  }
  let text = ' '.repeat(options.indent ?? 0) + quoteFirstWord(first);
  for (let index = 1; index < words.length; index++) text += ` ${quote(words[index] ?? '')}`;
  return options.comment === undefined ? text : `${text} ${formatComment(options.comment)}`;
}

/** Writes comment text as `# text`, or `#` when empty. Throws `ConfigWriteError` on a line break or NUL. */
export function formatComment(comment: string): string {
  if (/[\n\r\0]/.test(comment)) {
    throw new ConfigWriteError(
      'line-break-in-comment',
      `comment ${JSON.stringify(comment)}: a comment cannot hold a line break or NUL`,
    );
  }
  return comment === '' ? '#' : `# ${comment}`;
}

/** Quotes the word that begins a line: a leading `[` must not be bare there, or the line would be read as a scope. */
export function quoteFirstWord(value: string): string {
  const quoted = quote(value);
  return quoted.startsWith('[')
    ? `"${quoted.replace(ESCAPED_IN_DOUBLE, escapeCharacter)}"`
    : quoted;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    case '"':
    case '$':
    case '\\':
      return `\\${character}`;
    default:
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  }
}
