import { endOfSection, indentAt } from './line-places.js';
import type { ConfigDocument, ConfigLine } from './model.js';
import { listForeignBlocks, type OwnedBlock, readMark } from './owned-marks.js';
import { OwnedMergeError } from './owned-merge-error.js';
import { parse } from './parse.js';
import {
  renderSection,
  renderSectionLine,
  renderSections,
  type SectionLine,
  type SectionSpec,
} from './render-sections.js';
import { conditionStep, isOrdinary, opensSection, type Section, sections } from './sections.js';

/** Lines inside one section. The section is found by kind and name (`global` by kind alone); `from` is only for its creation. */
export interface OwnedLines {
  readonly kind: 'lines';
  /** Name of the part, unique for its owner. */
  readonly name: string;
  readonly section: { readonly kind: string; readonly name?: string; readonly from?: string };
  readonly lines: readonly SectionLine[];
}

/** Whole sections, written at the end of the file. */
export interface OwnedSections {
  readonly kind: 'sections';
  /** Name of the part, unique for its owner. */
  readonly name: string;
  readonly sections: readonly SectionSpec[];
}

/** What a caller owns in a configuration that is otherwise an operator's. */
export type OwnedPart = OwnedLines | OwnedSections;

/** A base without the owner's blocks, and where these stood. */
export interface StrippedBase {
  readonly document: ConfigDocument;
  /** By part: the index of the line its block stood before. */
  readonly anchors: ReadonlyMap<string, number>;
  /** Line number in the base as given of a line here, by its index; undefined behind the last. */
  readonly givenLineOf: (index: number) => number | undefined;
}

/** What placing needs to know of the base, gathered once. `created` grows with each section a part creates. */
export interface MergeSite extends StrippedBase {
  readonly sections: readonly Section[];
  readonly foreign: readonly OwnedBlock[];
  /** Open conditionals before each line, and at the end of the file. */
  readonly depths: readonly number[];
  /** Index of the first `.if` that is open at the end of the file. */
  readonly openAtEnd: number | undefined;
  readonly parts: readonly OwnedPart[];
  readonly created: Map<string, PlacedBlock>;
  placedCount: number;
  /** Where whole sections are written, once it is known. */
  endIndex: number | undefined;
}

/** One block to be written before line `index`. Blocks at one place are ordered by `rank`, then by `group`. */
export interface PlacedBlock {
  readonly part: string;
  readonly index: number;
  readonly rank: number;
  readonly group: number;
  readonly indent: string;
  readonly body: readonly string[];
}

/** Order at one place: what belongs to the section above comes before what opens another. */
const RANK = { lines: 0, global: 1, defaults: 2, section: 3, sections: 4 } as const;

/** Reads a stripped base for the placing of parts. O(lines). */
export function toMergeSite(
  base: StrippedBase,
  { owner, parts }: { readonly owner: string; readonly parts: readonly OwnedPart[] },
): MergeSite {
  const { document } = base;
  const depths: number[] = [];
  const open: number[] = [];
  for (const [index, line] of document.lines.entries()) {
    depths.push(open.length);
    const step = conditionStep(line);
    if (step === 1) open.push(index);
    else if (step === -1) open.pop();
  }
  depths.push(open.length);
  return {
    ...base,
    sections: sections(document),
    foreign: listForeignBlocks(document, owner),
    depths,
    openAtEnd: open[0],
    parts,
    created: new Map(),
    placedCount: 0,
    endIndex: undefined,
  };
}

/** Finds where a part is written, and its text. Nothing is written for a part without lines or sections. */
export function placePart(site: MergeSite, part: OwnedPart): PlacedBlock | undefined {
  site.placedCount++;
  switch (part.kind) {
    case 'lines':
      return part.lines.length === 0 ? undefined : placeLines(site, part);
    case 'sections':
      return part.sections.length === 0 ? undefined : placeSections(site, part);
    default:
      return part satisfies never;
  }
}

function placeLines(site: MergeSite, part: OwnedLines): PlacedBlock {
  const anchor = site.anchors.get(part.name);
  if (anchor !== undefined && isInTarget(site, part, anchor)) return linesAt(site, part, anchor);
  const next = placeOfNextPart(site, part);
  if (next !== undefined) return linesAt(site, part, next);
  const section = findTarget(site, part);
  if (section === undefined) return placeInCreated(site, part);
  return linesAt(site, part, leaveForeignBlock(site, part, section));
}

/** A new part goes before those behind it in the list that are in its section already, so that the order of the parts holds. */
function placeOfNextPart(site: MergeSite, part: OwnedLines): number | undefined {
  const behind = site.parts.slice(site.placedCount);
  const places = behind.flatMap((other) => {
    const anchor = site.anchors.get(other.name);
    const isPlaced =
      other.kind === 'lines' &&
      other.lines.length > 0 &&
      other.section.kind === part.section.kind &&
      other.section.name === part.section.name &&
      anchor !== undefined &&
      isInTarget(site, part, anchor);
    return isPlaced ? [anchor] : [];
  });
  return places.length === 0 ? undefined : Math.min(...places);
}

