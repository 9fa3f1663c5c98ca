import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webApp } from './support/apps.js';
import { type Cluster, killQuietly, taskProcesses } from './support/cluster.js';
import { createCluster, DATABASES } from './support/databases.js';
import { eventually, pause, request } from './support/http.js';
import type { MarathonClient } from './support/marathon-client.js';
import { startTraffic } from './support/traffic.js';

const GARBAGE_BYTES = 10 * 1024 * 1024;

/** The public road of one app, in order: each test goes on where the one before stopped. */
describe.each(DATABASES)('the road of one app, with the %s database', (database) => {
  let cluster: Cluster;
  let api: MarathonClient;
  let destroy = async (): Promise<void> => undefined;

  beforeAll(async () => {
    ({ cluster, destroy } = await createCluster(database));
    ({ api } = cluster);
    await cluster.start();
  });
  afterAll(() => destroy());

  const viaHost = (path = '/') =>
    request(`${cluster.edgeUrl}${path}`, { headers: { host: 'hello.localhost' } });
  const ports = async () => (await api.tasks('/hello')).map((task) => task.ports[0]).sort();

  it('creates an app: 201, its location and its deployment', async () => {
    const reply = await api.send('POST', '/v2/apps', webApp('/hello'));

    expect(reply.status).toBe(201);
    expect(reply.headers['location']).toBe('/hello');
    expect(reply.headers['marathon-deployment-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(reply.text)).toMatchObject({ id: '/hello', instances: 3, tasksRunning: 0 });
    const [deployment] = await api.deployments();
    // It may be past its first step already: starting an app takes no time before there are instances.
    expect(deployment).toMatchObject({ affectedApps: ['/hello'], totalSteps: 2 });
    expect(deployment?.steps.map(({ actions }) => actions.map(({ action }) => action))).toEqual([
      ['StartApplication'],
      ['ScaleApplication'],
    ]);
    expect(deployment?.currentStep).toBeGreaterThanOrEqual(1);
    expect(deployment?.currentStep).toBeLessThanOrEqual(2);
  });

  it('runs three healthy tasks on ports of their own', async () => {
    const tasks = await api.steady('/hello', 3);

    expect(new Set(tasks.map((task) => task.ports[0])).size).toBe(3);
    await api.settled('/hello');
  });

  it('serves all three in turn, by host name and by service port', async () => {
    const servicePort = (await api.app('/hello'))?.portDefinitions?.[0]?.port ?? 0;
    expect(servicePort).toBeGreaterThanOrEqual(10_000);
    const everyone = (await ports()).map((port) => `v1 ${port}`);

    for (const ask of [() => viaHost(), () => request(`http://127.0.0.1:${servicePort}/`)]) {
      await eventually('all three answer', async () => {
        const answers = new Set<string>();
        for (let count = 0; count < 12; count += 1) answers.add((await ask()).text);
        return everyone.every((answer) => answers.has(answer));
      });
    }
  });

  it('replaces an instance that is killed, and takes it out of rotation at once', async () => {
    const before = await api.tasks('/hello');
    const victim = before[0];
    const pids = taskProcesses(cluster, victim?.ports[0]);
    expect(pids).not.toEqual([]);

    for (const pid of pids) killQuietly(pid);

    await eventually('the dead one is replaced', async () => {
      const tasks = await api.tasks('/hello');
      return tasks.length === 3 && tasks.every((task) => task.id !== victim?.id);
    });
    await api.steady('/hello', 3);
    for (let count = 0; count < 10; count += 1) expect((await viaHost()).status).toBe(200);
  });

  it('upgrades by rolling, without a failed request', async () => {
    const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'hello.localhost', clients: 8 });
    await pause(300);

    const reply = await api.send('PUT', '/v2/apps/hello', {
      cmd: webApp('/hello', { version: 'v2' })['cmd'],
    });
    expect(reply.status).toBe(200);
    await api.settled('/hello');
    await api.steady('/hello', 3);
    await pause(300);
    const report = await traffic.stop();

    expect(Object.fromEntries(report.failures)).toEqual({});
    expect(report.requests).toBeGreaterThan(100);
    const versions = new Set([...report.bodies.keys()].map((body) => body.split(' ')[0]));
    expect(versions).toEqual(new Set(['v1', 'v2']));
    expect((await viaHost()).text).toMatch(/^v2 /);
  });

  it('changes routes and checks of running tasks without a restart or a failed request', async () => {
    const ids = async () => (await api.tasks('/hello')).map(({ id }) => id).sort();
    const before = await ids();
    const labels = (await api.app('/hello'))?.labels;
    const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'hello.localhost', clients: 4 });
    const times = { gracePeriodSeconds: 30, intervalSeconds: 1, timeoutSeconds: 5 };

    const reply = await api.send('PUT', '/v2/apps/hello', {
      labels: { ...labels, HAPROXY_0_VHOST: 'hello.localhost,other.localhost' },
      healthChecks: [
        { protocol: 'HTTP', path: '/other', portIndex: 0, ...times },
        { protocol: 'COMMAND', command: { value: 'test -n "$PORT0"' }, ...times },
      ],
    });
    await eventually('both checks have passed', async () =>
      (await api.tasks('/hello')).every(({ healthCheckResults: results = [] }) => {
        return (
          results.length === 2 && results.every(({ alive, firstSuccess }) => alive && firstSuccess)
        );
      }),
    );
    await eventually('the new name is served', async () => {
      const headers = { host: 'other.localhost' };
      return (await request(`${cluster.edgeUrl}/`, { headers })).status === 200;
    });
    const report = await traffic.stop();

    expect([reply.status, JSON.parse(reply.text)]).toMatchObject([200, { restarts: [] }]);
    expect(Object.fromEntries(report.failures)).toEqual({});
    expect(await ids()).toEqual(before);
  });

  it('finishes slow requests of drained instances while it scales down', async () => {
    const slow = Array.from({ length: 6 }, () => viaHost('/slow'));
    await pause(50);

    const reply = await api.send('PUT', '/v2/apps/hello', { instances: 1 });

    expect(reply.status).toBe(200);
    expect((await Promise.all(slow)).map((answer) => answer.status)).toEqual(Array(6).fill(200));
    await api.steady('/hello', 1);
  });

  describe('garbage', () => {
    const cases: readonly (readonly [string, string, string, string | undefined, number[]])[] = [
      ['text that is no JSON', 'POST', '/v2/apps', '{"id": "/x", ', [400]],
      ['a wrong type', 'POST', '/v2/apps', '{"id": 7, "cmd": "sleep 1"}', [400, 422]],
      ['a list for an object', 'POST', '/v2/apps', '[]', [400, 422]],
      ['an id with ..', 'POST', '/v2/apps', '{"id": "/a/../../etc", "cmd": "sleep 1"}', [400, 422]],
      ['negative cpus', 'POST', '/v2/apps', '{"id": "/x", "cmd": "sleep 1", "cpus": -1}', [422]],
      ['neither cmd nor args', 'POST', '/v2/apps', '{"id": "/x"}', [422]],
      ['a huge body', 'POST', '/v2/apps', `{"id": "${'x'.repeat(GARBAGE_BYTES)}"}`, [413]],
      ['negative instances', 'PUT', '/v2/apps/hello', '{"instances": -1}', [422]],
      ['an unknown app', 'DELETE', '/v2/apps/nobody', undefined, [404]],
      ['an unknown deployment', 'DELETE', '/v2/deployments/nobody', undefined, [404]],
      ['an unknown route', 'GET', '/v2/nowhere', undefined, [404]],
    ];

    it.each(cases)('answers %s with a clear 4xx and changes nothing', async (_name, ...call) => {
      const [method, path, body, statuses] = call;
      const before = JSON.parse((await api.get('/v2/apps')).text) as { readonly apps: unknown[] };

      const reply = await api.send(method, path, body);

      expect(statuses).toContain(reply.status);
      expect(JSON.parse(reply.text)).toHaveProperty('message');
      const after = JSON.parse((await api.get('/v2/apps')).text) as { readonly apps: unknown[] };
      expect(after.apps).toHaveLength(before.apps.length);
      expect((await api.app('/hello'))?.instances).toBe(1);
    });

    it('refuses a body that is not JSON by its type, a foreign Origin and a foreign Host', async () => {
      const url = `${api.url}/v2/apps`;
      const body = JSON.stringify(webApp('/evil'));
      const json = { 'content-type': 'application/json' };

      const asText = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body,
      });
      const fromElsewhere = await request(url, {
        method: 'POST',
        headers: { ...json, origin: 'http://evil.example' },
        body,
      });
      const rebound = await request(url, { headers: { host: 'evil.example' } });

      expect([asText.status, fromElsewhere.status, rebound.status]).toEqual([415, 403, 403]);
      expect(await api.app('/evil')).toBeUndefined();
    });
  });

  it('deletes an app: tasks, routes and ports are gone', async () => {
    const [port] = await ports();
    const servicePort = (await api.app('/hello'))?.portDefinitions?.[0]?.port ?? 0;

    expect((await api.send('DELETE', '/v2/apps/hello')).status).toBe(200);

    await eventually('the app is gone', async () => (await api.app('/hello')) === undefined);
    await eventually('its processes are gone', async () => taskProcesses(cluster).length === 0);
    await eventually('its route is gone', async () => (await viaHost()).status === 503);
    for (const gone of [port, servicePort]) {
      await eventually(`nobody listens on ${gone}`, () =>
        request(`http://127.0.0.1:${gone}/`).then(
          () => false,
          () => true,
        ),
      );
    }
  });
});
