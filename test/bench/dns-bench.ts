import { fork } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decode, encode } from 'dns-packet';
import { AppNames } from '../../apps/router/src/dns/app-names.js';
import { DaemonProcess } from './daemon-process.js';
import { benchApp, DnsController } from './dns-controller.js';
import type { DnsLoadJob, DnsLoadResult } from './dns-load.js';
import { formatMs, median, percentile } from './statistics.js';

/** Figures of DNS: the router as it is shipped, with a controller that only lists apps, and a load in a process of its own. */

type PrintRow = (name: string, figure: string, work: string) => void;

const INSTANCES = 10;
/** Of 10 instances with 15 records each. */
const SIZES = [
  { apps: 67, what: '10,000 records (67 apps of 10 instances)' },
  { apps: 1_000, what: '10,000 instances (1,000 apps, 143,000 records)' },
] as const;
const RUNS = 3;
const LOAD_SECONDS = 5;
const CHANGES = 200;
const CHANGE_SECONDS = 10;
const CHANGES_PER_SECOND = 1_000;
const LIMIT_MS = 60_000;
/** What is to be reached on one core. */
const GOALS = {
  questions: 'goal: 10,000/s, p99 below 5 ms',
  changes: 'goal: 1,000 changes/s, p99 below 100 ms',
  memory: 'goal: below 1,024 bytes',
  listing: 'goal: p99 of questions meanwhile below 5 ms',
} as const;

interface Bench {
  readonly controller: DnsController;
  /** Of the router's API. */
  readonly url: string;
  readonly port: number;
  readonly apps: number;
  readonly what: string;
}

export async function benchDns(row: PrintRow): Promise<void> {
  benchZone(row);
  for (const size of SIZES) {
    await withRouter(size, async (bench) => {
      await benchQueries(row, bench);
      await benchStaleness(row, bench);
      await benchChanges(row, bench);
      await benchListings(row, bench);
    });
  }
}

