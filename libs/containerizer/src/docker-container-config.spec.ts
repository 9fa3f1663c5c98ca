import { describe, expect, it } from 'vitest';
import { type DockerSpec, frameworkId, LaunchError, type LaunchSpec, runKey, taskId } from '#core';
import { type ContainerDefaults, toContainerConfig } from './docker-container-config.js';

const DEFAULTS = { scope: 'agent-1', maxProcesses: 100, capCpu: false };

const IMAGE: DockerSpec = {
  image: 'shop/web:2',
  forcePull: false,
  privileged: false,
  network: 'BRIDGE',
  portMappings: [],
  volumes: [],
  parameters: [],
  sandboxMount: '/mnt/mesos/sandbox',
};

const toConfig = (
  docker: Partial<DockerSpec> = {},
  spec: Partial<LaunchSpec> = {},
  defaults: Partial<ContainerDefaults> = {},
) =>
  toContainerConfig(
    {
      ...{ run: runKey('web.1', 'x'), taskId: taskId('web.1'), frameworkId: frameworkId('f1') },
      ...{ sandbox: '/s', runtimeDirectory: '/r', environment: {} },
      ...{ cpuMillis: 500, memMib: 64 },
      command: { kind: 'exec', args: [] },
      docker: { ...IMAGE, ...docker },
      ...spec,
    },
    { ...DEFAULTS, ...defaults },
  );

const withParameters = (...pairs: readonly (readonly [string, string])[]) =>
  toConfig({ parameters: pairs.map(([key, value]) => ({ key, value })) });

describe('toContainerConfig', () => {
  it('gives it a terminal, and shared memory of its own or of the host', () => {
    expect(toConfig({ ipc: { shmMib: 16 } }, { hasTerminal: true })).toMatchObject({
      Tty: true,
      HostConfig: { IpcMode: 'private', ShmSize: 16 * 2 ** 20 },
    });
    expect(toConfig({ ipc: 'host' })).toMatchObject({ HostConfig: { IpcMode: 'host' } });
    expect(toConfig()).not.toHaveProperty('Tty');
    expect(toConfig().HostConfig).not.toHaveProperty('IpcMode');
  });

  it('names the container after its run and agent, and labels it with its task and framework too', () => {
    expect(toConfig()).toMatchObject({
      name: 'pacer.agent-1.web.1.x',
      Labels: {
        'pacer.run': 'web.1.x',
        'pacer.task-id': 'web.1',
        'pacer.framework-id': 'f1',
        'pacer.agent': 'agent-1',
      },
    });
  });

  it("asks the engine for the GPUs that are the task's own", () => {
    expect(toConfig().HostConfig.DeviceRequests).toBeUndefined();
    expect(toConfig({}, { gpus: ['GPU-1', 'GPU-2'] }).HostConfig.DeviceRequests).toEqual([
      { Driver: 'nvidia', DeviceIDs: ['GPU-1', 'GPU-2'], Capabilities: [['gpu']] },
    ]);
  });

  it('leaves the image its own command when there is none', () => {
    const config = toConfig();

    expect(config.Cmd).toBeUndefined();
    expect(config.Entrypoint).toBeUndefined();
  });

  it('replaces the entrypoint by a shell for a shell command', () => {
    const config = toConfig({}, { command: { kind: 'shell', value: 'a && b' } });

    expect(config).toMatchObject({ Entrypoint: ['/bin/sh'], Cmd: ['-c', 'a && b'] });
  });

  it('passes a value and its arguments to the entrypoint', () => {
    const config = toConfig({}, { command: { kind: 'exec', value: 'run', args: ['-x', ''] } });

    expect(config.Cmd).toEqual(['run', '-x', '']);
    expect(config.Entrypoint).toBeUndefined();
  });

  it('limits memory, weighs cpu and mounts the sandbox', () => {
    expect(toConfig().HostConfig).toMatchObject({
      Memory: 64 * 1024 * 1024,
      CpuShares: 512,
      PidsLimit: 100,
      Mounts: [{ Type: 'bind', Source: '/s', Target: '/mnt/mesos/sandbox' }],
    });
  });

  it('has limits beside its requests, none for Infinity, and the limits of its processes', () => {
    const limits = { cpuMillis: 1_500, memMib: 128 };
    const rlimits = [{ name: 'nofile', soft: 10, hard: 'unlimited' }] as const;
    const unlimited = { cpuMillis: 'unlimited', memMib: 'unlimited' } as const;

    const limited = toConfig({}, { limits, rlimits }).HostConfig;
    const free = toConfig({}, { limits: unlimited }, { capCpu: true }).HostConfig;

    expect(limited).toMatchObject({
      ...{ CpuShares: 512, CpuPeriod: 100_000, CpuQuota: 150_000 },
      ...{ Memory: 128 * 2 ** 20, MemoryReservation: 64 * 2 ** 20 },
      Ulimits: [{ Name: 'nofile', Soft: 10, Hard: -1 }],
    });
    expect(free).toMatchObject({ CpuShares: 512, MemoryReservation: 64 * 2 ** 20 });
    expect(free).not.toHaveProperty('Memory');
    expect(free).not.toHaveProperty('CpuQuota');
  });

  it.each([
    ['cmd has 131072 bytes', { command: { kind: 'shell', value: 'x'.repeat(131_072) } }],
    ['argument 2 has', { command: { kind: 'exec', args: ['a', 'x'.repeat(131_072)] } }],
    ['variable "A" has 131072 bytes', { environment: { A: 'x'.repeat(131_070) } }],
  ] as const)('refuses what no program can be given: %s', (reason, spec) => {
    expect(() => toConfig({}, spec)).toThrow(reason);
    expect(() => toConfig({}, spec)).toThrow('limit');
  });

  it('publishes ports, container port 0 meaning the host port itself', () => {
    const config = toConfig({
      portMappings: [
        { hostPort: 31_000, containerPort: 80, protocol: 'tcp' },
        { hostPort: 31_001, containerPort: 0, protocol: 'udp' },
      ],
    });

    expect(config.HostConfig.PortBindings).toEqual({
      '80/tcp': [{ HostPort: '31000' }],
      '31001/udp': [{ HostPort: '31001' }],
    });
    expect(config.ExposedPorts).toEqual({ '80/tcp': {}, '31001/udp': {} });
  });

  it('publishes ports on one address when told to', () => {
    const portMappings = [{ hostPort: 31_000, containerPort: 80, protocol: 'tcp' }] as const;

    const config = toConfig({ portMappings }, {}, { publishAddress: '127.0.0.1' });

    expect(config.HostConfig.PortBindings).toEqual({
      '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '31000' }],
    });
  });

  it.each([
    ['HOST', 'host'],
    ['NONE', 'none'],
    ['BRIDGE', 'bridge'],
    [{ user: 'dc-1' }, 'dc-1'],
  ] as const)('puts network %o into mode %s', (network, mode) => {
    expect(toConfig({ network }).HostConfig.NetworkMode).toBe(mode);
  });
});

