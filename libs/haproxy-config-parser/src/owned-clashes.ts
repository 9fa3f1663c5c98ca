import type { ConfigDocument } from './model.js';
import { listOwnedBlocks, type OwnedBlock } from './owned-marks.js';
import { OwnedMergeError } from './owned-merge-error.js';
import { PROXY_ABILITIES } from './section-keywords.js';
import { type Section, sections } from './sections.js';

/**
 * Throws `OwnedMergeError` when a generated section has a name that another section has: a proxy with an overlapping ability, or a section of
 * the same kind. `lineInBase` gives the line of the base a merged line is. Sections in conditionals count, whatever their condition. O(lines).
 */
export function refuseClashes(
  merged: ConfigDocument,
  owner: string,
  lineInBase: (index: number) => number | undefined,
): void {
  const blocks = listOwnedBlocks(merged, owner);
  if (blocks.length === 0) return;
  const found = sections(merged);
  const generated = new Map<Section, OwnedBlock>();
  let next = 0;
  for (const section of found) {
    while ((blocks[next]?.endIndex ?? Number.POSITIVE_INFINITY) < section.headerIndex) next++;
    const block = blocks[next];
    if (block !== undefined && block.beginIndex < section.headerIndex)
      generated.set(section, block);
  }
  const byName = new Map<string, Section>();
  for (const section of found) if (!generated.has(section)) claim(byName, section);
  for (const [section, block] of generated) {
    const other = claim(byName, section);
    if (other !== undefined) throw clash({ section, block, other }, lineInBase);
  }
}

/** Registers what a section is called. Returns the section that is called so already. */
function claim(byName: Map<string, Section>, section: Section): Section | undefined {
  const { kind, name } = section;
  if (name === undefined) return undefined;
  for (const space of PROXY_ABILITIES[kind] ?? [kind]) {
    const key = `${space} ${name}`;
    const other = byName.get(key);
    if (other !== undefined) return other;
    byName.set(key, section);
  }
  return undefined;
}

function clash(
  found: { readonly section: Section; readonly block: OwnedBlock; readonly other: Section },
  lineInBase: (index: number) => number | undefined,
): OwnedMergeError {
  const { section, block, other } = found;
  const line = lineInBase(other.headerIndex);
  const otherLine = section.headerIndex + 1;
  const where =
    line === undefined
      ? `line ${other.headerIndex + 1} of the result, generated too`
      : `line ${line} of the base`;
  const message = `${section.kind} "${section.name}" of part "${block.part}" (line ${otherLine} of the result) has the name of ${other.kind} "${other.name}" on ${where}`;
  const code = Object.hasOwn(PROXY_ABILITIES, section.kind) ? 'proxy-clash' : 'section-clash';
  const place = { otherLine, part: block.part };
  return new OwnedMergeError(code, message, line === undefined ? place : { ...place, line });
}