async function withRouter(
  { apps, what }: (typeof SIZES)[number],
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const controller = new DnsController();
  const router = new DaemonProcess('router');
  const directory = mkdtempSync(join(tmpdir(), 'pacer-bench-dns-'));
  const [port, edgePort, dnsPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  try {
    await controller.start(apps, INSTANCES);
    await router.start(
      {
        PACER_PORT: String(port),
        PACER_DATA: directory,
        PACER_EDGE_HTTP_PORT: String(edgePort),
        PACER_EDGE_HTTPS_PORT: '0',
        PACER_DNS_PORT: String(dnsPort),
        PACER_CONTROLLER_URLS: controller.url,
      },
      {
        what: 'the router has all names',
        isReady: async () => {
          const response = await fetch(`${url}/v1/status`).catch(() => undefined);
          const status = (await response?.json()) as { dns?: { apps: number; ready: boolean } };
          return status?.dns?.ready === true && status.dns.apps === apps;
        },
      },
    );
    await work({ controller, url, port: dnsPort, apps, what });
  } finally {
    // HAProxy would outlive a router that is killed.
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/pacer/v1/shutdown`, { method: 'POST', headers, body: '{}' }).catch(
      () => undefined,
    );
    await router.kill();
    controller.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function load(job: DnsLoadJob): Promise<DnsLoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./dns-load.js', import.meta.url), {
      stdio: 'inherit',
      serialization: 'advanced',
    });
    child.once('message', (result) => resolve(result as DnsLoadResult));
    child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
    child.send(job);
  });
}

const describeLoad = (results: readonly DnsLoadResult[]): string => {
  const rates = results.map(({ answered, elapsedMs }) => (answered / elapsedMs) * 1_000);
  const latencies = (share: number): string =>
    formatMs2(median(results.map(({ latenciesMs }) => percentile(latenciesMs, share))));
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  return `${median(rates).toFixed(0)}/s (${rates.map((rate) => rate.toFixed(0)).join(', ')}), p50 ${latencies(0.5)}, p99 ${latencies(0.99)}, ${failed} failed`;
};

/** Two decimals: most are below a millisecond. */
const formatMs2 = (ms: number): string => (ms < 10 ? `${ms.toFixed(2)} ms` : formatMs(ms));
const describeLoadAverage = (): string => `load average ${loadavg()[0]?.toFixed(1)}`;

/** As many as there can be, and as many as the goal asks for. */
const RATES: readonly Pick<DnsLoadJob, 'ratePerSecond'>[] = [{}, { ratePerSecond: 10_000 }];

async function benchQueries(row: PrintRow, bench: Bench): Promise<void> {
  for (const transport of ['udp', 'tcp'] as const) {
    for (const type of ['A', 'SRV'] as const) {
      for (const rate of RATES) await benchQuestions(row, bench, { transport, type, ...rate });
    }
  }
}

async function benchQuestions(
  row: PrintRow,
  { port, apps, what }: Bench,
  asked: Pick<DnsLoadJob, 'ratePerSecond' | 'transport' | 'type'>,
): Promise<void> {
  const before = describeLoadAverage();
  const results: DnsLoadResult[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    results.push(await load({ ...asked, port, apps, seconds: LOAD_SECONDS, window: 32 }));
  }
  const { ratePerSecond } = asked;
  const pace =
    ratePerSecond === undefined ? '' : ` ${ratePerSecond.toLocaleString('en')}/s asked for,`;
  row(
    `DNS ${asked.type} by ${asked.transport.toUpperCase()}`,
    describeLoad(results),
    `${what};${pace} 32 questions under way, 10 answers each, ${LOAD_SECONDS} s, median of ${RUNS} runs; ${before} before; ${GOALS.questions}`,
  );
}

/** Asks for one app until the new address is there. */
async function timeToAnswer(
  socket: Socket,
  options: { readonly number: number; readonly address: string },
): Promise<number> {
  const startedMs = performance.now();
  const questions = [
    { name: `app-${options.number}.bench.pacer`, type: 'A' as const, class: 'IN' as const },
  ];
  while (performance.now() - startedMs < LIMIT_MS) {
    const answered = once(socket, 'message');
    socket.send(encode({ type: 'query', id: 1, questions }));
    const [message] = (await answered) as [Buffer];
    const answers = decode(message).answers ?? [];
    if (answers.some((answer) => answer.type === 'A' && answer.data === options.address)) {
      return performance.now() - startedMs;
    }
    await pause(1);
  }
  return Number.NaN;
}

async function connectTo(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', () => resolve()));
  return socket;
}

async function benchStaleness(row: PrintRow, bench: Bench): Promise<void> {
  const { controller, apps, what } = bench;
  const socket = await connectTo(bench.port);
  const samplesMs: number[] = [];
  for (let round = 0; round < CHANGES; round += 1) {
    const number = (round * 7) % apps;
    samplesMs.push(
      await timeToAnswer(socket, { number, address: controller.change(number, INSTANCES) }),
    );
    await pause(round % 50);
  }
  socket.close();
  row(
    'event of the controller to the answer with it',
    `p50 ${formatMs2(percentile(samplesMs, 0.5))}, p99 ${formatMs2(percentile(samplesMs, 0.99))}`,
    `${what}; ${CHANGES} changes one after the other, each read from the controller; ${describeLoadAverage()} after; ${GOALS.changes}`,
  );
}

async function benchChanges(row: PrintRow, bench: Bench): Promise<void> {
  const { controller, apps, port, what } = bench;
  const querying = load({
    ...{ port, apps, transport: 'udp', type: 'A', window: 32 },
    ...{ seconds: CHANGE_SECONDS, ratePerSecond: 5_000 },
  });
  const socket = await connectTo(port);
  const samplesMs: number[] = [];
  const startedMs = performance.now();
  let sent = 0;
  let probing: Promise<void> | undefined;
  while (performance.now() - startedMs < CHANGE_SECONDS * 1_000) {
    const due = ((performance.now() - startedMs) / 1_000) * CHANGES_PER_SECOND;
    for (; sent < due; sent += 1) {
      // The first app is the probe's: nobody else changes it.
      const number = 1 + ((sent * 13) % (apps - 1));
      controller.change(number, INSTANCES);
    }
    probing ??= timeToAnswer(socket, { number: 0, address: controller.change(0, INSTANCES) }).then(
      (elapsedMs) => {
        samplesMs.push(elapsedMs);
        probing = undefined;
      },
    );
    await pause(5);
  }
  await probing;
  const result = await querying;
  socket.close();
  row(
    `${CHANGES_PER_SECOND.toLocaleString('en')} changes/s for ${CHANGE_SECONDS} s: event to answer`,
    `p50 ${formatMs2(percentile(samplesMs, 0.5))}, p99 ${formatMs2(percentile(samplesMs, 0.99))} (${samplesMs.length} probes)`,
    `${what}; ${(sent / CHANGE_SECONDS).toFixed(0)} events/s of as many apps; ${GOALS.changes}`,
  );
  row(
    'DNS A by UDP meanwhile',
    describeLoad([result]),
    `${what}; 5,000 questions/s asked for; ${describeLoadAverage()} after`,
  );
}

/** Lists of all tasks over HTTP, each of a new state, while questions are asked. */
async function benchListings(row: PrintRow, bench: Bench): Promise<void> {
  const { controller, url, what, port, apps } = bench;
  const querying = load({
    ...{ port, apps, transport: 'udp', type: 'A', window: 32 },
    ...{ seconds: LOAD_SECONDS, ratePerSecond: 5_000 },
  });
  const samplesMs: number[] = [];
  let bytes = 0;
  const startedMs = performance.now();
  while (performance.now() - startedMs < (LOAD_SECONDS - 1) * 1_000) {
    controller.change(samplesMs.length % apps, INSTANCES);
    await pause(100);
    const askedMs = performance.now();
    bytes = (await (await fetch(`${url}/v1/enumerate`)).arrayBuffer()).byteLength;
    samplesMs.push(performance.now() - askedMs);
  }
  row(
    'GET /v1/enumerate',
    `${formatMs(median(samplesMs))}, largest ${formatMs(Math.max(...samplesMs))}`,
    `${what}; ${samplesMs.length} lists, each of a new state, ${(bytes / 1e6).toFixed(1)} MB`,
  );
  row('DNS A by UDP meanwhile', describeLoad([await querying]), `${what}; ${GOALS.listing}`);
}

/** In this process: the zone alone. */
function benchZone(row: PrintRow): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (const { apps: count, what } of SIZES) {
    const changes: number[] = [];
    const apps = Array.from({ length: count }, (_, number) => benchApp(number, INSTANCES));
    const names = new AppNames({
      naming: { domain: 'pacer', mesosDomain: 'mesos', framework: 'marathon', weight: 1 },
      edgeAddresses: ['127.0.0.1'],
      logger: { warn: () => undefined },
      serial: 1,
      onChange: () => undefined,
    });
    collect();
    const before = process.memoryUsage().heapUsed;
    for (const app of apps) names.takeNow(app);
    collect();
    const bytes = process.memoryUsage().heapUsed - before;
    row(
      'memory per DNS record',
      `${(bytes / names.zone.size).toFixed(0)} bytes`,
      `${what}: ${names.zone.size} records, heap with and without them, all of the zone's bookkeeping; ${GOALS.memory}`,
    );
    for (let round = 0; round < 5_000; round += 1) {
      const app = benchApp((round * 13) % count, INSTANCES, `10.250.${round >> 8}.${round & 255}`);
      const startedMs = performance.now();
      names.takeNow(app);
      changes.push(performance.now() - startedMs);
    }
    const total = changes.reduce((sum, one) => sum + one, 0);
    row(
      'changes of the zone alone',
      `${((changes.length / total) * 1_000).toFixed(0)}/s, p99 ${formatMs2(percentile(changes, 0.99))}`,
      `${what}: an app of 10 instances, one of which has another address; ${GOALS.changes}`,
    );
  }
}
