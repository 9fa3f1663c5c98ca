import { describe, expect, test } from 'vitest';
import { runKeyOfTask } from '#core';
import type { TaskInfo } from '#mesos-v1';
import { findTaskDefect, toLaunchSpec } from './agent-launch-spec.js';

const task = (more: Partial<TaskInfo>): TaskInfo => ({
  name: 'web',
  task_id: { value: 'web.1' },
  agent_id: { value: 'a1' },
  resources: [
    { name: 'cpus', type: 'SCALAR', scalar: { value: 0.25 } },
    { name: 'mem', type: 'SCALAR', scalar: { value: 64 } },
  ],
  command: { value: 'run' },
  ...more,
});
const site = {
  run: runKeyOfTask('web.1.x'),
  sandbox: '/w/sandboxes/web.1',
  runtimeDirectory: '/w/runtime/web.1',
  agentId: 'a1',
  frameworkId: 'f1',
  searchPath: '/bin',
  hostname: 'h1',
};

test('a command task gets its sandbox, resources and the variables of the agent below its own', () => {
  const variables = [
    { name: 'HOST', value: 'mine' },
    { name: 'PORT0', value: '31000' },
  ];

  const spec = toLaunchSpec(task({ command: { value: 'run', environment: { variables } } }), site);

  expect(spec).toEqual({
    run: 'web.1.x',
    taskId: 'web.1',
    frameworkId: 'f1',
    sandbox: '/w/sandboxes/web.1',
    runtimeDirectory: '/w/runtime/web.1',
    command: { kind: 'shell', value: 'run' },
    environment: {
      PATH: '/bin',
      HOME: '/w/sandboxes/web.1',
      MESOS_SANDBOX: '/w/sandboxes/web.1',
      MESOS_DIRECTORY: '/w/sandboxes/web.1',
      MESOS_TASK_ID: 'web.1',
      MESOS_EXECUTOR_ID: 'web.1',
      MESOS_FRAMEWORK_ID: 'f1',
      MESOS_AGENT_ID: 'a1',
      HOST: 'mine',
      PORT0: '31000',
    },
    cpuMillis: 250,
    memMib: 64,
  });
});

test('a container with a terminal and less of its host is launched so, a process with a terminal too', () => {
  const linux_info = { seccomp: { unconfined: true }, ipc_mode: 'PRIVATE', shm_size: 16 };
  const container = { type: 'DOCKER' as const, docker: { image: 'x' }, tty_info: {}, linux_info };

  expect(toLaunchSpec(task({ container }), site)).toMatchObject({
    hasTerminal: true,
    docker: { seccomp: 'unconfined', ipc: { shmMib: 16 } },
  });
  const plain = task({ container: { type: 'MESOS', tty_info: {} } });
  expect(findTaskDefect(plain)).toBeUndefined();
  expect(toLaunchSpec(plain, site)).toMatchObject({ hasTerminal: true });
});

test('limits stand beside the request, and Infinity is none', () => {
  const limits = { cpus: { value: 'Infinity' as const }, mem: { value: 128 } };

  expect(toLaunchSpec(task({ limits }), site)).toMatchObject({
    ...{ cpuMillis: 250, memMib: 64 },
    limits: { cpuMillis: 'unlimited', memMib: 128 },
  });
});

test('limits of processes are handed on, as numbers and as text', () => {
  const rlimits = [
    { type: 'RLMT_NOFILE', soft: '1024', hard: 2048 },
    { type: 'RLMT_CORE', soft: null, hard: null },
  ];
  const container = { type: 'MESOS' as const, rlimit_info: { rlimits } };

  expect(findTaskDefect(task({ container }))).toBeUndefined();
  expect(toLaunchSpec(task({ container }), site).rlimits).toEqual([
    { name: 'nofile', soft: 1024, hard: 2048 },
    { name: 'core', soft: 'unlimited', hard: 'unlimited' },
  ]);
});

describe('a limit of processes that cannot be set is named', () => {
  const at = (index: number) => `container.rlimit_info.rlimits[${index}]`;
  const file = { type: 'RLMT_FSIZE', soft: 1, hard: 2 };
  test.each([
    [`${at(0)}.type "RLMT_FILES" is none of RLMT_AS,`, [{ type: 'RLMT_FILES' }]],
    [`${at(1)}.hard is missing`, [file, { type: 'RLMT_NOFILE', soft: 1 }]],
    [`${at(0)}.soft is missing`, [{ type: 'RLMT_NOFILE', hard: 1 }]],
    [`${at(0)}.soft 3 is above its hard limit 2`, [{ ...file, soft: 3 }]],
    [`${at(0)}.hard -1 is not a whole number from 0 to 9007199254740991`, [{ ...file, hard: -1 }]],
    [`${at(1)}.type RLMT_FSIZE is given twice`, [file, file]],
    [`${at(0)} is not an object`, ['RLMT_FSIZE']],
  ])('%s', (message, rlimits) => {
    const container = { type: 'MESOS' as const, rlimit_info: { rlimits } };

    expect(findTaskDefect(task({ container }))).toContain(`task web.1: ${message}`);
  });

  test('the address space of a container cannot be limited', () => {
    const rlimit_info = { rlimits: [{ type: 'RLMT_AS', soft: 1, hard: 1 }] };
    const container = { type: 'DOCKER' as const, docker: { image: 'nginx' }, rlimit_info };

    expect(findTaskDefect(task({ container }))).toContain('not possible in a Docker container');
  });
});

