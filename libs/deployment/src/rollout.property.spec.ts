import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restartCapacity } from './capacity.js';
import { isAlive } from './instance-facts.js';
import { nextActions } from './rollout.js';
import type { RolloutMode } from './rollout-input.js';
import { anApp, carryOut, happen, Model, NEW, OLD, retire } from './rollout-model.test-support.js';

const aStart = fc.record({
  wanted: fc.integer({ min: 0, max: 8 }),
  old: fc.integer({ min: 0, max: 8 }),
  minimum: fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
  over: fc.constantFrom(0, 0.1, 0.25, 0.5, 1),
  oldHealth: fc.array(
    fc.constantFrom('healthy' as const, 'unhealthy' as const, 'pending' as const),
    {
      minLength: 8,
      maxLength: 8,
    },
  ),
  /** The check is new with this version: what old instances answer to it says nothing. */
  oldReadiness: fc.constantFrom('ready' as const, 'not-ready' as const),
  restartsAt: fc.array(fc.nat(40), { maxLength: 3 }),
  hasRouters: fc.boolean(),
  mode: fc.constantFrom<RolloutMode>('restart', 'scale'),
  chance: fc.infiniteStream(fc.nat(1_000)),
});

describe('a rollout', () => {
  it('never exceeds the maximum, never gives up serving instances below the minimum, and finishes', () => {
    fc.assert(
      fc.property(aStart, (start) => {
        const app = anApp(start.wanted, start.minimum, start.over);
        const model = new Model();
        for (let index = 0; index < start.old; index += 1) {
          const health = start.oldHealth[index] ?? 'healthy';
          const readiness = start.oldReadiness;
          model.add({ configVersion: OLD, condition: 'Running', health, readiness });
        }
        const { maxCapacity, minHealthy } = restartCapacity(app);
        const ceiling = Math.max(maxCapacity, start.old);
        for (let step = 0; step < 400; step += 1) {
          if (start.restartsAt.includes(step)) model.forget();
          const now = { epochMs: step, monoMs: step };
          const { mode, hasRouters } = start;
          const actions = nextActions({ app, mode, instances: model.instances, hasRouters, now });
          if (actions.finished) {
            expect(model.instances.filter(isAlive)).toHaveLength(start.wanted);
            expect(model.instances.every((facts) => facts.configVersion === NEW)).toBe(true);
            return;
          }
          const before = model.serving();
          carryOut(model, actions);
          const after = model.serving();
          expect(after).toBeGreaterThanOrEqual(Math.min(before, minHealthy));
          expect(model.instances.filter(isAlive).length).toBeLessThanOrEqual(ceiling);
          happen(model, start.chance);
        }
        throw new Error(`not finished: ${JSON.stringify(model.instances)}`);
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it('gives the same answer when it is asked again before anything happened', () => {
    fc.assert(
      fc.property(aStart, (start) => {
        const app = anApp(start.wanted, start.minimum, start.over);
        const model = new Model();
        for (let index = 0; index < start.old; index += 1) {
          model.add({ configVersion: OLD, condition: 'Running', health: 'healthy' });
        }
        const { mode, hasRouters } = start;
        const ask = () =>
          nextActions({
            app,
            mode,
            instances: model.instances,
            hasRouters,
            now: { epochMs: 0, monoMs: 0 },
          });

        const first = ask();

        expect(ask()).toEqual(first);
        for (const id of [...first.drain, ...first.kill])
          retire(model, id, first.kill.includes(id));
        const second = ask();
        expect([...second.drain, ...second.kill]).toEqual([]);
      }),
    );
  });
});
