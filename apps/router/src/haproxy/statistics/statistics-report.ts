import { MAX_BACKENDS, type WireBackendStatistics, type WireRouterStatistics } from '#marathon-v2';
import type { RouteConflict } from '#routing';
import type { WorkersReport } from '../worker-supervisor.js';
import type { EdgeFigures, ServerFigures } from './edge-statistics.js';

/** So many servers are told of at most; a report of more would keep the controller busy. */
const MAX_REPORTED_SERVERS = 10_000;
const MAX_REPORTED_CONFLICTS = 1_000;
const MAX_PROBLEMS = 100;
const BYTES_PER_MIB = 1_048_576;

export interface ReportedProblem {
  readonly cause: string;
  readonly message: string;
  readonly appId?: string;
}

export interface StatisticsInput {
  readonly figures: EdgeFigures;
  readonly workers: WorkersReport;
  readonly edge: {
    readonly reloads: number;
    readonly runtimeChanges: number;
    readonly driftRepairs: number;
  };
  readonly conflicts: readonly RouteConflict[];
  readonly problems: readonly ReportedProblem[];
}

/** `statistics` of a router's report to the controller, version 1. O(servers). */
export function toStatisticsReport(input: StatisticsInput): WireRouterStatistics {
  const { figures, workers, edge, conflicts, problems } = input;
  const told = conflicts.slice(0, MAX_REPORTED_CONFLICTS);
  const entries = (isUnsupported: boolean) =>
    told
      .filter(({ kind }) => (kind === 'unsupported') === isUnsupported)
      .map(({ appId, portIndex, reason }) => ({ appId, portIndex, reason }));
  const { backends, serversLeft } = backendsOf(figures);
  const more = [
    ...notReported('backends', figures.backends.size - MAX_BACKENDS, MAX_BACKENDS),
    ...notReported('servers', serversLeft, MAX_REPORTED_SERVERS),
  ];
  return {
    version: 1,
    haproxy: haproxyOf(figures, workers),
    reloads: edge.reloads,
    runtimeChanges: edge.runtimeChanges,
    driftRepairs: edge.driftRepairs,
    problems: [...more, ...problems].slice(0, MAX_PROBLEMS),
    leftOut: entries(false),
    unsupported: entries(true),
    frontends: figures.frontends,
    backends,
  };
}

const notReported = (what: string, left: number, limit: number): readonly ReportedProblem[] =>
  left <= 0
    ? []
    : [{ cause: 'statistics', message: `${left} ${what} above ${limit} are not reported` }];

const haproxyOf = ({ info, requestsPerSecond }: EdgeFigures, workers: WorkersReport) => ({
  ...(info === undefined ? {} : { version: info.version, pid: info.pid }),
  uptimeSeconds: info?.uptimeSeconds ?? 0,
  workers: workers.current,
  oldWorkers: workers.old,
  memoryMib: Math.round(workers.memory.pssBytes / BYTES_PER_MIB),
  connections: info?.connections ?? 0,
  requestsPerSecond,
});

function backendsOf({ backends }: EdgeFigures) {
  let count = 0;
  let serversLeft = 0;
  const report: Record<string, WireBackendStatistics> = {};
  let shownBackends = 0;
  for (const [name, { totals, servers, ...figures }] of backends) {
    if (shownBackends >= MAX_BACKENDS) break;
    shownBackends += 1;
    const room = Math.max(0, MAX_REPORTED_SERVERS - count);
    const shown = servers.size <= room ? servers : [...servers].slice(0, room);
    count += servers.size;
    serversLeft += Math.max(0, servers.size - room);
    const { appId, portIndex, requestsPerSecond, sessions, queued, responseMs, connectMs } =
      figures;
    const { errors5xx, errorsConnect, retries, redispatches, requests } = totals;
    const { up, down, draining } = figures;
    report[name] = {
      ...{ appId, portIndex, requestsPerSecond, sessions, queued, responseMs, connectMs },
      ...{ errors5xx, errorsConnect, retries, redispatches, requests },
      ...{
        up,
        down,
        draining,
        servers: shown === servers ? wireServers(servers) : toWireServers(shown),
      },
    };
  }
  return { backends: report, serversLeft };
}

type Servers = Iterable<readonly [string, ServerFigures]>;

const toWireServers = (servers: Servers) => Object.fromEntries([...servers].map(toWireServer));

/** Made once for each reading of them. */
const WIRE_SERVERS = new WeakMap<object, ReturnType<typeof toWireServers>>();

function wireServers(servers: ReadonlyMap<string, ServerFigures>) {
  const known = WIRE_SERVERS.get(servers) ?? toWireServers(servers);
  WIRE_SERVERS.set(servers, known);
  return known;
}

/** A server HAProxy does not check has no result of one. */
const toWireServer = ([name, { check, ...server }]: readonly [string, ServerFigures]) =>
  [name, check === null ? server : { ...server, check }] as const;
