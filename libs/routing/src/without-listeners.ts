import { type ConfigDocument, editLines, lex, parse, print, sections } from 'haproxy-config-parser';
import { generationMark } from './render/render-config.js';

/** The mark of a configuration without some of its ports: no structure has it, so the next look at it asks for a reload. */
const REDUCED_GENERATION = 'reduced';

/** One address of a bind line. */
export interface BindAddress {
  /** From 1. */
  readonly line: number;
  /** As it is written, such as `127.0.0.1:80`. */
  readonly address: string;
  /** What follows the addresses. */
  readonly parameters: readonly string[];
}

/**
 * Where a configuration listens, each address of its bind lines, in their order. Conditionals are read as if every branch were
 * taken. Looks only into lines that have the word: of 10,000 servers none is taken apart. O(text).
 */
export function bindAddressesOf(text: string): readonly BindAddress[] {
  const found: BindAddress[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.includes('bind')) continue;
    const [keyword, addresses = '', ...parameters] = lex(line).values;
    if (keyword !== 'bind') continue;
    for (const address of addresses.split(',')) {
      found.push({ line: index + 1, address, parameters });
    }
  }
  return found;
}

/** The addresses, with their ports, a configuration listens on, as its bind lines have them. */
export const listenAddressesOf = (text: string): ReadonlySet<string> =>
  new Set(bindAddressesOf(text).map(({ address }) => address));

/**
 * A configuration of {@link renderConfig} without the frontends that listen at `addresses`, written as in
 * {@link BindAddress}; their backends stay. O(text).
 */
export function withoutListeners(text: string, addresses: ReadonlySet<string>): string {
  const document = parse(text);
  const taken = sections(document).filter(({ binds }) =>
    binds.some(({ address }) => addresses.has(address)),
  );
  const removed = taken.flatMap(({ headerIndex, endIndex }) =>
    Array.from({ length: endIndex - headerIndex }, (_, index) => headerIndex + index),
  );
  return print(
    editLines(document, [
      ...markEdits(document),
      ...removed.map((lineIndex) => ({ kind: 'remove', lineIndex }) as const),
    ]),
  );
}

const markEdits = (document: ConfigDocument) =>
  sections(document)
    .filter(({ kind }) => kind === 'global')
    .flatMap(({ statements }) => statements)
    .filter(({ words }) => words[0] === 'description')
    .map(({ lineIndex }) => {
      const words = ['description', generationMark(REDUCED_GENERATION)];
      return { kind: 'replace', lineIndex, words } as const;
    });
