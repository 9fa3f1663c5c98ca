import {
  type ConfigDocument,
  editLines,
  parse,
  print,
  type Section,
  sections,
} from 'haproxy-config-parser';
import { generationMark } from './render/render-config.js';

/** The mark of a configuration without some of its ports: no structure has it, so the next look at it asks for a reload. */
const REDUCED_GENERATION = 'reduced';

/** The ports a configuration listens on. */
export const listenPortsOf = (text: string): ReadonlySet<number> =>
  new Set(sections(parse(text)).flatMap(portsOf));

/** The addresses, with their ports, a configuration listens on, as its bind lines have them. */
export const listenAddressesOf = (text: string): ReadonlySet<string> =>
  new Set(sections(parse(text)).flatMap(({ binds }) => binds.map(({ address }) => address)));

/** A configuration of {@link renderConfig} without the frontends that listen on `ports`; their backends stay. O(text). */
export function withoutListenPorts(text: string, ports: ReadonlySet<number>): string {
  const document = parse(text);
  const taken = sections(document).filter((section) =>
    portsOf(section).some((port) => ports.has(port)),
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

const portsOf = ({ binds }: Section): readonly number[] =>
  binds
    .map(({ address }) => Number(address.slice(address.lastIndexOf(':') + 1)))
    .filter((port) => port > 0);
