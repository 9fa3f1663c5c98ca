import { expect, test } from 'vitest';
import { runKeyOfTask } from '#core';
import type { ContainerInfo, TaskInfo } from '#mesos-v1';
import { FakeHost, FakeLauncher } from '../../../../test/support/fake-launcher.js';
import { toProbeTarget } from './probe-target.js';

const run = runKeyOfTask('web');
const launched = { pid: 7, ipAddress: '172.17.0.2', ipv6Address: 'fd00::2' };

const docker = (network?: 'HOST' | 'BRIDGE' | 'USER'): ContainerInfo => ({
  type: 'DOCKER',
  docker: { image: 'busybox', ...(network === undefined ? {} : { network }) },
});

const memberOf = (network_infos: readonly object[]): Partial<TaskInfo> => ({
  container: { type: 'MESOS', mesos: { image: { type: 'DOCKER', docker: { name: 'busybox' } } } },
  executor: {
    ...{ executor_id: { value: 'pod' }, type: 'DEFAULT', resources: [] },
    container: { type: 'MESOS', network_infos },
  },
});

function hostOf(checks: Partial<TaskInfo>, subject: 'health' | 'check' = 'health', at = launched) {
  const task = { name: 'web', task_id: { value: 'web' }, agent_id: { value: 'a' }, resources: [] };
  const launcher = new FakeLauncher(new FakeHost());
  const found = toProbeTarget({ ...task, ...checks }, subject, { run, launcher, launched: at });
  if (!found.ok) return found.reason;
  return found.target.kind === 'command' ? 'command' : found.target.host;
}

const http = (protocol?: 'IPV4' | 'IPV6') => ({
  health_check: {
    type: 'HTTP' as const,
    http: { port: 80, ...(protocol === undefined ? {} : { protocol }) },
  },
});

test.each([
  ['of a process on loopback', {}, undefined, '127.0.0.1'],
  ['of a process over IPv6 there', {}, 'IPV6' as const, '::1'],
  ['of a container in the network of the host', { container: docker() }, undefined, '127.0.0.1'],
  [
    'of a container where its own network is',
    { container: docker('BRIDGE') },
    undefined,
    '172.17.0.2',
  ],
  ['in a network of the user', { container: docker('USER') }, 'IPV4' as const, '172.17.0.2'],
  ['over IPv6 there', { container: docker('BRIDGE') }, 'IPV6' as const, 'fd00::2'],
  ['of a member of a group that has a network', memberOf([{}]), undefined, '172.17.0.2'],
  ['of one in the network of the host', memberOf([]), undefined, '127.0.0.1'],
])('a port %s', (_where, task, protocol, host) => {
  expect(hostOf({ ...task, ...http(protocol) })).toBe(host);
});

test('a container without an address is never taken for the host', () => {
  const at = { pid: 7 } as typeof launched;

  expect(hostOf({ container: docker('USER'), ...http() }, 'health', at)).toContain(
    'no IPv4 address',
  );
});

test('a container is asked from inside where its address refuses, and always where it has none', async () => {
  const launcher = new FakeLauncher(new FakeHost());
  const dialled: unknown[] = [];
  Object.assign(launcher, { dial: async (...given: unknown[]) => void dialled.push(given) });
  const task = { name: 'w', task_id: { value: 'w' }, agent_id: { value: 'a' }, resources: [] };
  const find = (network: 'HOST' | 'BRIDGE', protocol: 'IPV4' | 'IPV6', at: object) => {
    const definition = { ...task, container: docker(network), ...http(protocol) };
    const place = { run, launcher, launched: at as typeof launched };
    const found = toProbeTarget(definition, 'health', place);
    return found.ok && found.target.kind === 'http' ? found.target : undefined;
  };

  expect(find('HOST', 'IPV4', launched)?.inside).toBeUndefined();
  expect(find('BRIDGE', 'IPV6', launched)).toMatchObject({
    ...{ host: 'fd00::2', inside: { host: '::1', always: false } },
  });
  const alone = find('BRIDGE', 'IPV4', { pid: 7 });
  expect(alone).toMatchObject({ inside: { host: '127.0.0.1', always: true } });
  const to = { host: '127.0.0.1', port: 80 };
  const { signal } = new AbortController();
  await alone?.inside?.dial(to, signal);
  expect(dialled).toEqual([[run, to, signal]]);
});

test('an old message without a type says by what it carries what it checks', () => {
  expect(hostOf({ health_check: { command: { value: 'true' } } })).toBe('command');
  expect(hostOf({ health_check: { tcp: { port: 1 } } })).toBe('127.0.0.1');
});

test('a check and a health check of one task are told apart', () => {
  const both = {
    ...http(),
    check: { type: 'COMMAND', command: { command: { value: 'true' } } },
  };

  expect(hostOf(both, 'health')).toBe('127.0.0.1');
  expect(hostOf(both, 'check')).toBe('command');
});

test('a command is a text for a shell or a list as it is, with its variables', async () => {
  const launcher = new FakeLauncher(new FakeHost());
  const seen: unknown[] = [];
  launcher.execute = async (_run?: unknown, command?: unknown, options?: unknown) => {
    seen.push(command, options);
    return { exitCode: 0, output: '' };
  };
  const variables = [{ name: 'A', value: '1' }];
  const commands = [
    { value: 'test -f x', environment: { variables } },
    { shell: false, value: '/bin/test', arguments: ['test', '-f', 'a b'] },
  ];

  for (const command of commands) {
    const task = { name: 'w', task_id: { value: 'w' }, agent_id: { value: 'a' }, resources: [] };
    const found = toProbeTarget({ ...task, health_check: { command } }, 'health', {
      run,
      launcher,
    });
    if (found.ok && found.target.kind === 'command') await found.target.run(9);
  }

  expect(seen).toEqual([
    'test -f x',
    { timeoutMs: 9, environment: { A: '1' } },
    ['/bin/test', '-f', 'a b'],
    { timeoutMs: 9, environment: {} },
  ]);
});
