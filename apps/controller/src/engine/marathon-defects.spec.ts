/** Defects that users reported of Marathon's engine, by the number of the first report: none is ours. */
import { describe, expect, it, vi } from 'vitest';
import { type App, appId, deploymentId, type HealthCheck } from '#core';
import { aHealthCheck, anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000 });

const CHECK: HealthCheck = aHealthCheck({ maxConsecutiveFailures: 2 });

const web = (fields: Partial<App> = {}): App =>
  anApp('/web', {
    instances: 3,
    portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
    ...fields,
  });

async function arrange(
  apps: readonly App[],
  agents?: ConstructorParameters<typeof EngineHarness>[0],
): Promise<EngineHarness> {
  const harness = new EngineHarness(agents);
  await harness.startWithoutRouters();
  await harness.change({ putApps: apps });
  await harness.clock.advance(5_000);
  return harness;
}

const taskIds = (harness: EngineHarness): readonly string[] =>
  harness.cluster
    .running()
    .map(({ info }) => info.task_id.value)
    .sort();
const commands = (harness: EngineHarness): readonly (string | undefined)[] =>
  harness.cluster.running().map(({ info }) => info.command?.value);
/** Everything that happens in these virtual milliseconds, watched every twenty. */
async function watch(harness: EngineHarness, ms: number, look: () => void): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    await harness.clock.advance(20);
    look();
  }
}
const setUnhealthy = (harness: EngineHarness, id: string): void => {
  for (const { instance } of harness.engine.view.instancesOf(appId(id))) {
    harness.prober.answer(`host-1:${instance.hostPorts[0]}`, { passed: false });
  }
};

