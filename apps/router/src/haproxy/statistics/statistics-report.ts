import { MAX_BACKENDS, type WireBackendStatistics, type WireRouterStatistics } from '#marathon-v2';
import type { RouteConflict } from '#routing';
import type { WorkersReport } from '../worker-supervisor.js';
import type { BackendFigures, EdgeFigures, ServerFigures } from './edge-statistics.js';

/** So many servers are told of at most; a report of more would keep the controller busy. */
const MAX_REPORTED_SERVERS = 10_000;
const MAX_REPORTED_CONFLICTS = 1_000;
const MAX_PROBLEMS = 100;
const PIECE_CHARS = 65_536;
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

/**
 * `statistics` of a router's report to the controller, version 1, as JSON (`WireRouterStatistics`) in pieces, made in steps of a
 * backend: of 10,000 servers they are 3 MB. O(servers).
 */
export function* statisticsSteps(input: StatisticsInput): Generator<undefined, readonly Buffer[]> {
  const { figures, workers, edge, conflicts, problems } = input;
  const told = conflicts.slice(0, MAX_REPORTED_CONFLICTS);
  const entries = (isUnsupported: boolean) =>
    told
      .filter(({ kind }) => (kind === 'unsupported') === isUnsupported)
      .map(({ appId, portIndex, reason }) => ({ appId, portIndex, reason }));
  const { pieces, serversLeft } = yield* backendSteps(figures);
  const more = [
    ...notReported('backends', figures.backends.size - MAX_BACKENDS, MAX_BACKENDS),
    ...notReported('servers', serversLeft, MAX_REPORTED_SERVERS),
  ];
  const report: Omit<WireRouterStatistics, 'backends'> = {
    version: 1,
    haproxy: haproxyOf(figures, workers),
    reloads: edge.reloads,
    runtimeChanges: edge.runtimeChanges,
    driftRepairs: edge.driftRepairs,
    problems: [...more, ...problems].slice(0, MAX_PROBLEMS),
    leftOut: entries(false),
    unsupported: entries(true),
    frontends: figures.frontends,
  };
  const head = `${JSON.stringify(report).slice(0, -1)},"backends":{`;
  return [Buffer.from(head), ...pieces, Buffer.from('}}')];
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

function* backendSteps({ backends }: EdgeFigures) {
  const pieces: Buffer[] = [];
  let [count, shownBackends, text] = [0, 0, ''];
  let serversLeft = 0;
  for (const [name, backend] of backends) {
    yield;
    if (shownBackends >= MAX_BACKENDS) break;
    shownBackends += 1;
    const { servers } = backend;
    const room = Math.max(0, MAX_REPORTED_SERVERS - count);
    count += servers.size;
    serversLeft += Math.max(0, servers.size - room);
    const shown =
      servers.size <= room ? wholeText(servers) : serversText([...servers].slice(0, room));
    const head = JSON.stringify(toWireBackend(backend)).slice(0, -1);
    text += `${shownBackends === 1 ? '' : ','}${JSON.stringify(name)}:${head},"servers":${shown}}`;
    if (text.length < PIECE_CHARS) continue;
    pieces.push(Buffer.from(text));
    text = '';
  }
  return { pieces: text === '' ? pieces : [...pieces, Buffer.from(text)], serversLeft };
}

function toWireBackend({ totals, ...figures }: BackendFigures) {
  const { appId, portIndex, requestsPerSecond, sessions, queued, responseMs, connectMs } = figures;
  const { errors5xx, errorsConnect, retries, redispatches, requests } = totals;
  const { up, down, draining } = figures;
  return {
    ...{ appId, portIndex, requestsPerSecond, sessions, queued, responseMs, connectMs },
    ...{ errors5xx, errorsConnect, retries, redispatches, requests },
    ...{ up, down, draining },
  } satisfies Omit<WireBackendStatistics, 'servers'>;
}

type Servers = Iterable<readonly [string, ServerFigures]>;

const serversText = (servers: Servers): string =>
  JSON.stringify(Object.fromEntries([...servers].map(toWireServer)));

/** Made once for each reading of them. */
const TEXTS = new WeakMap<object, string>();

function wholeText(servers: BackendFigures['servers']): string {
  const known = TEXTS.get(servers) ?? serversText(servers);
  TEXTS.set(servers, known);
  return known;
}

/** A server HAProxy does not check has no result of one. */
const toWireServer = ([name, { check, ...server }]: readonly [string, ServerFigures]) =>
  [name, check === null ? server : { ...server, check }] as const;