describe('docker parameters', () => {
  it('are applied as docker run would', () => {
    const config = withParameters(
      ['env', 'A=1=2'],
      ['label', 'team=shop'],
      ['volume', '/data:/data:ro'],
      ['ulimit', 'nofile=1024:2048'],
      ['cap-add', 'NET_ADMIN'],
      ['cap-add', 'SYS_TIME'],
      ['dns', '10.0.0.1'],
      ['add-host', 'db:10.0.0.2'],
      ['memory-swap', '128m'],
      ['shm-size', '1g'],
      ['tmpfs', '/run:rw,size=64m'],
      ['security-opt', 'no-new-privileges'],
      ['privileged', 'true'],
      ['workdir', '/srv'],
      ['user', '1000:1000'],
      ['entrypoint', '/init'],
      ['log-driver', 'syslog'],
      ['log-opt', 'tag=web'],
      ['hostname', 'web'],
    );

    expect(config).toMatchObject({
      Env: ['A=1=2'],
      Labels: { team: 'shop' },
      WorkingDir: '/srv',
      User: '1000:1000',
      Entrypoint: ['/init'],
      Hostname: 'web',
      HostConfig: {
        Binds: ['/data:/data:ro'],
        Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }],
        CapAdd: ['NET_ADMIN', 'SYS_TIME'],
        Dns: ['10.0.0.1'],
        ExtraHosts: ['db:10.0.0.2'],
        MemorySwap: 128 * 2 ** 20,
        ShmSize: 2 ** 30,
        Tmpfs: { '/run': 'rw,size=64m' },
        SecurityOpt: ['no-new-privileges'],
        Privileged: true,
        LogConfig: { Type: 'syslog', Config: { tag: 'web' } },
      },
    });
  });

  it('gather aliases and the address on the network the container joins', () => {
    const parameters = [
      { key: 'net-alias', value: 'one' },
      { key: 'network-alias', value: 'two' },
      { key: 'ip', value: '10.1.2.3' },
    ];

    const config = toConfig({ network: { user: 'dc-1' }, parameters });

    expect(config.NetworkingConfig).toEqual({
      EndpointsConfig: {
        'dc-1': { Aliases: ['one', 'two'], IPAMConfig: { IPv4Address: '10.1.2.3' } },
      },
    });
  });

  it.each([
    ['restart', 'always', 'not allowed'],
    ['name', 'x', 'not allowed'],
    ['constructor', 'x', 'not supported'],
    ['frobnicate', 'x', 'not supported'],
    ['shm-size', 'big', 'not a size'],
    ['label', 'pacer.task-id=other', 'reserved'],
  ])('refuse %s=%s before anything is started', (key, value, reason) => {
    const launch = () => withParameters([key, value]);

    expect(launch).toThrow(LaunchError);
    expect(launch).toThrow(reason);
    expect(launch).toThrow(`"${key}"`);
  });
});
