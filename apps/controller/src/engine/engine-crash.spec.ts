import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const RUNS = 40;

async function converge(harness: EngineHarness): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    if (!harness.isRunning) await harness.start();
    await harness.clock.advance(500);
  }
}

describe('an engine that dies right before any effect', () => {
  it('converges to what was declared after its restart', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom('upgrade', 'scale', 'delete'),
        async (crashAt, instances, change) => {
          const harness = new EngineHarness();
          await harness.start();
          harness.crashAtEffect(crashAt);
          await harness.put(anApp('/web', { instances })).catch(() => undefined);
          await harness.clock.advance(200);
          if (!harness.isRunning) await harness.start();
          const isDeclared = harness.engine.view.root().apps.size === 1;
          const next = anApp('/web', {
            instances: change === 'scale' ? instances + 2 : instances,
            cmd: change === 'upgrade' ? 'sleep 2' : 'sleep 100',
          });
          if (change === 'delete') {
            await harness
              .change({ removeApps: isDeclared ? [next.id] : [] }, { force: true })
              .catch(() => undefined);
          } else await harness.put(next, { force: true }).catch(() => undefined);
          await converge(harness);

          const app = harness.engine.view.root().apps.get(next.id);
          const commands = harness.cluster.running().map(({ info }) => info.command?.value);
          expect(commands).toEqual(Array.from({ length: app?.instances ?? 0 }, () => app?.cmd));
          expect(harness.cluster.tasks.size).toBe(app?.instances ?? 0);
          expect(harness.engine.view.deployments()).toEqual([]);
          expect(harness.fatal.filter(({ message }) => message !== 'crash')).toEqual([]);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

/** Tasks of the job end as told, each when it has run for a while; returns which have finished. */
async function runJob(harness: EngineHarness, ends: readonly string[]): Promise<Set<string>> {
  const finished = new Set<string>();
  let next = 0;
  for (let round = 0; round < 60; round += 1) {
    if (!harness.isRunning) await harness.start();
    await harness.clock.advance(500);
    const [task] = harness.cluster.running().filter(({ info }) => info.name === 'job');
    const agents = harness.cluster.running().filter(({ info }) => info.name !== 'job');
    expect(new Set(agents.map(({ agentId }) => agentId)).size).toBe(agents.length);
    if (task === undefined) continue;
    const id = task.info.task_id.value;
    const state = ends[next] ?? 'TASK_FINISHED';
    next += 1;
    if (state === 'TASK_FINISHED') finished.add(id);
    harness.cluster.report(id, state);
  }
  return finished;
}

describe('an engine that dies right before any effect, twice', () => {
  it('runs each instance of a job to its end once, and a daemon once on each agent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('TASK_FAILED', 'TASK_FINISHED', 'TASK_GONE'), { maxLength: 5 }),
        async (first, second, instances, ends) => {
          const agents = [1, 2].map((at) => ({ id: `a${at}`, hostname: `h${at}`, cpus: 10 }));
          const harness = new EngineHarness(agents);
          await harness.start();
          const job = anApp('/job', { workload: 'job', instances, maxRetries: 5 });
          await harness.put(job);
          await harness.put(anApp('/agent', { workload: 'daemon' }));
          harness.crashAtEffect(first);
          await harness.clock.advance(200);
          if (!harness.isRunning) await harness.start();
          harness.crashAtEffect(second);

          const finished = await runJob(harness, ends);

          expect(finished.size).toBe(instances);
          const { view } = harness.engine;
          expect(view.workloadOf(job)).toEqual({ kind: 'job', completed: instances, failed: 0 });
          expect(
            harness.cluster
              .running()
              .map(({ agentId }) => agentId)
              .sort(),
          ).toEqual(['a1', 'a2']);
          expect(view.deployments()).toEqual([]);
          expect(harness.fatal.filter(({ message }) => message !== 'crash')).toEqual([]);
        },
      ),
      { numRuns: RUNS },
    );
  }, 60_000);
});

describe('an engine that takes over', () => {
  it('ends a deployment that removed an app of which nothing was running', async () => {
    const harness = new EngineHarness();
    await harness.start();
    const app = anApp('/idle', { instances: 0 });
    await harness.put(app);
    await harness.clock.advance(200);
    await harness.change({ removeApps: [app.id] });
    harness.crash();

    await harness.start();
    await harness.clock.advance(200);

    expect(harness.engine.view.root().apps.size).toBe(0);
    expect(harness.engine.view.deployments()).toEqual([]);
  });
});
