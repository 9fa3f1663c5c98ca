import {
  type ConfigDocument,
  mergeOwned,
  parse,
  print,
  renderSection,
  sections,
} from 'haproxy-config-parser';
import type { EdgeSettings, Words } from './edge-settings.js';

/** Whose marks stand around what the edge writes into an operator's file. */
const OWNER = 'pacer';
/** Stands for the sections of the edge while the operator's file is merged: they are long, and written already. */
const MARKER = { kind: 'backend', name: 'pacer-edge-sections', lines: [] } as const;

/** What an operator's haproxy.cfg has already, so that no app may have it. */
export interface BaseClaims {
  /** Names of its proxies. */
  readonly names: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
}

/**
 * Puts the edge into an operator's haproxy.cfg: its global lines into that file's `global`, its sections at the end, each
 * between marks; every other byte stays. Throws OwnedMergeError for damaged marks and an open `.if` at the end.
 */
export function mergeIntoBase(
  base: string,
  edge: { readonly global: readonly Words[]; readonly sections: string },
): string {
  const merged = mergeOwned(
    base,
    [
      { kind: 'lines', name: 'global', section: { kind: 'global' }, lines: edge.global },
      { kind: 'sections', name: 'edge', sections: [MARKER] },
    ],
    { owner: OWNER },
  );
  // A function, as `$` has a meaning in a replacement text.
  return print(merged).replace(renderSection(MARKER), () => edge.sections);
}

/** Names and ports of an operator's file, what the edge once wrote into it left out. O(base). */
export function claimsOfBase(base: string): BaseClaims {
  const document: ConfigDocument = mergeOwned(parse(base), [], { owner: OWNER });
  const proxies = sections(document).filter(({ kind }) => PROXIES.has(kind));
  const ports = proxies
    .flatMap(({ binds }) => binds)
    .map(({ address }) => Number(address.slice(address.lastIndexOf(':') + 1)));
  return {
    names: new Set(proxies.flatMap(({ name }) => (name === undefined ? [] : [name]))),
    ports: new Set(ports.filter((port) => port > 0)),
  };
}

const PROXIES: ReadonlySet<string> = new Set(['frontend', 'backend', 'listen', 'defaults']);

/** Words of `global` after which a worker is another user, or sees another root. */
const CONFINING: ReadonlySet<string> = new Set(['chroot', 'user', 'group', 'uid', 'gid']);
let judged: { readonly base: string; readonly isConfined: boolean } | undefined;

/** Whether workers reach the sockets of the edge: not where the operator's file confines them. */
export function canConnectSockets({ baseConfig: base }: Pick<EdgeSettings, 'baseConfig'>): boolean {
  if (base === undefined) return true;
  if (judged?.base !== base) {
    const statements = sections(parse(base))
      .filter(({ kind }) => kind === 'global')
      .flatMap((section) => section.statements);
    judged = { base, isConfined: statements.some(({ words }) => CONFINING.has(words[0] ?? '')) };
  }
  return !judged.isConfined;
}
