import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { App, HealthCheck } from '#core';
import { anApp } from '../../../test/support/store-fixtures.js';
import { compareApps, compareFields, isOutdated, stampApp } from './app-change.js';
import { APP_FIELD_RULES } from './app-field-rules.js';

const LATER = '2031-01-01T00:00:00.000Z';
const CHECK: HealthCheck = {
  protocol: 'HTTP',
  path: '/',
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
  delaySeconds: 15,
  ignoreHttp1xx: false,
  ipProtocol: 'IPv4',
};
const BRIDGE: Partial<App> = {
  networks: [{ mode: 'container/bridge' }],
  container: {
    type: 'MESOS',
    volumes: [],
    portMappings: [
      ...[{ hostPort: 0 }, {}].map((host) => ({
        ...{ containerPort: 80, servicePort: 0, protocol: 'tcp', labels: {}, networkNames: [] },
        ...host,
      })),
    ],
  },
};

/** Another value of every field, by what it asks for. The types see to it that none is missing. */
const IN_PLACE = {
  rollout: { deadlineSeconds: 7 },
  labels: { HAPROXY_0_VHOST: 'x.example' },
  dependencies: ['/db'],
  healthChecks: [CHECK],
  check: { http: { path: '/' } },
  readinessChecks: [
    {
      ...{ name: 'ready', protocol: 'HTTP' as const, path: '/', portName: 'http' },
      ...{ intervalSeconds: 30, timeoutSeconds: 10 },
      ...{ httpStatusCodesForReady: [200], preserveLastResponse: false },
    },
  ],
  maxRetries: 7,
  backoffSeconds: 7,
  backoffFactor: 3,
  maxLaunchDelaySeconds: 7,
  upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
  killSelection: 'OLDEST_FIRST' as const,
  unreachableStrategy: 'disabled' as const,
  taskKillGracePeriodSeconds: 7,
  residency: { relaunchEscalationTimeoutSeconds: 1, taskLostBehavior: 'WAIT_FOREVER' },
};
const RESTART = {
  cmd: 'sleep 7',
  args: ['7'],
  user: 'nobody',
  env: { SEVEN: '7' },
  secrets: { seven: { source: '7' } },
  cpus: 7,
  mem: 7,
  disk: 7,
  gpus: 7,
  resourceLimits: { cpus: 7 },
  executor: '/seven',
  executorResources: { cpus: 7, mem: 7, disk: 7 },
  constraints: [['hostname', 'UNIQUE'] as const],
  acceptedResourceRoles: ['seven'],
  role: 'seven',
  fetch: [{ uri: 'http://seven', extract: true, executable: false, cache: false }],
  container: { type: 'MESOS' as const, volumes: [] },
  networks: [{ mode: 'container' as const, name: 'seven' }],
  portDefinitions: [{ port: 7, protocol: 'tcp', labels: {} }],
  requirePorts: true,
  tty: true,
  workload: 'job' as const,
  pod: { containers: [], volumes: [] },
};
const OTHERS = { id: true, version: true, versionInfo: true, instances: true };

({ ...IN_PLACE, ...RESTART, ...OTHERS }) satisfies Record<keyof App, unknown>;

const app = anApp('/a');
const subset = <Fields extends object>(fields: Fields) =>
  fc
    .subarray(Object.entries(fields), { minLength: 1 })
    .map((entries) => Object.fromEntries(entries) as Partial<App>);
const stamped = (next: App, restart = false) => stampApp(app, next, LATER, { restart });

describe('comparing definitions', () => {
  it('calls the same definition no change, whatever its stamps', () => {
    const again = anApp('/a', { version: LATER });

    expect(compareApps(app, again)).toBe('none');
    expect(stamped(again)).toBe(app);
  });

  it('never restarts for fields that are changed in place, with or without another count', () => {
    fc.assert(
      fc.property(subset(IN_PLACE), fc.integer({ min: 0, max: 3 }), (fields, instances) => {
        const next = stamped({ ...app, ...fields, instances });

        expect(compareApps(app, { ...app, ...fields, instances })).toBe('in-place');
        expect(isOutdated(app.versionInfo.lastConfigChangeAt, next)).toBe(false);
        expect(next.version).toBe(LATER);
        expect(next.versionInfo.lastScalingAt === LATER).toBe(instances !== app.instances);
      }),
    );
  });

  it.each(Object.entries(RESTART))('restarts for another %s', (field, value) => {
    const next = { ...app, [field]: value };

    expect(compareApps(app, next)).toBe('upgrade');
    expect(compareFields(app, next)).toEqual([{ field, change: 'restart' }]);
    expect(stamped(next).versionInfo.lastConfigChangeAt).toBe(LATER);
  });

  it('restarts when only one of many fields asks for it', () => {
    fc.assert(
      fc.property(subset(IN_PLACE), subset(RESTART), (edits, fields) => {
        expect(compareApps(app, { ...app, ...edits, ...fields })).toBe('upgrade');
      }),
    );
  });

  it('restarts a pod for another container, and not for another limit of instances', () => {
    const pod = { containers: [], volumes: [] };
    const before = { ...app, pod };

    expect(compareApps(before, { ...app, pod: { ...pod, maxInstances: 7 } })).toBe('in-place');
    expect(compareApps(before, { ...app, pod: { ...pod, volumes: [{ name: 'v' }] } })).toBe(
      'upgrade',
    );
  });

  it('scales when only the count differs', () => {
    expect(compareApps(app, { ...app, instances: 9 })).toBe('scale');
  });

  it('decides every field', () => {
    const decided = Object.entries({ ...IN_PLACE, ...RESTART }).map(([field]) => field);

    expect(Object.keys(APP_FIELD_RULES).sort()).toEqual(
      [...decided, ...Object.keys(OTHERS)].sort(),
    );
  });
});

describe('a changed health check', () => {
  const change = (from: Partial<App>, to: Partial<App>, commands = false) =>
    compareApps({ ...app, ...from }, { ...app, ...to }, { commands });
  const of = (fields: Partial<HealthCheck>) => ({ healthChecks: [{ ...CHECK, ...fields }] });
  const command = (value: string) => of({ protocol: 'COMMAND', command: { value } });

  it('restarts for a command nobody can run in a running task, and not when somebody can', () => {
    expect(change(command('a'), command('b'))).toBe('upgrade');
    expect(change(command('a'), command('b'), true)).toBe('in-place');
    expect(change(command('a'), { healthChecks: [] })).toBe('in-place');
  });

  it('restarts where the controller cannot reach the port the agent reaches', () => {
    const inside = (portIndex: number, path: string) => ({
      ...BRIDGE,
      ...of({ protocol: 'MESOS_HTTP', portIndex, path }),
    });

    expect(change(inside(1, '/a'), inside(1, '/b'))).toBe('upgrade');
    expect(change(inside(0, '/a'), inside(0, '/b'))).toBe('in-place');
  });

  it('leaves what the agent runs already to it', () => {
    const kept = { ...CHECK, protocol: 'COMMAND' as const, command: { value: 'a' } };

    expect(change({ healthChecks: [kept] }, { healthChecks: [kept, CHECK] })).toBe('in-place');
  });
});

it('restarts when a kill grace period is taken away, which no KILL can say', () => {
  const from = { ...app, taskKillGracePeriodSeconds: 60 };

  expect(compareApps(from, app)).toBe('upgrade');
  expect(compareApps(from, { ...app, taskKillGracePeriodSeconds: 5 })).toBe('in-place');
});
