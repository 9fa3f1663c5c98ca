import { Counter, Gauge } from 'prom-client';
import { metricsRegistry } from '#platform';
import { DRIFT_KINDS } from './haproxy/drift.js';
import type { EdgeWatch } from './haproxy/edge-watch.js';
import type { HaproxyEdge } from './haproxy/haproxy-edge.js';
import { END_REASONS } from './haproxy/judge-workers.js';
import type { BackendFigures } from './haproxy/statistics/edge-statistics.js';
import type { RouterLoop } from './sync/router-loop.js';

/** More backends than these have no metrics of their own: each has some twenty series. */
const MAX_BACKENDS = 5_000;
const MS_PER_SECOND = 1_000;

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [Labels, number];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => readonly Sample[];
}

/** Registers the metrics of the router; each is read when it is collected. */
export function registerMetrics(edge: HaproxyEdge, loop: RouterLoop, watch: EdgeWatch): void {
  const { supervisor, reader } = watch;
  const single = (value: number): readonly Sample[] => [[{}, value]];
  for (const metric of [
    ...edgeCounters(edge, watch),
    ...appCounters(() => reader.figures.backends),
  ]) {
    counter(metric);
  }
  for (const metric of appGauges(() => reader.figures.backends)) gauge(metric);
  gauge({
    name: 'pacer_router_routes',
    help: 'Routes served',
    read: () => single(loop.table.routes.length),
  });
  gauge({
    name: 'pacer_router_haproxy_workers',
    help: 'Workers of HAProxy; old ones only finish what they have',
    labels: ['state'],
    read: () => [
      [{ state: 'current' }, supervisor.report.current],
      [{ state: 'old' }, supervisor.report.old],
    ],
  });
  gauge({
    name: 'pacer_router_haproxy_memory_bytes',
    help: 'Memory of all workers of HAProxy: resident, and with shared pages in part',
    labels: ['kind'],
    read: () => [
      [{ kind: 'rss' }, supervisor.report.memory.rssBytes],
      [{ kind: 'pss' }, supervisor.report.memory.pssBytes],
    ],
  });
}

function edgeCounters(edge: HaproxyEdge, { supervisor }: EdgeWatch): readonly Metric[] {
  const single = (value: number): readonly Sample[] => [[{}, value]];
  return [
    {
      name: 'pacer_router_reloads_total',
      help: 'HAProxy reloads',
      read: () => single(edge.reloads),
    },
    {
      name: 'pacer_router_runtime_changes_total',
      help: 'Runtime API commands done',
      read: () => single(edge.runtimeChanges),
    },
    {
      name: 'pacer_router_master_replacements_total',
      help: 'Masters of HAProxy that did not answer and were replaced',
      read: () => single(edge.masterReplacements),
    },
    {
      name: 'pacer_router_drift_repairs_total',
      help: 'Differences found in HAProxy',
      labels: ['kind'],
      read: () => DRIFT_KINDS.map((kind) => [{ kind }, edge.drift[kind]]),
    },
    {
      name: 'pacer_router_workers_ended_total',
      help: 'Old workers of HAProxy that were stuck and ended',
      labels: ['reason'],
      read: () => END_REASONS.map((reason) => [{ reason }, supervisor.ended[reason]]),
    },
  ];
}

type Backends = () => ReadonlyMap<string, BackendFigures>;
const APP_LABELS = ['app', 'port'] as const;

const perApp = (
  backends: Backends,
  samplesOf: (figures: BackendFigures) => readonly Sample[],
): readonly Sample[] =>
  [...backends().values()].slice(0, MAX_BACKENDS).flatMap((figures) => {
    const own = { app: figures.appId, port: figures.portIndex };
    return samplesOf(figures).map(([labels, value]): Sample => [{ ...own, ...labels }, value]);
  });

const appCounters = (backends: Backends): readonly Metric[] => [
  {
    name: 'pacer_app_requests_total',
    help: 'Requests (of TCP: sessions) HAProxy has sent to an app',
    labels: APP_LABELS,
    read: () => perApp(backends, ({ totals }) => [[{}, totals.requests]]),
  },
  {
    name: 'pacer_app_responses_total',
    help: 'Responses by class of status',
    labels: [...APP_LABELS, 'class'],
    read: () =>
      perApp(backends, ({ totals }) => [
        [{ class: '2xx' }, totals.responses2xx],
        [{ class: '3xx' }, totals.responses3xx],
        [{ class: '4xx' }, totals.errors4xx],
        [{ class: '5xx' }, totals.errors5xx],
      ]),
  },
  {
    name: 'pacer_app_errors_total',
    help: 'Failures between HAProxy and an app, and how often another try was made',
    labels: [...APP_LABELS, 'kind'],
    read: () =>
      perApp(backends, ({ totals }) => [
        [{ kind: 'connect' }, totals.errorsConnect],
        [{ kind: 'response' }, totals.errorsResponse],
        [{ kind: 'retry' }, totals.retries],
        [{ kind: 'redispatch' }, totals.redispatches],
      ]),
  },
  {
    name: 'pacer_app_bytes_total',
    help: 'Bytes to (in) and from (out) an app',
    labels: [...APP_LABELS, 'direction'],
    read: () =>
      perApp(backends, ({ totals }) => [
        [{ direction: 'in' }, totals.bytesIn],
        [{ direction: 'out' }, totals.bytesOut],
      ]),
  },
];

const appGauges = (backends: Backends): readonly Metric[] => [
  {
    name: 'pacer_app_sessions',
    help: 'Sessions of an app at the edge',
    labels: APP_LABELS,
    read: () => perApp(backends, ({ sessions }) => [[{}, sessions]]),
  },
  {
    name: 'pacer_app_queued_requests',
    help: 'Requests that wait for an instance',
    labels: APP_LABELS,
    read: () => perApp(backends, ({ queued }) => [[{}, queued]]),
  },
  {
    name: 'pacer_app_response_seconds',
    help: 'Mean time to the first byte over the last 1,024 requests',
    labels: APP_LABELS,
    read: () => perApp(backends, ({ responseMs }) => [[{}, responseMs / MS_PER_SECOND]]),
  },
  {
    name: 'pacer_app_servers',
    help: 'Servers of an app in HAProxy by state',
    labels: [...APP_LABELS, 'state'],
    read: () =>
      perApp(backends, ({ up, down, draining }) => [
        [{ state: 'up' }, up],
        [{ state: 'down' }, down],
        [{ state: 'draining' }, draining],
      ]),
  },
];

function counter({ name, help, labels = [], read }: Metric): void {
  new Counter({
    ...{ name, help, labelNames: [...labels], registers: [metricsRegistry] },
    collect() {
      this.reset();
      for (const [own, value] of read()) this.inc({ ...own }, value);
    },
  });
}

function gauge({ name, help, labels = [], read }: Metric): void {
  new Gauge({
    ...{ name, help, labelNames: [...labels], registers: [metricsRegistry] },
    collect() {
      this.reset();
      for (const [own, value] of read()) this.set({ ...own }, value);
    },
  });
}
