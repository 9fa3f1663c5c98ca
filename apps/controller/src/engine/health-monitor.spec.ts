import { describe, expect, it } from 'vitest';
import { type App, appId, type HealthCheck } from '#core';
import { aHealthCheck, anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

/** Run by the controller, not by the agent. */
const CHECK: HealthCheck = aHealthCheck({ protocol: 'HTTP', path: '/' });
const WEB = appId('/web');

async function aCheckedApp(fields: Partial<App> = {}) {
  const harness = new EngineHarness();
  await harness.startWithoutRouters();
  await harness.put(
    anApp('/web', {
      portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
      healthChecks: [CHECK],
      unreachableStrategy: { inactiveAfterSeconds: 300, expungeAfterSeconds: 600 },
      ...fields,
    }),
  );
  await harness.clock.advance(200);
  const answer = (passed: boolean): void => {
    for (let port = 31_000; port <= 32_000; port += 1) {
      harness.prober.answer(`host-1:${port}`, { passed });
    }
  };
  return { harness, answer };
}

const only = (harness: EngineHarness) => {
  const [view] = harness.engine.view.instancesOf(WEB);
  if (view === undefined) throw new Error('there is no instance');
  return view;
};

describe('checks run by the controller', () => {
  it('pause while their instance is unreachable, and condemn nobody', async () => {
    const { harness, answer } = await aCheckedApp();
    await harness.clock.advance(3_000);
    const { taskId } = only(harness).instance;
    answer(false);

    harness.cluster.report(taskId, 'TASK_UNREACHABLE');
    await harness.clock.advance(100);
    const probes = harness.prober.probed.length;
    await harness.clock.advance(20_000);

    expect(harness.prober.probed).toHaveLength(probes);
    expect(harness.eventTypes()).not.toContain('unhealthy_instance_kill_event');
    answer(true);
    harness.cluster.report(taskId, 'TASK_RUNNING');
    await harness.clock.advance(3_000);
    expect(harness.prober.probed.length).toBeGreaterThan(probes);
    expect(only(harness)).toMatchObject({ instance: { taskId }, healthy: true });
  });

  it('pause while their instance is being killed', async () => {
    const { harness } = await aCheckedApp();
    await harness.clock.advance(3_000);
    const { taskId, id } = only(harness).instance;
    harness.cluster.report = () => undefined;

    const killed = harness.engine.killInstances([id], { wipe: false });
    await harness.clock.advance(100);
    await killed;
    const port = only(harness).instance.hostPorts[0];
    const count = () => harness.prober.probed.filter((key) => key === `host-1:${port}`).length;
    const before = count();
    await harness.clock.advance(10_000);

    expect(only(harness).instance).toMatchObject({ taskId, goal: 'Decommissioned' });
    expect(count()).toBe(before);
  });
});

describe('results of checks', () => {
  it('show within two seconds, a failure in the grace period too', async () => {
    const { harness, answer } = await aCheckedApp({
      healthChecks: [{ ...CHECK, gracePeriodSeconds: 300 }],
    });
    answer(false);
    await harness.clock.advance(2_000);
    const before = harness.engine.view.changeCounter(WEB);
    const total = harness.engine.view.totalChangeCounter();

    await harness.clock.advance(2_000);

    expect(only(harness).health[0]?.lastFailureCause).toBe('failed');
    expect(harness.engine.view.changeCounter(WEB)).toBeGreaterThan(before);
    expect(harness.engine.view.totalChangeCounter()).toBeGreaterThan(total);
  });

  it.each([
    ['further failures', false],
    ['further successes', true],
  ])('count as changes of the app: %s', async (_, passed) => {
    const { harness, answer } = await aCheckedApp({
      healthChecks: [{ ...CHECK, maxConsecutiveFailures: 0 }],
    });
    answer(passed);
    await harness.clock.advance(4_000);
    const before = harness.engine.view.changeCounter(WEB);

    await harness.clock.advance(2_500);

    expect(harness.engine.view.changeCounter(WEB)).toBeGreaterThan(before);
  });

  it('are told together: many results are at most one change a second', async () => {
    const { harness } = await aCheckedApp({ instances: 20, healthChecks: [CHECK] });
    await harness.clock.advance(20_000);
    let changes = 0;

    for (let step = 0; step < 100; step += 1) {
      const before = harness.engine.view.totalChangeCounter();
      await harness.clock.advance(100);
      if (harness.engine.view.totalChangeCounter() !== before) changes += 1;
    }

    expect(changes).toBeLessThanOrEqual(10);
  });
});
