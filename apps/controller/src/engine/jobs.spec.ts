import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const JOB = appId('/job');

const aJob = (fields: Partial<App> = {}): App =>
  anApp('/job', { workload: 'job', maxRetries: 1, instances: 2, ...fields });

async function aRunningJob(fields: Partial<App> = {}) {
  const harness = new EngineHarness();
  await harness.start();
  await harness.put(aJob(fields));
  await harness.clock.advance(500);
  return harness;
}

const jobOf = (harness: EngineHarness) => {
  const app = harness.engine.view.root().apps.get(JOB);
  return app === undefined ? undefined : harness.engine.view.workloadOf(app);
};

/** Ends the running task that is oldest. */
async function end(harness: EngineHarness, state: string): Promise<void> {
  const [task] = harness.cluster.running();
  harness.cluster.report(task?.info.task_id.value ?? '', state);
  await harness.clock.advance(5_000);
}

describe('a job', () => {
  it('runs each instance until it has finished, and never again; then its deployment ends', async () => {
    const harness = await aRunningJob();
    expect(harness.cluster.running()).toHaveLength(2);

    await end(harness, 'TASK_FINISHED');
    expect(harness.cluster.running()).toHaveLength(1);
    expect(jobOf(harness)).toEqual({ kind: 'job', completed: 1, failed: 0 });
    expect(harness.engine.view.deployments()[0]?.waitingFor.join()).toMatch(/1 of 2 .* finished/);
    await end(harness, 'TASK_FINISHED');

    expect(harness.cluster.running()).toEqual([]);
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(jobOf(harness)).toEqual({ kind: 'job', completed: 2, failed: 0 });
    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');
  });

  it.each([
    ['TASK_FINISHED', { kind: 'job', completed: 2, failed: 0 }],
    ['TASK_FAILED', { kind: 'job', completed: 1, failed: 1 }],
  ])(
    'that is over with %s is not run again with another number of retries',
    async (state, counts) => {
      const harness = await aRunningJob({ maxRetries: 0 });
      await end(harness, state);
      await end(harness, 'TASK_FINISHED');
      expect(jobOf(harness)).toMatchObject(counts);
      const launches = () => harness.cluster.calls.filter((call) => call === 'ACCEPT').length;
      const before = launches();

      await harness.put(aJob({ maxRetries: 5 }));
      await harness.clock.advance(10_000);

      expect(launches()).toBe(before);
      expect(harness.engine.view.deployments()).toEqual([]);
      expect(jobOf(harness)).toMatchObject(counts);
      expect(harness.engine.view.root().apps.get(JOB)?.maxRetries).toBe(5);
    },
  );

  it('is not run again by another leader', async () => {
    const harness = await aRunningJob();
    await end(harness, 'TASK_FINISHED');
    harness.crash();
    const [left] = harness.cluster.running();
    // It ends while nobody leads: the master tells the next leader.
    harness.cluster.report(left?.info.task_id.value ?? '', 'TASK_FINISHED');
    await harness.clock.advance(1_000);

    await harness.start();
    await harness.clock.advance(10_000);

    expect(jobOf(harness)).toEqual({ kind: 'job', completed: 2, failed: 0 });
    expect(harness.cluster.tasks.size).toBe(0);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('retries what fails as often as it may, then says that it has failed', async () => {
    const harness = await aRunningJob({ instances: 1 });

    await end(harness, 'TASK_FAILED');
    expect(harness.cluster.running()).toHaveLength(1);
    harness.crash();
    await harness.start();
    await end(harness, 'TASK_FAILED');
    await harness.clock.advance(60_000);

    expect(harness.cluster.running()).toEqual([]);
    expect(jobOf(harness)).toMatchObject({
      completed: 0,
      failed: 1,
      failure: expect.stringMatching(/has failed/),
    });
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(await harness.store.listFinishedDeployments(1)).toMatchObject([
      {
        state: 'Failed',
        reason: expect.stringMatching(/1 instance has failed more often than the 1 retries/),
      },
    ]);
    expect(harness.engine.view.failureOf(JOB)?.state).toBe('TASK_FAILED');
    expect(harness.engine.view.queue()).toEqual([]);
  });

  it('spends nothing of the budget of its deployment when it finishes', async () => {
    const harness = await aRunningJob({ instances: 2, rollout: { maxFailures: 0 } });

    await end(harness, 'TASK_FINISHED');
    await end(harness, 'TASK_FINISHED');

    const [ended] = await harness.store.listFinishedDeployments(1);
    expect(ended?.state).toBe('Succeeded');
    expect(ended?.failures).toBeUndefined();
    const { events } = await harness.store.loadHistory(deploymentId(ended?.id ?? ''));
    expect(events.filter(({ kind }) => kind === 'finished')).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  });

  it('runs what was lost again, without counting that as a failure', async () => {
    const harness = await aRunningJob({ instances: 1, maxRetries: 0 });

    await end(harness, 'TASK_UNREACHABLE');
    expect(harness.cluster.running()).toHaveLength(1);
    await end(harness, 'TASK_GONE');
    expect(harness.cluster.running()).toHaveLength(1);
    await end(harness, 'TASK_FINISHED');

    expect(jobOf(harness)).toEqual({ kind: 'job', completed: 1, failed: 0 });
  });

  it('does not run again what was given up for lost, waited for room, and had finished', async () => {
    const agents = [{ id: 'agent-1', hostname: 'host-1', cpus: 1 }];
    // Its room is offered before anybody looks at the job again.
    const harness = new EngineHarness(agents, { evaluationDelayMs: 50 });
    await harness.start();
    const unreachableStrategy = { inactiveAfterSeconds: 0, expungeAfterSeconds: 60 };
    await harness.put(aJob({ instances: 1, cpus: 1, unreachableStrategy }));
    await harness.clock.advance(500);

    await end(harness, 'TASK_UNREACHABLE');
    expect(harness.engine.view.queue()).toMatchObject([{ appId: JOB, count: 1 }]);
    const [task] = harness.cluster.tasks.keys();
    harness.cluster.report(task ?? '', 'TASK_FINISHED');
    await harness.clock.advance(5_000);

    expect(jobOf(harness)).toEqual({ kind: 'job', completed: 1, failed: 0 });
    expect(harness.cluster.calls.filter((call) => call === 'ACCEPT')).toHaveLength(1);
  });

  it('is run again by a restart, and forgotten when it is deleted', async () => {
    const harness = await aRunningJob({ instances: 1 });
    await end(harness, 'TASK_FINISHED');

    await harness.change({}, { restart: [JOB] });
    await harness.clock.advance(1_000);
    expect(jobOf(harness)).toEqual({ kind: 'job', completed: 0, failed: 0 });
    expect(harness.cluster.running()).toHaveLength(1);
    await end(harness, 'TASK_FINISHED');
    expect(harness.engine.view.deployments()).toEqual([]);
    await harness.change({ removeApps: [JOB] });
    await harness.clock.advance(1_000);

    expect((await harness.store.load()).jobs).toEqual([]);
  });
});
