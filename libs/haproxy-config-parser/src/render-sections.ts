import { ConfigWriteError } from './config-write-error.js';
import { lex } from './lex-line.js';
import { SECTION_INDENT_SPACES } from './limits.js';
import { formatComment, formatLine } from './quote.js';
import { SECTION_KEYWORDS, SECTION_NAME } from './section-keywords.js';

/**
 * One line of generated configuration: its words (quoted as needed); words with a trailing comment; a comment alone; or one line of HAProxy
 * syntax taken as it is, for text an operator wrote.
 */
export type SectionLine =
  | readonly string[]
  | { readonly words: readonly string[]; readonly comment: string }
  | { readonly comment: string }
  | { readonly verbatim: string };

/** A section to be written. `from` names a defaults section. Order is kept everywhere: HAProxy gives it meaning. */
export interface SectionSpec {
  readonly kind: string;
  readonly name?: string;
  readonly from?: string;
  /** Comment lines before the header, without `#`. */
  readonly comments?: readonly string[];
  readonly lines: readonly SectionLine[];
}

/** What stands around the sections. */
export interface RenderOptions {
  /** Comment lines at the top of the file, without `#`. */
  readonly banner?: readonly string[];
}

const INDENT = ' '.repeat(SECTION_INDENT_SPACES);
const TAKES_FROM: ReadonlySet<string> = new Set(['defaults', 'frontend', 'backend', 'listen']);

/**
 * Writes sections in canonical form: LF, four spaces of indent, one empty line between sections, a final LF. The same input gives the same bytes.
 * Throws `ConfigWriteError` rather than write what HAProxy would read differently, such as a line that opens a section. O(size).
 */
export function renderSections(
  sections: readonly SectionSpec[],
  options: RenderOptions = {},
): string {
  const blocks = sections.map(renderSection);
  const banner = options.banner ?? [];
  if (banner.length > 0) blocks.unshift(renderComments(banner));
  return blocks.join('\n');
}

/** Writes one section, as `renderSections` does, ending in LF. */
export function renderSection(section: SectionSpec): string {
  let text = renderComments(section.comments ?? []);
  text += `${renderHeader(section)}\n`;
  for (const line of section.lines) text += `${INDENT}${renderSectionLine(section, line)}\n`;
  return text;
}

function renderComments(comments: readonly string[]): string {
  return comments.map((comment) => `${formatComment(comment)}\n`).join('');
}

function renderHeader(section: SectionSpec): string {
  const { kind, name, from } = section;
  if (!SECTION_KEYWORDS.has(kind)) {
    throw new ConfigWriteError('invalid-section-header', `section kind "${kind}" is not known`);
  }
  const words = [kind];
  if (name !== undefined) words.push(checkName(section, 'name', name));
  if (from !== undefined) {
    if (!TAKES_FROM.has(kind)) {
      const message = `section ${kind}: "from" is only for ${[...TAKES_FROM].join(', ')}`;
      throw new ConfigWriteError('invalid-section-header', message);
    }
    words.push('from', checkName(section, 'from', from));
  }
  return formatLine(words);
}

function checkName(section: SectionSpec, field: 'name' | 'from', value: string): string {
  if (SECTION_NAME.test(value)) return value;
  throw new ConfigWriteError(
    'invalid-section-header',
    `section ${section.kind}: ${field} ${JSON.stringify(value)} may hold only letters, digits, and - _ . :`,
  );
}

/** Writes one line of a section without indent and line end. Throws `ConfigWriteError`, naming the section, when it would be read differently. */
export function renderSectionLine(
  section: Pick<SectionSpec, 'kind' | 'name'>,
  line: SectionLine,
): string {
  if ('verbatim' in line) return checkVerbatim(section, line.verbatim);
  if (!('words' in line) && 'comment' in line) return formatComment(line.comment);
  const words = 'words' in line ? line.words : line;
  refuseReserved(section, words[0]);
  return formatLine(words, 'comment' in line ? { comment: line.comment } : {});
}

/** Refuses what would reach beyond its own line, so that one bad line cannot change how its neighbours are read. */
function checkVerbatim(section: Pick<SectionSpec, 'kind' | 'name'>, verbatim: string): string {
  const text = verbatim.trim();
  const { values, diagnostics } = lex(text);
  const fault = /[\n\r\0]/.test(text)
    ? 'it holds a line break or NUL'
    : text.startsWith('[')
      ? 'it begins with ['
      : diagnostics[0]?.message;
  if (fault !== undefined || text === '') {
    throw new ConfigWriteError(
      'invalid-verbatim-line',
      `section ${describe(section)}: line ${JSON.stringify(verbatim)}: ${fault ?? 'it is empty'}`,
    );
  }
  refuseReserved(section, values[0]);
  return text;
}

function refuseReserved(
  section: Pick<SectionSpec, 'kind' | 'name'>,
  first: string | undefined,
): void {
  if (first !== undefined && SECTION_KEYWORDS.has(first)) {
    throw new ConfigWriteError(
      'reserved-first-word',
      `section ${describe(section)}: a line beginning with "${first}" would open a new section`,
    );
  }
}

function describe(section: Pick<SectionSpec, 'kind' | 'name'>): string {
  return section.name === undefined ? section.kind : `${section.kind} ${section.name}`;
}
