import { describe, expect, it } from 'vitest';
import { type App, appId, groupId, type RootGroup } from '#core';
import { readAppRequest, readNewApp } from './app-request.js';
import { type DeclareOptions, declareApps, restoreApp } from './change-apps.js';
import { restoreGroup } from './change-groups.js';
import { completeRestoration } from './complete-restoration.js';
import type { Declaration } from './declaration.js';
import {
  applyDeclaration,
  emptyRoot,
  refusalOf,
  rules,
  unwrap,
} from './marathon-v2.test-support.js';
import { describeRefusal, type Outcome } from './refusal.js';
import { toWireApp } from './to-wire-app.js';

const V1 = '2026-01-01T00:00:00.000Z';
const V2 = '2026-01-02T00:00:00.000Z';

function declare(
  body: unknown,
  about: { readonly root?: RootGroup; readonly version?: string } & Partial<DeclareOptions> = {},
): Outcome<Declaration> {
  const read = readNewApp(body, { strict: false });
  if (!read.ok) return read;
  const { root = emptyRoot(), version = V1, mode = 'upsert', partial = true } = about;
  return declareApps({ root, version, rules }, [read.value], { mode, partial });
}

/** The one app a body becomes. */
function appOf(body: unknown): App {
  const [app] = unwrap(declare(body)).putApps;
  if (app === undefined) throw new Error('no app was put');
  return app;
}

/** Path and text of all problems, one line each. */
function problemsOf(body: unknown): readonly string[] {
  const { body: answer } = describeRefusal(refusalOf(declare(body)));
  const details = Array.isArray(answer.details) ? answer.details : [];
  return details.flatMap(({ path, errors }) => errors.map((error: string) => `${path} ${error}`));
}

describe('a new app', () => {
  it('gets every default of the contract', () => {
    expect(appOf({ id: '/web', cmd: 'x' })).toEqual({
      id: '/web',
      cmd: 'x',
      args: [],
      env: {},
      secrets: {},
      labels: {},
      instances: 1,
      cpus: 1,
      mem: 128,
      disk: 0,
      gpus: 0,
      executor: '',
      constraints: [],
      acceptedResourceRoles: [],
      role: '*',
      dependencies: [],
      fetch: [],
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'default', labels: {} }],
      requirePorts: false,
      healthChecks: [],
      readinessChecks: [],
      backoffSeconds: 1,
      backoffFactor: 1.15,
      maxLaunchDelaySeconds: 300,
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      killSelection: 'YOUNGEST_FIRST',
      unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
      version: V1,
      versionInfo: { lastScalingAt: V1, lastConfigChangeAt: V1 },
    });
  });

  it('takes a one-character command, which Marathon refuses', () => {
    expect(appOf({ id: '/web', cmd: 'w' }).cmd).toBe('w');
  });

  it('has a container of its own when it has a network of its own', () => {
    const app = appOf({ id: '/web', cmd: 'x', networks: [{ mode: 'container/bridge' }] });

    expect(app.portDefinitions).toEqual([]);
    expect(app.container).toEqual({
      type: 'MESOS',
      volumes: [],
      portMappings: [
        {
          containerPort: 0,
          hostPort: 0,
          servicePort: 10_000,
          protocol: 'tcp',
          name: 'default',
          labels: {},
          networkNames: [],
        },
      ],
    });
  });

  it('has a role that something can be reserved for with a persistent volume', () => {
    const volumes = [{ containerPath: 'data', mode: 'RW', persistent: { size: 10 } }];
    const db = { id: '/db', cmd: 'x', container: { type: 'MESOS', volumes } };

    expect(appOf(db).role).toBe('pacer');
    expect(appOf({ ...db, id: '/shop/db', role: 'shop' }).role).toBe('shop');
    expect(problemsOf({ ...db, role: '*' })).toEqual([
      "/role '*' cannot be the role of an app with persistent volumes, as nothing can be reserved for it: use pacer",
    ]);
    expect(problemsOf({ ...db, role: 'other' })).toEqual([
      "/role 'other' is not allowed here: use pacer",
    ]);
    const mount = [{ containerPath: 'data', mode: 'RW', persistent: { size: 10, type: 'mount' } }];
    expect(problemsOf({ ...db, container: { type: 'MESOS', volumes: mount } })).toEqual([
      "/container/volumes(0)/persistent/type 'mount' is not supported: use root",
    ]);
  });

  it('keeps data where it is: other defaults with a persistent volume', () => {
    const app = appOf({
      id: '/db',
      cmd: 'x',
      container: {
        type: 'MESOS',
        volumes: [{ containerPath: 'data', mode: 'RW', persistent: { size: 10 } }],
      },
    });

    expect(app.upgradeStrategy).toEqual({ minimumHealthCapacity: 0.5, maximumOverCapacity: 0 });
    expect(app.unreachableStrategy).toBe('disabled');
    expect(app.residency).toBeDefined();
  });

  it('brings the groups above it along', () => {
    const declared = unwrap(declare({ id: '/a/b/web', cmd: 'x' }));

    expect(declared.putGroups.map(({ id }) => id).sort()).toEqual(['/a', '/a/b']);
  });
});

