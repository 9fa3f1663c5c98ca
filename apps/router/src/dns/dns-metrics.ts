import { Counter, Gauge, Histogram } from 'prom-client';
import { metricsRegistry } from '#platform';
import type { Transport } from './message-handler.js';

/** What is read when the figures are asked for. */
export interface DnsFigures {
  readonly names: {
    readonly zone: { readonly size: number; readonly conflicts: readonly unknown[] };
    readonly serial: number;
    readonly problems: ReadonlyMap<string, unknown>;
  };
  readonly server: { readonly port: number | undefined; readonly connections: number };
  readonly forwarder: { readonly forwarded: number; readonly failed: number };
  readonly isReady: boolean;
  readonly ageSeconds: number | undefined;
  readonly failStaticApps: number;
}

const CODE_NAMES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};

/** The figures of DNS. Answers are counted here by hand, as each is to cost next to nothing. */
export class DnsMetrics {
  private readonly answers = { udp: new Map<number, number>(), tcp: new Map<number, number>() };
  private delays: Histogram | undefined;

  countAnswer(transport: Transport, code: number): void {
    const counts = this.answers[transport];
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }

  observeDelay(delayMs: number): void {
    this.delays?.observe(delayMs / 1_000);
  }

  register(service: DnsFigures): void {
    const registers = [metricsRegistry];
    // Of a service before this one in the same process: tests.
    for (const name of NAMES) metricsRegistry.removeSingleMetric(name);
    this.delays = new Histogram({
      name: 'pacer_dns_change_delay_seconds',
      help: 'From hearing of a change of an app until its names are answered',
      buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
      registers,
    });
    const { answers } = this;
    new Counter({
      name: 'pacer_dns_answers_total',
      help: 'DNS responses sent',
      labelNames: ['transport', 'code'],
      registers,
      collect() {
        this.reset();
        for (const [transport, counts] of Object.entries(answers)) {
          for (const [code, count] of counts) {
            this.inc({ transport, code: CODE_NAMES[code] ?? String(code) }, count);
          }
        }
      },
    });
    new Counter({
      name: 'pacer_dns_forwarded_total',
      help: 'Questions passed on to other resolvers',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        this.inc({ outcome: 'answered' }, service.forwarder.forwarded);
        this.inc({ outcome: 'failed' }, service.forwarder.failed);
      },
    });
    registerGauges(service);
  }
}

/** Name, what it is, how it is read. */
const GAUGES: readonly (readonly [string, string, (service: DnsFigures) => number])[] = [
  ['records', 'Records in the zone', ({ names }) => names.zone.size],
  ['serial', 'Serial of the zone', ({ names }) => names.serial],
  ['up', '1 while DNS listens', ({ server }) => (server.port === undefined ? 0 : 1)],
  ['ready', '1 once names are answered', ({ isReady }) => (isReady ? 1 : 0)],
  [
    'age_seconds',
    'Since the controller last stood behind the names; NaN: it never has',
    ({ ageSeconds }) => ageSeconds ?? Number.NaN,
  ],
  ['fail_static_apps', 'Apps none of whose instances is fit', (one) => one.failStaticApps],
  ['name_conflicts', 'Names of more than one app', ({ names }) => names.zone.conflicts.length],
  ['apps_with_problems', 'Apps not named as they ask', ({ names }) => names.problems.size],
  ['tcp_connections', 'Open TCP connections', ({ server }) => server.connections],
];

const NAMES: readonly string[] = [
  ...['change_delay_seconds', 'answers_total', 'forwarded_total'],
  ...GAUGES.map(([name]) => name),
].map((name) => `pacer_dns_${name}`);

function registerGauges(service: DnsFigures): void {
  for (const [name, help, read] of GAUGES) {
    new Gauge({
      name: `pacer_dns_${name}`,
      help,
      registers: [metricsRegistry],
      collect() {
        this.set(read(service));
      },
    });
  }
}
