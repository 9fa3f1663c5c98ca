import { expect, it } from 'vitest';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

it('writes nothing when an answer to RECONCILE says what is known', async () => {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(anApp('/web', { instances: 3 }));
  await harness.clock.advance(2_000);
  for (const { info } of harness.cluster.running()) {
    harness.cluster.report(info.task_id.value, 'TASK_RUNNING', { message: 'it serves' });
  }
  await harness.clock.advance(100);
  harness.crash();
  const commits: string[] = [];
  const commit = harness.store.commit.bind(harness.store);
  harness.store.commit = (lease, changes) => {
    commits.push(...changes.map(({ kind }) => kind));
    return commit(lease, changes);
  };
  const before = harness.events.length;

  await harness.start();
  await harness.clock.advance(2_000);

  const stored = await harness.store.load();
  expect(harness.cluster.calls).toContain('RECONCILE');
  expect(harness.engine.unconfirmedCount()).toBe(0);
  expect(stored.instances.map(({ lastMessage }) => lastMessage)).toEqual(
    Array.from({ length: 3 }, () => 'it serves'),
  );
  expect(commits.filter((kind) => kind === 'put-instances')).toEqual([]);
  expect(harness.eventTypes().slice(before)).toEqual(['scheduler_reregistered_event']);
});
