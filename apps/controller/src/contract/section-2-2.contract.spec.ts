/** Section 2.2 of the contract, row by row: the fields of an app. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AppDeclarations,
  EXTERNAL,
  type FieldRow,
  RESIDENT,
  SINGLE,
  startDeclarations,
} from './declare-apps.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

const MAX_INT = 2_147_483_647;
const MAX_MIB = 1_000_000_000_000;
const DOCKER = { container: { docker: { image: 'busybox' } } };
const DEFAULT_PORT = { port: expect.any(Number), protocol: 'tcp', name: 'default', labels: {} };
const strategy = (minimumHealthCapacity: unknown, maximumOverCapacity: unknown) => ({
  upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
});
const away = (inactiveAfterSeconds: number, expungeAfterSeconds: number) => ({
  unreachableStrategy: { inactiveAfterSeconds, expungeAfterSeconds },
});
const fetched = (fields: object) => ({ fetch: [{ uri: 'http://host/a', ...fields }] });
const one = (field: string, value: unknown) => ({ [field]: value });

/** A number of at least `from`. */
const number = (
  field: string,
  absent: number | undefined,
  range: { readonly from: number; readonly to: number; readonly isWhole?: boolean },
): FieldRow => ({
  field,
  absent,
  good: [[one(field, range.from)], [one(field, range.to)]],
  bad: [
    [one(field, range.from - (range.isWhole ? 1 : 0.01)), `/${field}`],
    [one(field, range.to + 1), `/${field}`],
    [one(field, '1'), `/${field}`],
    ...(range.isWhole ? [[one(field, range.from + 0.5), `/${field}`] as const] : []),
  ],
});

