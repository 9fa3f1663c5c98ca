import type { ConfigDocument, ConfigLine } from './model.js';
import { OwnedMergeError } from './owned-merge-error.js';

/** The comment lines around an owned block. The base may lack its last line feed; the mark then tells that it was added. */
export interface OwnedMark {
  readonly edge: 'BEGIN' | 'END';
  readonly owner: string;
  readonly part: string;
  readonly addedLineFeed: boolean;
}

/** A block between marks: from its BEGIN line to its END line, both included; indices count from 0. */
export interface OwnedBlock {
  readonly owner: string;
  readonly part: string;
  readonly beginIndex: number;
  readonly endIndex: number;
  readonly addedLineFeed: boolean;
}

const ADDED_LINE_FEED = ' (line feed added)';
const NAME = '[A-Za-z0-9_.:/-]{1,128}';
const MARK = new RegExp(
  `^# (BEGIN|END) (${NAME}) (${NAME})( \\(line feed added\\))?[\\t\\v\\f\\r ]*$`,
);
const WHOLE_NAME = new RegExp(`^${NAME}$`);

/** True for what can name an owner or a part: 1 to 128 letters, digits, and `- _ . : /`. */
export function isMarkName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** The text of a mark, without indent and line end. */
export function formatMark(mark: OwnedMark): string {
  return `# ${mark.edge} ${mark.owner} ${mark.part}${mark.addedLineFeed ? ADDED_LINE_FEED : ''}`;
}

/** Reads a line as a mark of any owner: it must be a comment and nothing else. */
export function readMark(line: ConfigLine): OwnedMark | undefined {
  if (line.kind !== 'blank' || line.comment === '') return undefined;
  const match = MARK.exec(line.comment);
  if (match === null) return undefined;
  const [, edge, owner = '', part = '', added] = match;
  return {
    edge: edge === 'BEGIN' ? 'BEGIN' : 'END',
    owner,
    part,
    addedLineFeed: added !== undefined,
  };
}

/** The blocks of one owner in file order. Throws `OwnedMergeError`, naming the line, when a mark is missing, nested or there twice. O(lines). */
export function listOwnedBlocks(document: ConfigDocument, owner: string): readonly OwnedBlock[] {
  const blocks: OwnedBlock[] = [];
  const beginOf = new Map<string, number>();
  let open: { readonly part: string; readonly index: number; readonly added: boolean } | undefined;
  for (const [index, line] of document.lines.entries()) {
    const mark = readMark(line);
    if (mark === undefined || mark.owner !== owner) continue;
    const { part } = mark;
    if (mark.edge === 'BEGIN') {
      if (open !== undefined) throw nested(owner, open, { part, index });
      const earlier = beginOf.get(part);
      if (earlier !== undefined) throw repeated(owner, part, { earlier, index });
      beginOf.set(part, index);
      open = { part, index, added: mark.addedLineFeed };
    } else {
      if (open === undefined || open.part !== part) throw endWithoutBegin(owner, part, index);
      const { index: beginIndex, added: addedLineFeed } = open;
      blocks.push({ owner, part, beginIndex, endIndex: index, addedLineFeed });
      open = undefined;
    }
  }
  if (open !== undefined) {
    const message = `line ${open.index + 1}: "# BEGIN ${owner} ${open.part}" has no "# END ${owner} ${open.part}" behind it`;
    throw new OwnedMergeError('begin-without-end', message, {
      line: open.index + 1,
      part: open.part,
    });
  }
  return blocks;
}

/** The whole blocks of all owners but this one; damaged marks of others are comments to us. O(lines). */
export function listForeignBlocks(document: ConfigDocument, owner: string): readonly OwnedBlock[] {
  const blocks: OwnedBlock[] = [];
  let open: { readonly mark: OwnedMark; readonly index: number } | undefined;
  for (const [index, line] of document.lines.entries()) {
    const mark = readMark(line);
    if (mark === undefined || mark.owner === owner) continue;
    if (mark.edge === 'BEGIN') {
      open = { mark, index };
    } else if (open?.mark.owner === mark.owner && open.mark.part === mark.part) {
      blocks.push({ ...open.mark, beginIndex: open.index, endIndex: index });
      open = undefined;
    }
  }
  return blocks;
}

function nested(
  owner: string,
  outer: { readonly part: string; readonly index: number },
  inner: { readonly part: string; readonly index: number },
): OwnedMergeError {
  const message = `line ${inner.index + 1}: "# BEGIN ${owner} ${inner.part}" stands inside the block of "${outer.part}" begun on line ${outer.index + 1}`;
  return new OwnedMergeError('nested-block', message, {
    line: inner.index + 1,
    otherLine: outer.index + 1,
    part: inner.part,
  });
}

function repeated(
  owner: string,
  part: string,
  at: { readonly earlier: number; readonly index: number },
): OwnedMergeError {
  const message = `line ${at.index + 1}: "# BEGIN ${owner} ${part}" is there a second time, first on line ${at.earlier + 1}`;
  return new OwnedMergeError('repeated-block', message, {
    line: at.index + 1,
    otherLine: at.earlier + 1,
    part,
  });
}

function endWithoutBegin(owner: string, part: string, index: number): OwnedMergeError {
  const message = `line ${index + 1}: "# END ${owner} ${part}" closes no "# BEGIN ${owner} ${part}" before it`;
  return new OwnedMergeError('end-without-begin', message, { line: index + 1, part });
}
