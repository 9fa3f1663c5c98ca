import { expect, it } from 'vitest';
import {
  type AgentId,
  addResources,
  type Instance,
  type InstanceId,
  isPod,
  noResources,
  resources,
  type TaskId,
} from '#core';
import { declarePod, readPod } from '#marathon-v2';
import { fromWireResources, parseSchedulerCall } from '#mesos-v1';
import { findGroupDefect } from '../../../../libs/cluster/src/agent-group-spec.js';
import {
  emptyRoot,
  rules,
  unwrap,
} from '../../../../libs/marathon-v2/src/marathon-v2.test-support.js';
import { buildTaskGroup } from './pod-launch.js';
import { taskPorts } from './task-info.js';

// What any master is sent for a pod, and that a master and an agent read it as it was meant.

const image = { kind: 'DOCKER', id: 'busybox' };
const NETWORK = { mode: 'container/bridge', labels: { zone: 'inner' } };
const CONTAINERS = [
  {
    name: 'web',
    exec: { command: { argv: ["it's", 'me'] }, overrideEntrypoint: true },
    resources: { cpus: 0.1, mem: 32 },
    endpoints: [
      { name: 'http', containerPort: 80, hostPort: 0, protocol: ['tcp', 'udp'] },
      { name: 'own', containerPort: 81, labels: { VIP_0: '/pod:81' } },
    ],
    tty: true,
    linuxInfo: { seccomp: { unconfined: true }, ipcInfo: { mode: 'PRIVATE', shmSize: 16 } },
    image: { ...image, forcePull: true },
    healthCheck: { http: { endpoint: 'http', path: '/ping' } },
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'etc', mountPath: '/etc/host', readOnly: true },
    ],
    lifecycle: { killGracePeriodSeconds: 2 },
    environment: { LEVEL: 'container' },
  },
  {
    name: 'log',
    exec: { command: { argv: ['-f', 'file'] } },
    resources: { cpus: 0.2, mem: 16, disk: 5 },
    image,
    user: 'nobody',
    artifacts: [{ uri: 'http://host/file', executable: true }],
    resourceLimits: { cpus: 'unlimited' },
  },
] as const;

function groupOf(body: unknown, hostPorts: readonly (number | null)[]) {
  const update = unwrap(readPod(body, { strict: true }));
  const context = { root: emptyRoot(), version: '2026-01-01T00:00:00.000Z', rules };
  const [app] = unwrap(declarePod(context, update, { mode: 'create' })).putApps;
  if (app === undefined || !isPod(app)) throw new Error('no pod was declared');
  const placement = { agentId: 'agent-1' as AgentId, hostname: 'host.example', attributes: {} };
  const id = 'pod.instance-1' as InstanceId;
  const podTasks = app.pod.containers.map(({ name }) => ({
    container: name,
    taskId: `${id}.${name}.1` as TaskId,
    condition: 'Provisioned' as const,
    sinceEpochMs: 0,
  }));
  const instance: Instance = {
    id,
    appId: app.id,
    appVersion: app.version,
    incarnation: 1,
    taskId: podTasks[0]?.taskId ?? ('' as TaskId),
    podTasks,
    goal: 'Running',
    condition: 'Provisioned',
    sinceEpochMs: 0,
    createdAtEpochMs: 0,
    hostPorts,
    ipAddresses: [],
    placement,
  };
  const ports = hostPorts.flatMap((port) => (port === null ? [] : { begin: port, end: port }));
  const taken = [
    { role: 'dev', resources: resources({ cpus: 0.15 }) },
    {
      role: '*',
      resources: resources({ ...app, cpus: app.cpus - 0.15, ports }),
    },
  ];
  const group = buildTaskGroup({
    ...{ app, instance, placement, taken, isRoleEnforced: false },
    ports: taskPorts(app, hostPorts, (index) => 40_000 + index),
  });
  return { app, group };
}

it('shares out exactly what the instance takes', () => {
  const { app, group } = groupOf(
    { id: '/pod', containers: CONTAINERS, networks: [NETWORK], volumes },
    [31_000, null],
  );

  const all = [group.executor, ...group.tasks].map((one) =>
    fromWireResources(one.resources.map(({ role: _, ...resource }) => resource)),
  );
  expect(all.reduce(addResources, noResources)).toEqual(
    resources({ ...app, ports: [{ begin: 31_000, end: 31_000 }] }),
  );
  expect(all[0]).toEqual(resources({ cpus: 0.1, mem: 32, disk: 10 }));
  expect(all[2]).toEqual(resources({ cpus: 0.2, mem: 16, disk: 5 }));
});

const volumes = [{ name: 'data' }, { name: 'etc', host: '/etc' }];

it.each([
  {
    name: 'bridge',
    body: { containers: CONTAINERS, networks: [NETWORK], volumes },
    hostPorts: [31_000, null],
  },
  {
    name: 'host',
    body: {
      environment: { LEVEL: 'pod' },
      containers: [
        {
          name: 'one',
          exec: { command: { argv: ['sleep', '1'] } },
          resources: { cpus: 0.1, mem: 32 },
          endpoints: [{ name: 'http', hostPort: 0 }],
          healthCheck: { tcp: { endpoint: 'http' } },
          volumeMounts: [{ name: 'data', mountPath: 'data' }],
        },
      ],
      volumes: [{ name: 'data' }],
    },
    hostPorts: [31_000],
  },
])('launches a pod on the network $name as agreed', async ({ name, body, hostPorts }) => {
  const { group } = groupOf({ id: '/shop/pod', ...body }, hostPorts);
  const call = {
    type: 'ACCEPT',
    framework_id: { value: 'framework-1' },
    accept: {
      offer_ids: [{ value: 'offer-1' }],
      operations: [
        {
          type: 'LAUNCH_GROUP',
          launch_group: { executor: group.executor, task_group: { tasks: group.tasks } },
        },
      ],
      filters: { refuse_seconds: 5 },
    },
  };

  const text = `${JSON.stringify(call, undefined, 2)}\n`;
  const file = new URL(
    `../../../../test/fixtures/mesos-v1/accept-pod-${name}.json`,
    import.meta.url,
  );
  await expect(text).toMatchFileSnapshot(file.pathname);
  const plain: unknown = JSON.parse(text);
  expect(parseSchedulerCall(plain)).toEqual({ kind: 'parsed', value: plain });
  expect(findGroupDefect(group.executor, group.tasks)).toBeUndefined();
});
