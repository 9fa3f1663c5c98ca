import { expect, it } from 'vitest';
import { appId, type HealthCheck } from '#core';
import { aHealthCheck, anApp } from '../../../../test/support/store-fixtures.js';
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

it('shows what a check saw, and counts no result of health that stands in its status', async () => {
  const healthCheck: HealthCheck = aHealthCheck({
    protocol: 'MESOS_TCP',
    port: 80,
    intervalSeconds: 60,
  });
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(anApp('/web', { instances: 1, healthChecks: [healthCheck] }));
  await harness.clock.advance(2_000);
  const task = harness.cluster.running()[0]?.info.task_id.value ?? '';
  const sight = { healthy: false, message: 'connection refused' };
  harness.cluster.report(task, 'TASK_RUNNING', {
    ...sight,
    reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
  });

  for (const exit_code of [1, 2, 3]) {
    harness.cluster.report(task, 'TASK_RUNNING', {
      ...sight,
      reason: 'REASON_TASK_CHECK_STATUS_UPDATED',
      check_status: { type: 'COMMAND', command: { exit_code } },
    });
  }
  await harness.clock.advance(100);

  const [view] = harness.engine.view.instancesOf(appId('/web'));
  expect(view?.checkResult).toEqual({ command: { exitCode: 3 } });
  expect(view?.health.map(({ consecutiveFailures }) => consecutiveFailures)).toEqual([1]);
});

it('launches nothing for an instance that came back before it was looked at again', async () => {
  const harness = new EngineHarness(undefined, { evaluationDelayMs: 50 });
  await harness.start();
  const unreachableStrategy = { inactiveAfterSeconds: 0, expungeAfterSeconds: 600 };
  await harness.put(anApp('/web', { instances: 2, unreachableStrategy }));
  await harness.clock.advance(2_000);
  const task = harness.cluster.running()[0]?.info.task_id.value ?? '';
  harness.cluster.away.add('agent-1');
  harness.cluster.report(task, 'TASK_UNREACHABLE');
  await harness.clock.advance(2_000);
  expect(harness.engine.view.queue().map(({ count }) => count)).toEqual([1]);

  harness.cluster.away.clear();
  harness.cluster.report(task, 'TASK_RUNNING');
  harness.cluster.calls.length = 0;
  harness.cluster.planRound();
  await harness.clock.advance(2_000);

  expect(harness.cluster.calls).toContain('DECLINE');
  expect(harness.cluster.calls).not.toContain('ACCEPT');
  expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
});
