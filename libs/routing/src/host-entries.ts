import { compareText } from './clean-name.js';
import type { Route } from './route-table.js';
import { HTTP_RULE_TEMPLATES, HTTPS_RULE_TEMPLATES } from './templates/template-names.js';

/** What the maps say about hosts; see EdgeMap. */
export interface HostEntries {
  readonly hosts: ReadonlyMap<string, string>;
  readonly wildcards: ReadonlyMap<string, string>;
}

interface Entry {
  readonly path: string;
  readonly weight: number;
  readonly backend: string;
}

/** Whether a map cannot say where the hosts of a route go. */
export const needsRules = ({ paths, templates }: Route): boolean =>
  paths.some(({ ignoresCase }) => ignoresCase) ||
  (templates.size > 0 &&
    [...HTTP_RULE_TEMPLATES, ...HTTPS_RULE_TEMPLATES].some((name) => templates.has(name)));

/**
 * The entries of the hosts that `isMapped`. HAProxy takes the longest prefix, so a longer path that a larger weight of a
 * shorter one hides is left out. Of two wildcards the longer one decides; what it does not have it takes from the shorter.
 */
export function hostEntriesOf(
  routes: readonly Route[],
  isMapped: (host: string) => boolean,
): HostEntries {
  const byHost = new Map<string, Entry[]>();
  for (const { vhosts, paths, weight, backend } of routes) {
    const prefixes = paths.length === 0 ? ['/'] : paths.map(({ path }) => path);
    for (const host of vhosts) {
      if (!isMapped(host)) continue;
      const entries = byHost.get(host) ?? [];
      byHost.set(host, entries);
      for (const path of prefixes) entries.push({ path, weight, backend });
    }
  }
  const wildcards = [...byHost.keys()]
    .filter((host) => host.startsWith('*.'))
    .sort((left, right) => right.length - left.length || compareText(left, right));
  // From the shortest, so that what is inherited is whole.
  for (const host of wildcards.toReversed()) inherit(byHost, host, wildcards);
  const hosts = new Map<string, string>();
  for (const [host, entries] of byHost) {
    for (const { path, backend } of entries.filter((entry) => !isHidden(entry, entries))) {
      hosts.set(host + path, backend);
    }
  }
  return { hosts, wildcards: new Map(wildcards.map((host) => [host.slice(1), host])) };
}

const isHidden = (entry: Entry, others: readonly Entry[]): boolean =>
  others.length > 1 &&
  others.some((other) => other.weight > entry.weight && entry.path.startsWith(other.path));

/** Takes the entries of the next shorter wildcard that are not its own. */
function inherit(byHost: Map<string, Entry[]>, host: string, wildcards: readonly string[]): void {
  const shorter = wildcards.find(
    (other) => other.length < host.length && host.endsWith(other.slice(1)),
  );
  const own = byHost.get(host);
  if (shorter === undefined || own === undefined || own.some(({ path }) => path === '/')) return;
  const inherited = byHost.get(shorter) ?? [];
  // Weights count among those of one host: what is hidden there is not found here either.
  for (const entry of inherited.filter((one) => !isHidden(one, inherited))) {
    if (own.every(({ path }) => path !== entry.path)) own.push({ ...entry, weight: -Infinity });
  }
}