test('an argument list is not read by a shell', () => {
  const command = { shell: false, value: '/bin/echo', arguments: ['echo', '$HOME'] };

  expect(toLaunchSpec(task({ command }), site).command).toEqual({
    kind: 'exec',
    value: '/bin/echo',
    args: ['echo', '$HOME'],
  });
});

test('a container has its image, network, ports, volumes and the sandbox inside it', () => {
  const spec = toLaunchSpec(
    task({
      container: {
        type: 'DOCKER',
        docker: {
          image: 'nginx',
          network: 'BRIDGE',
          port_mappings: [{ host_port: 31000, container_port: 80, protocol: 'udp,tcp' }],
          force_pull_image: true,
          parameters: [{ key: 'hostname', value: 'x' }],
        },
        volumes: [{ mode: 'RO', container_path: '/etc/app', host_path: '/srv/app' }],
      },
    }),
    site,
  );

  expect(spec.environment).toMatchObject({ MESOS_SANDBOX: '/mnt/mesos/sandbox' });
  expect(spec.environment).not.toHaveProperty('PATH');
  expect(spec.docker).toEqual({
    image: 'nginx',
    forcePull: true,
    privileged: false,
    network: 'BRIDGE',
    portMappings: [
      { hostPort: 31000, containerPort: 80, protocol: 'udp' },
      { hostPort: 31000, containerPort: 80, protocol: 'tcp' },
    ],
    volumes: [{ hostPath: '/srv/app', containerPath: '/etc/app', mode: 'RO' }],
    parameters: [{ key: 'hostname', value: 'x' }],
    sandboxMount: '/mnt/mesos/sandbox',
  });
});

test('null fields, as some clients send for what they do not set, mean absent', () => {
  const nulls = { container: null, executor: null, limits: null, kill_policy: null } as never;

  expect(findTaskDefect(task(nulls))).toBeUndefined();
  expect(toLaunchSpec(task(nulls), site).command).toEqual({ kind: 'shell', value: 'run' });
});

describe('what cannot be run is said to be so', () => {
  test.each([
    ['cannot be part of a path', { task_id: { value: '../etc' } }],
    ['cannot be part of a path', { task_id: { value: '..' } }],
    ['the limit is 255', { task_id: { value: 'x'.repeat(256) } }],
    [
      'its executor: task e: command.value is missing',
      { executor: { executor_id: { value: 'e' }, resources: [] } },
    ],
    ['docker.image is missing', { container: { type: 'DOCKER' as const } }],
    ['command.value is missing', { command: {} }],
    [
      'container.mesos.image is not supported',
      { container: { type: 'MESOS' as const, mesos: { image: { type: 'DOCKER' as const } } } },
    ],
    [
      'container.volumes without an image is not supported',
      {
        container: {
          type: 'MESOS' as const,
          volumes: [{ mode: 'RW' as const, container_path: 'data', host_path: '/srv' }],
        },
      },
    ],
    [
      'container.linux_info.ipc_mode PRIVATE needs an image',
      { container: { type: 'MESOS' as const, linux_info: { ipc_mode: 'PRIVATE' } } },
    ],
    [
      'PASSWORD is a SECRET',
      {
        command: {
          value: 'x',
          environment: { variables: [{ name: 'PASSWORD', type: 'SECRET' as const }] },
        },
      },
    ],
  ])('%s', (message, more) => {
    expect(findTaskDefect(task(more))).toContain(message);
  });
});

test('checks that break a rule, or that nobody can make, are refused by name', () => {
  const none = {
    type: 'DOCKER' as const,
    docker: { image: 'nginx', network: 'NONE' as const },
  };
  const http = { type: 'HTTP', http: { port: 80 } } as const;

  expect(findTaskDefect(task({ check: { type: 'TCP', tcp: { port: 0 } } }))).toBe(
    'task web.1: check.tcp.port is 0, not within 1 and 65535',
  );
  expect(findTaskDefect(task({ container: none, health_check: http }))).toContain(
    'health_check: a container with the network NONE',
  );
  expect(findTaskDefect(task({ container: none, check: http }))).toContain('check: a container');
  expect(
    findTaskDefect(task({ container: none, health_check: { command: { value: 'true' } } })),
  ).toBeUndefined();
});
