import { expect, it } from 'vitest';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

it('subscribes again for the offers of a new role, and touches no task', async () => {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(anApp('/web', { instances: 2 }));
  await harness.clock.advance(2_000);
  const before = [...harness.cluster.tasks.keys()];

  await harness.put(anApp('/dev/web', { role: 'dev', instances: 2 }));
  await harness.clock.advance(10_000);

  expect(harness.conditions('/dev/web')).toEqual(['Running', 'Running']);
  expect(harness.cluster.roles).toEqual(['*', 'dev']);
  expect([...harness.cluster.tasks.keys()].slice(0, 2)).toEqual(before);
  expect(harness.eventTypes().filter((type) => type.startsWith('scheduler_'))).toEqual([
    'scheduler_registered_event',
    'scheduler_disconnected_event',
    'scheduler_reregistered_event',
  ]);
});

it('subscribes once for many new roles, and not for those it has', async () => {
  const harness = new EngineHarness();
  await harness.start();

  for (const role of ['*', 'dev', 'prod', 'test']) {
    await harness.put(anApp(`/${role === '*' ? 'web' : role}/web`, { role }));
  }
  await harness.clock.advance(10_000);
  await harness.put(anApp('/prod/web', { role: 'prod', cmd: 'sleep 2' }));
  await harness.clock.advance(10_000);

  expect(harness.cluster.running()).toHaveLength(4);
  const ends = harness.eventTypes().filter((type) => type === 'scheduler_disconnected_event');
  expect(ends).toHaveLength(1);
  expect(harness.engine.view.masterUrl()).toBe('master:5050');
});

it.each(['service', 'daemon'] as const)(
  'spreads over all agents, which the roles nothing waits in would share, beside a %s',
  async (workload) => {
    const harness = new EngineHarness(
      [1, 2, 3].map((at) => ({ id: `agent-${at}`, hostname: `host-${at}`, cpus: 8 })),
    );
    harness.cluster.sharesAgents = true;
    await harness.start();
    await harness.put(anApp('/dev/web', { role: 'dev', cpus: 0.1, workload }));
    await harness.put(anApp('/first'));
    await harness.clock.advance(20_000);

    await harness.put(anApp('/web', { instances: 3, cpus: 0.1 }));
    await harness.clock.advance(2_000);

    const placements = [...harness.cluster.tasks.values()]
      .filter(({ info }) => info.task_id.value.startsWith('web.'))
      .map(({ agentId }) => agentId);
    expect(placements.sort()).toEqual(['agent-1', 'agent-2', 'agent-3']);
  },
);
