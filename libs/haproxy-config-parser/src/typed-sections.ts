import type { ConfigDocument } from './model.js';
import { type Section, type SectionsOptions, sections } from './sections.js';

/** A line by its keyword; every line of a section is one of these. */
export interface Setting {
  readonly lineIndex: number;
  readonly keyword: string;
  readonly arguments: readonly string[];
  readonly modifier?: 'no' | 'default';
}

/** A line that names something at an address: a mailer, peer or name server. */
export interface NamedAddress {
  readonly lineIndex: number;
  readonly name: string;
  /** Missing for the local peer, whose address its `bind` line has. */
  readonly address?: string;
  readonly parameters: readonly string[];
}

/** A `user` line: the password as it is (`insecure-password`), or hashed. */
export interface User {
  readonly lineIndex: number;
  readonly name: string;
  readonly password?: { readonly kind: 'hashed' | 'insecure'; readonly text: string };
  readonly groups: readonly string[];
}

/** A `group` line. */
export interface Group {
  readonly lineIndex: number;
  readonly name: string;
  readonly users: readonly string[];
}

/** A section that is no proxy, with what is particular to its kind. `settings` has all its lines. */
export type TypedSection = { readonly section: Section; readonly settings: readonly Setting[] } & (
  | {
      readonly kind: 'userlist';
      readonly users: readonly User[];
      readonly groups: readonly Group[];
    }
  | { readonly kind: 'peers'; readonly peers: readonly NamedAddress[] }
  | { readonly kind: 'mailers'; readonly mailers: readonly NamedAddress[] }
  | { readonly kind: 'resolvers'; readonly nameservers: readonly NamedAddress[] }
  | { readonly kind: 'namespace_list'; readonly namespaces: readonly string[] }
  | { readonly kind: 'http-errors'; readonly files: readonly ErrorFile[] }
  | { readonly kind: 'crt-store'; readonly certificates: readonly Certificate[] }
  | { readonly kind: 'program'; readonly command: readonly string[] }
  | { readonly kind: PlainKind }
);

/** Kinds of sections whose lines are all plain settings; binds and servers are in their `section`. */
export type PlainKind =
  | 'global'
  | 'cache'
  | 'ring'
  | 'log-forward'
  | 'fcgi-app'
  | 'traces'
  | 'log-profile'
  | 'acme'
  | 'healthcheck';

/** An `errorfile` line. */
export interface ErrorFile {
  readonly lineIndex: number;
  readonly status: string;
  readonly path: string;
}

/** A `load` line of a certificate store: its parameters by name (`crt`, `key`, `alias`, ...). */
export interface Certificate {
  readonly lineIndex: number;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The sections that are no proxies, in file order; `readProxies` reads the others. O(lines). */
export function readSections(
  document: ConfigDocument,
  options: SectionsOptions = {},
): readonly TypedSection[] {
  return sections(document, options).flatMap((section) => {
    const typed = readKind(section.kind, section);
    return typed === undefined ? [] : [typed];
  });
}

function readKind(kind: string, section: Section): TypedSection | undefined {
  const settings = section.statements.map(({ lineIndex, modifier, words }): Setting => {
    const [keyword = '', ...rest] = words;
    const setting = { lineIndex, keyword, arguments: rest };
    return modifier === undefined ? setting : { ...setting, modifier };
  });
  const of = (...keywords: readonly string[]) =>
    settings.filter(({ keyword }) => keywords.includes(keyword));
  const base = { section, settings };
  switch (kind) {
    case 'userlist':
      return { kind, ...base, users: of('user').map(toUser), groups: of('group').map(toGroup) };
    case 'peers':
      return { kind, ...base, peers: of('peer', 'server').map(toNamedAddress) };
    case 'mailers':
      return { kind, ...base, mailers: of('mailer').map(toNamedAddress) };
    case 'resolvers':
      return { kind, ...base, nameservers: of('nameserver').map(toNamedAddress) };
    case 'namespace_list':
      return { kind, ...base, namespaces: of('namespace').map((one) => one.arguments[0] ?? '') };
    case 'http-errors':
      return { kind, ...base, files: of('errorfile').map(toErrorFile) };
    case 'crt-store':
      return { kind, ...base, certificates: of('load').map(toCertificate) };
    case 'program':
      return { kind, ...base, command: of('command').at(-1)?.arguments ?? [] };
    case 'global':
    case 'cache':
    case 'ring':
    case 'log-forward':
    case 'fcgi-app':
    case 'traces':
    case 'log-profile':
    case 'acme':
    case 'healthcheck':
      return { kind, ...base };
    default:
      return undefined;
  }
}

function toNamedAddress({ lineIndex, arguments: words }: Setting): NamedAddress {
  const [name = '', address, ...parameters] = words;
  return { lineIndex, name, ...(address !== undefined && { address }), parameters };
}

function toUser({ lineIndex, arguments: words }: Setting): User {
  const [name = ''] = words;
  const at = words.findIndex((word, index) => index > 0 && /^(?:insecure-)?password$/.test(word));
  const text = words[at + 1];
  const kind = words[at] === 'password' ? 'hashed' : 'insecure';
  return {
    lineIndex,
    name,
    ...(at > 0 && text !== undefined && { password: { kind, text } }),
    groups: listBehind(words, 'groups'),
  };
}

function toGroup({ lineIndex, arguments: words }: Setting): Group {
  return { lineIndex, name: words[0] ?? '', users: listBehind(words, 'users') };
}

function toErrorFile({ lineIndex, arguments: words }: Setting): ErrorFile {
  const [status = '', path = ''] = words;
  return { lineIndex, status, path };
}

function toCertificate({ lineIndex, arguments: words }: Setting): Certificate {
  const pairs: (readonly [string, string])[] = [];
  for (let index = 0; index < words.length; index += 2) {
    pairs.push([words[index] ?? '', words[index + 1] ?? '']);
  }
  return { lineIndex, parameters: Object.fromEntries(pairs) };
}

/** The names behind a keyword, separated by commas. */
function listBehind(words: readonly string[], keyword: string): readonly string[] {
  const at = words.indexOf(keyword, 1);
  const list = at === -1 ? undefined : words[at + 1];
  return list === undefined ? [] : list.split(',').filter((name) => name !== '');
}
