import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId, isPod } from '#core';
import { declarePod, readPod } from '#marathon-v2';
import {
  emptyRoot,
  rules,
  unwrap,
} from '../../../../libs/marathon-v2/src/marathon-v2.test-support.js';
import { EngineHarness } from './engine-harness.test-support.js';

const POD = appId('/pod');

const container = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  exec: { command: { shell: `run ${name}` } },
  resources: { cpus: 0.1, mem: 32 },
  ...more,
});

function aPod(more: Readonly<Record<string, unknown>> = {}): App {
  const body = {
    id: POD,
    containers: [
      container('web', { endpoints: [{ name: 'http', hostPort: 0 }] }),
      container('log'),
    ],
    ...more,
  };
  const update = unwrap(readPod(body, { strict: true }));
  const context = { root: emptyRoot(), version: '2026-01-01T00:00:00.000Z', rules };
  const [app] = unwrap(declarePod(context, update, { mode: 'upsert' })).putApps;
  if (app === undefined || !isPod(app)) throw new Error('no pod was declared');
  return app;
}

async function aRunningPod(more: Readonly<Record<string, unknown>> = {}) {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(aPod(more));
  await harness.clock.advance(2_000);
  return harness;
}

const taskOfContainer = (harness: EngineHarness, name: string): string =>
  harness.cluster
    .running()
    .map(({ info }) => info.task_id.value)
    .find((id) => id.endsWith(`.${name}.1`)) ?? '';

const names = (harness: EngineHarness): readonly string[] =>
  harness.cluster
    .running()
    .map(({ info }) => info.name)
    .sort();

