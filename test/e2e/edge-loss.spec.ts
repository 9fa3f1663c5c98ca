import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from './support/cluster.js';
import { EdgeInstances, readRecord } from './support/edge-instances.js';
import { EdgeRouter } from './support/edge-router.js';
import { appOf, FakeMarathon, taskOf } from './support/fake-marathon.js';
import { eventually, pause, request } from './support/http.js';
import { startTraffic } from './support/traffic.js';

/** Begun within a span of time, so that some are under way at any moment. */
const CLIENTS = 8;
const SLOW_MS = 400;
/** A request that was begun within this time is still under way a good while later. */
const JUST_BEGUN_MS = 150;

/** What a client loses, and what not, when instances die, are full, or when nobody knows how they are. */
describe('an edge whose instances fail', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-loss-'));
  const record = join(folder, 'record');
  const marathon = new FakeMarathon();
  const instances = new EdgeInstances(['one', 'two', 'full', 'other'], join(folder, 'others'));
  const mortals = ['a', 'b', 'c'].map((name) => new EdgeInstances([name], record));
  let edge: EdgeRouter;

  beforeAll(async () => {
    await Promise.all([marathon.start(), ...[instances, ...mortals].map((one) => one.start())]);
    edge = await EdgeRouter.start([marathon.url]);
  });
  afterAll(async () => {
    await edge?.destroy();
    await Promise.all([instances, ...mortals].map((one) => one.kill()));
    await marathon.stop();
    rmSync(folder, { recursive: true });
  });

  const names = async (host: string, count: number): Promise<readonly string[]> => {
    const seen: string[] = [];
    for (let index = 0; index < count; index += 1) {
      seen.push((JSON.parse((await edge.get(host)).text) as { readonly name: string }).name);
    }
    return seen;
  };

  it('no GET fails, and no POST is sent twice, when an instance dies by SIGKILL', async () => {
    const id = '/mortal';
    const ports = mortals.map((one, index) => one.port(['a', 'b', 'c'][index] ?? ''));
    marathon.put(appOf(id, ports));
    await edge.answers('mortal.localhost');
    const outcomes = new Map<string, string>();
    let isRunning = true;
    let sent = 0;
    const client = async (method: 'GET' | 'POST'): Promise<void> => {
      while (isRunning) {
        sent += 1;
        const name = `${method}-${sent}`;
        const outcome = await request(`${edge.edgeUrl}/?ms=${SLOW_MS}`, {
          method,
          headers: { host: 'mortal.localhost', 'x-request': name },
          ...(method === 'POST' && { body: name }),
        }).then(
          ({ status }) => String(status),
          (error: unknown) => String(error),
        );
        outcomes.set(name, outcome);
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      client(index % 2 === 0 ? 'GET' : 'POST'),
    );
    await eventually('they are under way', async () => outcomes.size > 3 * CLIENTS);

    // It is to die with some of each, which it has read.
    await eventually('it has just begun a GET and a POST', async () => {
      const sinceMs = Date.now() - JUST_BEGUN_MS;
      const begun = readRecord(record).filter(({ name, atMs }) => name === 'a' && atMs >= sinceMs);
      return new Set(begun.map(({ method }) => method)).size === 2;
    });
    await mortals[0]?.kill();
    const atDeath = sent;
    await eventually('many more were sent', async () => sent > atDeath + 10 * CLIENTS);
    marathon.setTasks(
      id,
      [1, 2].map((index) => taskOf(id, ports[index] ?? 0)),
      'TASK_FAILED',
    );
    const atNews = sent;
    await eventually('and some after the news', async () => sent > atNews + 3 * CLIENTS);
    isRunning = false;
    await Promise.all(clients);

    const asked = new Map<string, number>();
    for (const { request: name } of readRecord(record)) {
      asked.set(name, (asked.get(name) ?? 0) + 1);
    }
    const twice = [...asked].filter(([, count]) => count > 1).map(([name]) => name);
    const failed = [...outcomes].filter(([, outcome]) => outcome !== '200').map(([name]) => name);
    expect(twice.filter((name) => name.startsWith('POST'))).toEqual([]);
    expect(failed.filter((name) => name.startsWith('GET'))).toEqual([]);
    // What it had not read yet when it died has no record, and nobody else can tell: it is not sent again.
    expect(failed.filter((name) => (asked.get(name) ?? 0) > 1)).toEqual([]);
    // The death met some of each: else this test would have shown nothing.
    expect(twice.length).toBeGreaterThan(0);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.some((name) => asked.get(name) === 1)).toBe(true);
  });

  it.concurrent('MAXCONN: requests wait for their turn, and all are answered', async () => {
    marathon.put(appOf('/full', [instances.port('full')], { HAPROXY_0_MAXCONN: '1' }));
    await edge.answers('full.localhost');
    const agent = new Agent({ keepAlive: true });

    const answers = await Promise.all(
      Array.from({ length: 15 }, () => edge.get('full.localhost', '/queued?ms=50')),
    );
    agent.destroy();

    const starts = readRecord(join(folder, 'others'))
      .filter(({ url }) => url.startsWith('/queued'))
      .map(({ atMs }) => atMs);
    const gaps = starts.slice(1).map((atMs, index) => atMs - (starts[index] ?? 0));
    expect(answers.map(({ status }) => status)).toEqual(Array(15).fill(200));
    expect(starts).toHaveLength(15);
    // Timers may be a millisecond early.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(48);
  });

  it.concurrent('SLOWSTART: a new instance gets little at first, and its share later', async () => {
    const id = '/slow-start';
    const [one, two] = ['one', 'two'].map((name) => instances.port(name)) as [number, number];
    marathon.put(appOf(id, [one], { HAPROXY_0_SLOWSTART: '10s' }));
    await edge.answers('slow-start.localhost');
    const shareOfTwo = async (): Promise<number> =>
      (await names('slow-start.localhost', 40)).filter((name) => name === 'two').length / 40;

    marathon.setTasks(id, [taskOf(id, one), taskOf(id, two)]);
    await eventually('it is in the backend', async () =>
      (await edge.admin('show servers state')).includes(`127.0.0.1_${two} `),
    );

    expect(await shareOfTwo()).toBeLessThan(0.4);
    await eventually('it gets its share', async () => (await shareOfTwo()) > 0.45);
  });

  it.concurrent('no healthy instance: 503 of the edge, and never the answer of another app', async () => {
    const healthChecks = [{ protocol: 'HTTP', path: '/health', portIndex: 0 }];
    const ill = [taskOf('/ill', instances.port('one'), { isHealthy: false })];
    marathon.put(
      appOf('/catch-all', [instances.port('other')], { HAPROXY_0_VHOST: '*.none.localhost' }),
      appOf('/ill', [], { HAPROXY_0_VHOST: 'ill.none.localhost' }, { healthChecks, tasks: ill }),
      appOf('/none', [], { HAPROXY_0_VHOST: 'empty.none.localhost' }),
      appOf(
        '/new',
        [instances.port('one')],
        { HAPROXY_0_VHOST: 'new.none.localhost' },
        { healthChecks },
      ),
    );
    await edge.answers('any.none.localhost');

    for (const name of ['ill', 'empty', 'new']) {
      const reply = await edge.answers(`${name}.none.localhost`, 503);
      expect(reply.text).not.toContain('"name"');
      for (let count = 0; count < 10; count += 1) {
        expect((await edge.get(`${name}.none.localhost`)).status).toBe(503);
      }
    }
  });

  it('unknown health is not unhealthy: not one request fails over restarts of everything', async () => {
    const id = '/checked';
    const healthChecks = [{ protocol: 'MESOS_HTTP', path: '/health', portIndex: 0 }];
    const tasks = (isHealthy?: boolean) =>
      ['one', 'two'].map((name) =>
        taskOf(id, instances.port(name), isHealthy === undefined ? {} : { isHealthy }),
      );
    marathon.put(appOf(id, [], {}, { healthChecks, tasks: tasks(true) }));
    await edge.answers('checked.localhost');
    await eventually('the healthy tasks are on disk', async () =>
      readFileSync(join(edge.directory, 'healthy-tasks.json'), 'utf8').includes('checked.'),
    );
    const traffic = startTraffic(edge.edgeUrl, { host: 'checked.localhost', clients: 6 });
    const isConnected = async (): Promise<boolean> =>
      (await edge.status()).includes('"connected":true');

    // Another leader, which knows of no result yet.
    marathon.change(id, { tasks: tasks() }, { type: 'scheduler_reregistered_event' });
    marathon.cut();
    await eventually('the stream is back', async () => marathon.listeners === 1);
    await pause(500);
    // The controller starts again.
    await marathon.stop();
    await pause(500);
    await marathon.start();
    await eventually('it is followed again', async () => marathon.listeners === 1);
    await pause(500);
    // The router too, and it never saw a result in this life.
    const { pid } = edge.daemon;
    edge.daemon.signal('SIGKILL');
    await eventually(
      'there is another router',
      async () => !isAlive(pid) && edge.daemon.pid !== pid,
    );
    await eventually('it follows', isConnected);
    await pause(500);
    const { requests, failures } = await traffic.stop();

    expect(Object.fromEntries(failures)).toEqual({});
    expect(requests).toBeGreaterThan(100);
    expect(new Set(await names('checked.localhost', 8))).toEqual(new Set(['one', 'two']));
    // Nor is it healthy for ever.
    marathon.change(id, { tasks: tasks(false) }, { type: 'health_status_changed_event' });
    await edge.answers('checked.localhost', 503);
  });
});
