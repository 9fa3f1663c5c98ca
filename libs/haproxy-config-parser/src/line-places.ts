import { SECTION_INDENT_SPACES } from './limits.js';
import type { ConfigDocument, ConfigLine } from './model.js';
import { conditionStep, opensSection, type Section } from './sections.js';

/** Behind the last statement that is in the section under the same conditions as its header. */
export function endOfSection(
  document: ConfigDocument,
  section: Pick<Section, 'headerIndex' | 'endIndex'>,
): number {
  const { headerIndex, endIndex } = section;
  let depth = 0;
  let end = headerIndex + 1;
  for (let index = headerIndex + 1; index < endIndex; index++) {
    const line = document.lines[index];
    if (line === undefined) break;
    const first = line.words[0]?.value;
    depth += conditionStep(line);
    if (depth < 0 || (depth === 0 && (first === '.else' || first === '.elif'))) break;
    if (depth === 0 && line.kind === 'statement') end = index + 1;
  }
  return end;
}

/** The indent of the statement before, or behind a header of the one after; four spaces in an empty section, none outside of sections. */
export function indentAt(document: ConfigDocument, at: number): string {
  for (let index = at - 1; index >= 0; index--) {
    const line = document.lines[index];
    if (line === undefined || isNoNeighbour(line)) continue;
    if (!opensSection(line)) return line.indent;
    const next = document.lines[at];
    const isSibling = next?.kind === 'statement' && !opensSection(next);
    return isSibling ? next.indent : ' '.repeat(SECTION_INDENT_SPACES);
  }
  return '';
}

/** The line end of the file's first line; LF in an empty file. */
export function eolOf(document: ConfigDocument): string {
  return document.lines[0]?.eol || '\n';
}

function isNoNeighbour(line: ConfigLine): boolean {
  return line.kind !== 'statement' || (line.words[0]?.value.startsWith('.') ?? false);
}
