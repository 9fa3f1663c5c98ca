import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { buildRoutes, renderConfig, renderMap, toAppEntry, toEdgeModel } from '#routing';
import { sampleApp, sampleSettings, sampleTask } from '../../../../test/support/edge-samples.js';
import { readMarathonApp } from './read-marathon-app.js';

const options = {
  groups: ['*'],
  reservedPorts: new Set<number>(),
  lastKnownHealth: new Map<string, boolean>(),
};
const good = sampleApp('/good', {
  portDefinitions: [{ port: 10_099, protocol: 'tcp', labels: {} }],
  labels: { HAPROXY_0_VHOST: 'good.example' },
  tasks: [sampleTask('good', 31_099)],
});
const tableOf = (...given: readonly unknown[]) =>
  buildRoutes(
    [...given, good].flatMap((app) => readMarathonApp(app) ?? []),
    options,
  );
const given = (extra: Readonly<Record<string, unknown>>) => ({
  ...sampleApp('/web', { tasks: [sampleTask('a', 31_000)] }),
  ...extra,
});
const mapped = (mapping: unknown) =>
  given({
    networks: [{ mode: 'container/bridge' }],
    container: { type: 'DOCKER', portMappings: [mapping] },
  });

describe('an app whose ports cannot be read', () => {
  it.each([
    [given({ portDefinitions: 'x' }), 'portDefinitions: "x" is not a list'],
    [given({ portDefinitions: [7] }), 'portDefinitions[0]: 7 is not an object'],
    [
      given({ portDefinitions: [{ port: 1 }, { port: 'http' }] }),
      'portDefinitions[1].port: "http" is not a port from 0 to 65535',
    ],
    [
      given({ portDefinitions: [{ port: 70_000 }] }),
      'portDefinitions[0].port: 70000 is not a port',
    ],
    [given({ portDefinitions: [{ port: 1, protocol: 6 }] }), 'protocol: 6 is not a text'],
    [
      given({ portDefinitions: Array.from({ length: 1_001 }, () => ({ port: 0 })) }),
      '1001 entries, at most 1000 are read',
    ],
    [
      given({ networks: undefined, portDefinitions: undefined, ports: ['x'] }),
      'portDefinitions[0]',
    ],
    [given({ networks: [3] }), 'networks[0]: 3 is not a network'],
    [given({ container: 'docker' }), 'container: "docker" is not an object'],
    [
      mapped({ containerPort: '80' }),
      'container.portMappings[0].containerPort: "80" is not a port',
    ],
    [mapped({ containerPort: 80, servicePort: 1.5 }), 'servicePort: 1.5 is not a port'],
    [mapped({ containerPort: 80, name: ['x'] }), 'name: ["x"] is not a text'],
    [
      given({ networks: undefined, container: { docker: { network: 'BRIDGE', portMappings: 4 } } }),
      'container.docker.portMappings: 4 is not a list',
    ],
    [given({ id: '/web\nserver x' }), 'is not the path of an app'],
  ])('%#: is told, and all others go on', (app, reason) => {
    const { routes, conflicts } = tableOf(app);

    expect(routes.map(({ appId }) => appId)).toEqual(['/good']);
    expect(conflicts).toEqual([
      { kind: 'label', appId: app.id, portIndex: 0, reason: expect.stringContaining(reason) },
    ]);
  });

  it('is told only where it would be served', () => {
    const apps = [given({ portDefinitions: 'x' })].flatMap((app) => readMarathonApp(app) ?? []);

    expect(buildRoutes(apps, { ...options, groups: ['external'] }).conflicts).toEqual([]);
  });
});

it('tells what is not used of a health check, and serves the app', () => {
  const healthChecks = [{ protocol: 'TCP', portIndex: 'one', path: 4 }];

  const { routes, conflicts } = tableOf(given({ healthChecks }));

  expect(routes).toHaveLength(2);
  expect(conflicts.map(({ reason }) => reason)).toEqual([
    'healthChecks.path: 4 is not used',
    'healthChecks.portIndex: "one" is not used',
  ]);
});

it('takes an instance of which port or address cannot be read for one that listens nowhere', () => {
  const tasks = [
    { ...sampleTask('a', 0), ports: ['x'] },
    { ...sampleTask('b', 0), ports: [99_999] },
    { ...sampleTask('c', 31_000), ipAddresses: [{ ipAddress: 7 }] },
  ];

  const [, route] = tableOf(given({ tasks })).routes;

  expect(route?.endpoints.map(({ taskId }) => taskId)).toEqual(['c']);
});

it('whatever a server writes of an app, all others are served', () => {
  const whole = {
    ...mapped({ containerPort: 80, hostPort: 0, servicePort: 10_001, protocol: 'tcp' }),
    labels: { HAPROXY_0_VHOST: 'web.example', HAPROXY_0_MODE: 'http' },
    healthChecks: [{ protocol: 'HTTP', path: '/', portIndex: 0 }],
    readinessCheckResults: [{ taskId: 'a', ready: true }],
    portDefinitions: [{ port: 10_001, protocol: 'tcp', labels: {} }],
    tasks: [
      sampleTask('a', 31_000, {
        ipAddresses: [{ ipAddress: '10.0.0.1', protocol: 'IPv4' }],
        healthCheckResults: [{ alive: true, consecutiveFailures: 0, instanceId: 'i' }],
      }),
    ],
  };
  const garbage = fc.oneof(
    fc.constantFrom(null, undefined, '', 'x', -1, 1.5, 1e300, true, [], {}, [null], [[]], ['x']),
    fc.jsonValue({ maxDepth: 2 }),
  );
  /** Puts something else in one place of it. */
  const spoil = (value: unknown, turns: readonly number[], put: unknown): unknown => {
    const [turn, ...rest] = turns;
    if (turn === undefined || typeof value !== 'object' || value === null) return put;
    const keys = Object.keys(value);
    const key = keys[turn % Math.max(1, keys.length)];
    if (key === undefined) return put;
    const changed = spoil((value as Record<string, unknown>)[key], rest, put);
    return Array.isArray(value)
      ? value.map((item, at) => (String(at) === key ? changed : item))
      : { ...value, [key]: changed };
  };
  const turns = fc.array(fc.nat(30), { minLength: 1, maxLength: 4 });
  const spoiled = fc
    .array(fc.tuple(turns, garbage), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<unknown>((app, [path, put]) => spoil(app, path, put), whole));

  fc.assert(
    fc.property(spoiled, (app) => {
      const table = tableOf(app);
      const model = toEdgeModel(table);

      expect(table.routes.find(({ appId }) => appId === '/good')?.endpoints).toHaveLength(1);
      expect(renderConfig(model, sampleSettings, 'g')).toContain('backend good_10099');
      expect(renderMap('apps', model.maps.apps)).toMatch(/^(\/\S+ \S+\n)*$/);
      const read = readMarathonApp(app);
      if (read !== undefined) entryOf(read);
    }),
    { numRuns: 2_000 },
  );
});

const entryOf = (app: WireApp) =>
  toAppEntry(app, {
    lastKnownHealth: new Map(),
    before: undefined,
  });
