import { ConfigWriteError } from './config-write-error.js';
import { endOfSection, eolOf, indentAt } from './line-places.js';
import type { ConfigDocument, ConfigLine } from './model.js';
import { parse, print, printLine } from './parse.js';
import { formatLine, quote, quoteFirstWord } from './quote.js';
import { renderSection, type SectionSpec } from './render-sections.js';
import { SECTION_KEYWORDS } from './section-keywords.js';
import { opensSection, type Section } from './sections.js';

/**
 * One change of a document. Indices count from 0 in the document given to `editLines`, whatever else that call changes.
 * `append` puts a line at a section's end; `insert` puts it before a line (or at the end of the file, at `lines.length`).
 */
export type LineEdit =
  | { readonly kind: 'append'; readonly section: Section; readonly words: readonly string[] }
  | { readonly kind: 'insert'; readonly lineIndex: number; readonly words: readonly string[] }
  | { readonly kind: 'replace'; readonly lineIndex: number; readonly words: readonly string[] }
  | { readonly kind: 'remove'; readonly lineIndex: number };

/**
 * Applies changes and leaves the text of every other line as it was. New lines take indent and line end from their neighbours and
 * keep the order of the edits; a replaced line keeps its indent, spacing, comment, and the source of words that stay equal.
 * Throws `ConfigWriteError` for a line that is not there, a second change of one line, or words that would open a section.
 * The result is read anew: O(text), so give many edits in one call.
 */
export function editLines(document: ConfigDocument, edits: readonly LineEdit[]): ConfigDocument {
  const added = new Map<number, string[]>();
  const changed = new Map<number, string>();
  for (const edit of edits) {
    switch (edit.kind) {
      case 'append':
        addLine(document, added, {
          at: endOfGivenSection(document, edit.section),
          words: edit.words,
        });
        break;
      case 'insert':
        addLine(document, added, { at: edit.lineIndex, words: edit.words });
        break;
      case 'replace':
        changeLine(
          changed,
          edit.lineIndex,
          replaceWords(lineAt(document, edit.lineIndex), edit.words),
        );
        break;
      case 'remove':
        lineAt(document, edit.lineIndex);
        changeLine(changed, edit.lineIndex, '');
        break;
      default:
        return edit satisfies never;
    }
  }
  return parse(compose(document, added, changed), document.options);
}

/** Writes a new section at the end of the file, after one empty line. The section's text is that of `renderSection`. */
export function appendSection(document: ConfigDocument, section: SectionSpec): ConfigDocument {
  const eol = eolOf(document);
  const rendered = renderSection(section).replaceAll('\n', eol);
  const text = print(document);
  if (text === '') return parse(rendered, document.options);
  const ending = text.endsWith('\n') ? '' : eol;
  return parse(text + ending + eol + rendered, document.options);
}

function compose(
  document: ConfigDocument,
  added: ReadonlyMap<number, readonly string[]>,
  changed: ReadonlyMap<number, string>,
): string {
  const parts: string[] = [];
  const addAt = (index: number) => {
    const lines = added.get(index);
    if (lines === undefined) return;
    // A last line without its line end must get one before anything can follow.
    const last = parts.at(-1);
    if (last !== undefined && !last.endsWith('\n')) parts.push(eolOf(document));
    parts.push(...lines);
  };
  for (const [index, line] of document.lines.entries()) {
    addAt(index);
    const text = changed.get(index) ?? printLine(line);
    if (text !== '') parts.push(text);
  }
  addAt(document.lines.length);
  return parts.join('');
}

function addLine(
  document: ConfigDocument,
  added: Map<number, string[]>,
  line: { readonly at: number; readonly words: readonly string[] },
): void {
  const { at, words } = line;
  if (!Number.isInteger(at) || at < 0 || at > document.lines.length) throw noSuchLine(document, at);
  refuseSectionKeyword(words);
  const eol = document.lines[at - 1]?.eol || eolOf(document);
  const text = indentAt(document, at) + formatLine(words) + eol;
  const there = added.get(at);
  if (there === undefined) added.set(at, [text]);
  else there.push(text);
}

function changeLine(changed: Map<number, string>, lineIndex: number, text: string): void {
  if (changed.has(lineIndex)) {
    throw new ConfigWriteError(
      'conflicting-edits',
      `line index ${lineIndex}: it is changed twice, at most one replace or remove is possible`,
    );
  }
  changed.set(lineIndex, text);
}

function replaceWords(line: ConfigLine, words: readonly string[]): string {
  if (!opensSection(line)) refuseSectionKeyword(words);
  formatLine(words); // Refuses what cannot be written.
  const isKeepable =
    line.kind === 'statement' &&
    line.words.every((word) => word.expansion === undefined) &&
    line.diagnostics.every(({ code }) => code === 'missing-final-newline');
  let text = line.indent;
  for (const [index, value] of words.entries()) {
    const old = isKeepable ? line.words[index] : undefined;
    const isOldGap = index < line.words.length;
    if (index > 0) text += (isOldGap && line.separators[index - 1]) || ' ';
    // Behind a backslash at its end, the space that follows would become part of the word.
    if (old !== undefined && old.value === value && !old.raw.endsWith('\\')) text += old.raw;
    else text += index === 0 ? quoteFirstWord(value) : quote(value);
  }
  if (line.comment !== '') text += (line.separators.at(-1) ?? ' ') + line.comment;
  return text + line.ignored + line.eol;
}

/** The place of `append`, once it is certain that the section is one of this document. */
function endOfGivenSection(document: ConfigDocument, section: Section): number {
  const header = lineAt(document, section.headerIndex);
  if (!opensSection(header) || header.words[0]?.value !== section.kind) {
    throw noSuchLine(document, section.headerIndex, `the header of section ${section.kind}`);
  }
  return endOfSection(document, section);
}

function refuseSectionKeyword(words: readonly string[]): void {
  const first = words[0] ?? '';
  if (SECTION_KEYWORDS.has(first)) {
    throw new ConfigWriteError(
      'reserved-first-word',
      `a line beginning with "${first}" would open a section; use appendSection`,
    );
  }
}

function lineAt(document: ConfigDocument, lineIndex: number): ConfigLine {
  const line = document.lines[lineIndex];
  if (line === undefined) throw noSuchLine(document, lineIndex);
  return line;
}

function noSuchLine(
  document: ConfigDocument,
  lineIndex: number,
  expected = 'there',
): ConfigWriteError {
  return new ConfigWriteError(
    'no-such-line',
    `line index ${lineIndex} is not ${expected} in a document of ${document.lines.length} lines`,
  );
}
