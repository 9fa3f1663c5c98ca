import { valuesOf } from './lex-line.js';
import type { ConfigLine } from './model.js';
import { isProxyKind } from './section-keywords.js';

/** What the line that opens a section says. HAProxy reads its words up to the first empty one. */
export interface SectionHeader {
  readonly kind: string;
  readonly name?: string;
  /** The defaults section named behind `from`. */
  readonly from?: string;
  /** Words behind the keyword that HAProxy sees. */
  readonly words: readonly string[];
}

/** Reads a header. Only proxies have a `from`; `defaults from x` has no name. */
export function readHeader(line: ConfigLine): SectionHeader {
  const [kind = '', ...all] = valuesOf(line.words);
  const end = all.indexOf('');
  const words = end === -1 ? all : all.slice(0, end);
  const [first, second, third] = words;
  if (!isProxyKind(kind)) return { kind, words, ...(first !== undefined && { name: first }) };
  if (kind === 'defaults' && first === 'from' && words.length === 2 && second !== undefined) {
    return { kind, words, from: second };
  }
  const hasFrom = second === 'from' && third !== undefined;
  return {
    kind,
    words,
    ...(first !== undefined && { name: first }),
    ...(hasFrom && { from: third }),
  };
}