describe('older forms', () => {
  it('become what they mean today', () => {
    const app = appOf({
      id: '/web',
      args: null,
      uris: ['http://x/a.tar.gz', 'http://x/readme'],
      constraints: [['hostname', 'unique', '']],
      container: {
        docker: {
          image: 'busybox',
          network: 'BRIDGE',
          portMappings: [{ containerPort: 80, hostPort: 0, servicePort: 9000, name: 'http' }],
        },
      },
    });

    expect(app.fetch.map(({ extract }) => extract)).toEqual([true, false]);
    expect(app.constraints).toEqual([['hostname', 'UNIQUE']]);
    expect(app.networks).toEqual([{ mode: 'container/bridge' }]);
    expect(app.container?.type).toBe('DOCKER');
    expect(app.container?.portMappings).toMatchObject([{ containerPort: 80, servicePort: 9000 }]);
  });

  it('turn ports and ipAddress into definitions and networks', () => {
    expect(appOf({ id: '/web', cmd: 'x', ports: [8080, 0] }).portDefinitions).toEqual([
      { port: 8080, protocol: 'tcp', labels: {} },
      { port: 10_000, protocol: 'tcp', labels: {} },
    ]);
    const app = appOf({
      id: '/web',
      cmd: 'x',
      ipAddress: { networkName: 'net', discovery: { ports: [{ number: 80, name: 'http' }] } },
    });
    expect(app.networks).toEqual([{ mode: 'container', name: 'net' }]);
    expect(app.container?.portMappings).toMatchObject([{ containerPort: 80, name: 'http' }]);
  });

  it('are refused where they contradict', () => {
    expect(
      problemsOf({ id: '/a', cmd: 'x', ports: [1], portDefinitions: [{ port: 2 }] }),
    ).toContainEqual(expect.stringMatching(/^\/ports /));
    expect(
      problemsOf({ id: '/a', cmd: 'x', uris: ['http://a'], fetch: [{ uri: 'http://b' }] }),
    ).toContainEqual(expect.stringMatching(/^\/uris /));
  });
});

describe('wrong shapes', () => {
  it.each([
    [{ cmd: 'x' }, '/id error.path.missing'],
    [{ id: 1, cmd: 'x' }, '/id error.expected.jsstring'],
    [{ id: '/a', cmd: '' }, '/cmd error.minLength'],
    [{ id: '/a', cpus: '1' }, '/cpus error.expected.jsnumber'],
    [{ id: '/a', instances: 1.5 }, '/instances error.expected.int'],
    [{ id: '/a', instances: 1e308 }, '/instances error.expected.int'],
    [{ id: '/a', requirePorts: 'yes' }, '/requirePorts error.expected.jsboolean'],
    [{ id: '/a', labels: [] }, '/labels error.expected.jsobject'],
    [{ id: '/a', labels: { a: 1 } }, '/labels/a error.expected.jsstring'],
    [{ id: '/a', constraints: [['x', 2]] }, '/constraints(0)(1) error.expected.jsstring'],
    [{ id: '/a', fetch: [{}] }, '/fetch(0)/uri error.path.missing'],
    [
      { id: '/a', upgradeStrategy: { minimumHealthCapacity: 1 } },
      '/upgradeStrategy/maximumOverCapacity error.path.missing',
    ],
    [
      { id: '/a', container: { portMappings: [{ containerPort: [] }] } },
      '/container/portMappings(0)/containerPort error.expected.jsnumber',
    ],
    [[], '/ error.expected.jsobject'],
  ])('%j is refused by path and code', (body, problem) => {
    expect(refusalOf(declare(body)).kind).toBe('wrong-shape');
    expect(problemsOf(body)).toContain(problem);
  });
});

