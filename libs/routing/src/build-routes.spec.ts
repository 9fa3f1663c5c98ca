import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleTask } from '../../../test/support/edge-samples.js';
import { buildRoutes, type RoutingOptions } from './build-routes.js';

const options: RoutingOptions = {
  groups: ['external'],
  reservedPorts: new Set([8080]),
  lastKnownHealth: new Map(),
};

const task = sampleTask;
const app = (id: string, extra: Partial<WireApp> = {}): WireApp =>
  sampleApp(id, { labels: { HAPROXY_GROUP: 'external' }, ...extra });

const httpCheck = {
  protocol: 'MESOS_HTTP',
  portIndex: 0,
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
};
const alive = { alive: true, consecutiveFailures: 0, instanceId: 'i' };

describe('buildRoutes', () => {
  it('lets an app that takes the place of one that is leaving have its host and port', () => {
    const labels = { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'a.example' };
    const gone = app('/a', { labels, leaving: true });
    const fresh = app('/b', { labels });

    const { routes, conflicts } = buildRoutes([gone, fresh], options);

    expect(routes.map(({ appId, vhosts }) => [appId, vhosts])).toEqual([['/b', ['a.example']]]);
    expect(conflicts.map(({ appId }) => appId)).toEqual(['/a', '/a']);
  });

  it('sends nothing to a job, which ends', () => {
    const job = app('/job', { workload: 'job', tasks: [task('a', 31000)] });

    expect(buildRoutes([job], options)).toMatchObject({ routes: [], conflicts: [] });
  });

  it('routes to running tasks without health checks', () => {
    const table = buildRoutes([app('/web', { tasks: [task('a', 31000)] })], options);

    expect(table.routes).toMatchObject([
      {
        backend: 'web_10000',
        listener: { port: 10000 },
        mode: 'tcp',
        endpoints: [{ name: '127.0.0.1_31000', address: '127.0.0.1', port: 31000, state: 'ready' }],
      },
    ]);
  });

  it('leaves out tasks that are staging, unhealthy, unready or never checked', () => {
    const tasks = [
      task('staging', 1, { state: 'TASK_STAGING', healthCheckResults: [alive] }),
      task('sick', 2, { healthCheckResults: [{ ...alive, alive: false }] }),
      task('unready', 3, { healthCheckResults: [alive] }),
      task('unknown', 4),
      task('good', 5, { healthCheckResults: [alive] }),
    ];
    const web = app('/web', {
      tasks,
      healthChecks: [httpCheck],
      readinessCheckResults: [{ name: 'r', taskId: 'unready', ready: false }],
    });

    const [route] = buildRoutes([web], options).routes;

    expect(route?.endpoints.map((endpoint) => endpoint.taskId)).toEqual(['good']);
    expect(route?.mode).toBe('http');
  });

  it('keeps a task whose results are missing when it was last known healthy', () => {
    const web = app('/web', { tasks: [task('a', 31000)], healthChecks: [httpCheck] });

    const table = buildRoutes([web], { ...options, lastKnownHealth: new Map([['a', true]]) });

    expect(table.routes[0]?.endpoints).toHaveLength(1);
  });

  it('keeps draining tasks as draining endpoints whatever their health', () => {
    const draining = { since: 's', deadline: 'd' };
    const web = app('/web', {
      tasks: [task('a', 31000, { draining, healthCheckResults: [{ ...alive, alive: false }] })],
      healthChecks: [httpCheck],
    });

    expect(buildRoutes([web], options).routes[0]?.endpoints[0]?.state).toBe('draining');
  });

  it('keeps a backend without tasks, so that clients get 503 and no reload is needed later', () => {
    expect(buildRoutes([app('/web')], options).routes).toHaveLength(1);
  });

  it('ignores apps of other groups and ports that are switched off', () => {
    const other = app('/other', { labels: { HAPROXY_GROUP: 'internal' } });
    const off = app('/off', { labels: { HAPROXY_GROUP: 'external', HAPROXY_0_ENABLED: 'no' } });

    expect(buildRoutes([other, off], options).routes).toEqual([]);
  });

  it('gives a host, a port and a backend name to the first app only, and tells the other why', () => {
    const labels = { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'Shop.Example' };

    const table = buildRoutes([app('/b', { labels }), app('/a', { labels })], options);

    expect(table.routes.map((route) => [route.appId, route.vhosts])).toEqual([
      ['/a', ['shop.example']],
    ]);
    expect(table.conflicts.map((conflict) => conflict.reason)).toEqual([
      'host shop.example is already served by /a',
      'port 10000 is already used by /a',
    ]);
  });

  it('lets the TLS of a host be passed through or ended, whichever paths it is asked for with', () => {
    const at = (labels: Readonly<Record<string, string>>) => ({
      labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'shop.example', ...labels },
      portDefinitions: [{ port: 0, protocol: 'tcp', labels: {} }],
    });
    const passed = at({ HAPROXY_0_SSL_PASSTHROUGH: 'true' });
    const [first, second] = [at({ HAPROXY_0_PATH: '/a' }), at({ HAPROXY_0_PATH: '/b' })];
    const refusalsOf = (...apps: readonly WireApp[]) =>
      buildRoutes(apps, options).conflicts.map(({ appId, reason }) => `${appId}: ${reason}`);

    expect(refusalsOf(app('/a', first), app('/b', second))).toEqual([]);
    expect(refusalsOf(app('/a', first), app('/b', passed))).toEqual([
      '/b: TLS of host shop.example is already ended for /a',
    ]);
    expect(refusalsOf(app('/a', passed), app('/b', second))).toEqual([
      '/b: TLS of host shop.example is already passed through to /a',
    ]);
  });

  it('gives a port to several apps on addresses of their own, and to none beside one on all', () => {
    const at = (address: string) => ({
      labels: { HAPROXY_GROUP: 'external', HAPROXY_0_BIND_ADDR: address },
    });
    const conflictsOf = (left: string, right: string): number =>
      buildRoutes([app('/a', at(left)), app('/b', at(right))], options).conflicts.length;

    expect(conflictsOf('10.0.0.1', '10.0.0.2')).toBe(0);
    expect(conflictsOf('::1', '0:0:0:0:0:0:0:1')).toBe(1);
    expect(conflictsOf('0.0.0.0', '10.0.0.2')).toBe(1);
    expect(conflictsOf('10.0.0.1', '::')).toBe(1);
  });

  it('refuses reserved ports and label values that are no host, path or mode', () => {
    const labels = {
      HAPROXY_GROUP: 'external',
      HAPROXY_0_VHOST: 'good.example,bad host\nserver x',
      HAPROXY_0_PATH: '/ok" }',
      HAPROXY_0_PORT: '8080',
      HAPROXY_0_MODE: 'udp',
    };

    const table = buildRoutes([app('/web', { labels })], options);

    // Nothing is left to be published.
    expect(table.routes).toEqual([]);
    expect(table.conflicts.map(({ kind, reason }) => [kind, reason.split(':')[0]])).toEqual([
      ['label', 'HAPROXY_0_VHOST'],
      ['label', 'HAPROXY_0_PATH'],
      ['label', 'HAPROXY_0_MODE'],
      ['conflict', 'port 8080 is reserved'],
    ]);
  });

  it('gives nobody a whole host who asked for a part of it in vain', () => {
    const labels = {
      HAPROXY_GROUP: 'external',
      HAPROXY_0_VHOST: 'good.example',
      HAPROXY_0_PATH: 'no-slash',
    };

    expect(buildRoutes([app('/web', { labels })], options).routes).toMatchObject([
      { vhosts: [], listener: { port: 10000 } },
    ]);
  });

  it('says of a UDP port that HAProxy cannot carry it, and publishes the TCP part', () => {
    const web = app('/web', {
      portDefinitions: [
        { port: 10000, protocol: 'udp', labels: {} },
        { port: 10001, protocol: 'udp,tcp', labels: {} },
      ],
    });

    const table = buildRoutes([web], options);

    expect(table.routes.map(({ portIndex }) => portIndex)).toEqual([1]);
    expect(table.conflicts.map(({ kind, portIndex }) => [kind, portIndex])).toEqual([
      ['unsupported', 0],
      ['unsupported', 1],
    ]);
  });

  it('keeps the only instance through one late answer, and answers 503 once its app calls it dead', () => {
    const late = { ...alive, alive: false, firstSuccess: 't', consecutiveFailures: 1 };
    const withResult = (result: typeof late) =>
      app('/web', {
        tasks: [task('a', 31000, { healthCheckResults: [result] })],
        healthChecks: [httpCheck],
      });

    const [doubtful, dead] = [late, { ...late, consecutiveFailures: 3 }].map(
      (result) => buildRoutes([withResult(result)], options).routes[0]?.endpoints,
    );

    expect(doubtful).toHaveLength(1);
    expect(dead).toEqual([]);
  });

  it('takes a late instance out while another one is alive', () => {
    const late = { ...alive, alive: false, firstSuccess: 't', consecutiveFailures: 1 };
    const web = app('/web', {
      tasks: [
        task('late', 31000, { healthCheckResults: [late] }),
        task('good', 31001, { healthCheckResults: [alive] }),
      ],
      healthChecks: [httpCheck],
    });

    const [route] = buildRoutes([web], options).routes;

    expect(route?.endpoints.map(({ taskId }) => taskId)).toEqual(['good']);
  });

  it('uses the host port of the right mapping with bridge networking', () => {
    const mapping = { servicePort: 10001, protocol: 'tcp', labels: {} };
    const web = app('/web', {
      networks: [{ mode: 'container/bridge' }],
      container: {
        type: 'DOCKER',
        volumes: [],
        portMappings: [
          { ...mapping, containerPort: 80, servicePort: 10001, hostPort: 0 },
          { ...mapping, containerPort: 81, servicePort: 10002, hostPort: 0 },
        ],
      },
      tasks: [task('a', 31000, { ports: [31000, 31001] })],
    });

    const ports = buildRoutes([web], options).routes.map((route) => route.endpoints[0]?.port);

    expect(ports).toEqual([31000, 31001]);
  });

  it('does not depend on the order of apps and tasks', () => {
    const tasks = [1, 2, 3, 4].map((index) => task(`t${index}`, 31000 + index));
    const apps = ['/a', '/b', '/c'].map((id, index) =>
      app(id, { tasks, portDefinitions: [{ port: 10000 + index, protocol: 'tcp', labels: {} }] }),
    );
    const expected = buildRoutes(apps, options);

    fc.assert(
      fc.property(
        fc.shuffledSubarray(apps, { minLength: 3 }),
        fc.shuffledSubarray(tasks, { minLength: 4 }),
        (shuffledApps, shuffledTasks) => {
          const shuffled = shuffledApps.map((one) => ({ ...one, tasks: shuffledTasks }));
          expect(buildRoutes(shuffled, options)).toEqual(expected);
        },
      ),
    );
  });
});
