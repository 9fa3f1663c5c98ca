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
