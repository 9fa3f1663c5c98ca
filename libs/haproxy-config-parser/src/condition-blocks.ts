import { valuesOf } from './lex-line.js';
import type { ConfigDocument } from './model.js';
import { isOrdinary } from './sections.js';

/** One branch of a conditional: its directive's line and the lines up to the next directive of the same block. */
export interface ConditionBranch {
  readonly keyword: '.if' | '.elif' | '.else';
  readonly lineIndex: number;
  /** Index of the line behind the branch: its next directive, or the end of the file. */
  readonly endIndex: number;
  /** The condition's words, joined as HAProxy joins them; empty for `.else`. */
  readonly condition: string;
  readonly blocks: readonly ConditionBlock[];
}

/** A conditional with its branches. It may begin in one section and end in another. */
export interface ConditionBlock {
  readonly branches: readonly ConditionBranch[];
  /** Missing when the file ends before. */
  readonly endifIndex?: number;
}

interface OpenBranch {
  keyword: '.if' | '.elif' | '.else';
  lineIndex: number;
  condition: string;
  blocks: ConditionBlock[];
}

/**
 * The conditionals of a document as a tree, in file order, without deciding them; `evaluateConditions` does that. A directive without its `.if` is
 * left out, and a block that is not closed ends with the file. O(lines).
 */
export function readConditionBlocks(document: ConfigDocument): readonly ConditionBlock[] {
  const roots: ConditionBlock[] = [];
  const open: { readonly branches: ConditionBranch[]; current: OpenBranch }[] = [];
  const endBranch = (endIndex: number): void => {
    const top = open.at(-1);
    top?.branches.push({ ...top.current, endIndex });
  };
  const endBlock = (endifIndex?: number): void => {
    endBranch(endifIndex ?? document.lines.length);
    const block = open.pop();
    if (block === undefined) return;
    const { branches } = block;
    const siblings = open.at(-1)?.current.blocks ?? roots;
    siblings.push(endifIndex === undefined ? { branches } : { branches, endifIndex });
  };
  for (const [lineIndex, line] of document.lines.entries()) {
    if (line.kind !== 'statement' || isOrdinary(line)) continue;
    const [keyword = '', ...words] = valuesOf(line.words);
    const condition = words.join(' ');
    if (keyword === '.if') {
      open.push({ branches: [], current: { keyword, lineIndex, condition, blocks: [] } });
    } else if (keyword === '.endif') {
      endBlock(lineIndex);
    } else if (keyword === '.elif' || keyword === '.else') {
      const top = open.at(-1);
      if (top === undefined) continue;
      endBranch(lineIndex);
      top.current = {
        keyword,
        lineIndex,
        condition: keyword === '.else' ? '' : condition,
        blocks: [],
      };
    }
  }
  while (open.length > 0) endBlock();
  return roots;
}
