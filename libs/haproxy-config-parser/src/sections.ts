import type { LineState } from './evaluate-conditions.js';
import { firstValue, valuesOf } from './lex-line.js';
import type { ConfigDocument, ConfigLine } from './model.js';
import { readHeader } from './section-header.js';
import { SECTION_KEYWORDS } from './section-keywords.js';

/** One configuration line of a section, decoded. `lineIndex` counts from 0 in the document's lines. */
export interface Statement {
  readonly lineIndex: number;
  readonly modifier?: 'no' | 'default';
  /** The words after the modifier; the first is the keyword. */
  readonly words: readonly string[];
  /** How many `.if` are open around the line, counted from the beginning of the file. */
  readonly conditionDepth: number;
}

/** One address of a `bind` line; a line with a comma list gives one of these for each. */
export interface Bind {
  readonly lineIndex: number;
  readonly address: string;
  readonly parameters: readonly string[];
}

/** A `server` line. */
export interface Server {
  readonly lineIndex: number;
  readonly name: string;
  readonly address: string;
  readonly parameters: readonly string[];
}

/** A section as found in a document: its header is at `headerIndex` and it ends before `endIndex`. It is a reading of one document and not kept up to date. */
export interface Section {
  readonly kind: string;
  readonly name?: string;
  /** The defaults section named in the header. */
  readonly from?: string;
  readonly headerIndex: number;
  readonly endIndex: number;
  readonly statements: readonly Statement[];
  readonly binds: readonly Bind[];
  readonly servers: readonly Server[];
}

/** Which lines to read. */
export interface SectionsOptions {
  /** States from `evaluateConditions`; inactive lines are left out. */
  readonly states?: readonly LineState[];
}

/**
 * The sections of a document in file order, conditionals read as if every branch were taken unless their states are given. Lines before the first section, directives (`.if`,
 * `.notice`) and scopes are in no section's statements. O(lines).
 */
export function sections(
  document: ConfigDocument,
  options: SectionsOptions = {},
): readonly Section[] {
  const found: Section[] = [];
  let header: ConfigLine | undefined;
  let headerIndex = 0;
  let statements: Statement[] = [];
  let conditionDepth = 0;
  const close = (endIndex: number) => {
    if (header !== undefined) found.push(toSection(header, { headerIndex, endIndex, statements }));
  };
  for (const [lineIndex, line] of document.lines.entries()) {
    conditionDepth = Math.max(0, conditionDepth + conditionStep(line));
    if (options.states?.[lineIndex] === 'inactive') continue;
    if (opensSection(line)) {
      close(lineIndex);
      header = line;
      headerIndex = lineIndex;
      statements = [];
    } else if (isOrdinary(line)) {
      statements.push({ lineIndex, conditionDepth, ...splitModifier(valuesOf(line.words)) });
    }
  }
  close(document.lines.length);
  return found;
}

/** The first section of this kind and name; without a name, the first of this kind. */
export function findSection(
  document: ConfigDocument,
  kind: string,
  name?: string,
): Section | undefined {
  return sections(document).find(
    (section) => section.kind === kind && (name === undefined || section.name === name),
  );
}

/** The statements whose first words are these, as in `findStatements(section, 'option', 'httpchk')`. */
export function findStatements(
  section: Section,
  ...keyword: readonly string[]
): readonly Statement[] {
  return section.statements.filter((statement) =>
    keyword.every((word, index) => statement.words[index] === word),
  );
}

/** True for a line that begins a section. */
export function opensSection(line: ConfigLine): boolean {
  const first = line.words[0];
  return (
    line.kind === 'statement' && first !== undefined && SECTION_KEYWORDS.has(firstValue(first))
  );
}

/** How a line changes the number of open conditionals: `.if` 1, `.endif` -1, anything else 0. */
export function conditionStep(line: ConfigLine): -1 | 0 | 1 {
  const first = line.words[0]?.value;
  if (line.kind !== 'statement') return 0;
  return first === '.if' ? 1 : first === '.endif' ? -1 : 0;
}

/** True for a line HAProxy hands to a section or reads as its header: no directive, scope, or line that is skipped. */
export function isOrdinary(line: ConfigLine): boolean {
  const word = line.words[0];
  if (line.kind !== 'statement' || word === undefined) return false;
  const first = firstValue(word);
  return first !== '' && !DIRECTIVES.has(first);
}

const DIRECTIVES: ReadonlySet<string> = new Set([
  '.if',
  '.elif',
  '.else',
  '.endif',
  '.diag',
  '.notice',
  '.warning',
  '.alert',
]);

function splitModifier(values: readonly string[]): Pick<Statement, 'modifier' | 'words'> {
  const [first, ...rest] = values;
  return (first === 'no' || first === 'default') && rest.length > 0
    ? { modifier: first, words: rest }
    : { words: values };
}

function toSection(
  header: ConfigLine,
  body: Pick<Section, 'headerIndex' | 'endIndex' | 'statements'>,
): Section {
  const binds: Bind[] = [];
  const servers: Server[] = [];
  for (const { lineIndex, modifier, words } of body.statements) {
    const [keyword, first = '', ...rest] = words;
    if (modifier !== undefined) continue;
    if (keyword === 'bind') {
      for (const address of first.split(',')) binds.push({ lineIndex, address, parameters: rest });
    } else if (keyword === 'server') {
      const [address = '', ...parameters] = rest;
      servers.push({ lineIndex, name: first, address, parameters });
    }
  }
  const { kind, name, from } = readHeader(header);
  return {
    kind,
    ...(name !== undefined && { name }),
    ...(from !== undefined && { from }),
    ...body,
    binds,
    servers,
  };
}
