import { hostKeys } from './route-claims.js';
import type { Route, RouteConflict, RouteListener, RouteTable } from './route-table.js';

/** Ports an app may not have. */
export interface PortRules {
  /** Ports no app may listen on: the edge's own and the daemons'. */
  readonly reservedPorts: ReadonlySet<number>;
  /** Listeners, as {@link listenerKey} writes them, that cannot be had on this host. */
  readonly occupiedPorts?: ReadonlySet<string>;
  /** Names of proxies that the operator's own haproxy.cfg has. */
  readonly reservedNames?: ReadonlySet<string>;
}

/** Names where a listener listens; without an address: on all of the edge's. */
export const listenerKey = ({ port, address }: Pick<RouteListener, 'address' | 'port'>): string =>
  address === undefined ? String(port) : `${port} ${address}`;

/** Listening here is listening on every address. */
const EVERYWHERE = '*';

/** First come by app id wins a listen port, a host (with path) and a backend name; the later one is told why. O(routes). */
export function resolveConflicts(
  routes: readonly Route[],
  problems: readonly RouteConflict[],
  rules: PortRules,
): RouteTable {
  const conflicts = [...problems];
  const ports = new PortOwners(rules);
  const hosts = new Map<string, string>();
  const backends = new Map<string, string>();
  const kept: Route[] = [];
  for (const route of routes) {
    const refuse = (reason: string): void => {
      const { appId, portIndex } = route;
      conflicts.push({ kind: 'conflict', appId, portIndex, reason });
    };
    const taken =
      backends.get(route.backend) ??
      (rules.reservedNames?.has(route.backend) === true ? "the operator's haproxy.cfg" : undefined);
    if (taken !== undefined) {
      refuse(`backend name ${route.backend} is already used by ${taken}`);
      continue;
    }
    backends.set(route.backend, route.appId);
    const vhosts = route.vhosts.filter((host) => claimHost(hosts, route, host, refuse));
    const portProblem = route.listener && ports.claim(route.listener, route.appId);
    if (portProblem !== undefined) refuse(portProblem);
    const isListening = route.listener !== undefined && portProblem === undefined;
    if (isListening || vhosts.length > 0) kept.push(withOnly(route, { vhosts, isListening }));
  }
  return { routes: kept, conflicts };
}

/** The same object where nothing is taken away: what is derived from it is remembered. */
function withOnly(
  route: Route,
  { vhosts, isListening }: { readonly vhosts: readonly string[]; readonly isListening: boolean },
): Route {
  if (vhosts.length === route.vhosts.length && isListening === (route.listener !== undefined)) {
    return route;
  }
  const { listener, ...rest } = route;
  return { ...rest, vhosts, ...(isListening && listener !== undefined && { listener }) };
}

/** All paths of a host, or none: half of what an app asked for would be hard to understand. */
function claimHost(
  owners: Map<string, string>,
  route: Route,
  host: string,
  refuse: (reason: string) => void,
): boolean {
  const keys = hostKeys(host, route.passthrough ? [] : route.paths);
  const taken = keys.find((key) => owners.has(key));
  if (taken !== undefined) {
    refuse(`host ${taken} is already served by ${owners.get(taken)}`);
    return false;
  }
  for (const key of keys) owners.set(key, route.appId);
  return true;
}

/** Who listens where. */
class PortOwners {
  private readonly owners = new Map<number, Map<string, string>>();

  constructor(private readonly rules: PortRules) {}

  /** Why the app cannot have the port; undefined: it is its own now. */
  claim(listener: RouteListener, appId: string): string | undefined {
    const { port, address = EVERYWHERE } = listener;
    const { reservedPorts, occupiedPorts } = this.rules;
    const taken = this.owners.get(port) ?? new Map<string, string>();
    const owner =
      taken.get(address) ??
      taken.get(EVERYWHERE) ??
      (address === EVERYWHERE ? [...taken.values()][0] : undefined);
    if (owner !== undefined) return `port ${port} is already used by ${owner}`;
    if (reservedPorts.has(port)) return `port ${port} is reserved`;
    if (occupiedPorts?.has(listenerKey(listener)) === true) return describeOccupied(listener);
    this.owners.set(port, taken.set(address, appId));
    return undefined;
  }
}

const describeOccupied = ({ port, address }: RouteListener): string =>
  address === undefined
    ? `port ${port} is in use on this host`
    : `port ${port} cannot be listened on at ${address}: it is in use, or that is no address of this host`;
