import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeInstances, readRecord } from './support/edge-instances.js';
import { EdgeRouter, takePort } from './support/edge-router.js';
import { appOf, FakeMarathon, type Json, taskOf } from './support/fake-marathon.js';
import { eventually, request } from './support/http.js';

/** Longer than until the router reads everything anew, though it heard of nothing. */
const RESYNC_LIMIT_MS = 90_000;

/** How a Marathon of one version writes apps. */
interface Shape {
  readonly version: string;
  /** On the network of its host, with a service port. */
  onHost(servicePort: number): Json;
  /** In a container whose port is mapped to one of the host. */
  bridged(servicePort: number): Json;
  /** With an address of its own, where it listens on `port`. */
  withAddress(port: number): Json;
}

const CHECK = {
  ...{ protocol: 'HTTP', path: '/health', portIndex: 0, gracePeriodSeconds: 300 },
  ...{ intervalSeconds: 60, timeoutSeconds: 20, maxConsecutiveFailures: 3 },
};
const mapping = (more: Json): Json => ({ protocol: 'tcp', labels: {}, ...more });

const SHAPES: readonly Shape[] = [
  {
    version: '1.4',
    onHost: (port) => ({ ports: [port], requirePorts: false, container: null, ipAddress: null }),
    bridged: (servicePort) => ({
      ports: [servicePort],
      portDefinitions: [{ port: servicePort, protocol: 'tcp', labels: {} }],
      container: {
        type: 'DOCKER',
        volumes: [],
        docker: {
          ...{ image: 'web', network: 'BRIDGE', privileged: false, parameters: [] },
          portMappings: [mapping({ containerPort: 80, hostPort: 0, servicePort })],
        },
      },
      ipAddress: null,
    }),
    withAddress: (port) => ({
      ports: [],
      portDefinitions: [],
      container: null,
      ipAddress: {
        ...{ networkName: 'dcos', groups: [], labels: {} },
        discovery: { ports: [{ number: port, name: 'http', protocol: 'tcp', labels: {} }] },
      },
    }),
  },
  {
    version: '1.8',
    onHost: (port) => ({
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port, protocol: 'tcp', name: 'http', labels: {} }],
    }),
    bridged: (servicePort) => ({
      networks: [{ mode: 'container/bridge' }],
      container: {
        ...{ type: 'DOCKER', volumes: [], docker: { image: 'web', parameters: [] } },
        portMappings: [mapping({ containerPort: 80, hostPort: 0, servicePort })],
      },
    }),
    withAddress: (containerPort) => ({
      networks: [{ mode: 'container', name: 'dcos' }],
      container: {
        ...{ type: 'MESOS', volumes: [] },
        portMappings: [mapping({ containerPort, servicePort: 0, name: 'http' })],
      },
    }),
  },
  {
    version: '1.11',
    onHost: (port) => ({
      ...{ networks: [{ mode: 'host' }], role: '*', executor: '', tty: false },
      portDefinitions: [{ port, protocol: 'tcp,udp', name: 'http', labels: {} }],
    }),
    bridged: (servicePort) => ({
      ...{ networks: [{ mode: 'container/bridge' }], role: '*', killSelection: 'YOUNGEST_FIRST' },
      container: {
        ...{ type: 'MESOS', volumes: [], linuxInfo: {} },
        portMappings: [
          mapping({ containerPort: 79, hostPort: null, servicePort: 0 }),
          mapping({ containerPort: 80, hostPort: 0, servicePort }),
        ],
      },
    }),
    withAddress: (containerPort) => ({
      networks: [{ mode: 'container', name: 'dcos' }],
      container: {
        ...{ type: 'MESOS', volumes: [] },
        portMappings: [mapping({ containerPort, hostPort: null, servicePort: 0 })],
      },
    }),
  },
];