/** True where an operator may have put the part's marks: anywhere in the text of its section. */
function isInTarget(site: MergeSite, part: OwnedLines, anchor: number): boolean {
  const around = site.sections.findLast(({ headerIndex }) => headerIndex < anchor);
  return around !== undefined && isTarget(site, part, around) && !isInForeignBlock(site, anchor);
}

function linesAt(site: MergeSite, part: OwnedLines, index: number): PlacedBlock {
  const indent = indentAt(site.document, index);
  const body = part.lines.map((line) => indent + renderSectionLine(part.section, line));
  checkBody(part, body);
  return { part: part.name, index, rank: RANK.lines, group: site.placedCount, indent, body };
}

/** The first part for an absent section creates it in its block; the next ones are put behind that block. */
function placeInCreated(site: MergeSite, part: OwnedLines): PlacedBlock {
  const { kind, name } = part.section;
  const key = name === undefined ? kind : `${kind} ${name}`;
  const first = site.created.get(key);
  if (first !== undefined) {
    const body = part.lines.map((line) => `    ${renderSectionLine(part.section, line)}`);
    checkBody(part, body);
    return { ...first, part: part.name, indent: '    ', body };
  }
  const body = toBody(renderSection({ ...part.section, lines: part.lines }));
  checkBody(part, body);
  const { index, rank } = placeOfNewSection(site, part);
  if (rank === RANK.section) refuseOpenCondition(site, part);
  else refuseCapture(site, part, index);
  const block = { part: part.name, index, rank, group: site.placedCount, indent: '', body };
  site.created.set(key, block);
  return block;
}

/** `global` before everything but a banner, `defaults` before the first proxy, others at the end. */
function placeOfNewSection(
  site: MergeSite,
  part: OwnedLines,
): { readonly index: number; readonly rank: number } {
  const { lines } = site.document;
  if (part.section.kind === 'global') return { index: endOfBanner(lines), rank: RANK.global };
  if (part.section.kind === 'defaults') {
    const proxy = site.sections.find(({ kind }) => PROXIES_WITH_DEFAULTS.has(kind));
    const index = proxy === undefined ? lines.length : beforeComments(site, proxy.headerIndex);
    if (proxy === undefined) refuseOpenCondition(site, part);
    return { index, rank: RANK.defaults };
  }
  return { index: lines.length, rank: RANK.section };
}

const PROXIES_WITH_DEFAULTS: ReadonlySet<string> = new Set(['frontend', 'backend', 'listen']);

/** Behind comments at the top of the file that an empty line closes; they are about the file. */
function endOfBanner(lines: readonly ConfigLine[]): number {
  let index = 0;
  while (lines[index]?.kind === 'blank' && lines[index]?.comment !== '') index++;
  const next = lines[index];
  const isClosed = next?.kind === 'blank' && next.eol !== '';
  const hasMark = lines.slice(0, index).some((line) => readMark(line) !== undefined);
  return isClosed && index > 0 && !hasMark ? index + 1 : 0;
}

/** Before the conditionals around a line and the comments right above. */
function beforeComments(site: MergeSite, headerIndex: number): number {
  let index = headerIndex;
  while (index > 0 && (site.depths[index] ?? 0) > 0) index--;
  for (;;) {
    const above = site.document.lines[index - 1];
    if (above?.kind !== 'blank' || above.comment === '' || readMark(above) !== undefined) break;
    index--;
  }
  return index;
}

function placeSections(site: MergeSite, part: OwnedSections): PlacedBlock {
  const body = toBody(renderSections(part.sections));
  checkBody(part, body);
  refuseOpenCondition(site, part);
  site.endIndex ??= endOfOwnSections(site);
  const index = site.endIndex;
  return { part: part.name, index, rank: RANK.sections, group: site.placedCount, indent: '', body };
}

/** One place for all whole sections, so that they keep the order of the parts: where one of them stands at the end already, or the end. */
function endOfOwnSections(site: MergeSite): number {
  let last: number | undefined;
  for (const { kind, name } of site.parts) {
    const anchor = kind === 'sections' ? site.anchors.get(name) : undefined;
    if (anchor !== undefined && isEndOfFile(site, anchor)) last = Math.max(last ?? 0, anchor);
  }
  return last ?? site.document.lines.length;
}