const DATA = { containerPath: 'data', mode: 'RW', persistent: { size: 1 } };

describe('rules', () => {
  const DOCKER = { docker: { image: 'busybox' } };

  it.each([
    [{ cpus: -1 }, '/cpus -1 is below the minimum 0'],
    [{ mem: 1e300 }, /^\/mem .* is above the maximum/],
    [{ instances: 100_001 }, /^\/instances 100001 is above the maximum 100000/],
    [{ args: ['x'] }, '/ must have either cmd or args, not both'],
    [{ backoffFactor: 0.9 }, '/backoffFactor 0.9 is below the minimum 1'],
    [{ gpus: 1, container: DOCKER }, /^\/gpus must be 0/],
    [{ env: { A: { secret: 's' } } }, /^\/env\/A feature secrets is not enabled/],
    [{ constraints: [['a', 'NEAR']] }, /^\/constraints\(0\) 'NEAR' is not one of/],
    [{ constraints: [['a', 'LIKE', '(']] }, /^\/constraints\(0\) '\(' is not a regular expression/],
    [{ constraints: [['a', 'LIKE', '(a)\\1']] }, /^\/constraints\(0\) .*back reference/],
    [{ constraints: [['a', 'UNLIKE', '(?!a)b']] }, /^\/constraints\(0\) .*look-ahead/],
    [{ constraints: [['a', 'LIKE', 'a{5000}']] }, /^\/constraints\(0\) .*limit is 4000/],
    [{ constraints: [['a', 'LIKE', 'a'.repeat(257)]] }, /^\/constraints\(0\) .*limit is 256/],
    [{ constraints: [['a', 'MAX_PER', 'x']] }, /^\/constraints\(0\) MAX_PER needs/],
    [{ constraints: [['a', 'UNIQUE', 'x']] }, /^\/constraints\(0\) UNIQUE takes no value/],
    [{ networks: [{ mode: 'container' }] }, /^\/networks\(0\)\/name is needed/],
    [
      { networks: [{ mode: 'host' }, { mode: 'container', name: 'a' }] },
      /^\/networks must not mix/,
    ],
    [
      { networks: [{ mode: 'container/bridge' }], portDefinitions: [{ port: 1 }] },
      /^\/portDefinitions are for host networking only/,
    ],
    [
      { container: { ...DOCKER, portMappings: [{ containerPort: 80 }] } },
      /^\/container\/portMappings must not be given with host/,
    ],
    [{ portDefinitions: [{ port: 70_000 }] }, /^\/portDefinitions\(0\)\/port 70000 is not a port/],
    [
      { portDefinitions: [{ name: 'a' }, { name: 'a' }] },
      "/portDefinitions(1)/name name 'a' is given twice",
    ],
    [{ healthChecks: [{ portIndex: 3 }] }, /^\/healthChecks\(0\)\/portIndex 3 does not exist/],
    [{ healthChecks: [{ protocol: 'COMMAND' }] }, /^\/healthChecks\(0\)\/command must be given/],
    [{ readinessChecks: [{}, {}] }, /^\/readinessChecks 2 are given/],
    [{ readinessChecks: [{ portName: 'x' }] }, /^\/readinessChecks\(0\)\/portName 'x'/],
    [
      { upgradeStrategy: { minimumHealthCapacity: 2, maximumOverCapacity: 0 } },
      '/upgradeStrategy/minimumHealthCapacity 2 is above the maximum 1',
    ],
    [
      { unreachableStrategy: { inactiveAfterSeconds: 5, expungeAfterSeconds: 1 } },
      /^\/unreachableStrategy inactiveAfterSeconds 5 is above/,
    ],
    [
      { labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' }, instances: 2 },
      /^\/instances 2 is above 1/,
    ],
    [{ role: 'other' }, /^\/role 'other' is not allowed here/],
    [{ acceptedResourceRoles: ['x'] }, /^\/acceptedResourceRoles\(0\) 'x' is neither/],
    [{ fetch: [{ uri: 'not a uri' }] }, /^\/fetch\(0\)\/uri/],
    [{ container: { type: 'DOCKER' } }, '/container/docker must be given for type DOCKER'],
    [
      { container: { ...DOCKER, volumes: [{ containerPath: '/a', mode: 'RW' }] } },
      /^\/container\/volumes\(0\) must have one of/,
    ],
    [
      { container: { type: 'MESOS', volumes: [DATA, { ...DATA, persistent: { size: 2 } }] } },
      "/container/volumes(1) containerPath 'data' is given twice",
    ],
    [{ dependencies: ['/web'] }, '/ dependencies form a cycle: /web -> /web'],
    [{ id: '/a/../../b' }, /^\/id '.*' steps above the root group/],
  ])('%j is refused', (fields, problem) => {
    const problems = problemsOf({ id: '/web', cmd: 'sleep 1', ...fields });

    expect(problems).toContainEqual(
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    );
  });

  it('lets an app and a group not share a path', () => {
    const root = applyDeclaration(emptyRoot(), unwrap(declare({ id: '/a/b', cmd: 'x' })));

    expect(refusalOf(declare({ id: '/a', cmd: 'x' }, { root })).kind).toBe('broken-rule');
    expect(refusalOf(declare({ id: '/a/b/c', cmd: 'x' }, { root })).kind).toBe('broken-rule');
    expect(refusalOf(declare({ id: '/a', cmd: 'x' }, { root, mode: 'create' })).kind).toBe(
      'exists',
    );
  });
});

describe('a changed app', () => {
  const before = { id: '/shop/web', cmd: 'x', instances: 2, portDefinitions: [{ port: 0 }] };
  const root = applyDeclaration(emptyRoot(), unwrap(declare(before)));
  const change = (fields: object, options: Partial<DeclareOptions> = {}): App => {
    const body = { id: '/shop/web', ...fields };
    const [app] = unwrap(declare(body, { root, version: V2, ...options })).putApps;
    if (app === undefined) throw new Error('no app was put');
    return app;
  };

  it('moves all stamps on a change of its definition', () => {
    expect(change({ labels: { a: 'b' } })).toMatchObject({
      version: V2,
      versionInfo: { lastScalingAt: V2, lastConfigChangeAt: V2 },
    });
  });

  it('moves the scaling stamp only when it is scaled', () => {
    expect(change({ instances: 3 })).toMatchObject({
      version: V2,
      versionInfo: { lastScalingAt: V2, lastConfigChangeAt: V1 },
    });
  });

  it('is the same object when nothing differs', () => {
    expect(change({ instances: 2 })).toBe(root.apps.get(appId('/shop/web')));
  });

  it('gets its service port back when it posts 0 again', () => {
    expect(change({ ...before, cmd: 'y' }, { partial: false }).portDefinitions).toMatchObject([
      { port: 10_000 },
    ]);
  });

  it('swaps cmd for args and back', () => {
    const withArgs = change({ args: ['a'] });

    expect(withArgs.cmd).toBeUndefined();
    expect(withArgs.args).toEqual(['a']);
  });

  it('changes from host to bridge networking without leftovers', () => {
    const app = change({
      container: { docker: { image: 'busybox' }, portMappings: [{ containerPort: 80 }] },
      networks: [{ mode: 'container/bridge' }],
    });

    expect(app.portDefinitions).toEqual([]);
    expect(toWireApp(app)).not.toHaveProperty('portDefinitions');
  });

  it('warns of service ports and dependencies that may be mistakes', () => {
    const outcome = declare(
      { id: '/other', cmd: 'x', portDefinitions: [{ port: 10_000 }], dependencies: ['/nope'] },
      { root },
    );

    expect(outcome.ok && outcome.warnings).toEqual([
      'service port 10000 of /other is also used by /shop/web',
      'dependency /nope of /other does not exist and is ignored',
    ]);
  });

  it('leaves room in an id for that of an executor of the app’s own', () => {
    const withId = (length: number) => ({
      id: `/${'a'.repeat(length - 1)}`,
      cmd: 'x',
      executor: 'y',
    });

    expect(declare(withId(194)).ok).toBe(true);
    expect(JSON.stringify(refusalOf(declare(withId(195))))).toContain(
      'with an id of 195 characters, the limit is 194',
    );
  });

  it('may not change what holds the data of a resident app', () => {
    const resident = {
      id: '/db',
      cmd: 'x',
      container: {
        type: 'MESOS',
        volumes: [{ containerPath: 'data', mode: 'RW', persistent: { size: 10 } }],
      },
    };
    const withDb = applyDeclaration(emptyRoot(), unwrap(declare(resident)));

    const refusal = refusalOf(declare({ id: '/db', cpus: 3 }, { root: withDb }));

    expect(JSON.stringify(refusal)).toContain('cannot change from 1 to 3');
  });

  it('takes volumes away by an earlier version no more than by a new definition, but undoes what brought them', () => {
    const plain = { id: '/db', cmd: 'x' };
    const volumes = { container: { type: 'MESOS', volumes: [DATA] } };
    const before = unwrap(declare(plain));
    const earlier = applyDeclaration(emptyRoot(), before);
    const root = applyDeclaration(
      earlier,
      unwrap(declare({ ...plain, ...volumes }, { root: earlier, partial: false })),
    );
    const context = { root, version: V2, rules };
    const refusals = before.putApps.map((app) => [
      declare(plain, { root, partial: false }),
      restoreApp(context, app),
      restoreGroup(context, earlier, groupId('/')),
    ]);

    for (const outcome of refusals.flat()) {
      expect(JSON.stringify(refusalOf(outcome))).toContain('persistent volumes cannot change');
    }
    expect(refusals.flat()).toHaveLength(3);
    expect(completeRestoration(root, before, V2).ok).toBe(true);
  });

  it('does not go back to a resident app of the same name that was deleted', () => {
    const db = (size: number) => ({
      ...{ id: '/db', cmd: 'x' },
      container: { type: 'MESOS', volumes: [{ ...DATA, persistent: { size } }] },
    });
    const deleted = unwrap(declare(db(5)));
    const earlier = applyDeclaration(emptyRoot(), deleted);
    const root = applyDeclaration(emptyRoot(), unwrap(declare(db(9))));
    const context = { root, version: V2, rules };
    const refusals = deleted.putApps.map((app) => [
      restoreApp(context, app),
      restoreGroup(context, earlier, groupId('/')),
      completeRestoration(root, deleted, V2),
    ]);

    for (const outcome of refusals.flat()) {
      expect(JSON.stringify(refusalOf(outcome))).toContain('persistent volumes cannot change');
    }
    expect(refusals.flat()).toHaveLength(3);
  });
});

describe('roles', () => {
  it('are those of the top-level group where that is enforced', () => {
    const dev = { id: groupId('/dev'), dependencies: [], enforceRole: true, version: V1 };
    const empty = emptyRoot();
    const root = { ...empty, groups: empty.groups.with(dev.id, dev) };

    const [app] = unwrap(declare({ id: '/dev/web', cmd: 'x' }, { root })).putApps;
    const other = declare({ id: '/dev/web', cmd: 'x', role: '*' }, { root });

    expect(app?.role).toBe('dev');
    expect(other.ok).toBe(false);
  });
});

describe('a rollback', () => {
  it('is a version alone or with an id', () => {
    const read = (body: unknown): unknown => unwrap(readAppRequest(body, { strict: true }));

    expect(read({ version: V1 })).toEqual({ kind: 'rollback', version: V1 });
    expect(read({ id: '/a', version: V1 })).toEqual({ kind: 'rollback', version: V1 });
    expect(read({ version: V1, versionInfo: {}, cmd: 'x' })).toMatchObject({ kind: 'update' });
    expect(refusalOf(readAppRequest({ version: V1, cmd: 'x' }, { strict: false })).kind).toBe(
      'broken-rule',
    );
  });
});