const ROWS: readonly FieldRow[] = [
  {
    field: 'cmd',
    absent: 'sleep 1',
    good: [[{ cmd: 'x' }], [{ cmd: 'a b' }], [{ ...DOCKER, cmd: null }, undefined]],
    bad: [
      [{ cmd: '' }, '/cmd'],
      [{ cmd: 1 }, '/cmd'],
      [{ cmd: null }, '/'],
    ],
  },
  {
    field: 'args',
    good: [
      [{ cmd: null, args: ['a', 'b c'] }],
      [{ ...DOCKER, cmd: null, args: ['a'] }],
      [{ ...DOCKER, cmd: null }, undefined],
      [{ args: [] }, undefined],
    ],
    bad: [
      [{ args: ['a'] }, '/'],
      [{ ...DOCKER, args: ['a'] }, '/'],
      [{ cmd: null, args: [] }, '/'],
      [{ cmd: null, args: [1] }, '/args(0)'],
      [{ cmd: null, args: 'a' }, '/args'],
      [{ cmd: null, container: { type: 'MESOS' } }, '/'],
    ],
  },
  number('instances', 1, { from: 0, to: 100_000, isWhole: true }),
  {
    field: 'instances',
    absent: 1,
    good: [[{ ...SINGLE, instances: 1 }], [{ ...SINGLE, instances: 0 }]],
    bad: [[{ ...SINGLE, instances: 2 }, '/instances']],
  },
  number('cpus', 1, { from: 0, to: 1_000_000 }),
  number('mem', 128, { from: 0, to: MAX_MIB }),
  number('disk', 0, { from: 0, to: MAX_MIB }),
  number('gpus', 0, { from: 0, to: 1_000_000, isWhole: true }),
  {
    field: 'gpus',
    absent: 0,
    good: [[{ gpus: 1, container: { type: 'MESOS', docker: { image: 'busybox' } } }]],
    bad: [[{ ...DOCKER, gpus: 1 }, '/gpus']],
  },
  {
    field: 'resourceLimits',
    good: [
      [{ resourceLimits: { cpus: 1, mem: 128 } }],
      [{ resourceLimits: { cpus: 'unlimited', mem: 'unlimited' } }],
      [{ cpus: 0.5, resourceLimits: { cpus: 0.5 } }],
    ],
    bad: [
      [{ resourceLimits: { cpus: 0.99 } }, '/resourceLimits/cpus'],
      [{ resourceLimits: { mem: 127.9 } }, '/resourceLimits/mem'],
      [{ resourceLimits: { mem: 'endless' } }, '/resourceLimits/mem'],
    ],
  },
  {
    field: 'executor',
    absent: '',
    good: [
      [{ executor: '' }],
      [{ executor: '//cmd' }],
      [{ executor: '/a/b' }],
      [{ executor: 'a' }],
    ],
    bad: [
      [{ executor: '//other' }, '/executor'],
      [{ executor: '/' }, '/executor'],
      [{ executor: '/a/' }, '/executor'],
      [{ executor: '/a//b' }, '/executor'],
      [{ executor: 'a'.repeat(1025) }, '/executor'],
      [{ executor: 'a', gpus: 1 }, '/gpus'],
      [{ executor: 'a', resourceLimits: { cpus: 2 } }, '/resourceLimits'],
      [
        {
          executor: 'a',
          container: {
            type: 'MESOS',
            volumes: [{ containerPath: 'data', mode: 'RW', persistent: { size: 10 } }],
          },
        },
        '/container/volumes',
      ],
    ],
  },
  {
    field: 'executorResources',
    good: [
      [{ executorResources: {} }, { cpus: 0.1, mem: 32, disk: 10 }],
      [{ executorResources: { cpus: 0.1, mem: 32, disk: 10 } }],
    ],
    bad: [
      [{ executorResources: { cpus: 0.09 } }, '/executorResources/cpus'],
      [{ executorResources: { mem: 31.9 } }, '/executorResources/mem'],
      [{ executorResources: { disk: 9.9 } }, '/executorResources/disk'],
    ],
  },
  { field: 'user', good: [[{ user: 'nobody' }]], bad: [[{ user: 1 }, '/user']] },
  {
    field: 'env',
    good: [
      [{ env: { A: 'b', 'any name-at.all': '' } }],
      [{ env: {} }, undefined],
      [{ env: { KEY: { secret: 's' } }, secrets: { s: { source: '/s' } } }],
    ],
    bad: [
      [{ env: { '': 'x' } }, '/env'],
      [{ env: { A: 1 } }, '/env/A'],
      [{ env: { A: null } }, '/env/A'],
      [{ env: { A: {} } }, '/env/A'],
      [{ env: { A: { secret: 'undeclared' } } }, '/env/A'],
      [{ env: [] }, '/env'],
    ],
  },
  {
    field: 'secrets',
    good: [[{ secrets: { s: { source: '/a' } } }], [{ secrets: {} }, undefined]],
    bad: [
      [{ secrets: { s: { source: '' } } }, '/secrets/s/source'],
      [{ secrets: { s: {} } }, '/secrets/s/source'],
    ],
  },
  {
    field: 'labels',
    absent: {},
    good: [[{ labels: { a: 'b', 'x.y/z': '' } }]],
    bad: [
      [{ labels: { a: 1 } }, '/labels/a'],
      [{ labels: [] }, '/labels'],
    ],
  },
  {
    field: 'acceptedResourceRoles',
    good: [[{ acceptedResourceRoles: ['*'] }], [{ acceptedResourceRoles: [] }, undefined]],
    bad: [
      [{ acceptedResourceRoles: ['*', '*'] }, '/acceptedResourceRoles(1)'],
      [{ acceptedResourceRoles: ['other'] }, '/acceptedResourceRoles(0)'],
      ...[
        '',
        '.',
        '..',
        '-a',
        'a b',
        'a\tb',
        'a\nb',
        'a\u000bb',
        'a\fb',
        'a\rb',
        'a/b',
        'a\u007f',
      ].map((role) => [{ acceptedResourceRoles: [role] }, '/acceptedResourceRoles(0)'] as const),
    ],
  },
  {
    field: 'constraints',
    good: [
      [{ constraints: [['hostname', 'UNIQUE']] }],
      [
        {
          constraints: [
            ['rack', 'LIKE', 'a.*'],
            ['rack', 'LIKE', 'b.*'],
          ],
        },
      ],
      [{ constraints: [] }, undefined],
    ],
    bad: [
      [{ constraints: [['hostname']] }, '/constraints(0)'],
      [{ constraints: [['a', 'LIKE', 'b', 'c']] }, '/constraints(0)'],
      [
        {
          constraints: [
            ['a', 'UNIQUE'],
            ['a', 'UNIQUE'],
          ],
        },
        '/constraints(1)',
      ],
      [{ constraints: ['hostname'] }, '/constraints(0)'],
    ],
  },
  {
    field: 'dependencies',
    good: [
      [{ dependencies: ['/somewhere'] }],
      [{ id: '/rel/app', dependencies: ['db', '../x', './y'] }, ['/rel/db', '/x', '/rel/y']],
      [{ dependencies: ['/twice', '/twice/'] }, ['/twice']],
    ],
    bad: [
      [{ dependencies: ['/Not/A/Path'] }, '/dependencies(0)'],
      [{ id: '/own/circle', dependencies: ['circle'] }, '/'],
    ],
  },
  {
    field: 'fetch',
    good: [
      [fetched({}), [{ uri: 'http://host/a', extract: true, executable: false, cache: false }]],
      [fetched({ extract: false, executable: true, cache: true, destPath: 'b/c' })],
      [
        fetched({
          uri: `http://host/${'a'.repeat(1012)}`,
          extract: true,
          executable: false,
          cache: false,
        }),
      ],
      [fetched({ uri: 'a%20b.tgz', extract: true, executable: false, cache: false })],
    ],
    bad: [
      [{ fetch: [{}] }, '/fetch(0)/uri'],
      [fetched({ uri: '' }), '/fetch(0)/uri'],
      [fetched({ uri: `http://host/${'a'.repeat(1013)}` }), '/fetch(0)/uri'],
      [fetched({ uri: 'http://host/a b' }), '/fetch(0)/uri'],
      [fetched({ uri: 'http://host/%zz' }), '/fetch(0)/uri'],
      [fetched({ uri: '://host' }), '/fetch(0)/uri'],
      [fetched({ destPath: '../a' }), '/fetch(0)/destPath'],
    ],
  },
  {
    field: 'fetch',
    good: [
      [
        { uris: ['http://h/a.tgz', 'http://h/a.tar.gz', 'http://h/a.zip', 'http://h/a'] },
        ['a.tgz', 'a.tar.gz', 'a.zip', 'a'].map((name) => ({
          ...{ uri: `http://h/${name}`, extract: name !== 'a', executable: false, cache: false },
        })),
      ],
    ],
    bad: [
      [{ uris: ['http://h/a'], ...fetched({}) }, '/uris'],
      [{ uris: [1] }, '/uris(0)'],
    ],
  },
  {
    field: 'networks',
    absent: [{ mode: 'host' }],
    good: [[{ networks: [] }, [{ mode: 'host' }]], [{ networks: [{ mode: 'container/bridge' }] }]],
    bad: [[{ networks: [{ mode: 'bridge' }] }, '/networks(0)/mode']],
  },
  {
    field: 'networks',
    absent: [{ mode: 'host' }],
    good: [
      [
        { ipAddress: { networkName: 'net', labels: { a: 'b' } } },
        [{ mode: 'container', name: 'net', labels: { a: 'b' } }],
      ],
    ],
    bad: [
      [{ ipAddress: { networkName: 'net' }, networks: [{ mode: 'host' }] }, '/ipAddress'],
      [{ ipAddress: { networkName: 'net' }, portDefinitions: [{ port: 1 }] }, '/portDefinitions'],
      [
        { ...DOCKER, ipAddress: { networkName: 'net', discovery: { ports: [{ number: 80 }] } } },
        '/ipAddress/discovery',
      ],
    ],
  },
  {
    field: 'portDefinitions',
    absent: [DEFAULT_PORT],
    good: [
      [{ portDefinitions: [] }],
      [{ portDefinitions: [{}] }, [{ port: expect.any(Number), protocol: 'tcp', labels: {} }]],
      [
        {
          portDefinitions: [{ port: 65_535, protocol: 'udp,tcp', name: 'a-1', labels: { x: 'y' } }],
        },
      ],
      [{ portDefinitions: [{ port: 1, protocol: 'udp', labels: {} }] }],
      [{ networks: [{ mode: 'container/bridge' }] }, undefined],
    ],
    bad: [
      [{ portDefinitions: [{ port: -1 }] }, '/portDefinitions(0)/port'],
      [{ portDefinitions: [{ port: 65_536 }] }, '/portDefinitions(0)/port'],
      [{ portDefinitions: [{ port: 1, protocol: 'sctp' }] }, '/portDefinitions(0)/protocol'],
      [{ portDefinitions: [{ name: 'A' }] }, '/portDefinitions(0)/name'],
      [{ portDefinitions: [{ name: 'a' }, { name: 'a' }] }, '/portDefinitions(1)/name'],
      [{ portDefinitions: [{}, { port: 7 }, { port: 7 }] }, '/portDefinitions(2)'],
      [
        { networks: [{ mode: 'container/bridge' }], portDefinitions: [{ port: 1 }] },
        '/portDefinitions',
      ],
    ],
  },
  {
    field: 'portDefinitions',
    absent: [DEFAULT_PORT],
    good: [
      [{ ports: [7_001] }, [{ port: 7_001, protocol: 'tcp', labels: {} }]],
      [{ ports: [] }, []],
      [
        { ports: [7_002], portDefinitions: [{ port: 7_002, name: 'same' }] },
        [{ port: 7_002, protocol: 'tcp', name: 'same', labels: {} }],
      ],
    ],
    bad: [
      [{ ports: [7_003], portDefinitions: [{ port: 7_004 }] }, '/ports'],
      [{ ports: [0, 7_005, 7_005] }, '/ports(2)'],
      [{ ports: [65_536] }, '/ports(0)'],
      [{ ports: ['80'] }, '/ports(0)'],
    ],
  },
  {
    field: 'requirePorts',
    absent: false,
    good: [
      [{ requirePorts: true }],
      [{ requirePorts: true, networks: [{ mode: 'container/bridge' }] }, false],
    ],
    bad: [[{ requirePorts: 'yes' }, '/requirePorts']],
  },
  {
    field: 'healthChecks',
    good: [[{ healthChecks: [] }, undefined]],
    bad: [[{ healthChecks: [{ path: '/a' }, { path: '/b' }, { path: '/a' }] }, '/healthChecks(2)']],
  },
  {
    field: 'check',
    good: [
      [
        { check: { tcp: {} } },
        { tcp: {}, intervalSeconds: 60, timeoutSeconds: 20, delaySeconds: 15 },
      ],
    ],
    bad: [[{ ...DOCKER, check: { tcp: {} } }, '/check']],
  },
  {
    field: 'readinessChecks',
    good: [[{ readinessChecks: [] }, undefined]],
    bad: [
      [
        { readinessChecks: [{ portName: 'default' }, { portName: 'default', path: '/b' }] },
        '/readinessChecks',
      ],
    ],
  },
  number('backoffSeconds', 1, { from: 0, to: MAX_INT, isWhole: true }),
  number('backoffFactor', 1.15, { from: 1, to: MAX_INT }),
  number('maxLaunchDelaySeconds', 300, { from: 0, to: MAX_INT, isWhole: true }),
  {
    field: 'upgradeStrategy',
    absent: strategy(1, 1).upgradeStrategy,
    good: [
      [strategy(0, 0)],
      [strategy(1, 1)],
      [RESIDENT, strategy(0.5, 0).upgradeStrategy],
      [EXTERNAL, strategy(0.5, 0).upgradeStrategy],
      [{ ...SINGLE, ...strategy(0, 0) }],
    ],
    bad: [
      [strategy(-0.01, 0), '/upgradeStrategy/minimumHealthCapacity'],
      [strategy(1.01, 0), '/upgradeStrategy/minimumHealthCapacity'],
      [strategy(0, -0.01), '/upgradeStrategy/maximumOverCapacity'],
      [strategy(0, 1.01), '/upgradeStrategy/maximumOverCapacity'],
      [{ upgradeStrategy: { minimumHealthCapacity: 1 } }, '/upgradeStrategy/maximumOverCapacity'],
      [{ upgradeStrategy: { maximumOverCapacity: 1 } }, '/upgradeStrategy/minimumHealthCapacity'],
      [{ ...SINGLE, ...strategy(0, 0.1) }, '/upgradeStrategy'],
      [{ ...SINGLE, ...strategy(1, 0) }, '/upgradeStrategy'],
      [{ ...RESIDENT, ...strategy(1, 0.1) }, '/upgradeStrategy/maximumOverCapacity'],
    ],
  },
  {
    field: 'killSelection',
    absent: 'YOUNGEST_FIRST',
    good: [[{ killSelection: 'OLDEST_FIRST' }], [{ killSelection: 'YOUNGEST_FIRST' }]],
    bad: [[{ killSelection: 'youngest_first' }, '/killSelection']],
  },
  {
    field: 'unreachableStrategy',
    absent: away(0, 0).unreachableStrategy,
    good: [
      [away(0, 1)],
      [away(5, 5)],
      [{ unreachableStrategy: 'disabled' }],
      [{ unreachableStrategy: {} }, away(0, 0).unreachableStrategy],
      [RESIDENT, 'disabled'],
    ],
    bad: [
      [away(-1, 0), '/unreachableStrategy/inactiveAfterSeconds'],
      [away(6, 5), '/unreachableStrategy'],
      [{ unreachableStrategy: 'enabled' }, '/unreachableStrategy'],
      [{ ...RESIDENT, ...away(0, 0) }, '/unreachableStrategy'],
    ],
  },
  number('taskKillGracePeriodSeconds', undefined, { from: 0, to: MAX_INT, isWhole: true }),
  {
    field: 'residency',
    good: [
      [
        { ...RESIDENT, residency: {} },
        { relaunchEscalationTimeoutSeconds: 3600, taskLostBehavior: 'WAIT_FOREVER' },
      ],
      [RESIDENT, { relaunchEscalationTimeoutSeconds: 3600, taskLostBehavior: 'WAIT_FOREVER' }],
      [
        {
          residency: {
            relaunchEscalationTimeoutSeconds: 0,
            taskLostBehavior: 'RELAUNCH_AFTER_TIMEOUT',
          },
        },
      ],
    ],
    bad: [
      [
        { residency: { relaunchEscalationTimeoutSeconds: -1 } },
        '/residency/relaunchEscalationTimeoutSeconds',
      ],
      [{ residency: { taskLostBehavior: 'WAIT' } }, '/residency/taskLostBehavior'],
    ],
  },
  { field: 'tty', good: [[{ tty: true }], [{ tty: false }]], bad: [[{ tty: 1 }, '/tty']] },
  {
    field: 'version',
    absent: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    good: [[{ version: 'whatever' }, expect.not.stringContaining('whatever')]],
  },
  {
    field: 'versionInfo',
    absent: { lastScalingAt: expect.any(String), lastConfigChangeAt: expect.any(String) },
    good: [
      [
        { versionInfo: { lastScalingAt: 'x' } },
        { lastScalingAt: expect.any(String), lastConfigChangeAt: expect.any(String) },
      ],
    ],
  },
];