describe('deployments', () => {
  it('1481: whatever locks an app is in the list of deployments, and others are not locked', async () => {
    const harness = await arrange([web({ cpus: 5_000 })]);
    const refusal = await harness.engine.changeRoot({
      apply: () => ({ putApps: [web()], removeApps: [], putGroups: [], removeGroups: [] }),
      force: false,
    });
    await harness.put(anApp('/other'));
    await harness.clock.advance(1_000);
    const listed = harness.engine.view.deployments().map(({ deployment }) => deployment.id);

    expect(refusal).toEqual({ kind: 'locked', deployments: listed });
    expect(harness.conditions('/other')).toEqual(['Running']);

    const [stuck] = listed;
    await harness.engine.cancelDeployment(stuck ?? deploymentId(''), { force: true });
    await harness.put(web());
    await harness.clock.advance(2_000);
    expect(harness.conditions('/web')).toEqual(['Running', 'Running', 'Running']);
  });

  it.each([
    [1, 1, 0],
    [2, 1, 0],
    [3, 0.9, 0.1],
    [1, 0.5, 0.5],
    [5, 0, 0],
  ])(
    '829: %i instances with minimum %d and over capacity %d get through an upgrade',
    async (instances, minimumHealthCapacity, maximumOverCapacity) => {
      const upgradeStrategy = { minimumHealthCapacity, maximumOverCapacity };
      const harness = await arrange([web({ instances, upgradeStrategy, healthChecks: [CHECK] })]);

      await harness.put(web({ instances, upgradeStrategy, healthChecks: [CHECK], cmd: 'new' }));
      await harness.clock.advance(60_000);

      expect(harness.engine.view.deployments()).toEqual([]);
      expect(commands(harness)).toEqual(Array.from({ length: instances }, () => 'new'));
    },
  );

  it('1570: no healthy instance goes for one that is never healthy', async () => {
    const harness = await arrange([web({ healthChecks: [CHECK] })]);
    const before = taskIds(harness);
    // Every port but those in use answers with a failure.
    const inUse = new Set(
      harness.engine.view.instancesOf(appId('/web')).map(({ instance }) => instance.hostPorts[0]),
    );
    for (let port = 31_000; port <= 32_000; port += 1) {
      if (!inUse.has(port)) harness.prober.answer(`host-1:${port}`, { passed: false });
    }

    await harness.put(web({ healthChecks: [CHECK], cmd: 'never healthy' }));
    await harness.clock.advance(60_000);

    expect(taskIds(harness)).toEqual(expect.arrayContaining([...before]));
    const [deployment] = harness.engine.view.deployments();
    expect(deployment?.waitingFor.join('\n')).toContain('of 3');
  });

  it('754: an upgrade uses what its old instances leave free', async () => {
    const upgradeStrategy = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };
    const fields = { instances: 2, cpus: 1, upgradeStrategy };
    const harness = await arrange([web(fields)], [{ id: 'a', hostname: 'host-1', cpus: 2 }]);

    await harness.put(web({ ...fields, cmd: 'new' }));
    await harness.clock.advance(10_000);

    expect(commands(harness)).toEqual(['new', 'new']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('4046: a rollback of a stuck upgrade ends with all instances running', async () => {
    const upgradeStrategy = { minimumHealthCapacity: 0, maximumOverCapacity: 0 };
    const harness = await arrange([web({ upgradeStrategy })]);
    const id = await harness.put(web({ upgradeStrategy, cpus: 5_000, cmd: 'too big' }));
    await harness.clock.advance(5_000);
    expect(commands(harness)).toEqual([]);

    await harness.engine.cancelDeployment(deploymentId(id), { force: false });
    await harness.clock.advance(5_000);

    expect(commands(harness)).toEqual(['sleep 100', 'sleep 100', 'sleep 100']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('2360: the same definition again restarts nothing, also after a fail-over', async () => {
    const harness = await arrange([web()]);
    const before = taskIds(harness);

    await harness.put(web());
    await harness.clock.advance(2_000);
    harness.crash();
    await harness.start();
    await harness.put(web());
    await harness.clock.advance(2_000);

    expect(taskIds(harness)).toEqual(before);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('3945: labels, checks and strategies are edited without a restart', async () => {
    const harness = await arrange([web()]);
    const before = taskIds(harness);

    await harness.put(
      web({
        labels: { HAPROXY_GROUP: 'external' },
        healthChecks: [CHECK],
        upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
        backoffSeconds: 7,
      }),
    );
    await harness.clock.advance(10_000);

    expect(taskIds(harness)).toEqual(before);
    expect(harness.engine.view.deployments()).toEqual([]);
    const [first] = harness.engine.view.instancesOf(appId('/web'));
    expect(first?.healthy).toBe(true);
  });

  it('4072: an ended deployment stays, with its outcome and its steps', async () => {
    const harness = await arrange([]);
    const id = await harness.put(web());
    await harness.clock.advance(5_000);

    const ended = await harness.store.loadDeployment(deploymentId(id));

    expect(ended).toMatchObject({ state: 'Succeeded', affectedApps: ['/web'] });
    expect(ended?.phases).toHaveLength(2);
  });

  it('3954: a deployment past its deadline fails and is rolled back', async () => {
    const rollout = { deadlineSeconds: 5 };
    const harness = await arrange([web({ rollout })]);

    const id = await harness.put(web({ rollout, cpus: 5_000, cmd: 'too big' }));
    await harness.clock.advance(20_000);

    const ended = await harness.store.loadDeployment(deploymentId(id));
    expect(ended?.state).toBe('Failed');
    expect(ended?.reason).toContain('5 s');
    expect(commands(harness)).toEqual(['sleep 100', 'sleep 100', 'sleep 100']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('3814: an app that fails holds up what depends on it, and nothing else', async () => {
    const harness = await arrange([
      web({ id: appId('/g/failing'), instances: 1, cpus: 5_000 }),
      web({ id: appId('/g/after'), instances: 1, dependencies: ['/g/failing'] }),
      web({ id: appId('/g/beside'), instances: 1, dependencies: ['/not/there'] }),
      web({ id: appId('/g/above'), instances: 1, dependencies: ['/g/beside'] }),
    ]);

    expect(harness.conditions('/g/beside')).toEqual(['Running']);
    expect(harness.conditions('/g/above')).toEqual(['Running']);
    expect(harness.conditions('/g/after')).toEqual([]);
    const [deployment] = harness.engine.view.deployments();
    expect(deployment?.waitingFor.join('\n')).toContain('/g/failing');
  });

  it('3814: an app that is deployed alone waits for what it depends on, and says so', async () => {
    const harness = await arrange([web({ id: appId('/db'), instances: 1, cpus: 5_000 })]);

    const id = await harness.put(web({ id: appId('/web'), instances: 1, dependencies: ['/db'] }));
    await harness.clock.advance(5_000);

    expect(harness.conditions('/web')).toEqual([]);
    const waits = harness.engine.view.deployments().find(({ deployment }) => deployment.id === id);
    expect(waits?.waitingFor.join('\n')).toMatch(/^\/web: .*it depends on \/db: deployment \S+ is/);
    const fixed = web({ id: appId('/db'), instances: 1 });
    await harness.put(fixed, { force: true });
    await harness.clock.advance(5_000);
    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });
});

describe('health', () => {
  it('3317: checks that all fail at once kill at most one at a time', async () => {
    const harness = await arrange([web({ instances: 6, healthChecks: [CHECK] })]);
    const before = taskIds(harness);
    setUnhealthy(harness, '/web');

    await harness.clock.advance(30_000);
    expect(taskIds(harness)).toEqual(before);
    let lowest = 6;
    await watch(harness, 120_000, () => {
      lowest = Math.min(lowest, harness.cluster.running().length);
    });

    expect(lowest).toBeGreaterThanOrEqual(5);
  });

  it('3317: an unhealthy instance on an agent that is lost is replaced', async () => {
    const unreachableStrategy = { inactiveAfterSeconds: 60, expungeAfterSeconds: 600 };
    const harness = await arrange([web({ healthChecks: [CHECK], unreachableStrategy })]);
    const [first] = harness.engine.view.instancesOf(appId('/web'));
    const lost = first?.instance.taskId ?? '';
    harness.prober.answer(`host-1:${first?.instance.hostPorts[0]}`, { passed: false });
    await harness.clock.advance(1_500);

    harness.cluster.report(lost, 'TASK_UNREACHABLE', { reason: 'REASON_SLAVE_REMOVED' });
    await harness.clock.advance(70_000);

    const left = harness.cluster.running().filter(({ info }) => info.task_id.value !== lost);
    expect(left).toHaveLength(3);
  });

  it('3423: a kill for its health is the last failure of the app', async () => {
    const harness = await arrange([web({ instances: 4, healthChecks: [CHECK] })]);
    const [first] = harness.engine.view.instancesOf(appId('/web'));
    harness.prober.answer(`host-1:${first?.instance.hostPorts[0]}`, { passed: false });

    await harness.clock.advance(20_000);

    expect(harness.engine.view.failureOf(appId('/web'))).toMatchObject({
      taskId: first?.instance.taskId,
      message: expect.stringContaining('health check failed'),
    });
  });
});

describe('the cluster', () => {
  it('1553: a fail-over kills and restarts nothing, and every task is asked for', async () => {
    const harness = await arrange([web({ healthChecks: [CHECK] })]);
    const before = taskIds(harness);
    harness.cluster.calls.length = 0;

    harness.crash();
    await harness.start();
    await harness.clock.advance(60_000);

    expect(taskIds(harness)).toEqual(before);
    expect(harness.cluster.calls).not.toContain('KILL');
    expect(harness.cluster.calls).not.toContain('ACCEPT');
    expect(harness.cluster.calls).toContain('RECONCILE');
    expect(harness.engine.unconfirmedCount()).toBe(0);
  });

  it('761: a lost instance is replaced after inactiveAfter, to the second, and given up when it is back', async () => {
    const unreachableStrategy = { inactiveAfterSeconds: 60, expungeAfterSeconds: 600 };
    const harness = await arrange([web({ unreachableStrategy })]);
    const [lost] = taskIds(harness);
    harness.cluster.report(lost ?? '', 'TASK_UNREACHABLE', { reason: 'REASON_SLAVE_REMOVED' });

    await harness.clock.advance(59_000);
    expect(harness.cluster.running()).toHaveLength(2);
    await harness.clock.advance(3_000);
    expect(harness.cluster.running()).toHaveLength(3);

    harness.cluster.report(lost ?? '', 'TASK_RUNNING');
    await harness.clock.advance(5_000);
    expect(harness.cluster.running()).toHaveLength(3);
  });

  it('689: the usual upgrade strategy works with UNIQUE on as many hosts as instances', async () => {
    const constraints: App['constraints'] = [['hostname', 'UNIQUE']];
    const agents = ['1', '2', '3'].map((n) => ({ id: n, hostname: `host-${n}`, cpus: 1 }));
    const harness = await arrange([web({ constraints })], agents);

    await harness.put(web({ constraints, cmd: 'new' }));
    await harness.clock.advance(10_000);

    expect(commands(harness)).toEqual(['new', 'new', 'new']);
    const hosts = harness.cluster.running().map(({ agentId }) => agentId);
    expect(new Set(hosts).size).toBe(3);
  });
});

describe('an app that waits', () => {
  it('1090: says how many agents refused it, and why', async () => {
    const agents = [
      { id: 'a', hostname: 'host-1', cpus: 1 },
      { id: 'b', hostname: 'host-2', cpus: 4 },
    ];
    const harness = await arrange(
      [web({ instances: 1, cpus: 2, constraints: [['hostname', 'LIKE', 'host-1']] })],
      agents,
    );

    const [deployment] = harness.engine.view.deployments();
    const said = deployment?.waitingFor.join('\n') ?? '';
    expect(said).toContain('1 of 2 agents: InsufficientCpus (needs 2 cpus, 1 are left)');
    expect(said).toContain('1 of 2 agents: UnfulfilledConstraint');
  });
});
