import { describe, expect, test } from 'vitest';
import { runKeyOfTask } from '#core';
import type { ContainerInfo, ExecutorInfo, TaskInfo } from '#mesos-v1';
import { executor, member } from './agent-group.test-support.js';
import { findGroupDefect, toMemberSpec } from './agent-group-spec.js';

type Volume = NonNullable<ContainerInfo['volumes']>[number];

const SITE = {
  run: runKeyOfTask('web.1'),
  sandbox: '/s/pod.1/containers/web.1',
  runtimeDirectory: '/r/web.1',
  agentId: 'a1',
  frameworkId: 'F',
  searchPath: '/bin',
  hostname: 'h',
  group: { run: runKeyOfTask('pod.1'), sandbox: '/s/pod.1' },
};
const image = { type: 'DOCKER' as const, docker: { name: 'nginx:1' } };
const parent = (more: Partial<Volume> = {}, path = 'data'): Volume => ({
  mode: 'RW',
  container_path: 'shared',
  source: { type: 'SANDBOX_PATH', sandbox_path: { type: 'PARENT', path } },
  ...more,
});
const boxed = (more: Partial<ContainerInfo> = {}): TaskInfo =>
  member('web', { executor, container: { type: 'MESOS', mesos: { image }, ...more } });
const plain = (volume: Volume): TaskInfo =>
  member('web', { executor, container: { type: 'MESOS', volumes: [volume] } });
const networked = (port_mappings?: never[]): ExecutorInfo => ({
  ...executor,
  container: {
    type: 'MESOS',
    network_infos: [
      {
        name: 'mesos-bridge',
        port_mappings: port_mappings ?? [
          { host_port: 31_000, container_port: 80, protocol: 'tcp,udp' },
        ],
      },
    ],
  },
});

describe('a member with an image', () => {
  test('is a container in the network of the group, which has the ports', () => {
    const task = { ...boxed(), executor: networked() };

    const { docker } = toMemberSpec(task, SITE);

    expect(docker).toMatchObject({ image: 'nginx:1', forcePull: false, portMappings: [] });
    expect(docker?.network).toEqual({
      shared: {
        key: 'pod.1',
        network: 'BRIDGE',
        portMappings: [
          { hostPort: 31_000, containerPort: 80, protocol: 'tcp' },
          { hostPort: 31_000, containerPort: 80, protocol: 'udp' },
        ],
      },
    });
  });

  test('is in the network of the host when the group asks for none', () => {
    expect(toMemberSpec(boxed(), SITE).docker?.network).toBe('HOST');
  });

  test('has directories of the group and of its own, and of the host, where it wants them', () => {
    const volumes: readonly Volume[] = [
      parent({ mode: 'RO', container_path: '/data' }),
      parent({ source: { sandbox_path: { type: 'SELF', path: 'a/b' } } }),
      {
        mode: 'RW',
        container_path: '/etc/x',
        source: { type: 'HOST_PATH', host_path: { path: '/x' } },
      },
    ];

    const { docker } = toMemberSpec(boxed({ volumes }), SITE);

    expect(docker?.mounts).toEqual([
      { hostPath: '/s/pod.1/data', containerPath: '/data', mode: 'RO' },
      {
        hostPath: '/s/pod.1/containers/web.1/a/b',
        containerPath: '/mnt/mesos/sandbox/shared',
        mode: 'RW',
      },
    ]);
    expect(docker?.volumes).toEqual([{ hostPath: '/x', containerPath: '/etc/x', mode: 'RW' }]);
  });
});

test.each([
  ['a process', {}],
  ['a container', { mesos: { image } }],
])('%s has the limits its task asks for', (_kind, kind) => {
  const rlimit_info = { rlimits: [{ type: 'RLMT_NOFILE', soft: 64, hard: 128 }] };
  const amounts = [
    { name: 'cpus', type: 'SCALAR' as const, scalar: { value: 0.5 } },
    { name: 'mem', type: 'SCALAR' as const, scalar: { value: 64 } },
  ];
  const container = { type: 'MESOS' as const, ...kind, rlimit_info };
  const task = member('web', { executor, container, resources: amounts });

  const spec = toMemberSpec(task, SITE);

  expect(spec).toMatchObject({
    ...{ cpuMillis: 500, memMib: 64 },
    rlimits: [{ name: 'nofile', soft: 64, hard: 128 }],
  });
});

test('a member knows its executor, and its own environment comes first', () => {
  const variables = [{ name: 'MARATHON_CONTAINER_ID', value: 'web' }];
  const task = member('web', { executor, command: { value: 'x', environment: { variables } } });

  expect(toMemberSpec(task, SITE).environment).toMatchObject({
    MESOS_EXECUTOR_ID: 'pod',
    MESOS_TASK_ID: 'web',
    MESOS_SANDBOX: '/s/pod.1/containers/web.1',
    MARATHON_CONTAINER_ID: 'web',
  });
});

describe('a group is refused', () => {
  const two = { ...networked(), container: { type: 'MESOS' as const, network_infos: [{}, {}] } };
  const held = { ...executor, container: { type: 'MESOS' as const, volumes: [parent()] } };

  test.each<readonly [what: string, ExecutorInfo, TaskInfo, message: string]>([
    ['with two networks', two, boxed(), 'has 2 networks, a group has one'],
    ['whose executor has volumes', held, boxed(), 'executor pod: container.volumes'],
    ['for a process in a network of its own', networked(), member('web'), 'has no image'],
    [
      'for an image that is none of Docker',
      executor,
      boxed({ mesos: { image: { type: 'APPC' } } }),
      'docker.name',
    ],
    [
      'for limits a container cannot have',
      executor,
      boxed({ rlimit_info: { rlimits: [{ type: 'RLMT_AS', soft: 1, hard: 1 }] } }),
      'RLMT_AS is not possible in a Docker container',
    ],
    ['for a path out of the sandbox', executor, plain(parent({}, '../x')), 'sandbox_path "../x"'],
    ['for an absolute path', executor, plain(parent({}, '/x')), 'sandbox_path "/x"'],
    [
      'for a path below a shared one',
      executor,
      plain(parent({}, 'a/b')),
      'has to be a single name',
    ],
    [
      'for the folder of the members',
      executor,
      plain(parent({}, 'tasks')),
      'sandboxes of the members',
    ],
    [
      'for a process that wants an absolute path',
      executor,
      plain(parent({ container_path: '/d' })),
      'relative to the sandbox',
    ],
    [
      'for a process that must not write',
      executor,
      plain(parent({ mode: 'RO' })),
      'mode RO, which needs an image',
    ],
    [
      'for another source',
      executor,
      plain(parent({ source: { type: 'SECRET' } })),
      'source SECRET',
    ],
    [
      'for a directory of the host without an image',
      executor,
      plain(parent({ host_path: '/x' })),
      'volumes without an image',
    ],
  ])('%s', (_what, info, task, message) => {
    expect(findGroupDefect(info, [member('a'), task].slice(info === executor ? 0 : 1))).toContain(
      message,
    );
  });

  test('for nothing that it can do', () => {
    const tasks = [member('a'), boxed({ volumes: [parent({ mode: 'RO' })] }), plain(parent())];

    expect(findGroupDefect(executor, tasks)).toBeUndefined();
  });
});
