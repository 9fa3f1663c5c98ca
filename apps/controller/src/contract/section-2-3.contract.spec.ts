/** Sections 2.3 and 2.4 of the contract, row by row: containers and networks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppDeclarations, startDeclarations } from './declare-apps.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

type Fields = Readonly<Record<string, unknown>>;

const BRIDGE = [{ mode: 'container/bridge' }];
const NET = [{ mode: 'container', name: 'net' }];
const TWO_NETS = [...NET, { mode: 'container', name: 'other' }];
const PORT = expect.any(Number);
const MAPPING = { servicePort: PORT, protocol: 'tcp', labels: {} };

const docker = (fields: Fields = {}) => ({ docker: { image: 'busybox', ...fields } });
const dockerOf = (fields: Fields) => ({ container: docker(fields) });
const mesos = (fields: Fields = {}) => ({ type: 'MESOS', ...fields });
const mapped = (mapping: Fields, networks: unknown = BRIDGE) => ({
  ...{ networks, container: { ...docker(), portMappings: [mapping] } },
});
const volume = (fields: Fields) => ({ container: mesos({ volumes: [fields] }) });
const persistent = (fields: Fields, rest: Fields = {}) =>
  volume({ containerPath: 'data', mode: 'RW', persistent: { size: 10, ...fields }, ...rest });
const external = (fields: Fields) =>
  volume({ containerPath: '/x', mode: 'RW', external: { name: 'n', provider: 'dvdi', ...fields } });
const shownDocker = { image: 'busybox', forcePullImage: false, privileged: false, parameters: [] };
const shown = (fields: Fields) => ({ type: 'DOCKER', docker: shownDocker, volumes: [], ...fields });

let apps: AppDeclarations;
beforeAll(async () => {
  apps = await startDeclarations({
    features: new Set(['gpu_resources', 'secrets', 'external_volumes']),
  });
});
afterAll(() => apps.api.daemon.close());

describe('2.3 Container', () => {
  it('type: DOCKER unless it says MESOS; DOCKER needs an image', () =>
    apps.check({
      field: 'container',
      good: [
        [{ container: docker() }, shown({})],
        [{ container: mesos(docker()) }, shown({ type: 'MESOS' })],
        [{ container: mesos() }, { type: 'MESOS', volumes: [] }],
      ],
      bad: [
        [{ container: {} }, '/container/docker'],
        [{ container: { type: 'DOCKER' } }, '/container/docker'],
        [{ container: { type: 'LXC', ...docker() } }, '/container/type'],
        [{ container: { docker: {} } }, '/container/docker/image'],
        [dockerOf({ image: '' }), '/container/docker/image'],
      ],
    }));

  it('docker: forcePullImage, privileged and parameters', () => {
    const all = {
      ...{ forcePullImage: true, privileged: true },
      parameters: [{ key: 'hostname', value: 'a.example' }],
    };
    return apps.check({
      field: 'container',
      good: [
        [dockerOf(all), shown({ docker: { image: 'busybox', ...all } })],
        [
          { container: mesos(docker({ forcePullImage: true })) },
          shown({ type: 'MESOS', docker: { ...shownDocker, forcePullImage: true } }),
        ],
      ],
      bad: [
        [{ container: mesos(docker({ privileged: true })) }, '/container/docker/privileged'],
        [
          { container: mesos(docker({ parameters: all.parameters })) },
          '/container/docker/parameters',
        ],
        [
          dockerOf({ parameters: [{ key: '', value: 'x' }] }),
          '/container/docker/parameters(0)/key',
        ],
        [dockerOf({ parameters: [{ key: 'a' }] }), '/container/docker/parameters(0)/value'],
      ],
    });
  });

  it('docker.pullConfig: MESOS only, of a declared secret', () => {
    const pullConfig = { secret: 's' };
    const secrets = { s: { source: '/s' } };
    return apps.check({
      field: 'container',
      good: [
        [
          { secrets, container: mesos(docker({ pullConfig })) },
          shown({ type: 'MESOS', docker: { ...shownDocker, pullConfig } }),
        ],
      ],
      bad: [
        [{ container: mesos(docker({ pullConfig })) }, '/container/docker/pullConfig'],
        [{ secrets, ...dockerOf({ pullConfig }) }, '/container/docker/pullConfig'],
        [{ container: mesos(docker({ pullConfig: {} })) }, '/container/docker/pullConfig/secret'],
      ],
    });
  });

  it('docker.network: what it means today; NONE is refused, and another than networks say', () =>
    apps.check({
      field: 'networks',
      absent: [{ mode: 'host' }],
      good: [
        [dockerOf({ network: 'HOST' }), [{ mode: 'host' }]],
        [dockerOf({ network: 'BRIDGE' }), BRIDGE],
        [{ ...dockerOf({ network: 'USER' }), ipAddress: { networkName: 'net' } }, NET],
        [{ ...dockerOf({ network: 'BRIDGE' }), networks: BRIDGE }],
      ],
      bad: [
        [dockerOf({ network: 'NONE' }), '/container/docker/network'],
        [dockerOf({ network: 'bridge' }), '/container/docker/network'],
        [{ ...dockerOf({ network: 'HOST' }), networks: BRIDGE }, '/container/docker/network'],
        [dockerOf({ network: 'USER' }), '/networks(0)/name'],
      ],
    }));

  it('docker.portMappings: those of the container; docker.credential is refused', () => {
    const portMappings = [{ containerPort: 80, hostPort: 0 }];
    return apps.check({
      field: 'container',
      good: [
        [
          dockerOf({ network: 'BRIDGE', portMappings }),
          shown({ portMappings: [{ ...MAPPING, containerPort: 80, hostPort: 0 }] }),
        ],
      ],
      bad: [
        [
          {
            networks: BRIDGE,
            container: { ...docker({ portMappings }), portMappings },
          },
          '/container/docker/portMappings',
        ],
        [dockerOf({ credential: { principal: 'me' } }), '/container/docker/credential'],
      ],
    });
  });

  it('portMappings: defaults, bounds and names', () => {
    const shownMapping = (fields: Fields) => shown({ portMappings: [{ ...MAPPING, ...fields }] });
    const full = { containerPort: 65_535, hostPort: 65_535, servicePort: 65_535, protocol: 'udp' };
    return apps.check({
      field: 'container',
      good: [
        [mapped({}), shownMapping({ containerPort: 0, hostPort: 0 })],
        [mapped({}, NET), shownMapping({ containerPort: 0 })],
        [mapped({ ...full, name: 'a-1' }), shownMapping({ ...full, name: 'a-1' })],
        [
          mapped({ protocol: 'tcp,udp', labels: { a: 'b' } }),
          shownMapping({
            ...{ containerPort: 0, hostPort: 0, protocol: 'udp,tcp' },
            labels: { a: 'b' },
          }),
        ],
      ],
      bad: [
        ...(['containerPort', 'hostPort', 'servicePort'] as const).flatMap((field) => [
          [mapped({ [field]: -1 }), `/container/portMappings(0)/${field}`] as const,
          [mapped({ [field]: 65_536 }), `/container/portMappings(0)/${field}`] as const,
        ]),
        [mapped({ protocol: 'sctp' }), '/container/portMappings(0)/protocol'],
        [mapped({ name: '-a' }), '/container/portMappings(0)/name'],
        [mapped({ name: 'a_b' }), '/container/portMappings(0)/name'],
        [
          {
            networks: BRIDGE,
            container: { ...docker(), portMappings: [{ name: 'a' }, { name: 'a' }] },
          },
          '/container/portMappings(1)/name',
        ],
        [mapped({}, [{ mode: 'host' }]), '/container/portMappings'],
      ],
    });
  });

  it('portMappings: one named default on a network of its own, if none are given', () =>
    apps.check({
      field: 'container',
      good: [
        [
          { networks: BRIDGE, container: docker() },
          shown({ portMappings: [{ ...MAPPING, containerPort: 0, hostPort: 0, name: 'default' }] }),
        ],
        [
          { networks: NET, container: docker() },
          shown({ portMappings: [{ ...MAPPING, containerPort: 0, name: 'default' }] }),
        ],
        [
          { networks: BRIDGE, container: { ...docker(), portMappings: [] } },
          shown({ portMappings: [] }),
        ],
        [{ container: { ...docker(), portMappings: [] } }, shown({})],
      ],
    }));

  it('portMappings.networkNames: of the app’s networks; one with a host port where there are several', () => {
    const on = (mapping: Fields) => ({
      ...{ networks: TWO_NETS, container: mesos({ portMappings: [mapping] }) },
    });
    const path = '/container/portMappings(0)/networkNames';
    return apps.check({
      field: 'container',
      good: [
        [
          on({ hostPort: 0, networkNames: ['net'] }),
          {
            ...{ type: 'MESOS', volumes: [] },
            portMappings: [{ ...MAPPING, containerPort: 0, hostPort: 0, networkNames: ['net'] }],
          },
        ],
        [on({}), { type: 'MESOS', volumes: [], portMappings: [{ ...MAPPING, containerPort: 0 }] }],
      ],
      bad: [
        [on({ hostPort: 0 }), path],
        [on({ hostPort: 0, networkNames: ['net', 'other'] }), path],
        [on({ networkNames: ['elsewhere'] }), `${path}(0)`],
      ],
    });
  });

  shownBy(
    'a container port of 0 is the same as the host port',
    'apps/controller/src/contract/section-2-7.contract.spec.ts',
    'a container port of 0 is the host port',
  );

  it('linuxInfo: a profile or none, and the share of memory', () => {
    const image = {
      image: 'x',
      ...{ forcePullImage: false, privileged: false, parameters: [] },
    };
    const info = (linuxInfo: unknown, docker: unknown = image) => ({
      container: mesos({ linuxInfo, ...(docker === null ? {} : { docker }) }),
    });
    const with_ = (linuxInfo: unknown, docker: unknown = image) => ({
      ...{ type: 'MESOS', volumes: [], linuxInfo },
      ...(docker === null ? {} : { docker }),
    });
    return apps.check({
      field: 'container',
      good: [
        [
          info({ seccomp: { profileName: 'p' }, ipcInfo: { mode: 'PRIVATE', shmSize: 16 } }),
          with_({
            seccomp: { profileName: 'p', unconfined: false },
            ipcInfo: { mode: 'PRIVATE', shmSize: 16 },
          }),
        ],
        [
          info({ seccomp: { unconfined: true }, ipcInfo: { mode: 'SHARE_PARENT' } }),
          with_({ seccomp: { unconfined: true }, ipcInfo: { mode: 'SHARE_PARENT' } }),
        ],
        [
          info({ seccomp: { unconfined: true }, ipcInfo: { mode: 'SHARE_PARENT' } }, null),
          with_({ seccomp: { unconfined: true }, ipcInfo: { mode: 'SHARE_PARENT' } }, null),
        ],
      ],
      bad: [
        [
          info({ seccomp: { profileName: 'p', unconfined: true } }),
          '/container/linuxInfo/seccomp/profileName',
        ],
        [info({ seccomp: 5 }), '/container/linuxInfo/seccomp'],
        [info({ ipcInfo: {} }), '/container/linuxInfo/ipcInfo/mode'],
        [info({ ipcInfo: { mode: 'OPEN' } }), '/container/linuxInfo/ipcInfo/mode'],
        [
          info({ ipcInfo: { mode: 'PRIVATE', shmSize: -1 } }),
          '/container/linuxInfo/ipcInfo/shmSize',
        ],
        [
          info({ ipcInfo: { mode: 'SHARE_PARENT', shmSize: 16 } }),
          '/container/linuxInfo/ipcInfo/shmSize',
        ],
        [info({ seccomp: { profileName: '../p' } }), '/container/linuxInfo/seccomp/profileName'],
        // A process without an image is in its agent's own memory, under no profile.
        [info({ seccomp: { profileName: 'p' } }, null), '/container/linuxInfo/seccomp/profileName'],
        [info({ seccomp: {} }, null), '/container/linuxInfo/seccomp/unconfined'],
        [info({ ipcInfo: { mode: 'PRIVATE' } }, null), '/container/linuxInfo/ipcInfo/mode'],
      ],
    });
  });

  it('volumes: host paths, RO or RW', () => {
    const host = { containerPath: '/in', hostPath: '/out', mode: 'RO' };
    return apps.check({
      field: 'container',
      good: [[volume(host), { type: 'MESOS', volumes: [host] }]],
      bad: [
        [volume({ ...host, mode: undefined }), '/container/volumes(0)/mode'],
        [volume({ ...host, mode: 'WO' }), '/container/volumes(0)/mode'],
        [volume({ ...host, hostPath: '' }), '/container/volumes(0)/hostPath'],
        [volume({ ...host, containerPath: '' }), '/container/volumes(0)/containerPath'],
        [volume({ containerPath: '/in', mode: 'RW' }), '/container/volumes(0)'],
        [volume({ ...host, persistent: { size: 1 } }), '/container/volumes(0)'],
      ],
    });
  });

  it('volumes: persistent ones', () => {
    const path = '/container/volumes(0)';
    return apps.check({
      field: 'container',
      good: [
        [
          persistent({}),
          {
            ...{ type: 'MESOS' },
            volumes: [
              { containerPath: 'data', mode: 'RW', persistent: { size: 10, type: 'root' } },
            ],
          },
        ],
      ],
      bad: [
        [persistent({}, { containerPath: 'a/b' }), `${path}/containerPath`],
        [persistent({}, { containerPath: '.' }), `${path}/containerPath`],
        [persistent({}, { containerPath: '..' }), `${path}/containerPath`],
        [persistent({}, { mode: 'RO' }), `${path}/mode`],
        [persistent({ size: 0 }), `${path}/persistent/size`],
        [persistent({ size: undefined }), `${path}/persistent/size`],
        [persistent({ type: 'disk' }), `${path}/persistent/type`],
        [persistent({ maxSize: 20 }), `${path}/persistent/maxSize`],
        [
          persistent({ type: 'mount', maxSize: 10 }),
          `${path}/persistent/type ${path}/persistent/maxSize`,
        ],
        [persistent({ constraints: [['path', 'LIKE', '.*']] }), `${path}/persistent/constraints`],
        [
          persistent({ type: 'path', constraints: [['path', 'IS', 'x']] }),
          `${path}/persistent/type ${path}/persistent/constraints(0)`,
        ],
      ],
    });
  });

  decidedOtherwise('volumes may be of type path and mount', 'volumes of type `path` and `mount`');

  it('volumes: external and secret ones; external names are unique', () => {
    const secrets = { s: { source: '/s' } };
    const secret = { containerPath: '/s', secret: 's' };
    const shownExternal = (fields: Fields) => ({
      ...{ containerPath: '/x', mode: 'RW' },
      external: { name: 'n', provider: 'dvdi', shared: false, ...fields },
    });
    const twice = (fields: Fields) => ({
      container: mesos({
        volumes: ['/a', '/b'].map((containerPath) => ({
          ...{ containerPath, mode: 'RW' },
          external: { name: 'n', provider: 'dvdi', ...fields },
        })),
      }),
    });
    const both = { size: 5, options: { 'dvdi/driver': 'rexray' } };
    return apps.check({
      field: 'container',
      good: [
        [external(both), { type: 'MESOS', volumes: [shownExternal(both)] }],
        [
          { secrets, ...volume(secret) },
          { type: 'MESOS', volumes: [secret] },
        ],
      ],
      bad: [
        [external({ name: undefined }), '/container/volumes(0)/external/name'],
        [external({ provider: undefined }), '/container/volumes(0)/external/provider'],
        [external({ size: -1 }), '/container/volumes(0)/external/size'],
        [external({ options: { a: 1 } }), '/container/volumes(0)/external/options/a'],
        [twice({}), '/container/volumes(1)'],
        [volume(secret), '/container/volumes(0)/secret'],
      ],
    });
  });
});

describe('2.4 Networks', () => {
  it('mode: container unless it says another', () =>
    apps.check({
      field: 'networks',
      absent: [{ mode: 'host' }],
      good: [
        [{ networks: [{ name: 'net' }] }, NET],
        [{ networks: [{ mode: 'host' }] }],
        [{ networks: BRIDGE }],
        [{ networks: TWO_NETS }],
      ],
      bad: [[{ networks: [{ mode: 'user' }] }, '/networks(0)/mode']],
    }));

  it('at most one host, or one bridge, or any number of containers, never mixed', () =>
    apps.check({
      field: 'networks',
      absent: [{ mode: 'host' }],
      bad: [
        [{ networks: [{ mode: 'host' }, { mode: 'host' }] }, '/networks'],
        [{ networks: [...BRIDGE, ...BRIDGE] }, '/networks'],
        [{ networks: [{ mode: 'host' }, ...NET] }, '/networks'],
        [{ networks: [...BRIDGE, ...NET] }, '/networks'],
        [{ networks: [...NET, ...NET] }, '/networks(1)'],
      ],
    }));

  it('no name and no labels on the host, no name on the bridge', () =>
    apps.check({
      field: 'networks',
      absent: [{ mode: 'host' }],
      good: [[{ networks: [{ ...BRIDGE[0], labels: { a: 'b' } }] }]],
      bad: [
        [{ networks: [{ mode: 'host', name: 'net' }] }, '/networks(0)/name'],
        [{ networks: [{ mode: 'host', labels: { a: 'b' } }] }, '/networks(0)/labels'],
        [{ networks: [{ ...BRIDGE[0], name: 'net' }] }, '/networks(0)/name'],
      ],
    }));

  it('a container network without a name gets the default one, or 422', async () => {
    const named = await startDeclarations({ defaultNetworkName: 'usual' });
    const networks = [{ mode: 'container' }];

    expect(await named.declare({ networks })).toMatchObject({
      networks: [{ mode: 'container', name: 'usual' }],
    });
    expect(await apps.declare({ networks })).toBe('422 /networks(0)/name');
    await named.api.daemon.close();
  });

  it('a DOCKER container joins one', async () => {
    expect(await apps.declare({ container: docker(), networks: NET })).toMatchObject({
      networks: NET,
    });
    expect(await apps.declare({ container: docker(), networks: TWO_NETS })).toBe('422 /networks');
  });

  it.each([
    ['a', true],
    ['a-b_c', true],
    ['a'.repeat(63), true],
    ['a'.repeat(64), false],
    ['-a', false],
    ['a_', false],
    ['A', false],
    ['', false],
  ])('the name %s is possible: %s', async (name, isPossible) => {
    const outcome = await apps.declare({ networks: [{ mode: 'container', name }] });

    expect(typeof outcome === 'string' ? outcome : true).toBe(
      isPossible ? true : '422 /networks(0)/name',
    );
  });

  it('a network of its own without a container implies one of type MESOS', async () => {
    expect(await apps.declare({ networks: BRIDGE })).toMatchObject({
      container: { type: 'MESOS', portMappings: [{ name: 'default' }] },
    });
  });

  decidedOtherwise('ports are refused beside ipAddress', '`ports` beside a network of its own');
  decidedOtherwise(
    'docker.network is refused beside networks',
    '`docker.network` beside `networks` refused',
  );
});

describe('2.4 Service ports', () => {
  const portOf = (app: unknown): number =>
    (app as { readonly portDefinitions: readonly { readonly port: number }[] }).portDefinitions[0]
      ?.port ?? 0;
  const portDefinitions = [{ port: 0 }];

  it('0 becomes the lowest that nobody uses, of 10000 to 20000', async () => {
    const own = await startDeclarations();
    const first = await own.declare({ portDefinitions });
    await own.declare({ portDefinitions: [{ port: 10_001 }] });
    const third = await own.declare({ portDefinitions });

    expect([portOf(first), portOf(third)]).toEqual([10_000, 10_002]);
    await own.api.daemon.close();
  });

  it('avoids the ports of the old and of the new tree', async () => {
    const own = await startDeclarations();
    await own.declare({ id: '/old', portDefinitions });
    await own.api.ask('PUT', '/v2/groups', {
      ...{ id: '/', groups: [] },
      apps: [
        { id: 'new', cmd: 'x', portDefinitions },
        { id: 'other', cmd: 'x', portDefinitions: [{ port: 10_001 }] },
      ],
    });

    const { app } = (await own.api.ask('GET', '/v2/apps/new')).json();
    expect(portOf(app)).toBe(10_002);
    await own.api.daemon.close();
  });

  it('an app that posts 0 again gets its earlier one back', async () => {
    const first = await apps.declare({ id: '/again', portDefinitions });
    await apps.api.ask('PUT', '/v2/apps/again', { cmd: 'y', portDefinitions });

    const { app } = (await apps.api.ask('GET', '/v2/apps/again')).json();
    expect(portOf(app)).toBe(portOf(first));
  });

  it('none left: 422', async () => {
    const own = await startDeclarations({ servicePorts: { min: 10_000, max: 10_001 } });
    await own.declare({ portDefinitions });
    await own.declare({ portDefinitions });

    expect(await own.declare({ portDefinitions })).toBe('422 /');
    await own.api.daemon.close();
  });

  it('may be chosen twice, with a warning', async () => {
    const shared = { cmd: 'x', portDefinitions: [{ port: 15_000 }] };
    await apps.declare({ ...shared, id: '/twice/one' });
    const reply = await apps.api.ask('POST', '/v2/apps', { ...shared, id: '/twice/two' });

    expect(reply.statusCode).toBe(201);
    expect(reply.headers['pacer-warnings']).toBe(
      'service port 15000 of /twice/two is also used by /twice/one',
    );
  });
});
