import { describe, expect, it } from 'vitest';
import { runKey } from '#core';
import type { ExecutorInfo, FrameworkInfo } from '#mesos-v1';
import { toExecutorSpec, toMesosDuration } from './agent-executor-spec.js';

const SITE = {
  run: runKey('E', '1'),
  sandbox: '/data/sandboxes/E.1',
  runtimeDirectory: '/data/runtime/E.1',
  agentId: 'S',
  frameworkId: 'F',
  searchPath: '/usr/bin:/bin',
  hostname: 'host-1',
  endpoint: '10.0.0.1:5051',
  shutdownGraceMs: 5_000,
  reregistrationMs: 2_000,
};
const LIMITS = { cpuMillis: 600, memMib: 96 };
const FRAMEWORK: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'F' }, checkpoint: true };
const EXECUTOR: ExecutorInfo = {
  executor_id: { value: 'E' },
  command: { value: './run' },
  resources: [],
};

const specOf = (executor: ExecutorInfo, framework = FRAMEWORK) =>
  toExecutorSpec({ executor, framework, limits: LIMITS }, SITE);

describe('what an executor is launched with', () => {
  it("is Mesos' environment, with checkpointing as 1", () => {
    expect(specOf(EXECUTOR)).toEqual({
      run: SITE.run,
      taskId: 'E',
      frameworkId: 'F',
      sandbox: SITE.sandbox,
      runtimeDirectory: SITE.runtimeDirectory,
      command: { kind: 'shell', value: './run' },
      cpuMillis: 600,
      memMib: 96,
      environment: {
        PATH: '/usr/bin:/bin',
        HOME: '/data/sandboxes/E.1',
        HOST: 'host-1',
        LIBPROCESS_PORT: '0',
        MESOS_FRAMEWORK_ID: 'F',
        MESOS_EXECUTOR_ID: 'E',
        MESOS_DIRECTORY: '/data/sandboxes/E.1',
        MESOS_SANDBOX: '/data/sandboxes/E.1',
        MESOS_SLAVE_ID: 'S',
        MESOS_AGENT_ID: 'S',
        MESOS_SLAVE_PID: 'slave(1)@10.0.0.1:5051',
        MESOS_AGENT_ENDPOINT: '10.0.0.1:5051',
        MESOS_HTTP_COMMAND_EXECUTOR: '0',
        MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '5secs',
        MESOS_CHECKPOINT: '1',
        MESOS_RECOVERY_TIMEOUT: '15mins',
        MESOS_SUBSCRIPTION_BACKOFF_MAX: '2secs',
      },
    });
  });

  it('without checkpointing says 0, and nothing of recovery', () => {
    const { checkpoint: _, ...framework } = FRAMEWORK;

    const { environment } = specOf(EXECUTOR, framework);

    expect(environment['MESOS_CHECKPOINT']).toBe('0');
    expect(Object.keys(environment)).not.toContain('MESOS_RECOVERY_TIMEOUT');
    expect(Object.keys(environment)).not.toContain('MESOS_SUBSCRIPTION_BACKOFF_MAX');
  });

  it("keeps the framework's own variables, but not those the agent is found by", () => {
    const variables = [
      { name: 'LIBPROCESS_PORT', value: '7' },
      { name: 'MESOS_AGENT_ENDPOINT', value: 'elsewhere:1' },
    ];
    const command = { value: './run', environment: { variables } };

    const { environment } = specOf({ ...EXECUTOR, command });

    expect(environment['LIBPROCESS_PORT']).toBe('7');
    expect(environment['MESOS_AGENT_ENDPOINT']).toBe('10.0.0.1:5051');
  });

  it('with an image is a container, which finds its sandbox mounted', () => {
    const container = { type: 'DOCKER' as const, docker: { image: 'busybox' } };

    const { docker, environment } = specOf({ ...EXECUTOR, container });

    expect(docker).toMatchObject({ image: 'busybox', network: 'HOST' });
    expect(environment['MESOS_SANDBOX']).toBe('/mnt/mesos/sandbox');
    expect(environment['MESOS_DIRECTORY']).toBe('/data/sandboxes/E.1');
    expect(Object.keys(environment)).not.toContain('PATH');
  });
});

it.each([
  [0, '0ns'],
  [0.5, '500us'],
  [1_500, '1500ms'],
  [90_000, '90secs'],
  [900_000, '15mins'],
  [86_400_000, '1days'],
])('writes %d ms as clients read it: %s', (ms, text) => {
  expect(toMesosDuration(ms)).toBe(text);
});
