import { describe, expect, it } from 'vitest';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

async function aRunningApp(instances: number) {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(anApp('/web', { instances }));
  await harness.clock.advance(2_000);
  return harness;
}

describe('a framework the master has removed', () => {
  it('is registered anew by the next start, which replaces its tasks without delay', async () => {
    const harness = await aRunningApp(30);
    const before = [...harness.cluster.tasks.keys()];

    harness.cluster.removeFramework('framework-1');
    await harness.clock.advance(1_000);
    const reason = harness.fatal.map(({ message }) => message);
    const stored = await harness.store.load();
    await harness.start();
    await harness.clock.advance(2_000);

    expect(reason).toEqual(['the master refused this framework: Framework has been removed']);
    expect([stored.frameworkId, stored.instances]).toEqual([undefined, []]);
    expect(harness.engine.view.frameworkId()).toBe('framework-2');
    expect(harness.conditions('/web')).toEqual(Array.from({ length: 30 }, () => 'Running'));
    expect(before.filter((id) => harness.cluster.tasks.has(id))).toEqual([]);
    expect(harness.fatal).toHaveLength(1);
  });

  it('is also found removed when it subscribes after it was away', async () => {
    const harness = await aRunningApp(2);
    harness.crash();
    harness.cluster.removeFramework('framework-1');

    await harness.start();
    const isEnded = !harness.isRunning;
    await harness.start();
    await harness.clock.advance(2_000);

    expect(isEnded).toBe(true);
    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
  });

  it('is forgotten only once that is durable', async () => {
    const harness = await aRunningApp(1);
    harness.leases.setAvailable(false);
    harness.cluster.removeFramework('framework-1');
    await harness.clock.advance(5_000);
    const during = harness.fatal.length;

    harness.leases.setAvailable(true);
    await harness.clock.advance(5_000);

    expect([during, harness.fatal.length]).toEqual([0, 1]);
    expect((await harness.store.load()).frameworkId).toBeUndefined();
  });

  it('keeps its id when another instance of it has taken over', async () => {
    const harness = await aRunningApp(1);

    await harness.cluster.refuse('Framework failed over');

    expect(harness.fatal).toHaveLength(1);
    expect((await harness.store.load()).frameworkId).toBe('framework-1');
  });
});
