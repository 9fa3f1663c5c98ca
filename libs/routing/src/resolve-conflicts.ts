import { EVERYWHERE, isAddressShared, listenerKey } from './listen-address.js';
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

/** First come by app id wins a listen port, a host (with path) and a backend name; the later one is told why. O(routes). */
export function resolveConflicts(
  routes: readonly Route[],
  problems: readonly RouteConflict[],
  rules: PortRules,
): RouteTable {
  const conflicts = [...problems];
  const ports = new PortOwners(rules);
  const hosts = new HostOwners();
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
    const vhosts = route.vhosts.filter((host) => {
      const problem = hosts.claim(route, host);
      if (problem !== undefined) refuse(problem);
      return problem === undefined;
    });
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

/** Who has which host with which paths. */
class HostOwners {
  private readonly owners = new Map<string, string>();
  /** Host -> the first that has a part of it: all others do with its TLS as that one does. */
  private readonly first = new Map<string, Pick<Route, 'appId' | 'passthrough'>>();

  /**
   * Why the app cannot have the host; undefined: it is its own now. All paths of a host, or none: half of what an app asked for
   * would be hard to understand.
   */
  claim(route: Route, host: string): string | undefined {
    const { appId, passthrough } = route;
    const keys = hostKeys(host, passthrough ? [] : route.paths);
    const taken = keys.find((key) => this.owners.has(key));
    if (taken !== undefined) return `host ${taken} is already served by ${this.owners.get(taken)}`;
    const first = this.first.get(host);
    if (first !== undefined && first.passthrough !== passthrough) {
      const what = first.passthrough ? 'passed through to' : 'ended for';
      return `TLS of host ${host} is already ${what} ${first.appId}`;
    }
    for (const key of keys) this.owners.set(key, appId);
    if (first === undefined) this.first.set(host, { appId, passthrough });
    return undefined;
  }
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
    const [, owner] = [...taken].find(([other]) => isAddressShared(other, address)) ?? [];
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
