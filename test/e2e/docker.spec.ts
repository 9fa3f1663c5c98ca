import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WirePodStatus } from '#marathon-v2';
import { BUSYBOX_IMAGE, ensureBusyboxImage, hasDocker } from '../support/busybox-image.js';
import { Cluster, killQuietly } from './support/cluster.js';
import {
  containerOf,
  containersOf,
  docker,
  freePort,
  hasRegistry,
  inspect,
  type Registry,
  startRegistry,
} from './support/docker.js';
import { eventually, request } from './support/http.js';
import { startTraffic } from './support/traffic.js';

type Json = Readonly<Record<string, unknown>>;
type Network = 'bridge' | 'host';

const isPresent = await hasDocker();
const MEM_MIB = 24;
const CONTAINER_PORT = 8080;

/** Answers its greeting and port at /, its environment at /env; ends at SIGTERM although it is process 1. */
const serveOn = (address: string): string =>
  [
    'echo "$GREETING $PORT0" > /www/index.html',
    'env > /www/env',
    `httpd -f -p ${address} -h /www &`,
    'trap "kill $!" TERM',
    'echo "ready $GREETING"',
    'wait',
  ].join('\n');

const NETWORKS: Readonly<Record<Network, { readonly cmd: string; readonly network: Json }>> = {
  bridge: {
    cmd: serveOn(String(CONTAINER_PORT)),
    network: {
      networks: [{ mode: 'container/bridge' }],
      container: {
        type: 'DOCKER',
        docker: { image: BUSYBOX_IMAGE },
        portMappings: [{ containerPort: CONTAINER_PORT, hostPort: 0, servicePort: 0, name: 'web' }],
      },
    },
  },
  host: {
    cmd: serveOn('$HOST:$PORT0'),
    network: {
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port: 0, name: 'web' }],
      container: { type: 'DOCKER', docker: { image: BUSYBOX_IMAGE } },
    },
  },
};

const containerApp = (name: Network, extra: Json = {}): Json => ({
  id: `/box/${name}`,
  cmd: NETWORKS[name].cmd,
  ...NETWORKS[name].network,
  cpus: 0.05,
  mem: MEM_MIB,
  instances: name === 'bridge' ? 3 : 2,
  env: { GREETING: 'v1', QUOTED: 'a "quoted" $value' },
  healthChecks: [
    {
      ...{ protocol: 'MESOS_HTTP', path: '/', portIndex: 0, gracePeriodSeconds: 30 },
      ...{ intervalSeconds: 1, timeoutSeconds: 5, maxConsecutiveFailures: 3, delaySeconds: 0 },
    },
  ],
  labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: `${name}.localhost` },
  ...extra,
});