describe('2.2 Field table', () => {
  let apps: AppDeclarations;
  beforeAll(async () => {
    apps = await startDeclarations({
      features: new Set(['gpu_resources', 'secrets', 'external_volumes']),
    });
  });
  afterAll(() => apps.api.daemon.close());

  it('id: required, everything else has a default', async () => {
    const reply = await apps.api.ask('POST', '/v2/apps', { cmd: 'x' });

    expect(reply.statusCode).toBe(422);
    expect(reply.json().details).toMatchObject([{ path: '/id', errors: ['error.path.missing'] }]);
  });

  it.each(ROWS)('$field', (row) => apps.check(row));

  decidedOtherwise('a command of one character is refused', 'one-character `cmd` refused');
  decidedOtherwise('dependencies given twice', 'a dependency given twice');
  decidedOtherwise('cpus of at least 0.001', '`cpus: 0` refused');
  decidedOtherwise('acceptedResourceRoles are not empty', '`acceptedResourceRoles: []` refused');
  shownBy(
    'unknown targets of dependencies are named in a warning',
    'libs/marathon-v2/src/declare-apps.spec.ts',
    'warns of service ports and dependencies that may be mistakes',
  );
  shownBy(
    'version in a PUT is a rollback',
    'libs/marathon-v2/src/declare-apps.spec.ts',
    'is a version alone or with an id',
  );
});
