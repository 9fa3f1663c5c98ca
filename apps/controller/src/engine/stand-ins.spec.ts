import { describe, expect, it } from 'vitest';
import { appId } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const MINUTE_MS = 60_000;
const unreachableStrategy = { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 };
const ONE_MORE = { id: 'agent-2', hostname: 'host-2', cpus: 1_000 };

describe('instances whose agent is away', () => {
  it('are kept as long as nothing can be launched in their stead, and go on when they are back', async () => {
    const { harness, tasks, lose } = await arrange(2);
    lose();

    await harness.clock.advance(10 * MINUTE_MS);
    expect(harness.conditions('/web')).toEqual(['UnreachableInactive', 'UnreachableInactive']);
    expect(harness.engine.view.queue().map(({ count }) => count)).toEqual([2]);
    harness.cluster.away.clear();
    for (const task of tasks) harness.cluster.report(task, 'TASK_RUNNING');
    await harness.clock.advance(MINUTE_MS);

    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
    expect(taskIds(harness)).toEqual(tasks);
    expect(harness.cluster.calls).not.toContain('KILL');
  });

  it('are forgotten as soon as others were launched and one of them serves', async () => {
    const { harness, tasks, lose } = await arrange(2);
    harness.cluster.agents.push(ONE_MORE);
    lose();
    await harness.clock.advance(5_000);

    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
    expect(taskIds(harness).filter((task) => tasks.includes(task))).toEqual([]);
    harness.cluster.away.clear();
    for (const task of tasks) harness.cluster.report(task, 'TASK_RUNNING');
    await harness.clock.advance(MINUTE_MS);
    expect(harness.cluster.running()).toHaveLength(2);
  });

  it('are forgotten when the app was scaled down to those in sight', async () => {
    const { harness, tasks, lose } = await arrange(2);
    lose(1);
    await harness.clock.advance(MINUTE_MS);
    expect(harness.conditions('/web').toSorted()).toEqual(['Running', 'UnreachableInactive']);

    await harness.put(anApp('/web', { instances: 1, unreachableStrategy }));
    await harness.clock.advance(5_000);

    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(taskIds(harness)).toEqual([tasks[1]]);
  });

  it('are given up with their app', async () => {
    const { harness, lose } = await arrange(2);
    lose();
    await harness.clock.advance(MINUTE_MS);

    await harness.put(anApp('/web', { instances: 0, unreachableStrategy }));
    await harness.clock.advance(5_000);

    expect(harness.conditions('/web')).toEqual([]);
    expect([...harness.engine.view.deployments()]).toEqual([]);
  });
});

async function arrange(instances: number) {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(anApp('/web', { instances, unreachableStrategy }));
  await harness.clock.advance(2_000);
  const tasks = taskIds(harness);
  return {
    harness,
    tasks,
    /** The first of them, all unless told; their agent offers nothing any more. */
    lose: (count = instances): void => {
      harness.cluster.away.add('agent-1');
      for (const task of tasks.slice(0, count)) harness.cluster.report(task, 'TASK_UNREACHABLE');
    },
  };
}

const taskIds = (harness: EngineHarness): readonly string[] =>
  harness.engine.view
    .instancesOf(appId('/web'))
    .map(({ instance }) => instance.taskId)
    .toSorted();
