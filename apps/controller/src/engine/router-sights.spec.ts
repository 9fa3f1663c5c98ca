import { describe, expect, it } from 'vitest';
import { appId } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const ROUTED = anApp('/web', {
  instances: 2,
  portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
  labels: { HAPROXY_GROUP: 'external' },
});

/** Time passes; a router reports every second that it has drained these tasks. */
async function beat(
  harness: EngineHarness,
  seconds: number,
  drainedTasks: readonly string[] = [],
): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) {
    harness.engine.reportRouter('router-1', { appliedSequence: 0, drainedTasks });
    await harness.clock.advance(1_000);
  }
}

/** Two instances that a router serves; one of them is out of rotation and not yet drained. */
async function aDrainingApp(): Promise<EngineHarness> {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(ROUTED);
  await beat(harness, 10);
  await harness.put({ ...ROUTED, instances: 1 });
  await beat(harness, 2);
  expect(drainingTasks(harness)).toHaveLength(1);
  return harness;
}

const drainingTasks = (harness: EngineHarness): readonly string[] =>
  harness.engine.view
    .instancesOf(appId('/web'))
    .filter(({ instance }) => instance.draining !== undefined)
    .map(({ instance }) => instance.taskId);

describe('what is known of the routers', () => {
  it('a drain outlives a restart: no router heard of yet does not end it', async () => {
    const harness = await aDrainingApp();

    harness.crash();
    await harness.start();
    await harness.clock.advance(1_500);
    expect(harness.cluster.running()).toHaveLength(2);
    await beat(harness, 8);
    expect(harness.cluster.running()).toHaveLength(2);

    await beat(harness, 1, drainingTasks(harness));
    expect(harness.cluster.running()).toHaveLength(1);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('what is given up right after a restart is drained too', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(ROUTED);
    await beat(harness, 10);

    harness.crash();
    await harness.start();
    await harness.put({ ...ROUTED, instances: 1 });
    await harness.clock.advance(100);

    expect(drainingTasks(harness)).toHaveLength(1);
    expect(harness.cluster.running()).toHaveLength(2);
  });

  it('a process that was frozen waits until it could hear the routers again', async () => {
    const harness = await aDrainingApp();

    harness.clock.freeze(8_000);
    await harness.clock.advance(1_500);
    expect(harness.cluster.running()).toHaveLength(2);
    await beat(harness, 8);
    expect(harness.cluster.running()).toHaveLength(2);

    await beat(harness, 1, drainingTasks(harness));
    expect(harness.cluster.running()).toHaveLength(1);
  });

  it('without routers nothing waits any longer than that', async () => {
    const harness = await aDrainingApp();

    harness.crash();
    await harness.start();
    await harness.clock.advance(16_000);

    expect(harness.cluster.running()).toHaveLength(1);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('waits for the others too when the way of the first one to it opens late', async () => {
    const harness = await aDrainingApp();
    const drained = drainingTasks(harness);
    harness.crash();
    await harness.start();
    await harness.clock.advance(10_000);
    expect(harness.cluster.running()).toHaveLength(2);

    await beat(harness, 2, drained);
    harness.engine.reportRouter('router-2', { appliedSequence: 0, drainedTasks: [] });
    await beat(harness, 4, drained);
    expect(harness.cluster.running()).toHaveLength(2);
    await beat(harness, 4, drained);

    expect(harness.cluster.running()).toHaveLength(1);
  });

  it('the deadline holds while the routers are unknown', async () => {
    const labels = { HAPROXY_GROUP: 'external', PACER_DRAIN_SECONDS: '2' };
    const harness = new EngineHarness();
    await harness.start();
    await harness.put({ ...ROUTED, labels });
    await harness.clock.advance(500);

    await harness.put({ ...ROUTED, labels, instances: 1 });
    await harness.clock.advance(3_000);

    expect(harness.cluster.running()).toHaveLength(1);
  });
});