/** A router with servers of Marathon's API that are none of ours: no sequences, no draining, no certificates. */
describe('an edge for a real Marathon', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-marathon-'));
  const record = join(folder, 'record');
  const instances = new EdgeInstances(['one', 'two', 'three'], record);
  const marathons: FakeMarathon[] = [];
  const edges: EdgeRouter[] = [];
  let port: (name: string) => number;

  beforeAll(async () => {
    await instances.start();
    port = (name) => instances.port(name);
  });
  afterAll(async () => {
    await Promise.all(edges.map((edge) => edge.destroy()));
    await Promise.all(marathons.map((marathon) => marathon.stop()));
    await instances.kill();
    rmSync(folder, { recursive: true });
  });

  const newMarathon = async (...options: ConstructorParameters<typeof FakeMarathon>) => {
    const marathon = await new FakeMarathon(...options).start();
    marathons.push(marathon);
    return marathon;
  };
  const newEdge = async (...urls: readonly string[]): Promise<EdgeRouter> => {
    const edge = await EdgeRouter.start(urls, { PACER_DNS: 'true', PACER_DNS_PORT: '0' });
    edges.push(edge);
    return edge;
  };
  const namesAt = async (ask: () => ReturnType<typeof request>): Promise<readonly string[]> => {
    const names = new Set<string>();
    for (let count = 0; count < 6; count += 1) {
      const reply = await ask();
      const body = reply.status === 200 ? (JSON.parse(reply.text) as { name: string }) : undefined;
      names.add(body?.name ?? String(reply.status));
    }
    return [...names].sort();
  };

  // The one that takes longest.
  it.concurrent('a silent stream is made up for by reading everything now and then', async () => {
    const marathon = await newMarathon({ stream: 'silent' });
    marathon.put(appOf('/silent', [port('one')]));
    const edge = await newEdge(marathon.url);
    await edge.answers('silent.localhost');

    marathon.setTasks('/silent', [taskOf('/silent', port('two'))]);
    await eventually(
      'the other serves',
      async () => (await namesAt(() => edge.get('silent.localhost'))).join() === 'two',
      RESYNC_LIMIT_MS,
    );
  });

  it.concurrent.each(SHAPES)(
    'Marathon $version: hosts, ports and addresses lead where they should',
    async (shape) => {
      const marathon = await newMarathon();
      const [onHost, bridged] = [await takePort(), await takePort()];
      const indexOfBridged = shape.version === '1.11' ? 1 : 0;
      const healthy = (id: string, name: string, isHealthy: boolean) =>
        taskOf(id, port(name), { isHealthy, servicePorts: [onHost] });
      marathon.put(
        appOf(
          '/host',
          [],
          {},
          {
            ...{ portDefinitions: undefined, healthChecks: [CHECK], ...shape.onHost(onHost) },
            tasks: [healthy('/host', 'one', true), healthy('/host', 'two', false)],
          },
        ),
        appOf(
          '/bridged',
          [port('two')],
          {
            HAPROXY_0_VHOST: '',
            [`HAPROXY_${indexOfBridged}_VHOST`]: 'bridged.localhost',
          },
          { portDefinitions: undefined, ...shape.bridged(bridged) },
        ),
        appOf(
          '/address',
          [],
          {},
          {
            ...{ portDefinitions: undefined, ...shape.withAddress(port('three')) },
            tasks: [
              taskOf('/address', 0, {
                ...{ host: 'agent-that-is-not-asked.invalid', ports: [] },
                ipAddresses: [{ ipAddress: '127.0.0.1', protocol: 'IPv4' }],
              }),
            ],
          },
        ),
      );
      const edge = await newEdge(marathon.url);
      await edge.answers('bridged.localhost');

      expect(await namesAt(() => edge.get('host.localhost'))).toEqual(['one']);
      expect(await namesAt(() => edge.get('bridged.localhost'))).toEqual(['two']);
      expect(await namesAt(() => edge.get('address.localhost'))).toEqual(['three']);
      expect(await namesAt(() => request(`http://127.0.0.1:${onHost}/`))).toEqual(['one']);
      expect(await namesAt(() => request(`http://127.0.0.1:${bridged}/`))).toEqual(['two']);
      // Health as it is told by an event of its own.
      marathon.change(
        '/host',
        { tasks: [healthy('/host', 'one', false), healthy('/host', 'two', true)] },
        {
          type: 'health_status_changed_event',
          data: { alive: true, instanceId: 'x', version: 'v' },
        },
      );
      await eventually('health is followed', async () => {
        return (await namesAt(() => edge.get('host.localhost'))).join() === 'two';
      });
      expect([...marathon.unknown].some((path) => path.includes('/v2/routers/'))).toBe(true);
      expect(await edge.status()).not.toContain('lastProblem');
    },
  );

  it.concurrent.each(SHAPES)(
    'Marathon $version: TASK_KILLING takes an instance out, its last answer comes whole',
    async (shape) => {
      const id = `/ending-${shape.version.replace('.', '-')}`;
      const marathon = await newMarathon();
      const tasks = (state: string) => [
        taskOf(id, port('one')),
        ...(state === 'gone' ? [] : [taskOf(id, port('two'), { state })]),
      ];
      const fields = { portDefinitions: undefined, ...shape.onHost(await takePort()) };
      marathon.put(appOf(id, [], {}, { ...fields, tasks: tasks('TASK_RUNNING') }));
      const edge = await newEdge(marathon.url);
      const host = `${id.slice(1)}.localhost`;
      await edge.answers(host);
      const last = Array.from({ length: 4 }, () => edge.get(host, `/last?ms=2000&of=${id}`));
      await eventually('both have one', async () => {
        const asked = readRecord(record).filter(({ url }) => url.endsWith(id));
        return asked.length === 4;
      });

      marathon.setTasks(id, tasks('TASK_KILLING'), 'TASK_KILLING');
      await eventually('it is out', async () => {
        return (await namesAt(() => edge.get(host))).join() === 'one';
      });
      const asked = () =>
        readRecord(record).filter(({ name, url }) => name === 'two' && url === `/after?of=${id}`);
      for (let count = 0; count < 10; count += 1) await edge.get(host, `/after?of=${id}`);
      expect(asked()).toEqual([]);
      marathon.setTasks(id, tasks('gone'), 'TASK_KILLED');
      const answers = await Promise.all(last);

      const names = answers.map(({ text }) => (JSON.parse(text) as { name: string }).name);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(new Set(names)).toEqual(new Set(['one', 'two']));
      await eventually('it is no server any more', async () => {
        return !(await edge.admin('show servers state')).includes(`127.0.0.1_${port('two')} `);
      });
    },
  );

  it.concurrent('the first host of the list fails, the second sends to the leader, which is followed', async () => {
    const failing = await newMarathon({ isFailing: true });
    const leader = await newMarathon();
    const standby = await newMarathon({ leader: leader.url });
    const gone = await newMarathon();
    await gone.stop();
    leader.put(appOf('/led', [port('one')]));
    const edge = await newEdge(gone.url, failing.url, standby.url);

    await edge.answers('led.localhost');
    await eventually('its events are followed', async () => leader.listeners === 1);
    leader.setTasks('/led', [taskOf('/led', port('two'))]);
    await eventually('they are heeded', async () => {
      return (await namesAt(() => edge.get('led.localhost'))).join() === 'two';
    });
    // The leadership goes elsewhere: what led leads no more.
    const heir = await newMarathon();
    heir.put(appOf('/led', [port('three')]));
    standby.options = { leader: heir.url };
    leader.options = { leader: heir.url };
    leader.cut();
    await eventually('the new leader is followed', async () => {
      return (await namesAt(() => edge.get('led.localhost'))).join() === 'three';
    });
  });

  it.concurrent('a stream that breaks in the middle of each event is made up for', async () => {
    const marathon = await newMarathon({ stream: 'broken' });
    marathon.put(appOf('/broken', [port('one')]));
    const edge = await newEdge(marathon.url);
    await edge.answers('broken.localhost');

    for (const name of ['two', 'three', 'one']) {
      marathon.setTasks('/broken', [taskOf('/broken', port(name))]);
      await eventually(`${name} serves`, async () => {
        return (await namesAt(() => edge.get('broken.localhost'))).join() === name;
      });
    }
  });

  it.concurrent('what is missing or unheard of does no harm', async () => {
    const marathon = await newMarathon();
    marathon.put(
      { id: '/bare' },
      { id: '/no-tasks', labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'x.localhost' } },
      appOf(
        '/odd',
        [],
        {},
        {
          healthChecks: [{ protocol: 'COMMAND' }, {}],
          tasks: [{}, { id: 'a' }, { id: 'b', host: '127.0.0.1', ports: null }, null],
        },
      ),
      appOf(
        '/odd-container',
        [port('one')],
        {},
        {
          ...{ portDefinitions: null, networks: null, ports: [], ipAddress: {} },
          container: { docker: null, portMappings: null },
        },
      ),
      appOf('/fine', [port('one')]),
    );
    const edge = await newEdge(marathon.url);
    await edge.answers('fine.localhost');

    marathon.emit('pod_created_event', { clientIp: '127.0.0.1', uri: '/v2/pods' });
    marathon.emit('of_a_kind_nobody_knows', {});
    marathon.emit('status_update_event', { appId: 7 });
    marathon.emit('deployment_step_success', { plan: { steps: [{ actions: [{}, null] }, 'x'] } });
    marathon.setTasks('/fine', [taskOf('/fine', port('two'))]);
    await eventually('it is followed', async () => {
      return (await namesAt(() => edge.get('fine.localhost'))).join() === 'two';
    });

    expect(await edge.status()).not.toContain('lastProblem');
  });
});
