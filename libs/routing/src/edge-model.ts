import { compareText } from './clean-name.js';
import type { EdgeMaps } from './edge-maps.js';
import type { EdgeServer } from './edge-server.js';
import { type HostEntries, hostEntriesOf } from './host-entries.js';
import {
  type HostRule,
  hostRulesOf,
  isWildcard,
  ruledHosts,
  TLS_END_BACKEND,
  TO_HTTPS_BACKEND,
  wildcardsAbove,
} from './host-rules.js';
import { listenerKey } from './listen-address.js';
import { writtenCheckPort } from './render/server-options.js';
import { routeFingerprint } from './route-fingerprint.js';
import { appsOfRoute, type Endpoint, type Route, type RouteTable } from './route-table.js';

/** The part of the edge that can change while HAProxy runs, without a reload. */
export interface EdgeContents {
  /** Backend name -> its servers, by name. */
  readonly servers: ReadonlyMap<string, ReadonlyMap<string, EdgeServer>>;
  readonly maps: EdgeMaps;
}

/** What a running HAProxy has: maps that nothing in its configuration asks for are not there. */
export interface AppliedContents extends Pick<EdgeContents, 'servers'> {
  readonly maps: Partial<EdgeMaps>;
}

/** What does not change without a reload: proxies, listen ports, rules. */
export interface EdgeStructure {
  /** Their endpoints are not part of the structure, and neither are hosts and paths that are in maps. */
  readonly routes: readonly Route[];
  /** What only rules can say: hosts with paths in any case, those with templates for their rules, and all below such a wildcard. */
  readonly rules: readonly HostRule[];
}

export interface EdgeModel extends EdgeContents {
  readonly structure: EdgeStructure;
}

/**
 * Splits a route table into what needs a reload and what does not. `previous`: a model of before, whose maps and rules are
 * taken over when only endpoints differ. O(routes + servers of changed routes).
 */
export function toEdgeModel({ routes }: RouteTable, previous?: EdgeModel): EdgeModel {
  const servers = new Map(routes.map((route) => [route.backend, serversOf(route)]));
  if (previous !== undefined && isSameButEndpoints(previous.structure.routes, routes)) {
    const { maps, structure } = previous;
    return { structure: { routes, rules: structure.rules }, servers, maps };
  }
  const ruled = ruledHosts(routes);
  const hosts = hostEntriesOf(
    routes.filter((route) => !route.passthrough),
    (host) => !ruled.has(host),
  );
  const passed = routes.filter((route) => route.passthrough);
  return {
    structure: { routes, rules: hostRulesOf(routes, ruled) },
    servers,
    maps: {
      ...addPlainHosts(
        hosts,
        passed.flatMap(({ vhosts }) => vhosts).filter((host) => !ruled.has(host)),
      ),
      ...sniMaps(routes),
      ports: portsOf(routes),
      apps: appsOf(routes),
    },
  };
}

const isSameButEndpoints = (before: readonly Route[], now: readonly Route[]): boolean =>
  before.length === now.length &&
  now.every((route, index) => {
    const other = before[index];
    return (
      other === route ||
      (other !== undefined &&
        routeFingerprint(other) === routeFingerprint(route) &&
        appsOfRoute(other).join() === appsOfRoute(route).join())
    );
  });

/** Plain requests for hosts that are passed through are sent to TLS. */
function addPlainHosts(
  { hosts, wildcards }: HostEntries,
  extra: readonly string[],
): Pick<EdgeMaps, 'hosts' | 'wildcards'> {
  if (extra.length === 0) return { hosts, wildcards };
  return {
    hosts: new Map([...extra.map((host) => [`${host}/`, TO_HTTPS_BACKEND] as const), ...hosts]),
    wildcards: sortSuffixes([
      ...wildcards,
      ...extra.filter(isWildcard).map((host) => [host.slice(1), host] as const),
    ]),
  };
}

/** What is passed through, and what ends here below a wildcard of that. */
function sniMaps(routes: readonly Route[]): Pick<EdgeMaps, 'sni' | 'sniWildcards'> {
  const passed = routes.filter(({ passthrough }) => passthrough);
  const wildcards = new Set(passed.flatMap(({ vhosts }) => vhosts).filter(isWildcard));
  const ending =
    wildcards.size === 0
      ? []
      : routes
          .filter(({ passthrough }) => !passthrough)
          .flatMap(({ vhosts }) => vhosts)
          .filter((host) => wildcardsAbove(host).some((above) => wildcards.has(above)));
  const all = [
    ...ending.map((host) => [host, TLS_END_BACKEND] as const),
    ...passed.flatMap(({ vhosts, backend }) => vhosts.map((host) => [host, backend] as const)),
  ];
  return {
    sni: new Map(all.filter(([host]) => !isWildcard(host))),
    sniWildcards: sortSuffixes(
      all.filter(([host]) => isWildcard(host)).map(([host, backend]) => [host.slice(1), backend]),
    ),
  };
}

/** The longest first: the first match counts. */
const sortSuffixes = (
  entries: readonly (readonly [string, string])[],
): ReadonlyMap<string, string> =>
  new Map(
    [...entries].sort(([left], [right]) => right.length - left.length || compareText(left, right)),
  );

function portsOf(routes: readonly Route[]): ReadonlyMap<string, string> {
  const listeners = routes.flatMap(({ listener }) => listener ?? []);
  const [once, shared] = [new Set<number>(), new Set<number>()];
  for (const { port } of listeners) (once.has(port) ? shared : once).add(port);
  return new Map(
    routes.flatMap(({ listener, mode, backend }): readonly (readonly [string, string])[] => {
      if (listener === undefined || mode !== 'http') return [];
      const isShared = shared.has(listener.port);
      return [[isShared ? listenerKey(listener) : String(listener.port), backend]];
    }),
  );
}

/** The first HTTP port of each app. */
function appsOf(routes: readonly Route[]): ReadonlyMap<string, string> {
  const apps = new Map<string, string>();
  for (const route of routes.filter(({ mode }) => mode === 'http')) {
    for (const id of appsOfRoute(route)) if (!apps.has(id)) apps.set(id, route.backend);
  }
  return apps;
}

/** Remembered by what it is made of: what is equal by reference needs no comparison. */
const known = new WeakMap<readonly Endpoint[], KnownServers>();

interface KnownServers {
  readonly written: number | undefined;
  readonly servers: ReadonlyMap<string, EdgeServer>;
}

function serversOf(route: Route): ReadonlyMap<string, EdgeServer> {
  const { endpoints } = route;
  const before = known.get(endpoints);
  const written = writtenCheckPort(route);
  if (before !== undefined && before.written === written) return before.servers;
  const servers = new Map(
    endpoints.map((endpoint) => [endpoint.name, toServer(endpoint, written)]),
  );
  known.set(endpoints, { written, servers });
  return servers;
}

/** `written`: the port of checks that the route's own words name for all servers. */
function toServer(endpoint: Endpoint, written: number | undefined): EdgeServer {
  const { name, address, port, state, weight } = endpoint;
  const checkPort = written ?? endpoint.checkPort;
  return {
    ...{ name, address, port, weight },
    state: state === 'ready' ? 'ready' : 'maint',
    ...(checkPort !== undefined && { checkPort }),
  };
}