describe.runIf(isPresent)('apps in Docker containers', () => {
  const cluster = new Cluster();
  const { api } = cluster;

  beforeAll(async () => {
    await ensureBusyboxImage();
    await cluster.start();
  });
  afterAll(async () => {
    await cluster.destroy();
    // What a failed test left behind.
    const left = (await containersOf(cluster)).map(({ id }) => id);
    if (left.length > 0) await docker('rm', '--force', '--volumes', ...left);
  });

  const viaHost = (host: string, path = '/') =>
    request(`${cluster.edgeUrl}${path}`, { headers: { host: `${host}.localhost` } });
  const readSandbox = async (taskId: string, path: string): Promise<string> => {
    const reply = await api.get(`/v2/tasks/${taskId}/files/read?path=${path}&offset=0&length=4096`);
    return reply.status === 200 ? (JSON.parse(reply.text) as { readonly data: string }).data : '';
  };
  const expectEveryoneServes = async (name: Network, greeting: string): Promise<void> => {
    const app = await api.app(`/box/${name}`);
    const everyone = (app?.tasks ?? []).map((task) => `${greeting} ${task.ports[0]}\n`);
    const servicePort =
      app?.container?.portMappings?.[0]?.servicePort ?? app?.portDefinitions?.[0]?.port ?? 0;
    expect(servicePort).toBeGreaterThanOrEqual(10_000);
    for (const ask of [() => viaHost(name), () => request(`http://127.0.0.1:${servicePort}/`)]) {
      await eventually(`all of ${name} answer`, async () => {
        const answers = new Set<string>();
        for (let count = 0; count < 12; count += 1) answers.add((await ask()).text);
        return everyone.every((answer) => answers.has(answer));
      });
    }
  };

  describe.each(['bridge', 'host'] as const)('on the %s network', (name) => {
    const id = `/box/${name}`;
    const count = Number(containerApp(name)['instances']);

    it('run, a container for each task, and are served in turn', async () => {
      const reply = await api.send('POST', '/v2/apps', containerApp(name));
      expect(reply.status, reply.text).toBe(201);

      const tasks = await api.steady(id, count);

      expect(new Set(tasks.map((task) => task.ports[0])).size).toBe(count);
      for (const task of tasks) await containerOf(cluster, task.id);
      await expectEveryoneServes(name, 'v1');
    });

    it('have their output in the sandbox, which the controller hands out', async () => {
      for (const task of await api.tasks(id)) {
        await eventually(`${task.id} said it is ready`, async () =>
          (await readSandbox(task.id, 'stdout')).includes('ready v1\n'),
        );
      }
    });

    it('find their environment', async () => {
      const [task] = await api.tasks(id);
      const address = `http://127.0.0.1:${task?.ports[0]}`;

      const seen = (await request(`${address}/env`)).text.split('\n');

      const port = String(task?.ports[0]);
      const requested = name === 'bridge' ? CONTAINER_PORT : 0;
      expect(seen).toEqual(
        expect.arrayContaining([
          ...['GREETING=v1', 'QUOTED=a "quoted" $value', 'HOST=127.0.0.1'],
          ...[`PORT=${port}`, `PORT0=${port}`, `PORTS=${port}`, `PORT_WEB=${port}`],
          ...(requested === 0 ? [] : [`PORT_${requested}=${port}`]),
          ...[`MARATHON_APP_ID=${id}`, `MARATHON_APP_DOCKER_IMAGE=${BUSYBOX_IMAGE}`],
          ...[`MARATHON_APP_RESOURCE_MEM=${MEM_MIB}.0`, `MESOS_TASK_ID=${task?.id}`],
          ...['MESOS_SANDBOX=/mnt/mesos/sandbox', `MARATHON_APP_VERSION=${task?.version}`],
        ]),
      );
    });

    it('are limited as the app says', async () => {
      const [task] = await api.tasks(id);

      const container = await containerOf(cluster, task?.id ?? '');

      expect(await inspect(container, 'HostConfig.Memory')).toBe(String(MEM_MIB * 1024 * 1024));
      expect(await inspect(container, 'HostConfig.CpuShares')).toBe('51');
      expect(await inspect(container, 'HostConfig.NetworkMode')).toBe(name);
      // Nothing of a cluster on loopback is open to the network.
      const published = await docker('port', container);
      expect(published).toBe(
        name === 'bridge' ? `${CONTAINER_PORT}/tcp -> 127.0.0.1:${task?.ports[0]}` : '',
      );
    });

    it('are replaced when their container is killed', async () => {
      const [victim] = await api.tasks(id);

      await docker('kill', await containerOf(cluster, victim?.id ?? ''));

      await eventually('the dead one is replaced', async () => {
        const tasks = await api.tasks(id);
        return tasks.length === count && tasks.every((task) => task.id !== victim?.id);
      });
      await api.steady(id, count);
      expect((await api.app(id))?.lastTaskFailure).toMatchObject({
        ...{ taskId: victim?.id, state: 'TASK_FAILED' },
        message: expect.stringMatching(/signal 9|SIGKILL|137/),
      });
      await eventually('its container is gone', async () =>
        (await containersOf(cluster)).every(({ taskId }) => taskId !== victim?.id),
      );
    });

    it('are upgraded by rolling without a failed request', async () => {
      const traffic = startTraffic(`${cluster.edgeUrl}/`, {
        host: `${name}.localhost`,
        clients: 6,
      });
      await expectEveryoneServes(name, 'v1');

      const reply = await api.send('PUT', `/v2/apps${id}`, { env: { GREETING: 'v2' } });
      expect(reply.status, reply.text).toBe(200);
      await api.settled(id);
      await api.steady(id, count);
      await expectEveryoneServes(name, 'v2');
      const report = await traffic.stop();

      expect(Object.fromEntries(report.failures)).toEqual({});
      const greetings = new Set([...report.bodies.keys()].map((body) => body.split(' ')[0]));
      expect(greetings).toEqual(new Set(['v1', 'v2']));
    });
  });

  it('gives a container its persistent volume, in the sandbox and where a host volume names it', async () => {
    const app = {
      ...{ id: '/box/store', cpus: 0.05, mem: MEM_MIB },
      cmd: 'cat /store/log; echo kept >> /mnt/mesos/sandbox/data/log; exec sleep 10000',
      container: {
        ...{ type: 'DOCKER', docker: { image: BUSYBOX_IMAGE } },
        volumes: [
          { containerPath: 'data', mode: 'RW', persistent: { size: 16 } },
          { containerPath: '/store', mode: 'RW', hostPath: 'data' },
        ],
      },
    };
    const others = (await containersOf(cluster)).length;
    expect((await api.send('POST', '/v2/apps', app)).status).toBe(201);
    await api.steady('/box/store', 1);

    expect((await api.send('DELETE', '/v2/apps/box/store/tasks')).status).toBe(200);

    await eventually('the next container reads what the one before wrote', async () => {
      const [task] = await api.tasks('/box/store');
      return task !== undefined && (await readSandbox(task.id, 'stdout')).includes('kept');
    });
    expect((await api.send('DELETE', '/v2/apps/box/store')).status).toBe(200);
    await eventually('it is gone', async () => (await containersOf(cluster)).length === others);
  });

  it('keep running when the agent is killed, and are found again by the next one', async () => {
    const seen = async () => (await containersOf(cluster)).map(({ id }) => id).sort();
    const ids = async () =>
      [...(await api.tasks('/box/bridge')), ...(await api.tasks('/box/host'))]
        .map((task) => task.id)
        .sort();
    const before = { containers: await seen(), tasks: await ids(), agent: cluster.pid('agent-1') };
    const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'bridge.localhost', clients: 4 });

    killQuietly(before.agent);

    await eventually('a new agent', async () => cluster.pid('agent-1') !== before.agent);
    // Only the new agent can carry this out.
    expect((await api.send('PUT', '/v2/apps/box/host', { instances: 3 })).status).toBe(200);
    await api.steady('/box/host', 3);
    await api.steady('/box/bridge', 3);
    expect(await ids()).toEqual(expect.arrayContaining(before.tasks));
    expect(await seen()).toEqual(expect.arrayContaining(before.containers));
    expect(await seen()).toHaveLength(before.containers.length + 1);
    expect(Object.fromEntries((await traffic.stop()).failures)).toEqual({});
    // The new agent hears of the end of a container the old one started.
    const [victim] = await api.tasks('/box/bridge');
    await docker('kill', await containerOf(cluster, victim?.id ?? ''));
    await eventually('the dead one is replaced', async () =>
      (await api.tasks('/box/bridge')).every((task) => task.id !== victim?.id),
    );
    await api.steady('/box/bridge', 3);
  });

  it('whose image is nowhere fail with the reason and wait, without a task left staging', async () => {
    const image = `127.0.0.1:${await freePort()}/nobody/nothing:1`;
    const container = { type: 'DOCKER', docker: { image, forcePullImage: false } };
    const reply = await api.send('POST', '/v2/apps', {
      ...{ id: '/box/missing', cmd: 'sleep 1000', cpus: 0.01, mem: 16, instances: 1 },
      ...{ container, backoffSeconds: 60, maxLaunchDelaySeconds: 600 },
    });
    expect(reply.status, reply.text).toBe(201);

    const failure = await eventually(
      'the failure is told',
      async () => (await api.app('/box/missing'))?.lastTaskFailure,
    );

    expect(failure).toMatchObject({ appId: '/box/missing', state: 'TASK_FAILED' });
    expect(failure.message).toContain(image);
    expect(failure.message).toMatch(/pull/i);
    await eventually('nothing is staging', async () => {
      const app = await api.app('/box/missing');
      return app?.tasks?.length === 0 && app.tasksStaged === 0;
    });
    const { queue } = JSON.parse((await api.get('/v2/queue')).text) as { readonly queue: Json[] };
    const waiting = queue.find((entry) => (entry['app'] as Json)['id'] === '/box/missing');
    expect(waiting).toMatchObject({ count: 1, delay: { overdue: false } });
    const { timeLeftSeconds } = (waiting?.['delay'] ?? {}) as { readonly timeLeftSeconds: number };
    expect(timeLeftSeconds).toBeGreaterThan(0);
    expect(timeLeftSeconds).toBeLessThanOrEqual(60);

    const deleted = await api.send('DELETE', '/v2/apps/box/missing?force=true');
    expect(deleted.status, deleted.text).toBe(200);
    await eventually('it is gone', async () => (await api.app('/box/missing')) === undefined);
    await api.settled('/box/missing');
  });

  it('are gone with their containers after DELETE', async () => {
    for (const name of ['bridge', 'host']) {
      expect((await api.send('DELETE', `/v2/apps/box/${name}`)).status).toBe(200);
    }

    for (const name of ['bridge', 'host']) {
      await eventually('it is gone', async () => (await api.app(`/box/${name}`)) === undefined);
      await eventually('its route is gone', async () => (await viaHost(name)).status === 503);
    }
    await eventually(
      'all containers are gone',
      async () => (await containersOf(cluster)).length === 0,
    );
  });

  it('live together in a pod, with one network, a volume and the port of an endpoint', async () => {
    const common = {
      image: { kind: 'DOCKER', id: BUSYBOX_IMAGE },
      resources: { cpus: 0.05, mem: MEM_MIB },
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    };
    const server = {
      ...{ name: 'server', ...common },
      exec: {
        command: { argv: ['httpd', '-f', '-p', String(CONTAINER_PORT), '-h', '/data'] },
        overrideEntrypoint: true,
      },
      endpoints: [{ name: 'web', containerPort: CONTAINER_PORT, hostPort: 0 }],
      healthCheck: {
        http: { endpoint: 'web', path: '/note' },
        delaySeconds: 0,
        intervalSeconds: 1,
      },
    };
    const url = 'http://localhost:$EP_CONTAINER_WEB/note';
    const shell = `echo from $MARATHON_CONTAINER_ID > /data/note; until wget -q -O - ${url}; do sleep 0.2; done; exec sleep 100000`;
    const client = { name: 'client', ...common, exec: { command: { shell } } };
    const created = await api.send('POST', '/v2/pods', {
      id: '/box/pod',
      networks: [{ mode: 'container/bridge' }],
      volumes: [{ name: 'data' }],
      containers: [server, client],
    });
    expect(created.status, created.text).toBe(201);

    const instance = await eventually('it is stable', async () => {
      const status = await api.get('/v2/pods/box/pod::status');
      const [one] = (JSON.parse(status.text) as WirePodStatus).instances;
      return one?.status === 'STABLE' ? one : undefined;
    });
    const [first, second] = instance.containers;
    const endpoints = (first?.['endpoints'] ?? []) as readonly {
      readonly allocatedHostPort: number;
    }[];
    const note = await request(`http://127.0.0.1:${endpoints[0]?.allocatedHostPort}/note`);
    expect(note.text).toBe('from client\n');
    await eventually('over localhost too', async () =>
      (await readSandbox(String(second?.['containerId']), 'stdout')).endsWith('from client\n'),
    );

    expect((await api.send('DELETE', '/v2/pods/box/pod')).status).toBe(202);
    await eventually('all is gone', async () => (await containersOf(cluster)).length === 0);
  });

  describe.runIf(isPresent && hasRegistry())('from a registry', () => {
    const images = new Set<string>();
    let registry: Registry;
    let image = '';

    beforeAll(async () => {
      registry = await startRegistry();
      image = `${registry.name}/box/release:1`;
    });
    afterAll(async () => {
      if (images.size > 0) await docker('rmi', '--force', ...images).catch(() => undefined);
      await registry.stop();
    });

    /** Makes an image with a file of its own, pushes it, and forgets it here. */
    const publish = async (release: string): Promise<void> => {
      const write = `echo ${release} > /www/index.html`;
      const container = await docker('create', BUSYBOX_IMAGE, 'sh', '-c', write);
      try {
        await docker('start', '--attach', container);
        await docker('commit', container, image);
      } finally {
        await docker('rm', '--force', container);
      }
      images.add(await docker('image', 'inspect', '--format', '{{.Id}}', image));
      await docker('push', '--quiet', image);
      await docker('rmi', image);
    };
    const answers = (release: string): Promise<boolean> =>
      eventually(`${release} is served`, async () => {
        const reply = await viaHost('release');
        return reply.status === 200 && reply.text.trim() === release;
      });

    it('an image that is not here is pulled, and pulled again when forced', async () => {
      await publish('one');
      const app = containerApp('bridge', {
        ...{ id: '/box/release', instances: 2 },
        cmd: `exec httpd -f -p ${CONTAINER_PORT} -h /www`,
        taskKillGracePeriodSeconds: 1,
        labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'release.localhost' },
      });
      const container = (forcePullImage: boolean): Json => ({
        ...(app['container'] as Json),
        docker: { image, forcePullImage },
      });

      const created = await api.send('POST', '/v2/apps', { ...app, container: container(false) });
      expect(created.status, created.text).toBe(201);
      await api.steady('/box/release', 2);
      await answers('one');
      const [puller] = await api.tasks('/box/release');
      expect(await readSandbox(puller?.id ?? '', 'stderr')).toContain(`launch: pulling ${image}`);

      // The tag moves on in the registry, while the engine here keeps the old image under it.
      const old = await docker('image', 'inspect', '--format', '{{.Id}}', image);
      await publish('two');
      await docker('tag', old, image);
      const updated = await api.send('PUT', '/v2/apps/box/release', { container: container(true) });
      expect(updated.status, updated.text).toBe(200);
      await api.settled('/box/release');
      await api.steady('/box/release', 2);
      await answers('two');
      for (const task of await api.tasks('/box/release')) {
        const used = await inspect(await containerOf(cluster, task.id), 'Image');
        expect(used).not.toBe(old);
      }

      expect((await api.send('DELETE', '/v2/apps/box/release')).status).toBe(200);
      await eventually('all is gone', async () => (await containersOf(cluster)).length === 0);
    });
  });
});
