import { compareText } from './clean-name.js';
import { needsRules } from './host-entries.js';
import type { Route } from './route-table.js';

/** Where a plain request goes whose host is only served over TLS that is passed through. */
export const TO_HTTPS_BACKEND = 'edge_to_https';

/** Where TLS goes that ends here, behind what passes some of it through. */
export const TLS_END_BACKEND = 'edge_tls_end';

/** One host (with one prefix) that is found by a rule. */
export interface HostRule {
  readonly host: string;
  readonly prefix?: { readonly path: string; readonly ignoresCase: boolean };
  readonly route: Route;
  /** Where it leads: to that of the route, or to TLS where that is passed through. */
  readonly backend: string;
}

export const isWildcard = (host: string): boolean => host.startsWith('*.');

/**
 * The hosts that are found by rules: those a map cannot say everything of, and every more exact one below them. Rules come
 * before the maps, so that a rule of `*.example` would take what the map has for `a.example`. O(hosts x their labels).
 */
export function ruledHosts(routes: readonly Route[]): ReadonlySet<string> {
  const ruled = new Set(
    routes
      .filter((route) => !route.passthrough && needsRules(route))
      .flatMap(({ vhosts }) => vhosts),
  );
  const wildcards = new Set([...ruled].filter(isWildcard));
  if (wildcards.size === 0) return ruled;
  const below = routes
    .flatMap(({ vhosts }) => vhosts)
    .filter((host) => wildcardsAbove(host).some((above) => wildcards.has(above)));
  return new Set([...ruled, ...below]);
}

/** The wildcards that also match a host, or all that another wildcard matches. O(its labels). */
export function wildcardsAbove(host: string): readonly string[] {
  const labels = host.split('.');
  const first = isWildcard(host) ? 2 : 1;
  return labels.slice(first).map((_, at) => `*.${labels.slice(first + at).join('.')}`);
}

/**
 * The rules of ruled hosts, of which the first that matches counts: as in the maps an exact host before a wildcard and a longer
 * wildcard before a shorter one; of one host the larger weight first, then the longer path, then by name.
 */
export function hostRulesOf(
  routes: readonly Route[],
  ruled: ReadonlySet<string>,
): readonly HostRule[] {
  if (ruled.size === 0) return [];
  return routes
    .flatMap((route) =>
      route.vhosts.filter((host) => ruled.has(host)).flatMap((host) => rulesOf(route, host)),
    )
    .sort(
      (left, right) =>
        exactnessOf(right.host) - exactnessOf(left.host) ||
        right.route.weight - left.route.weight ||
        (right.prefix?.path.length ?? 0) - (left.prefix?.path.length ?? 0) ||
        compareText(left.route.backend, right.route.backend) ||
        compareText(left.host, right.host) ||
        compareText(left.prefix?.path ?? '', right.prefix?.path ?? ''),
    );
}

function rulesOf(route: Route, host: string): readonly HostRule[] {
  if (route.passthrough) return [{ host, route, backend: TO_HTTPS_BACKEND }];
  const { backend, paths } = route;
  if (paths.length === 0) return [{ host, route, backend }];
  return paths.map((prefix) => ({ host, prefix, route, backend }));
}

/** Of wildcards that match one host the longer is the more exact one. */
const exactnessOf = (host: string): number => (isWildcard(host) ? host.length : MAX_NAME + 1);

/** Longest name of a host. */
const MAX_NAME = 255;
