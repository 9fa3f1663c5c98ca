import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireApp, WireRoutes, WireTask } from '#marathon-v2';
import { CertificateAuthority } from '../support/certificates.js';
import { Cluster, PORTS, taskProcesses } from './support/cluster.js';
import { INSTANCE_PROGRAM, readRecord } from './support/edge-instances.js';
import { EdgeSocket } from './support/edge-socket.js';
import { eventually, type Reply, request } from './support/http.js';
import { check } from './support/loaded-app.js';
import { Daemon } from './support/masters.js';
import { startTraffic } from './support/traffic.js';

const DRAIN_SECONDS = 4;
const SLOW_MS = 3_000;
/** Timers of three processes on a busy machine; what is not ended at the deadline would stay for an hour. */
const LATE_MS = 5_000;
const EARLY_MS = 100;
const SECOND_EDGE = '127.0.0.2';
const TLS_PORT = 8443 + PORTS.offset;

/** Two routers in a real cluster: how instances leave, and what the controller knows of the edge. */
describe('the edge of a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-edge-cluster-'));
  const record = join(folder, 'record');
  const authority = new CertificateAuthority(join(folder, 'ca'));
  const cluster = new Cluster({
    agents: 2,
    environment: { PACER_AGENT_CPUS: '16', PACER_AGENT_MEM_MIB: '16384' },
  });
  const { api } = cluster;
  const edges = [cluster.edgeUrl, cluster.edgeUrl.replace('127.0.0.1', SECOND_EDGE)];
  const secondRouter = new Daemon(
    'router',
    `http://127.0.0.1:${9091 + PORTS.offset}`,
    {
      PACER_DATA: join(cluster.dataDirectory, 'router-2'),
      ...{ PACER_CONTROLLER_URLS: api.url, PACER_EDGE_HOST: SECOND_EDGE, PACER_DNS: 'false' },
      PACER_EDGE_HTTP_PORT: new URL(cluster.edgeUrl).port,
      PACER_EDGE_HTTPS_PORT: String(TLS_PORT),
    },
    cluster.dataDirectory,
  );

  beforeAll(async () => {
    writeFileSync(record, '');
    // Tasks may run as somebody else.
    chmodSync(folder, 0o755);
    chmodSync(record, 0o666);
    await cluster.start();
    await secondRouter.start();
  });
  afterAll(async () => {
    const pidFile = join(cluster.dataDirectory, 'router-2/haproxy/haproxy.json');
    await secondRouter.stop();
    const { pid } = JSON.parse(readFileSync(pidFile, 'utf8')) as { readonly pid: number };
    process.kill(pid, 'SIGKILL');
    await cluster.destroy();
    rmSync(folder, { recursive: true });
  });

  const hostOf = (id: string): string => `${id.slice(1)}.localhost`;
  const appOf = (id: string, labels: Readonly<Record<string, string>> = {}) => ({
    ...{ id, instances: 2, cpus: 0.1, mem: 96, healthChecks: [check('HTTP')] },
    cmd: `exec '${process.execPath}' '${INSTANCE_PROGRAM}'`,
    env: { VERSION: id.slice(1), RECORD: record },
    labels: {
      ...{ HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: hostOf(id) },
      ...{ PACER_DRAIN_SECONDS: String(DRAIN_SECONDS), ...labels },
    },
  });
  const send = async (method: string, path: string, body?: unknown): Promise<Reply> => {
    const reply = await api.send(method, path, body);
    expect(reply.status, `${method} ${path}: ${reply.text}`).toBeLessThan(300);
    return reply;
  };
  const start = async (id: string, labels: Readonly<Record<string, string>> = {}): Promise<void> => {
    await send('POST', '/v2/apps', appOf(id, labels));
    await api.steady(id, 2);
    for (const edge of edges) await eventually(`${id} at ${edge}`, () => isServed(id, edge));
  };
  const isServed = async (id: string, edge: string): Promise<boolean> =>
    (await request(`${edge}/`, { headers: { host: hostOf(id) } })).status === 200;
  /** Of an app that is declared no more, too. */
  const tasksOf = async (id: string): Promise<readonly WireTask[]> => {
    const { text } = await api.get('/v2/apps?embed=apps.tasks&embed=apps.leaving');
    const { apps } = JSON.parse(text) as { readonly apps: readonly WireApp[] };
    return apps.find((app) => app.id === id)?.tasks ?? [];
  };
  const pidsOf = (tasks: readonly WireTask[]): ReadonlySet<number> =>
    new Set(tasks.flatMap(({ ports }) => taskProcesses(cluster, ports[0])));
  const routes = async (): Promise<WireRoutes> =>
    JSON.parse((await api.get('/v2/routes')).text) as WireRoutes;
  const askedBy = (name: string) => readRecord(record).filter(({ request: one }) => one === name);

  /** Whoever is stopped finishes what it has, until its deadline, and gets nothing new. */
  async function expectDrain(id: string, stop: () => Promise<unknown>): Promise<void> {
    const host = hostOf(id);
    const pids = pidsOf(await tasksOf(id));
    const sockets = await Promise.all(
      [0, 1, 2, 3].map((index) =>
        EdgeSocket.open(edges[index % 2] ?? '', host, `${id} socket ${index}`),
      ),
    );
    const slow = [0, 1, 2, 3].map((index) =>
      request(`${edges[index % 2]}/?ms=${SLOW_MS}`, {
        ...{ method: 'POST', body: `slow ${index}` },
        headers: { host, 'x-request': `${id} slow` },
      }),
    );
    await eventually('all are under way', async () => askedBy(`${id} slow`).length === 4);
    expect(new Set(askedBy(`${id} slow`).map(({ pid }) => pid))).toEqual(pids);

    await stop();
    const leaving = await eventually('some drain', async () => {
      const draining = (await tasksOf(id)).filter((task) => task.draining !== undefined);
      return draining.length > 0 && draining;
    });
    const gone = pidsOf(leaving);
    const deadlineMs = Math.max(
      ...leaving.map(({ draining }) => Date.parse(draining?.deadline ?? '')),
    );
    let probes = 0;
    const probe = async (name: string): Promise<readonly number[]> => {
      for (const edge of edges) {
        for (let count = 0; count < 6; count += 1) {
          await request(`${edge}/`, { headers: { host, 'x-request': name } });
        }
      }
      return askedBy(name).map(({ pid }) => pid);
    };
    await eventually('both edges have taken them out', async () => {
      probes += 1;
      return !(await probe(`${id} probe ${probes}`)).some((pid) => gone.has(pid));
    });
    const after = [await probe(`${id} after`), await probe(`${id} later`)].flat();
    const answers = await Promise.all(slow);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(after.filter((pid) => gone.has(pid))).toEqual([]);
    for (const socket of sockets) {
      const [asked] = askedBy(socket.name);
      if (asked !== undefined && !gone.has(asked.pid)) {
        await socket.echo('still here');
        socket.close();
        continue;
      }
      const closedAtMs = await eventually('it is closed', async () => socket.closedAtMs);
      expect(closedAtMs).toBeGreaterThanOrEqual(deadlineMs - EARLY_MS);
      expect(closedAtMs).toBeLessThan(deadlineMs + LATE_MS);
    }
  }

  it.concurrent('an instance too many keeps its websocket and slow requests for its drain time', async () => {
    await start('/scaled');

    await expectDrain('/scaled', () => send('PUT', '/v2/apps/scaled', { instances: 1 }));
  });

  it.concurrent('so does one that is killed by a user', async () => {
    await start('/killed');
    const [task] = await tasksOf('/killed');

    await expectDrain('/killed', () => send('DELETE', `/v2/apps/killed/tasks/${task?.id}`));
  });

  it.concurrent('so do those of an app that is deleted: what is new is refused by the edge', async () => {
    await start('/deleted');

    await expectDrain('/deleted', () => send('DELETE', '/v2/apps/deleted'));

    expect(await isServed('/deleted', cluster.edgeUrl)).toBe(false);
  });

  it.concurrent('an uploaded certificate is served by both routers, replaced, and taken away', async () => {
    await start('/secure');
    const subjectAt = (address: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const target = { port: TLS_PORT, host: address, servername: hostOf('/secure') };
        const socket = connectTls({ ...target, rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.end();
        });
        socket.once('error', reject);
      });
    const both = async (subject: string | undefined): Promise<void> => {
      for (const address of ['127.0.0.1', SECOND_EDGE]) {
        await eventually(`${subject} at ${address}`, async () => {
          return (await subjectAt(address).catch(() => undefined)) === subject;
        });
      }
    };
    const upload = (name: string) => {
      const { cert, key } = authority.issue(name, { hosts: [hostOf('/secure')] });
      const body = { certificate: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
      return send('PUT', '/v2/certificates/secure', body);
    };
    await both(undefined);

    await upload('first');
    await both('first');
    let isRunning = true;
    const failures: unknown[] = [];
    const client = async (): Promise<void> => {
      while (isRunning) {
        await request(`https://127.0.0.1:${TLS_PORT}/`, {
          headers: { host: hostOf('/secure') },
          tls: { servername: hostOf('/secure'), rejectUnauthorized: false },
        }).then(
          ({ status }) => status === 200 || failures.push(status),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const running = client();
    await upload('second');
    await both('second');
    isRunning = false;
    await running;
    await send('DELETE', '/v2/certificates/secure');
    await both(undefined);

    expect(failures).toEqual([]);
  });

  it.concurrent('an app that HAProxy refuses is named by the controller, for each router', async () => {
    await send('POST', '/v2/apps', appOf('/refused', { HAPROXY_0_BACKEND_HTTP_OPTIONS: '  nonsense' }));
    await start('/beside');

    await eventually('both routers name it', async () => {
      const { problems } = await routes();
      const told = problems.filter(({ appId, kind }) => appId === '/refused' && kind === 'left-out');
      return new Set(told.map(({ router }) => router)).size === 2 && told;
    });
    const { problems } = await routes();
    expect(problems.filter(({ appId }) => appId === '/beside')).toEqual([]);
    const { labels } = appOf('/refused');
    await send('PUT', '/v2/apps/refused', { labels });
    for (const edge of edges) await eventually('mended', () => isServed('/refused', edge));
    await eventually('nothing is said of it any more', async () => {
      return !(await routes()).problems.some(({ appId }) => appId === '/refused');
    });
  });

  it('the controller shows how far each router is; a frozen one holds nothing up', async () => {
    interface Seen {
      readonly id: string;
      readonly isRecent: boolean;
      readonly behindEvents: number;
      readonly haproxy?: { readonly version?: string };
    }
    const routers = async (): Promise<readonly Seen[]> =>
      (JSON.parse((await api.get('/v2/routers')).text) as { readonly routers: readonly Seen[] })
        .routers;
    // Only a router that is gone is waited for no longer than this.
    await start('/frozen', { PACER_DRAIN_SECONDS: '3600' });
    await eventually('both are up to date', async () => {
      const all = await routers();
      return all.length === 2 && all.every((one) => one.isRecent && one.behindEvents === 0);
    });
    for (const { haproxy } of await routers()) expect(haproxy?.version).toMatch(/^\d+\.\d+/);
    const traffic = startTraffic(cluster.edgeUrl, { host: hostOf('/frozen'), clients: 4 });

    secondRouter.signal('SIGSTOP');
    try {
      await send('PUT', '/v2/apps/frozen', { instances: 1 });
      await api.steady('/frozen', 1);
      expect((await routers()).map(({ isRecent }) => isRecent).sort()).toEqual([false, true]);
    } finally {
      secondRouter.signal('SIGCONT');
    }

    const { failures } = await traffic.stop();
    expect(Object.fromEntries(failures)).toEqual({});
    await eventually('it is back', async () => (await routers()).every(({ isRecent }) => isRecent));
    await eventually('it serves what there is', () => isServed('/frozen', edges[1] ?? ''));
  });

  it('the instances of an agent that is drained keep what they have for their drain time', async () => {
    await start('/moving');
    const [task] = await tasksOf('/moving');
    const drain_agent = { agent_id: { value: task?.slaveId } };

    await expectDrain('/moving', async () => {
      const { status, text } = await request(`${cluster.masterUrl}/api/v1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'DRAIN_AGENT', drain_agent }),
      });
      expect(status, text).toBe(200);
    });
  });
});
