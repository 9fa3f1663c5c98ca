import type { Route } from '#routing';
import { atOnce } from '../../sync/thread-slices.js';
import type { InfoFigures, StatRow } from './parse-stat.js';
import { RunningTotals } from './running-totals.js';

export type ServerState = 'up' | 'down' | 'draining' | 'maint' | 'starting';

export interface ServerFigures {
  /** '' for a server that belongs to no task now. */
  readonly taskId: string;
  readonly state: ServerState;
  readonly sessions: number;
  readonly requestsPerSecond: number;
  readonly responseMs: number;
  readonly weight: number;
  /** What HAProxy's own check last said (`L7OK/200`); null: it does not check. */
  readonly check: string | null;
}

/** Counters of a backend, since the router started; they survive reloads. */
export const BACKEND_COUNTERS = [
  'requests',
  'errors5xx',
  'errors4xx',
  'responses2xx',
  'responses3xx',
  'errorsConnect',
  'errorsResponse',
  'retries',
  'redispatches',
  'bytesIn',
  'bytesOut',
] as const;
export type BackendCounter = (typeof BACKEND_COUNTERS)[number];
export type BackendTotals = Readonly<Record<BackendCounter, number>>;

export interface BackendFigures {
  readonly appId: string;
  readonly portIndex: number;
  readonly requestsPerSecond: number;
  readonly sessions: number;
  readonly queued: number;
  readonly responseMs: number;
  readonly connectMs: number;
  readonly totals: BackendTotals;
  readonly up: number;
  readonly down: number;
  readonly draining: number;
  readonly servers: ReadonlyMap<string, ServerFigures>;
}

const FRONTEND_COUNTERS = ['bytesIn', 'bytesOut', 'errors'] as const;

export interface FrontendFigures {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly sessions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly errors: number;
}

export interface EdgeFigures {
  readonly info: InfoFigures | undefined;
  readonly requestsPerSecond: number;
  readonly frontends: readonly FrontendFigures[];
  /** Only those of apps. */
  readonly backends: ReadonlyMap<string, BackendFigures>;
}

export const NO_FIGURES: EdgeFigures = {
  info: undefined,
  requestsPerSecond: 0,
  frontends: [],
  backends: new Map(),
};

export interface StatSight {
  readonly info: InfoFigures;
  /** Of frontends and backends. */
  readonly proxies: readonly StatRow[];
  /** Of servers of some backends; of the others those of the last time count. */
  readonly servers: readonly StatRow[];
  readonly routes: readonly Route[];
  readonly nowMs: number;
}

/** Makes figures of what HAProxy says, with counters that survive its reloads. O(rows, and endpoints of those read anew). */
export class EdgeStatistics {
  private readonly backendTotals = new RunningTotals<BackendCounter>(BACKEND_COUNTERS);
  private readonly frontendTotals = new RunningTotals(FRONTEND_COUNTERS);
  /** Backend -> what was last read of its servers. */
  private servers: ReadonlyMap<string, readonly StatRow[]> = new Map();
  private readonly sums = new Map<string, ServerSums>();
  figures: EdgeFigures = NO_FIGURES;

  take(sight: StatSight): void {
    atOnce(this.steps(sight));
  }

  /** {@link take} in steps of a proxy: the figures are the former ones until all are made. Calls must not overlap. */
  *steps(sight: StatSight): Generator<undefined, void> {
    const { info, proxies, routes, nowMs } = sight;
    const from = { worker: info.pid, nowMs };
    const routeOf = new Map(routes.map((route) => [route.backend, route]));
    this.servers = new Map(
      [...this.servers, ...byProxy(sight.servers)].filter(([backend]) => routeOf.has(backend)),
    );
    const frontends: FrontendFigures[] = [];
    const backends = new Map<string, BackendFigures>();
    for (const row of proxies) {
      yield;
      if (row.kind === 'frontend') frontends.push(this.frontend(row, from));
      const route = row.kind === 'backend' ? routeOf.get(row.proxy) : undefined;
      if (route === undefined) continue;
      const totals = this.backendTotals.add(row.proxy, countersOf(row), from);
      backends.set(row.proxy, backendFigures({ row, route, totals }, this.sumsOf(route)));
    }
    for (const backend of this.sums.keys()) if (!routeOf.has(backend)) this.sums.delete(backend);
    const requestsPerSecond = frontends.reduce((sum, each) => sum + each.requestsPerSecond, 0);
    this.figures = { info, requestsPerSecond, frontends, backends };
    this.backendTotals.forget(nowMs);
    this.frontendTotals.forget(nowMs);
  }

