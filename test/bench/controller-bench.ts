import { Agent, request } from 'node:http';
import { followEvents } from '../e2e/support/events.js';
import { eventually } from '../e2e/support/http.js';
import { StandaloneController } from './standalone-controller.js';
import { formatMs, median, percentile } from './statistics.js';

/** Figures of the controller: real controller, master and database, simulated agents that run tasks at once. */

type PrintRow = (name: string, figure: string, work: string) => void;

const RUNS = 3;
const AGENTS = 100;
const LONG_MS = 600_000;

const small = (id: string, instances: number) => ({
  ...{ id, instances, cmd: 'sleep 1000', cpus: 0.01, mem: 8 },
  labels: { team: id.length % 2 === 0 ? 'even' : 'odd', HAPROXY_GROUP: 'external' },
});

async function withController(
  agents: number,
  work: (controller: StandaloneController) => Promise<void>,
): Promise<void> {
  const controller = await StandaloneController.start(agents);
  try {
    await work(controller);
  } finally {
    await controller.destroy();
  }
}

const runsLine = (samples: readonly number[]): string =>
  `${formatMs(median(samples))} (${samples.map(formatMs).join(', ')})`;

/** One PUT of a thousand apps, and one app of a thousand instances: to the plan, and to all of it running. */
export async function benchDeploy(row: PrintRow): Promise<void> {
  const count = 1_000;
  const apps = Array.from({ length: count }, (_, index) => small(`app-${index}`, 1));
  const cases = [
    {
      name: `group PUT of ${count} apps`,
      path: '/v2/groups',
      method: 'PUT',
      body: { id: '/g', apps },
    },
    {
      ...{ name: `1 app x ${count} instances`, path: '/v2/apps', method: 'POST' },
      body: small('/one', count),
    },
  ];
  for (const { name, path, method, body } of cases) {
    const plans: number[] = [];
    const runs: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      await withController(AGENTS, async (controller) => {
        const running = new Set<unknown>();
        let lastMs = Number.NaN;
        const events = await followEvents(controller.url, {
          query: '?event_type=status_update_event',
          onEvent: ({ data, atMs }) => {
            if (data['taskStatus'] !== 'TASK_RUNNING') return;
            running.add(data['taskId']);
            lastMs = atMs;
          },
        });
        const startedMs = performance.now();
        const reply = await controller.api.send(method, path, body);
        plans.push(performance.now() - startedMs);
        if (reply.status >= 300) throw new Error(`${name} answered ${reply.status}: ${reply.text}`);
        await eventually('all run', async () => running.size >= count, LONG_MS);
        runs.push(lastMs - startedMs);
        events.close();
      });
    }
    row(`${name}: to the plan`, runsLine(plans), 'request to the answer with the deployment');
    row(`${name}: to all running`, runsLine(runs), `on ${AGENTS} simulated agents, each durable`);
  }
}

/** Ten thousand apps with fifty thousand tasks: what holding them costs, and how they are read. */
export async function benchHeld(row: PrintRow): Promise<void> {
  const apps = Number(process.env['PACER_BENCH_APPS'] ?? 10_000);
  const instances = 5;
  const perGroup = 1_000;
  await withController(AGENTS, async (controller) => {
    const { api } = controller;
    const startedMs = performance.now();
    for (let group = 0; group * perGroup < apps; group += 1) {
      const members = Array.from({ length: perGroup }, (_, index) =>
        small(`app-${index}`, instances),
      );
      const reply = await api.send('PUT', '/v2/groups', { id: `/group-${group}`, apps: members });
      if (reply.status !== 200 && reply.status !== 201) throw new Error(reply.text);
      await eventually(
        `group ${group} runs`,
        async () => (await api.deployments()).length === 0,
        LONG_MS,
      );
    }
    const held = `${apps} apps, ${apps * instances} simulated tasks`;
    row('all of it deployed', formatMs(performance.now() - startedMs), `${held}, group by group`);
    await describeReads(row, controller, held);
    await describeReturn(row, controller, held, apps);
  });
}

