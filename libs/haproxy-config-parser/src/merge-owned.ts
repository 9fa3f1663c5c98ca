import { eolOf } from './line-places.js';
import type { ConfigDocument } from './model.js';
import { refuseClashes } from './owned-clashes.js';
import { formatMark, isMarkName, listOwnedBlocks } from './owned-marks.js';
import { OwnedMergeError } from './owned-merge-error.js';
import {
  type OwnedPart,
  type PlacedBlock,
  placePart,
  type StrippedBase,
  toMergeSite,
} from './owned-placement.js';
import { parse, printLine } from './parse.js';

/** Whose parts are merged. Marks of other owners are left alone. */
export interface MergeOwnedOptions {
  /** 1 to 128 letters, digits, and `- _ . : /`; it stands in every mark. */
  readonly owner: string;
}

/**
 * Writes the owner's parts into an operator's configuration and touches nothing else: each part stands between the comment lines
 * `# BEGIN <owner> <part>` and `# END <owner> <part>`, and every byte outside of the owner's marks stays as and where it was. The same parts
 * again give the same bytes; blocks of parts that are no longer given are removed. Pure; the base is not changed.
 *
 * Lines go to the end of their section, under the conditions (`.if`) of its header, and stay where an operator moved them inside it; a section
 * that is absent is created inside the block: `global` before everything, `defaults` before the first proxy, others at the end. Whole
 * sections stand at the end of the file. A part without lines or sections is taken as not given.
 *
 * Throws `OwnedMergeError` for damaged marks, a place inside an open `.if`, and names the base already has; `ConfigWriteError` for words that
 * HAProxy could not read back. O(lines) for each part.
 */
export function mergeOwned(
  base: string | ConfigDocument,
  parts: readonly OwnedPart[],
  options: MergeOwnedOptions,
): ConfigDocument {
  const { owner } = options;
  checkNames(owner, parts);
  const given = typeof base === 'string' ? parse(base) : base;
  const stripped = stripOwned(given, owner);
  const site = toMergeSite(stripped, { owner, parts });
  const placed = parts.flatMap((part) => placePart(site, part) ?? []);
  const { text, baseLines } = compose(stripped.document, owner, placed);
  const merged = parse(text, given.options);
  const lineInBase = (index: number) => {
    const baseIndex = baseLines[index];
    return baseIndex === undefined ? undefined : stripped.givenLineOf(baseIndex);
  };
  refuseClashes(merged, owner, lineInBase);
  return merged;
}

/** Takes all blocks of the owner out of a configuration. After `mergeOwned` this gives the base back, byte for byte. O(lines). */
export function removeOwned(
  base: string | ConfigDocument,
  options: MergeOwnedOptions,
): ConfigDocument {
  checkNames(options.owner, []);
  return stripOwned(typeof base === 'string' ? parse(base) : base, options.owner).document;
}

function stripOwned(given: ConfigDocument, owner: string): StrippedBase {
  const blocks = listOwnedBlocks(given, owner);
  if (blocks.length === 0) {
    const { length } = given.lines;
    const givenLineOf = (index: number) => (index < length ? index + 1 : undefined);
    return { document: given, anchors: new Map(), givenLineOf };
  }
  const texts: string[] = [];
  const givenLines: number[] = [];
  const anchors = new Map<string, number>();
  let from = 0;
  const keepUntil = (end: number) => {
    for (const line of given.lines.slice(from, end)) {
      texts.push(printLine(line));
      givenLines.push(++from);
    }
  };
  for (const { part, beginIndex, endIndex } of blocks) {
    keepUntil(beginIndex);
    anchors.set(part, texts.length);
    from = endIndex + 1;
  }
  keepUntil(given.lines.length);
  const last = texts.at(-1);
  const hasAddedLineFeed = blocks.some(
    ({ part, addedLineFeed }) => addedLineFeed && anchors.get(part) === texts.length,
  );
  if (hasAddedLineFeed && last !== undefined) texts[texts.length - 1] = last.replace(/\n$/, '');
  return {
    document: parse(texts.join(''), given.options),
    anchors,
    givenLineOf: (index) => givenLines[index],
  };
}

/** The merged text, and for each of its lines the index of the line of the base it is. */
function compose(
  document: ConfigDocument,
  owner: string,
  placed: readonly PlacedBlock[],
): { readonly text: string; readonly baseLines: readonly (number | undefined)[] } {
  const eol = eolOf(document);
  const texts: string[] = [];
  const baseLines: (number | undefined)[] = [];
  const queue = placed.toSorted(
    (a, b) => a.index - b.index || a.rank - b.rank || a.group - b.group,
  );
  let next = 0;
  for (let index = 0; index <= document.lines.length; index++) {
    for (let block = queue[next]; block?.index === index; block = queue[++next]) {
      const addedLineFeed = texts.length > 0 && !(texts.at(-1) ?? '').endsWith('\n');
      if (addedLineFeed) texts[texts.length - 1] += '\n';
      for (const line of toLines(owner, block, addedLineFeed)) {
        texts.push(line + eol);
        baseLines.push(undefined);
      }
    }
    const line = document.lines[index];
    if (line === undefined) break;
    texts.push(printLine(line));
    baseLines.push(index);
  }
  return { text: texts.join(''), baseLines };
}

function toLines(owner: string, block: PlacedBlock, addedLineFeed: boolean): readonly string[] {
  const { indent, part, body } = block;
  return [
    indent + formatMark({ edge: 'BEGIN', owner, part, addedLineFeed }),
    ...body,
    indent + formatMark({ edge: 'END', owner, part, addedLineFeed: false }),
  ];
}

function checkNames(owner: string, parts: readonly OwnedPart[]): void {
  const rule = 'must be 1 to 128 letters, digits, and - _ . : /';
  if (!isMarkName(owner)) {
    throw new OwnedMergeError('invalid-owner', `owner ${JSON.stringify(owner)} ${rule}`);
  }
  const seen = new Set<string>();
  for (const { name } of parts) {
    if (!isMarkName(name)) {
      const message = `name of part ${JSON.stringify(name)} ${rule}`;
      throw new OwnedMergeError('invalid-part-name', message, { part: name });
    }
    if (seen.has(name)) {
      const message = `part "${name}" is given twice`;
      throw new OwnedMergeError('repeated-part', message, { part: name });
    }
    seen.add(name);
  }
}
