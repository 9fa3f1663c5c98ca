import { type Acl, parseAclTest } from './acl-conditions.js';
import type { ConfigDocument } from './model.js';
import { type Rule, readRule } from './rules.js';
import { isProxyKind, type ProxyKind } from './section-keywords.js';
import {
  type Bind,
  type Section,
  type SectionsOptions,
  type Server,
  sections,
} from './sections.js';

/** An `option` line, or one with `no` or `default` before it. */
export interface ProxyOption {
  readonly lineIndex: number;
  readonly name: string;
  readonly arguments: readonly string[];
  readonly modifier?: 'no' | 'default';
}

/** A `timeout` line. `valueMs` is missing when the value is no time. */
export interface Timeout {
  readonly lineIndex: number;
  readonly name: string;
  readonly value: string;
  readonly valueMs?: number;
}

/** A `server-template` line: `countOrRange` is `3` or `1-3`. */
export interface ServerTemplate {
  readonly lineIndex: number;
  readonly prefix: string;
  readonly countOrRange: string;
  readonly address: string;
  readonly parameters: readonly string[];
}

/** A `default-server` line: what the servers after it have by default. */
export interface DefaultServer {
  readonly lineIndex: number;
  readonly parameters: readonly string[];
}

/** A `defaults`, `frontend`, `backend` or `listen` section as HAProxy understands its lines. Every part knows its line, to edit it by. */
export interface Proxy {
  readonly kind: ProxyKind;
  readonly name?: string;
  /** The name behind `from`. */
  readonly from?: string;
  /** The defaults that apply: those named by `from`, else for all but defaults the latest before. Missing too when `from` is ambiguous. */
  readonly defaults?: Proxy;
  readonly section: Section;
  readonly mode?: string;
  readonly defaultBackend?: string;
  readonly binds: readonly Bind[];
  readonly servers: readonly Server[];
  readonly serverTemplates: readonly ServerTemplate[];
  readonly defaultServers: readonly DefaultServer[];
  readonly acls: readonly Acl[];
  readonly rules: readonly Rule[];
  readonly options: readonly ProxyOption[];
  readonly timeouts: readonly Timeout[];
}

/** The proxies of a document in file order, each with the defaults that apply to it. O(lines). */
export function readProxies(
  document: ConfigDocument,
  options: SectionsOptions = {},
): readonly Proxy[] {
  const proxies: Proxy[] = [];
  const named = new Map<string, Proxy | 'ambiguous'>();
  let latest: Proxy | undefined;
  for (const section of sections(document, options)) {
    const { kind, name, from } = section;
    if (!isProxyKind(kind)) continue;
    const referred = from === undefined ? undefined : named.get(from);
    const inherited = from === undefined && kind !== 'defaults' ? latest : undefined;
    const defaults = referred === 'ambiguous' ? undefined : (referred ?? inherited);
    const proxy: Proxy = {
      kind,
      ...(name !== undefined && { name }),
      ...(from !== undefined && { from }),
      ...(defaults !== undefined && { defaults }),
      ...readBody(section),
    };
    proxies.push(proxy);
    if (kind !== 'defaults') continue;
    latest = proxy;
    if (name !== undefined) named.set(name, named.has(name) ? 'ambiguous' : proxy);
  }
  return proxies;
}

/** The first proxy of this kind and name. */
export function findProxy(
  proxies: readonly Proxy[],
  kind: ProxyKind,
  name?: string,
): Proxy | undefined {
  return proxies.find(
    (proxy) => proxy.kind === kind && (name === undefined || proxy.name === name),
  );
}

/** The timeouts that hold in a proxy by name, its own before those of its defaults. */
export function effectiveTimeouts(proxy: Proxy): ReadonlyMap<string, Timeout> {
  const found = new Map<string, Timeout>();
  for (const { timeouts } of chainOf(proxy))
    for (const timeout of timeouts) found.set(timeout.name, timeout);
  return found;
}

/** The options that hold in a proxy by name, its own before those of its defaults; `default` before one takes it back. */
export function effectiveOptions(proxy: Proxy): ReadonlyMap<string, ProxyOption> {
  const found = new Map<string, ProxyOption>();
  for (const { options } of chainOf(proxy)) {
    for (const option of options) {
      if (option.modifier === 'default') found.delete(option.name);
      else found.set(option.name, option);
    }
  }
  return found;
}

/** The mode of a proxy: its own, that of its defaults, or `tcp`. */
export function effectiveMode(proxy: Proxy): string {
  return chainOf(proxy).findLast(({ mode }) => mode !== undefined)?.mode ?? 'tcp';
}

const UNITS_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a time such as `30s` or `5000` (milliseconds), in milliseconds; undefined when it is none. */
export function parseDurationMs(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = UNITS_MS[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** The defaults of a proxy from the farthest on, and the proxy last. */
function chainOf(proxy: Proxy): readonly Proxy[] {
  const chain: Proxy[] = [];
  // A defaults section can only refer to one before it, so this ends.
  for (let one: Proxy | undefined = proxy; one !== undefined; one = one.defaults) chain.push(one);
  return chain.reverse();
}

interface Parts {
  mode?: string;
  defaultBackend?: string;
  readonly serverTemplates: ServerTemplate[];
  readonly defaultServers: DefaultServer[];
  readonly acls: Acl[];
  readonly rules: Rule[];
  readonly options: ProxyOption[];
  readonly timeouts: Timeout[];
}

function readBody(section: Section): Omit<Proxy, 'kind' | 'name' | 'from' | 'defaults'> {
  const parts: Parts = {
    serverTemplates: [],
    defaultServers: [],
    acls: [],
    rules: [],
    options: [],
    timeouts: [],
  };
  for (const statement of section.statements) {
    const { lineIndex, modifier, words } = statement;
    const [keyword = '', first = '', ...rest] = words;
    if (keyword === 'option') {
      const option = { lineIndex, name: first, arguments: rest };
      parts.options.push(modifier === undefined ? option : { ...option, modifier });
    } else if (modifier === undefined) {
      const rule = readRule(statement);
      if (rule !== undefined) parts.rules.push(rule);
      else readSetting(parts, { lineIndex, keyword, first, rest });
    }
  }
  return { section, binds: section.binds, servers: section.servers, ...parts };
}

interface Setting {
  readonly lineIndex: number;
  readonly keyword: string;
  readonly first: string;
  readonly rest: readonly string[];
}

function readSetting(parts: Parts, { lineIndex, keyword, first, rest }: Setting): void {
  const [second = '', ...more] = rest;
  switch (keyword) {
    case 'mode':
      parts.mode = first;
      break;
    case 'default_backend':
      parts.defaultBackend = first;
      break;
    case 'acl':
      parts.acls.push({ lineIndex, name: first, ...parseAclTest(rest) });
      break;
    case 'timeout': {
      const valueMs = parseDurationMs(second);
      const timeout = { lineIndex, name: first, value: second };
      parts.timeouts.push(valueMs === undefined ? timeout : { ...timeout, valueMs });
      break;
    }
    case 'server-template': {
      const [address = '', ...parameters] = more;
      const template = { lineIndex, prefix: first, countOrRange: second, address, parameters };
      parts.serverTemplates.push(template);
      break;
    }
    case 'default-server':
      parts.defaultServers.push({ lineIndex, parameters: first === '' ? [] : [first, ...rest] });
      break;
  }
}
