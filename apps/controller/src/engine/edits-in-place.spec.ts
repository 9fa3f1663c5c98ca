import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId, type HealthCheck } from '#core';
import type { SchedulerCallWithoutFrameworkId } from '#framework';
import { aHealthCheck, anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import type { EnginePorts } from './engine-ports.js';
import { recordCalls } from './record-calls.test-support.js';

const CHECK: HealthCheck = aHealthCheck({ protocol: 'HTTP', path: '/', gracePeriodSeconds: 2 });
const ON_AGENT: HealthCheck = { ...CHECK, protocol: 'MESOS_HTTP' };
const HEALTH_REASON = 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED';
const WEB = appId('/web');

const web = (fields: Partial<App> = {}): App =>
  anApp('/web', {
    instances: 2,
    portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
    ...fields,
  });

async function aRunningApp(fields: Partial<App> = {}, ports: Pick<EnginePorts, 'runCommand'> = {}) {
  const harness = new EngineHarness();
  harness.morePorts = ports;
  const calls = recordCalls(harness);
  await harness.startWithoutRouters();
  await harness.put(web(fields));
  await harness.clock.advance(200);
  const reportHealth = (healthy: boolean): void => {
    for (const { info } of harness.cluster.running()) {
      const fields = { healthy, reason: HEALTH_REASON, message: 'says the agent' };
      harness.cluster.report(info.task_id.value, 'TASK_RUNNING', fields);
    }
  };
  return { harness, calls, reportHealth };
}

const tasksOf = (harness: EngineHarness) =>
  harness.engine.view.instancesOf(WEB).map(({ instance }) => instance.taskId);
const healthOf = (harness: EngineHarness) =>
  harness.engine.view.instancesOf(WEB).map(({ healthy }) => healthy);
const answerProbes = (harness: EngineHarness, passed: boolean): void => {
  for (const { instance } of harness.engine.view.instancesOf(WEB)) {
    harness.prober.answer(`host-1:${instance.hostPorts[0]}`, { passed });
  }
};
const restart = async (harness: EngineHarness): Promise<void> => {
  harness.crash();
  await harness.startWithoutRouters();
  await harness.clock.advance(500);
};

describe('an edit in place', () => {
  it('restarts nothing, says so, and ends at once with a version of its own', async () => {
    const { harness } = await aRunningApp();
    const before = tasksOf(harness);
    const first = harness.engine.view.root().apps.get(WEB);

    const outcome = await harness.engine.changeRoot({
      apply: () => ({
        ...{ removeApps: [], putGroups: [], removeGroups: [] },
        putApps: [web({ labels: { HAPROXY_GROUP: 'external' }, backoffSeconds: 7 })],
      }),
      force: false,
    });
    const running = harness.engine.view.deployments();
    await harness.clock.advance(2_000);

    expect(outcome).toMatchObject({ kind: 'accepted', restarts: [] });
    expect(running).toEqual([]);
    expect(tasksOf(harness)).toEqual(before);
    const edited = harness.engine.view.root().apps.get(WEB);
    expect(edited?.version).not.toBe(first?.version);
    expect(edited?.versionInfo).toEqual(first?.versionInfo);
    expect(harness.engine.view.instancesOf(WEB)[0]?.instance.appVersion).toBe(first?.version);
  });

  it('names what another field restarts', async () => {
    const { harness } = await aRunningApp();
    const ids = harness.engine.view.instancesOf(WEB).map(({ instance }) => instance.id);

    const outcome = await harness.engine.changeRoot({
      apply: () => ({
        ...{ removeApps: [], putGroups: [], removeGroups: [] },
        putApps: [web({ cmd: 'sleep 7' })],
      }),
      force: false,
    });

    expect(outcome).toMatchObject({ restarts: [{ app: '/web', count: 2, instances: ids }] });
  });

  it('is refused while a deployment works on the app', async () => {
    const { harness } = await aRunningApp();
    await harness.put(web({ cpus: 5_000 }));

    const labels = { a: 'b' };
    await expect(harness.put(web({ cpus: 5_000, labels }))).rejects.toThrow('locked');
    await harness.put(web({ cpus: 5_000, labels }), { force: true });

    expect(harness.engine.view.root().apps.get(WEB)?.labels).toEqual(labels);
  });

  it('changes what unreachable instances wait for', async () => {
    const { harness } = await aRunningApp();
    const unreachableStrategy = { inactiveAfterSeconds: 300, expungeAfterSeconds: 600 };
    await harness.put(web({ unreachableStrategy }));
    const [task] = tasksOf(harness);

    harness.cluster.report(task ?? '', 'TASK_UNREACHABLE');
    await harness.clock.advance(5_000);

    expect([...harness.conditions('/web')].sort()).toEqual(['Running', 'Unreachable']);
  });
});

describe('another health check', () => {
  it('takes over on running instances from the one of the agent, after a fail-over too', async () => {
    const { harness, reportHealth } = await aRunningApp({ healthChecks: [ON_AGENT] });
    reportHealth(true);
    await harness.clock.advance(100);
    const before = tasksOf(harness);

    await harness.put(web({ healthChecks: [{ ...ON_AGENT, path: '/other' }] }));
    expect(healthOf(harness)).toEqual([true, true]);
    await harness.clock.advance(2_000);
    const probes = harness.prober.probed.length;
    reportHealth(false);
    await harness.clock.advance(100);

    expect(probes).toBeGreaterThan(0);
    expect(healthOf(harness)).toEqual([true, true]);
    await restart(harness);
    await harness.clock.advance(2_000);
    reportHealth(false);
    await harness.clock.advance(100);
    expect(harness.prober.probed.length).toBeGreaterThan(probes);
    expect(healthOf(harness)).toEqual([true, true]);
    expect(tasksOf(harness)).toEqual(before);
  });

  it('finds instances as healthy as they were, and counts only after its grace period', async () => {
    const { harness } = await aRunningApp();
    answerProbes(harness, false);

    await harness.put(web({ healthChecks: [CHECK] }));
    await harness.clock.advance(1_500);
    const inGrace = healthOf(harness);
    await harness.clock.advance(2_500);

    expect(inGrace).toEqual([true, true]);
    expect(healthOf(harness)).toEqual([false, false]);
  });

  it('leaves the results of those that stay', async () => {
    const { harness } = await aRunningApp({ healthChecks: [CHECK] });
    await harness.clock.advance(1_000);
    const before = harness.engine.view.instancesOf(WEB)[0]?.health[0]?.firstSuccessEpochMs;

    await harness.put(web({ healthChecks: [{ ...CHECK, path: '/new' }, CHECK] }));
    await harness.clock.advance(1_500);

    const [, kept] = harness.engine.view.instancesOf(WEB)[0]?.health ?? [];
    expect(before).toBeDefined();
    expect(kept?.firstSuccessEpochMs).toBe(before);
  });

  it('is run inside the task when it is a command', async () => {
    const commands: string[] = [];
    const { harness, reportHealth } = await aRunningApp(
      { instances: 1, healthChecks: [{ ...CHECK, protocol: 'COMMAND', command: { value: 'a' } }] },
      {
        runCommand: async (_instance, command) => {
          commands.push(command);
          return { exitCode: 0, output: '' };
        },
      },
    );
    reportHealth(true);
    await harness.clock.advance(100);
    const before = tasksOf(harness);

    await harness.put(
      web({
        instances: 1,
        healthChecks: [{ ...CHECK, protocol: 'COMMAND', command: { value: 'b' } }],
      }),
    );
    await harness.clock.advance(1_000);

    expect(new Set(commands)).toEqual(new Set(['b']));
    expect(tasksOf(harness)).toEqual(before);
    expect(healthOf(harness)).toEqual([true]);
  });

  it('of the informing kind is run by the controller as well', async () => {
    const { harness } = await aRunningApp({ instances: 1 });

    await harness.put(web({ instances: 1, check: { tcp: { portIndex: 0 }, delaySeconds: 1 } }));
    await harness.clock.advance(1_500);

    const [view] = harness.engine.view.instancesOf(WEB);
    expect(view?.checkResult).toEqual({ tcp: { succeeded: true } });
  });
});

describe('another kill grace period', () => {
  const graces = (calls: readonly SchedulerCallWithoutFrameworkId[]) =>
    calls.flatMap((call) =>
      call.type === 'KILL' ? [call.kill.kill_policy?.grace_period?.nanoseconds] : [],
    );

  it('goes with every kill', async () => {
    const { harness, calls } = await aRunningApp({ taskKillGracePeriodSeconds: 3 });

    await harness.put(web({ taskKillGracePeriodSeconds: 60, instances: 1 }));
    await harness.clock.advance(200);

    expect(harness.cluster.running()).toHaveLength(1);
    expect(graces(calls)).toEqual([60e9]);
  });

  it('holds for what still runs an older configuration, after a fail-over too', async () => {
    const { harness, calls } = await aRunningApp({ instances: 1 });
    await harness.put(web({ instances: 1, taskKillGracePeriodSeconds: 60 }));
    await harness.put(web({ instances: 1, taskKillGracePeriodSeconds: 61, labels: { a: 'b' } }));
    const next = await harness.put(web({ instances: 1, cpus: 5_000 }));
    const stopped = harness.engine.cancelDeployment(deploymentId(next), { force: true });
    await harness.clock.advance(100);
    await stopped;
    await restart(harness);
    const ids = harness.engine.view.instancesOf(WEB).map(({ instance }) => instance.id);

    const killed = harness.engine.killInstances(ids, { wipe: false });
    await harness.clock.advance(100);
    await killed;

    expect(graces(calls)).toEqual([61e9]);
  });
});
