import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId, StoreUnavailableError } from '#core';
import { aHealthCheck, anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const web = (fields: Partial<App> = {}): App =>
  anApp('/web', {
    instances: 2,
    portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
    ...fields,
  });

async function aRunningApp(
  fields: Partial<App> = {},
  agents?: ConstructorParameters<typeof EngineHarness>[0],
) {
  const harness = new EngineHarness(agents);
  await harness.startWithoutRouters();
  await harness.put(web(fields));
  await harness.clock.advance(2_000);
  return harness;
}

describe('the engine', () => {
  it('carries an app from its declaration to running instances and ends the deployment', async () => {
    const harness = await aRunningApp();

    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
    expect(harness.engine.view.deployments()).toEqual([]);
    const types = harness.eventTypes();
    expect(types).toContain('group_change_success');
    expect(types).toContain('deployment_info');
    expect(types).toContain('deployment_success');
    expect(types.filter((type) => type === 'deployment_step_success')).toHaveLength(2);
    expect(harness.fatal).toEqual([]);
    expect(harness.events.map(({ id }) => id)).toEqual(harness.events.map((_, index) => index + 1));
  });

  it('gives tasks their own ports and Marathon’s environment', async () => {
    const harness = await aRunningApp();

    const [first, second] = harness.cluster.running();
    const variables = Object.fromEntries(
      (first?.info.command?.environment?.variables ?? []).map(({ name, value }) => [name, value]),
    );
    expect(variables['PORT']).toBe(variables['PORT0']);
    expect(variables['PORT_10000']).toBe(variables['PORT0']);
    expect(variables['MARATHON_APP_ID']).toBe('/web');
    expect(variables['MARATHON_APP_RESOURCE_MEM']).toBe('32.0');
    expect(first?.info.task_id.value).toMatch(/^web\.instance-[0-9a-f-]{36}\._app\.1$/);
    const portOf = (info = first?.info) =>
      info?.resources.find(({ name }) => name === 'ports')?.ranges?.range[0]?.begin;
    expect(portOf(first?.info)).not.toBe(portOf(second?.info));
  });

  it('stops asking for offers when nothing waits', async () => {
    const harness = await aRunningApp();

    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');
  });

  it('replaces a task that failed after its back-off, in less than two seconds', async () => {
    const harness = await aRunningApp();
    const [victim] = harness.cluster.running();

    harness.cluster.report(victim?.info.task_id.value ?? '', 'TASK_FAILED', { message: 'killed' });
    await harness.clock.advance(200);
    expect(harness.conditions('/web')).toEqual(['Running']);
    const [entry] = harness.engine.view.queue();
    expect(entry?.delayLeftMs).toBeGreaterThan(0);
    await harness.clock.advance(1_000);

    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
    expect(harness.engine.view.failureOf(appId('/web'))?.message).toBe('killed');
  });

  it('replaces a killed instance without any back-off', async () => {
    const harness = await aRunningApp();
    const [first] = harness.engine.view.instancesOf(appId('/web'));

    const killed = harness.engine.killInstances(first ? [first.instance.id] : [], { wipe: false });
    await harness.clock.advance(200);
    await killed;

    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
  });

  it('keeps the minimum healthy through a rolling upgrade', async () => {
    const harness = await aRunningApp({
      instances: 4,
      upgradeStrategy: { minimumHealthCapacity: 0.75, maximumOverCapacity: 0.25 },
    });

    await harness.put(
      web({
        instances: 4,
        cmd: 'sleep 200',
        upgradeStrategy: { minimumHealthCapacity: 0.75, maximumOverCapacity: 0.25 },
      }),
    );
    let lowest = 4;
    let highest = 0;
    for (let step = 0; step < 400; step += 1) {
      await harness.clock.advance(5);
      lowest = Math.min(lowest, harness.cluster.running().length);
      highest = Math.max(highest, harness.cluster.tasks.size);
    }

    expect(lowest).toBeGreaterThanOrEqual(3);
    expect(highest).toBeLessThanOrEqual(5);
    expect(harness.engine.view.deployments()).toEqual([]);
    const commands = harness.cluster.running().map(({ info }) => info.command?.value);
    expect(commands).toEqual(['sleep 200', 'sleep 200', 'sleep 200', 'sleep 200']);
  });

  it('takes instances out of rotation before it kills them, and waits for every router', async () => {
    const harness = await aRunningApp({ instances: 1, labels: { HAPROXY_GROUP: 'external' } });
    const beat = setBeat(harness, []);

    await harness.put(web({ instances: 0, labels: { HAPROXY_GROUP: 'external' } }));
    await beat(6_000);
    const [draining] = harness.engine.view.instancesOf(appId('/web'));
    expect(draining?.instance.draining).toBeDefined();
    expect(harness.cluster.running()).toHaveLength(1);
    expect(harness.eventTypes()).toContain('draining_changed_event');

    const drained = setBeat(harness, [draining?.instance.taskId ?? '']);
    await drained(1_000);
    expect(harness.cluster.running()).toHaveLength(0);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('waits for health and replaces an unhealthy instance before it kills it', async () => {
    const check = aHealthCheck({ protocol: 'HTTP', path: '/', gracePeriodSeconds: 10 });
    const harness = await aRunningApp({ instances: 3, healthChecks: [check] });
    expect(harness.engine.view.deployments()).toEqual([]);
    const [first] = harness.engine.view.instancesOf(appId('/web'));
    expect(first?.healthy).toBe(true);

    harness.prober.answer(`host-1:${first?.instance.hostPorts[0]}`, { passed: false });
    let lowest = 3;
    for (let step = 0; step < 100; step += 1) {
      await harness.clock.advance(100);
      lowest = Math.min(lowest, harness.cluster.running().length);
    }

    expect(lowest).toBe(3);
    expect(harness.eventTypes()).toContain('unhealthy_instance_kill_event');
    const ids = harness.engine.view.instancesOf(appId('/web')).map(({ instance }) => instance.id);
    expect(ids).toHaveLength(3);
    expect(ids).not.toContain(first?.instance.id);
  });

  it('kills nothing for a while when most instances turn unhealthy at once', async () => {
    const check = aHealthCheck({ maxConsecutiveFailures: 2 });
    const harness = await aRunningApp({ instances: 4, healthChecks: [check] });
    await harness.clock.advance(5_000);
    const before = harness.cluster.running().map(({ info }) => info.task_id.value);
    for (const { instance } of harness.engine.view.instancesOf(appId('/web'))) {
      harness.prober.answer(`host-1:${instance.hostPorts[0]}`, { passed: false });
    }

    await harness.clock.advance(30_000);

    expect(harness.cluster.running().map(({ info }) => info.task_id.value)).toEqual(before);
  });

  it('refuses writes while the database is away and stores what the cluster said when it is back', async () => {
    const harness = await aRunningApp();
    const [victim] = harness.cluster.running();

    harness.leases.setAvailable(false);
    const refused = harness.put(web({ instances: 5 })).catch((error: unknown) => error);
    await harness.clock.advance(1_000);
    expect(await refused).toBeInstanceOf(StoreUnavailableError);
    harness.cluster.report(victim?.info.task_id.value ?? '', 'TASK_FAILED');
    await harness.clock.advance(5_000);
    expect(harness.conditions('/web')).toHaveLength(2);
    harness.leases.setAvailable(true);
    await harness.clock.advance(10_000);

    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
    expect(harness.cluster.tasks.has(victim?.info.task_id.value ?? '')).toBe(false);
    expect(harness.engine.view.root().apps.get(appId('/web'))?.instances).toBe(2);
  });

  it('keeps room for what the cluster says however long the database is away', async () => {
    const harness = new EngineHarness(undefined, { maxWaitingJobs: 10 });
    await harness.start();
    await harness.put(web({ instances: 4, unreachableStrategy: 'disabled' }));
    await harness.clock.advance(2_000);
    const [lost, failed] = harness.cluster.running().map(({ info }) => info.task_id.value);
    harness.cluster.report(lost ?? '', 'TASK_UNREACHABLE');
    await harness.clock.advance(100);

    harness.leases.setAvailable(false);
    const refused = harness.put(web({ instances: 5 })).catch((error: unknown) => error);
    for (let second = 0; second < 60; second += 1) {
      harness.engine.reportRouter(`router-${second}`, { appliedSequence: 0, drainedTasks: [] });
      harness.engine.resetDelay(appId('/web'));
      await harness.clock.advance(1_000);
    }
    harness.cluster.report(failed ?? '', 'TASK_FAILED');
    await harness.clock.advance(1_000);
    harness.leases.setAvailable(true);
    await harness.clock.advance(10_000);

    expect(await refused).toBeInstanceOf(StoreUnavailableError);
    expect(harness.cluster.tasks.has(failed ?? '')).toBe(false);
    expect(harness.conditions('/web').filter((one) => one === 'Running')).toHaveLength(3);
  });

  it('says why an app waits, in numbers', async () => {
    const harness = await aRunningApp({ instances: 1, cpus: 2 }, [
      { id: 'agent-1', hostname: 'host-1', cpus: 1 },
    ]);

    const [deployment] = harness.engine.view.deployments();
    expect(deployment?.waitingFor.join('\n')).toContain('needs 2 cpus, 1 are left');
    const [entry] = harness.engine.view.queue();
    const cpus = entry?.rejectLastOffers.find(({ reason }) => reason === 'InsufficientCpus');
    expect(cpus).toEqual({ reason: 'InsufficientCpus', declined: 1, processed: 1 });
  });

  it('locks apps while they are deployed, and force replaces the deployment', async () => {
    const harness = await aRunningApp({ instances: 1, cpus: 2 }, [
      { id: 'agent-1', hostname: 'host-1', cpus: 1 },
    ]);
    const locked = harness.engine.changeRoot({
      apply: () => ({
        putApps: [web({ cpus: 1 })],
        removeApps: [],
        putGroups: [],
        removeGroups: [],
      }),
      force: false,
    });

    expect(await locked).toMatchObject({ kind: 'locked' });
    await harness.put(web({ instances: 1, cpus: 1 }), { force: true });
    await harness.clock.advance(2_000);

    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(harness.eventTypes()).toContain('deployment_failed');
  });

  it('rolls a stuck deployment back and keeps the instances that still fit', async () => {
    const harness = await aRunningApp({ instances: 2 });
    const before = harness.cluster.running().map(({ info }) => info.task_id.value);
    const id = await harness.put(web({ instances: 2, cpus: 5_000 }));
    await harness.clock.advance(1_000);

    const rolledBack = harness.engine.cancelDeployment(deploymentId(id), { force: false });
    await harness.clock.advance(2_000);

    expect(await rolledBack).toMatchObject({ kind: 'accepted' });
    expect(harness.cluster.running().map(({ info }) => info.task_id.value)).toEqual(before);
    expect(harness.engine.view.root().apps.get(appId('/web'))?.cpus).toBe(0.1);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('deploys in the order of dependencies', async () => {
    const harness = new EngineHarness();
    await harness.start();

    await harness.change({
      putApps: [anApp('/front', { dependencies: ['/back'] }), anApp('/back')],
    });
    await harness.clock.advance(2_000);

    const started = harness.events
      .filter(({ type }) => type === 'instance_changed_event')
      .map(({ payload }) => JSON.parse(payload) as { condition: string; runSpecId: string })
      .filter(({ condition }) => condition === 'Running' || condition === 'Provisioned')
      .map(({ condition, runSpecId }) => `${runSpecId} ${condition}`);
    expect(started).toEqual([
      '/back Provisioned',
      '/back Running',
      '/front Provisioned',
      '/front Running',
    ]);
  });

  it('refuses dependencies that form a cycle, and goes on', async () => {
    const harness = new EngineHarness();
    await harness.start();
    const putApps = [anApp('/a', { dependencies: ['/b'] }), anApp('/b', { dependencies: ['/a'] })];

    const refused = harness.engine.changeRoot({
      apply: () => ({ putApps, removeApps: [], putGroups: [], removeGroups: [] }),
      force: false,
    });
    await harness.clock.advance(100);

    expect(await refused).toMatchObject({ kind: 'impossible' });
    expect(harness.fatal).toEqual([]);
  });

  it('kills tasks of its framework that it does not know', async () => {
    const harness = await aRunningApp({ instances: 1 });
    const [task] = harness.cluster.running();
    harness.cluster.tasks.set('stranger', {
      info: { ...(task?.info ?? ({} as never)), task_id: { value: 'stranger' } },
      agentId: 'agent-1',
      state: 'TASK_RUNNING',
    });

    harness.cluster.report('stranger', 'TASK_RUNNING');
    // Until it is known that no router has requests for it.
    await harness.clock.advance(17_000);

    expect(harness.cluster.running()).toHaveLength(1);
    expect(harness.cluster.tasks.has('stranger')).toBe(false);
  });
});

/** A router that reports every second that it has drained these tasks. */
function setBeat(harness: EngineHarness, drainedTasks: readonly string[]) {
  return async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      harness.engine.reportRouter('router-1', { appliedSequence: 0, drainedTasks });
      await harness.clock.advance(Math.min(1_000, ms - passed));
    }
  };
}