  private frontend(row: StatRow, from: Parameters<typeof this.frontendTotals.add>[2]) {
    const now = {
      bytesIn: row.number('bin'),
      bytesOut: row.number('bout'),
      errors: row.number('ereq') + row.number('dreq'),
    };
    return {
      name: row.proxy,
      requestsPerSecond: row.number(row.text('req_rate') === '' ? 'rate' : 'req_rate'),
      sessions: row.number('scur'),
      ...this.frontendTotals.add(row.proxy, now, from),
    };
  }

  /** Made anew when they were read anew, or the route has other endpoints. */
  private sumsOf({ backend, endpoints }: Route): ServerSums {
    const rows = this.servers.get(backend) ?? NO_ROWS;
    const before = this.sums.get(backend);
    if (before !== undefined && before.rows === rows && before.endpoints === endpoints)
      return before;
    const sums = sumServers(rows, endpoints);
    this.sums.set(backend, sums);
    return sums;
  }
}

const NO_ROWS: readonly StatRow[] = [];

/** The servers of a backend, and how many are in some states. */
interface ServerSums {
  readonly rows: readonly StatRow[];
  readonly endpoints: Route['endpoints'];
  readonly servers: ReadonlyMap<string, ServerFigures>;
  readonly down: number;
  readonly draining: number;
}

function sumServers(rows: readonly StatRow[], endpoints: Route['endpoints']): ServerSums {
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const servers = new Map(
    rows.map((server) => {
      const endpoint = byName.get(server.service);
      const isDraining = endpoint?.state === 'draining';
      return [server.service, serverFigures(server, endpoint?.taskId ?? '', isDraining)] as const;
    }),
  );
  const count = (state: ServerState): number =>
    [...servers.values()].filter((server) => server.state === state).length;
  return { rows, endpoints, servers, down: count('down'), draining: count('draining') };
}

function byProxy(rows: readonly StatRow[]): ReadonlyMap<string, readonly StatRow[]> {
  const proxies = new Map<string, StatRow[]>();
  for (const row of rows) {
    if (row.kind !== 'server') continue;
    const list = proxies.get(row.proxy);
    if (list === undefined) proxies.set(row.proxy, [row]);
    else list.push(row);
  }
  return proxies;
}

const countersOf = (row: StatRow): BackendTotals => ({
  // Of TCP there are sessions only.
  requests: row.number(row.text('mode') === 'tcp' ? 'stot' : 'req_tot'),
  responses2xx: row.number('hrsp_2xx'),
  responses3xx: row.number('hrsp_3xx'),
  errors4xx: row.number('hrsp_4xx'),
  errors5xx: row.number('hrsp_5xx'),
  errorsConnect: row.number('econ'),
  errorsResponse: row.number('eresp'),
  retries: row.number('wretr'),
  redispatches: row.number('wredis'),
  bytesIn: row.number('bin'),
  bytesOut: row.number('bout'),
});

function backendFigures(
  known: { readonly row: StatRow; readonly route: Route; readonly totals: BackendTotals },
  { servers, down, draining }: ServerSums,
): BackendFigures {
  const { row, route, totals } = known;
  return {
    appId: route.appId,
    portIndex: route.portIndex,
    requestsPerSecond: row.number('rate'),
    sessions: row.number('scur'),
    queued: row.number('qcur'),
    responseMs: row.number('rtime'),
    connectMs: row.number('ctime'),
    totals,
    up: row.number('act') + row.number('bck'),
    ...{ down, draining, servers },
  };
}

function serverFigures(row: StatRow, taskId: string, isDraining: boolean): ServerFigures {
  const check = row.text('check_status').replace(/^\* /, '');
  const code = row.text('check_code');
  return {
    taskId,
    state: stateOf(row.text('status'), { isDraining, check }),
    sessions: row.number('scur'),
    requestsPerSecond: row.number('rate'),
    responseMs: row.number('rtime'),
    weight: row.number('weight'),
    check: check === '' ? null : code === '' ? check : `${check}/${code}`,
  };
}

/** A server taken out of rotation to be drained is in maintenance for HAProxy. */
function stateOf(
  status: string,
  { isDraining, check }: { readonly isDraining: boolean; readonly check: string },
): ServerState {
  if (status.startsWith('MAINT')) return isDraining ? 'draining' : 'maint';
  if (status.startsWith('DRAIN')) return 'draining';
  if (status.startsWith('DOWN')) return 'down';
  // Up until its first check says otherwise.
  return check === 'INI' ? 'starting' : 'up';
}
