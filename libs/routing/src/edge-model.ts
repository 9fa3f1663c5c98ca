import type { Route, RouteTable } from './route-table.js';

export interface EdgeServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** `maint`: finishes its sessions, gets no new one. */
  readonly state: 'ready' | 'maint';
}

/** The part of the edge that can change while HAProxy runs, without a reload. */
export interface EdgeContents {
  /** Backend name -> its servers, by name. */
  readonly servers: ReadonlyMap<string, ReadonlyMap<string, EdgeServer>>;
  /** Host name -> backend, the content of the hosts map. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** What does not change without a reload: proxies, listen ports, rules. */
export interface EdgeStructure {
  readonly routes: readonly Omit<Route, 'endpoints'>[];
}

export interface EdgeModel extends EdgeContents {
  readonly structure: EdgeStructure;
}

/** Splits a route table into what needs a reload and what does not. Plain hosts are map entries; hosts with a path, and wildcard hosts, are rules. */
export function toEdgeModel(table: RouteTable): EdgeModel {
  const servers = new Map<string, ReadonlyMap<string, EdgeServer>>();
  const hosts = new Map<string, string>();
  const routes: Omit<Route, 'endpoints'>[] = [];
  for (const { endpoints, ...route } of table.routes) {
    servers.set(
      route.backend,
      new Map(
        endpoints.map(({ name, address, port, state }) => [
          name,
          { name, address, port, state: state === 'ready' ? 'ready' : 'maint' },
        ]),
      ),
    );
    for (const host of route.vhosts) {
      if (isMapped(route, host)) hosts.set(host, route.backend);
    }
    routes.push({ ...route, vhosts: route.vhosts.filter((host) => !isMapped(route, host)) });
  }
  return { structure: { routes }, servers, hosts };
}

const isMapped = (route: Pick<Route, 'path'>, host: string): boolean =>
  route.path === undefined && !host.startsWith('*.');