describe('a pod', () => {
  it('is launched as one group that shares its ports, and its deployment speaks of pods', async () => {
    const harness = await aRunningPod({ scaling: { instances: 2 } });

    expect(harness.conditions(POD)).toEqual(['Running', 'Running']);
    expect(names(harness)).toEqual(['log', 'log', 'web', 'web']);
    expect(new Set(harness.cluster.running().map(({ group }) => group)).size).toBe(2);
    const [first] = harness.engine.view.instancesOf(POD);
    const port = String(first?.instance.hostPorts[0]);
    for (const { info, group } of harness.cluster.running()) {
      if (group !== first?.instance.id) continue;
      const variables = Object.fromEntries(
        (info.command?.environment?.variables ?? []).map(({ name, value }) => [name, value]),
      );
      expect(variables).toMatchObject({
        ENDPOINT_HTTP: port,
        EP_HOST_HTTP: port,
        MARATHON_APP_ID: '/pod',
        MARATHON_CONTAINER_ID: info.name,
        MARATHON_CONTAINER_RESOURCE_CPUS: '0.1',
      });
      const hasPorts = info.resources.some(({ name }) => name === 'ports');
      expect(hasPorts).toBe(info.name === 'web');
    }
    const plans = harness.events.filter(({ type }) => type === 'deployment_success');
    expect(JSON.parse(plans[0]?.payload ?? '{}').plan.steps).toEqual([
      { actions: [{ action: 'StartPod', pod: POD }] },
      { actions: [{ action: 'ScalePod', pod: POD }] },
    ]);
    expect(harness.fatal).toEqual([]);
  });

  it('ends as a whole when one container fails, and is replaced once after its back-off', async () => {
    const harness = await aRunningPod();
    const [before] = harness.engine.view.instancesOf(POD);
    const failed = taskOfContainer(harness, 'log');

    harness.cluster.report(failed, 'TASK_FAILED', { message: 'out of memory' });
    await harness.clock.advance(200);
    expect(harness.cluster.running()).toEqual([]);
    expect(harness.engine.view.failureOf(POD)).toMatchObject({
      taskId: failed,
      message: 'out of memory',
    });
    const [entry] = harness.engine.view.queue();
    expect(entry?.delayLeftMs).toBeGreaterThan(0);
    await harness.clock.advance(2_000);

    expect(names(harness)).toEqual(['log', 'web']);
    const [after] = harness.engine.view.instancesOf(POD);
    expect(after?.instance.id).not.toBe(before?.instance.id);
    expect(harness.eventTypes()).not.toContain('unknown_instance_terminated_event');
  });

  it('goes on without a container that has finished, which no check is asked of any more', async () => {
    const healthCheck = { exec: { command: { shell: 'true' } }, gracePeriodSeconds: 1 };
    const harness = await aRunningPod({
      containers: [container('web', { healthCheck }), container('log', { healthCheck })],
    });
    expect(harness.engine.view.deployments()).toHaveLength(1);

    harness.cluster.report(taskOfContainer(harness, 'log'), 'TASK_FINISHED');
    harness.cluster.report(taskOfContainer(harness, 'web'), 'TASK_RUNNING', {
      healthy: true,
      reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
    });
    await harness.clock.advance(2_000);

    expect(names(harness)).toEqual(['web']);
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(harness.engine.view.instancesOf(POD)[0]).toMatchObject({ healthy: true });
  });

  it('keeps the result of a check that comes while other containers are on their way', async () => {
    const healthCheck = { exec: { command: { shell: 'true' } } };
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(aPod({ containers: [container('web', { healthCheck }), container('log')] }));
    for (let step = 0; step < 100 && harness.cluster.tasks.size === 0; step += 1) {
      await harness.clock.advance(1);
    }
    const web = [...harness.cluster.tasks.keys()].find((id) => id.endsWith('.web.1')) ?? '';

    harness.cluster.report(web, 'TASK_RUNNING');
    await harness.clock.advance(2);
    harness.cluster.report(web, 'TASK_RUNNING', {
      healthy: true,
      reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
    });
    await harness.clock.advance(2);
    expect(harness.conditions(POD)).toEqual(['Provisioned']);
    await harness.clock.advance(2_000);

    expect(harness.engine.view.instancesOf(POD)[0]).toMatchObject({ healthy: true });
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('is unhealthy and replaced when a container fails its check', async () => {
    const healthCheck = {
      exec: { command: { shell: 'true' } },
      maxConsecutiveFailures: 2,
      gracePeriodSeconds: 0,
    };
    const harness = await aRunningPod({
      containers: [container('web', { healthCheck }), container('log', { healthCheck })],
    });
    const reason = 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED';
    const tell = (name: string, healthy: boolean) =>
      harness.cluster.report(taskOfContainer(harness, name), 'TASK_RUNNING', { healthy, reason });
    const [before] = harness.engine.view.instancesOf(POD);

    tell('web', true);
    tell('log', true);
    await harness.clock.advance(2_000);
    expect(harness.engine.view.instancesOf(POD)[0]?.healthy).toBe(true);
    tell('log', false);
    await harness.clock.advance(100);
    const [ill] = harness.engine.view.instancesOf(POD);
    expect(ill?.healthy).toBe(false);
    expect([...(ill?.containerHealth ?? [])]).toEqual([
      ['web', true],
      ['log', false],
    ]);
    tell('log', false);
    await harness.clock.advance(120_000);

    const ids = harness.engine.view.instancesOf(POD).map(({ instance }) => instance.id);
    expect(ids).not.toContain(before?.instance.id);
    expect(harness.eventTypes()).toContain('unhealthy_instance_kill_event');
  });

  it('is upgraded in steps, scaled, and removed with everything of it', async () => {
    const upgrade = { minimumHealthCapacity: 1, maximumOverCapacity: 0.5 };
    const scheduling = { upgrade };
    const harness = await aRunningPod({ scaling: { instances: 2 }, scheduling });

    await harness.put(
      aPod({
        containers: [container('web'), container('next')],
        scaling: { instances: 2 },
        scheduling,
      }),
    );
    let lowest = 4;
    for (let step = 0; step < 400; step += 1) {
      await harness.clock.advance(5);
      lowest = Math.min(lowest, harness.cluster.running().length);
    }
    expect(lowest).toBeGreaterThanOrEqual(4);
    expect(names(harness)).toEqual(['next', 'next', 'web', 'web']);

    await harness.put(
      aPod({
        containers: [container('web'), container('next')],
        scaling: { instances: 1 },
        scheduling,
      }),
    );
    await harness.clock.advance(1_000);
    expect(names(harness)).toEqual(['next', 'web']);

    await harness.change({ removeApps: [POD] });
    await harness.clock.advance(1_000);
    expect(harness.cluster.tasks.size).toBe(0);
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(harness.eventTypes()).not.toContain('app_terminated_event');
  });

  it('counts a container that fails against its deployment, which goes back and tells of it', async () => {
    const harness = await aRunningPod();
    const next = aPod({ containers: [container('web'), container('next')] });
    const limits = { maxFailures: 0, autoRollback: true };
    const id = await harness.put(next, { limits });
    for (let step = 0; step < 400 && taskOfContainer(harness, 'next') === ''; step += 1) {
      await harness.clock.advance(1);
    }

    harness.cluster.report(taskOfContainer(harness, 'next'), 'TASK_FAILED', { message: 'broken' });
    await harness.clock.advance(5_000);

    const failed = await harness.store.loadDeployment(deploymentId(id));
    expect(failed).toMatchObject({ state: 'Failed', failures: 1 });
    const { events } = await harness.store.loadHistory(deploymentId(id));
    const told = events.filter(({ app }) => app === POD).map(({ kind }) => kind);
    expect(told.slice(0, 2)).toEqual(['launched', 'running']);
    expect(events.filter(({ kind }) => kind === 'failed')).toMatchObject([
      { app: POD, message: 'TASK_FAILED broken' },
    ]);
    expect(names(harness)).toEqual(['log', 'web']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('tells of a pod that is lost with its agent as failed, not as killed', async () => {
    const harness = await aRunningPod();
    const tooMuch = { resources: { cpus: 5_000, mem: 32 } };
    const id = await harness.put(aPod({ containers: [container('web', tooMuch)] }));
    await harness.clock.advance(500);

    harness.cluster.report(taskOfContainer(harness, 'log'), 'TASK_GONE');
    await harness.clock.advance(500);

    const { events } = await harness.store.loadHistory(deploymentId(id));
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'failed', app: POD, message: 'TASK_GONE' }),
    );
    expect(harness.engine.view.deployments()[0]?.deployment.failures).toBeUndefined();
  });

  it('takes what no container is made from in place, and keeps what is known of its health', async () => {
    const containers = [
      container('web', { healthCheck: { exec: { command: { shell: 'true' } } } }),
      container('log'),
    ];
    const harness = await aRunningPod({ containers });
    harness.cluster.report(taskOfContainer(harness, 'web'), 'TASK_RUNNING', {
      healthy: true,
      reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
    });
    await harness.clock.advance(1_000);
    const before = [...harness.cluster.tasks.keys()];

    const edited = {
      containers,
      labels: { tier: 'edge' },
      scheduling: { killSelection: 'OLDEST_FIRST' },
    };
    await harness.put(aPod(edited));
    await harness.clock.advance(2_000);

    expect([...harness.cluster.tasks.keys()]).toEqual(before);
    expect(harness.engine.view.root().apps.get(POD)?.labels).toEqual({ tier: 'edge' });
    expect(harness.engine.view.instancesOf(POD)).toMatchObject([{ healthy: true }]);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('is found again by the next engine, and replaced when a container is gone', async () => {
    const harness = await aRunningPod();
    const [before] = harness.engine.view.instancesOf(POD);
    harness.crash();

    await harness.start();
    await harness.clock.advance(1_000);
    expect(harness.engine.view.instancesOf(POD)[0]?.instance).toEqual(before?.instance);
    expect(harness.engine.unconfirmedCount()).toBe(0);

    harness.crash();
    harness.cluster.tasks.delete(taskOfContainer(harness, 'log'));
    await harness.start();
    await harness.clock.advance(5_000);

    expect(names(harness)).toEqual(['log', 'web']);
    const [after] = harness.engine.view.instancesOf(POD);
    expect(after?.instance.id).not.toBe(before?.instance.id);
  });

  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'converges when the engine dies before effect %d of its launch and its upgrade',
    async (crashAt) => {
      const harness = new EngineHarness();
      await harness.start();
      harness.crashAtEffect(crashAt);
      await harness.put(aPod()).catch(() => undefined);
      await harness.clock.advance(200);
      if (!harness.isRunning) await harness.start();
      await harness
        .put(aPod({ containers: [container('web'), container('next')] }), { force: true })
        .catch(() => undefined);
      for (let round = 0; round < 60; round += 1) {
        if (!harness.isRunning) await harness.start();
        await harness.clock.advance(500);
      }

      const declared = harness.engine.view.root().apps.get(POD)?.pod?.containers ?? [];
      expect(names(harness)).toEqual(declared.map(({ name }) => name).sort());
      expect(harness.cluster.tasks.size).toBe(declared.length);
      expect(harness.engine.view.deployments()).toEqual([]);
      expect(harness.fatal.filter(({ message }) => message !== 'crash')).toEqual([]);
    },
  );
});
