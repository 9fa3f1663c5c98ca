import type { LexContext } from './decode-word.js';
import { firstValue, lexLine, spanLine, toLexContext, valuesOf } from './lex-line.js';
import type {
  ConfigDiagnostic,
  ConfigDocument,
  ConfigLine,
  LineDiagnostic,
  ParseOptions,
} from './model.js';
import { SECTION_KEYWORDS } from './section-keywords.js';

/**
 * Reads any text as a configuration without losing a character: `print(parse(text)) === text`, valid or not. Never throws; what HAProxy would refuse
 * is in the lines' diagnostics. O(length).
 */
export function parse(text: string, options: ParseOptions = {}): ConfigDocument {
  const lines: ConfigLine[] = [];
  // One object for all lines: it is read while a line is lexed and kept by none.
  const context: Writable<LexContext> = { ...toLexContext(options) };
  let at = 0;
  while (at < text.length) {
    const span = spanLine(text, at);
    context.lineNumber = lines.length + 1;
    const line = lexLine(text, span, context);
    lines.push(line);
    const sectionName = openedSectionName(line);
    if (sectionName !== undefined) context.sectionName = sectionName;
    at = span.next;
  }
  return { lines, options };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Writes a document back exactly as it was read. */
export function print(document: ConfigDocument): string {
  return document.lines.map(printLine).join('');
}

/** Writes one line, its line end included. */
export function printLine(line: ConfigLine): string {
  let text = line.indent;
  let index = 0;
  for (const word of line.words) text += word.raw + (line.separators[index++] ?? '');
  return text + line.comment + line.ignored + line.eol;
}

/** All findings of a document in order, with line numbers counted from 1. */
export function listDiagnostics(document: ConfigDocument): readonly ConfigDiagnostic[] {
  return document.lines.flatMap((line, index) =>
    line.diagnostics.map((finding: LineDiagnostic) => ({ ...finding, line: index + 1 })),
  );
}

/** The value of `.SECTION` from this line on, if it opens a section: the section's name, or its keyword when it has none. */
export function openedSectionName(line: ConfigLine): string | undefined {
  const first = line.words[0];
  if (line.kind !== 'statement' || first === undefined) return undefined;
  if (!SECTION_KEYWORDS.has(firstValue(first))) return undefined;
  const [keyword, name] = valuesOf(line.words);
  return name || keyword;
}