/** True when only comments, empty lines and sections of other owners follow, so that two owners do not move each other's blocks for ever. */
function isEndOfFile(site: MergeSite, anchor: number): boolean {
  const { lines } = site.document;
  if (isInForeignBlock(site, anchor)) return false;
  const next = lines.slice(anchor).find(isOrdinary);
  if (next !== undefined && !opensSection(next)) return false;
  const endOf = new Map(site.foreign.map(({ beginIndex, endIndex }) => [beginIndex, endIndex]));
  for (let index = anchor; index < lines.length; index++) {
    const end = endOf.get(index);
    if (end !== undefined) index = end;
    else if (lines[index]?.kind !== 'blank') return false;
  }
  return true;
}

function isInForeignBlock(site: MergeSite, index: number): boolean {
  return site.foreign.some(({ beginIndex, endIndex }) => beginIndex < index && index <= endIndex);
}

function toBody(text: string): readonly string[] {
  return text.split('\n').slice(0, -1);
}

/** A conditional `global` is none: its lines would come and go with the condition. */
function isTarget(site: MergeSite, part: OwnedLines, section: Section): boolean {
  const { kind, name } = part.section;
  if (section.kind !== kind) return false;
  return kind === 'global' ? site.depths[section.headerIndex] === 0 : section.name === name;
}

function findTarget(site: MergeSite, part: OwnedLines): Section | undefined {
  const matching = site.sections.filter((section) => isTarget(site, part, section));
  const always = matching.filter(({ headerIndex }) => site.depths[headerIndex] === 0);
  const [first, second] = always.length > 0 ? always : matching;
  if (first === undefined || second === undefined || part.section.kind === 'global') return first;
  const place = placeOf(site, part, first.headerIndex);
  const otherLine = site.givenLineOf(second.headerIndex) ?? 0;
  const message = `part "${part.name}": section ${describe(part.section)} is there more than once, on lines ${place.line} and ${otherLine}; put its marks into the right one`;
  throw new OwnedMergeError('ambiguous-section', message, { ...place, otherLine });
}

/** The end of the section, and behind the END mark of another owner that stands there. */
function leaveForeignBlock(site: MergeSite, part: OwnedLines, section: Section): number {
  const { headerIndex } = section;
  const end = endOfSection(site.document, section);
  const block = site.foreign.find(
    ({ beginIndex, endIndex }) => beginIndex < end && end <= endIndex,
  );
  if (block === undefined) return end;
  if (block.beginIndex < headerIndex) {
    const place = placeOf(site, part, headerIndex);
    const message = `part "${part.name}": section ${describe(part.section)} on line ${place.line} belongs to owner "${block.owner}"`;
    throw new OwnedMergeError('section-of-another-owner', message, place);
  }
  return block.endIndex + 1;
}

/** Refuses a part whose text would reach beyond its block: marks of its own, or conditionals that do not close. */
function checkBody(part: OwnedPart, body: readonly string[]): void {
  let depth = 0;
  for (const line of parse(body.map((text) => `${text}\n`).join('')).lines) {
    const mark = readMark(line);
    if (mark !== undefined) {
      const message = `part "${part.name}": the comment ${JSON.stringify(line.comment)} would be read as a mark`;
      throw new OwnedMergeError('mark-in-part', message, { part: part.name });
    }
    const first = line.words[0]?.value;
    depth += conditionStep(line);
    const isLoose = depth === 0 && (first === '.else' || first === '.elif');
    if (depth < 0 || isLoose) throw unbalanced(part);
  }
  if (depth !== 0) throw unbalanced(part);
}

function unbalanced(part: OwnedPart): OwnedMergeError {
  const message = `part "${part.name}": its .if and .endif do not match`;
  return new OwnedMergeError('unbalanced-part', message, { part: part.name });
}

function refuseOpenCondition(site: MergeSite, part: OwnedPart): void {
  if (site.openAtEnd === undefined) return;
  const place = placeOf(site, part, site.openAtEnd);
  const message = `part "${part.name}": the base ends inside the .if of line ${place.line}`;
  throw new OwnedMergeError('open-condition', message, place);
}

/** A new section must not take in statements that belong to what stands above it. */
function refuseCapture(site: MergeSite, part: OwnedLines, index: number): void {
  const { lines } = site.document;
  const next = lines.findIndex((line, place) => place >= index && isOrdinary(line));
  const line = lines[next];
  if (line === undefined || opensSection(line)) return;
  const place = placeOf(site, part, next);
  const message = `part "${part.name}": section ${describe(part.section)} cannot be created, as the statement on line ${place.line} would become part of it`;
  throw new OwnedMergeError('statement-after-block', message, place);
}

function placeOf(site: MergeSite, part: OwnedPart, index: number): { line: number; part: string } {
  return { line: site.givenLineOf(index) ?? index + 1, part: part.name };
}

function describe(section: OwnedLines['section']): string {
  return section.name === undefined ? section.kind : `${section.kind} ${section.name}`;
}
