/** One place requests can go to. `draining`: gets nothing new, finishes what it has. */
export interface Endpoint {
  /** HAProxy server name, from address and port, unique in its backend. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly taskId: string;
  readonly state: 'ready' | 'draining';
}

/** One published port of one app. */
export interface Route {
  readonly appId: string;
  readonly portIndex: number;
  /** HAProxy backend (and frontend) name. */
  readonly backend: string;
  /** Where the edge listens for this port alone; undefined: reachable by host name only. */
  readonly listenPort?: number;
  readonly mode: 'http' | 'tcp';
  readonly balance: string;
  readonly sticky: boolean;
  readonly vhosts: readonly string[];
  readonly path?: string;
  readonly weight: number;
  readonly endpoints: readonly Endpoint[];
}

/** Something an app asked for and did not get; the others are not affected. */
export interface RouteConflict {
  readonly appId: string;
  readonly portIndex: number;
  readonly reason: string;
}

/** What the edge should serve. Sorted by app id and port index, so equal inputs give equal tables. */
export interface RouteTable {
  readonly routes: readonly Route[];
  readonly conflicts: readonly RouteConflict[];
}