async function describeReads(
  row: PrintRow,
  controller: StandaloneController,
  work: string,
): Promise<void> {
  const reader = new Reader(controller.url);
  row('memory of the controller', `${(controller.pssKib() / 1024).toFixed(0)} MiB`, `PSS; ${work}`);
  const { etag } = await reader.read('/v2/apps');
  const kinds = [
    { name: 'GET /v2/apps, whole', path: '/v2/apps', headers: {}, count: 50 },
    { name: 'GET /v2/apps, a page of 100', path: '/v2/apps?limit=100', headers: {}, count: 300 },
    { name: 'GET /v2/apps, 304', path: '/v2/apps', headers: { 'if-none-match': etag }, count: 300 },
  ];
  for (const { name, path, headers, count } of kinds) {
    const samples: number[] = [];
    let bytes = 0;
    for (let index = 0; index < count; index += 1) {
      const startedMs = performance.now();
      ({ bytes } = await reader.read(path, headers));
      samples.push(performance.now() - startedMs);
    }
    row(
      name,
      `p50 ${formatMs(percentile(samples, 0.5))}, p99 ${formatMs(percentile(samples, 0.99))}`,
      `${count} requests one after the other, ${(bytes / 1024).toFixed(0)} KiB each; ${work}`,
    );
  }
  reader.close();
}

async function describeReturn(
  row: PrintRow,
  controller: StandaloneController,
  work: string,
  apps: number,
): Promise<void> {
  const samples: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    await controller.kill();
    const startedMs = performance.now();
    await controller.restart();
    const reply = await controller.api.get('/v2/apps');
    samples.push(performance.now() - startedMs);
    const found = (JSON.parse(reply.text) as { readonly apps: readonly unknown[] }).apps.length;
    if (found !== apps) throw new Error(`${found} apps are left`);
  }
  row('kill -9 to serving', runsLine(samples), `new process to the whole list; ${work}`);
}

/** Eight clients that each post one app after the other. */
export async function benchSubmits(row: PrintRow): Promise<void> {
  const clients = 8;
  const each = 250;
  const samples: number[] = [];
  await withController(1, async ({ url }) => {
    for (let run = 0; run < RUNS; run += 1) {
      const startedMs = performance.now();
      await Promise.all(
        Array.from({ length: clients }, async (_, client) => {
          const reader = new Reader(url);
          for (let index = 0; index < each; index += 1) {
            // Without ports: there are 10,001 service ports.
            const id = `/run-${run}/client-${client}/app-${index}`;
            await reader.post('/v2/apps', { ...small(id, 0), portDefinitions: [] });
          }
          reader.close();
        }),
      );
      samples.push((clients * each * 1_000) / (performance.now() - startedMs));
    }
  });
  row(
    'durable submits',
    `${median(samples).toFixed(0)}/s (${samples.map((one) => one.toFixed(0)).join(', ')})`,
    `POST /v2/apps of ${clients * each} apps, ${clients} keep-alive clients`,
  );
}

/** A thousand readers of the event stream: from a write to the last of them. */
export async function benchListeners(row: PrintRow): Promise<void> {
  const count = 1_000;
  const samples: number[] = [];
  let pssKib = 0;
  await withController(1, async (controller) => {
    const before = controller.pssKib();
    let heard = 0;
    let lastMs = 0;
    const readers = await Promise.all(
      Array.from({ length: count }, () =>
        followEvents(controller.url, {
          query: '?event_type=deployment_success',
          onEvent: ({ atMs }) => {
            heard += 1;
            lastMs = atMs;
          },
        }),
      ),
    );
    for (let run = 0; run < 20; run += 1) {
      heard = 0;
      const startedMs = performance.now();
      await controller.api.send('POST', '/v2/apps', small(`/app-${run}`, 0));
      await eventually('all have heard', async () => heard === count, LONG_MS);
      samples.push(lastMs - startedMs);
    }
    pssKib = (controller.pssKib() - before) / count;
    for (const reader of readers) reader.close();
  });
  row(
    `${count} event listeners`,
    `p50 ${formatMs(percentile(samples, 0.5))}, p99 ${formatMs(percentile(samples, 0.99))}; ${pssKib.toFixed(0)} KiB each`,
    `${samples.length} writes: from the request to the event at the last listener`,
  );
}

/** One keep-alive connection; bodies are counted, not kept. */
class Reader {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly url: string) {}

  async read(
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly bytes: number; readonly etag: string }> {
    const { status, bytes, etag } = await this.ask('GET', path, headers);
    if (status !== 200 && status !== 304) throw new Error(`${path} answered ${status}`);
    return { bytes, etag };
  }

  async post(path: string, body: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const { status } = await this.ask('POST', path, headers, JSON.stringify(body));
    if (status !== 201) throw new Error(`${path} answered ${status}`);
  }

  close(): void {
    this.agent.destroy();
  }

  private ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<{ readonly status: number; readonly bytes: number; readonly etag: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        `${this.url}${path}`,
        { method, agent: this.agent, headers: { ...headers } },
        (response) => {
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
          });
          response.on('end', () =>
            resolve({
              ...{ status: response.statusCode ?? 0, bytes },
              etag: String(response.headers.etag ?? ''),
            }),
          );
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}
