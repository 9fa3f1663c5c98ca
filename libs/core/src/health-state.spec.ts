import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealthState, judgeHealth, reduceHealth, unknownHealth } from './health-state.js';

const at = (monoMs: number) => ({ epochMs: monoMs, monoMs });
const rule = { graceEndsAtMonoMs: 100, maxConsecutiveFailures: 3 };
const failed = { kind: 'failed', cause: 'HTTP 500' } as const;

describe('reduceHealth', () => {
  it('ignores failures in the grace period until the first success', () => {
    const ignored = reduceHealth(unknownHealth, failed, at(99), rule);
    expect(ignored.effects).toEqual([]);

    const passed = reduceHealth(ignored.state, { kind: 'passed' }, at(99), rule);
    const counted = reduceHealth(passed.state, failed, at(99), rule);
    expect(counted.state.consecutiveFailures).toBe(1);
  });

  it('condemns at exactly the maximum, once', () => {
    let state: HealthState = unknownHealth;
    const condemned: number[] = [];
    for (let count = 1; count <= 6; count += 1) {
      const result = reduceHealth(state, failed, at(200), rule);
      if (result.effects.some(({ kind }) => kind === 'condemned')) condemned.push(count);
      state = result.state;
    }

    expect(condemned).toEqual([3]);
  });

  it('never condemns when the maximum is 0', () => {
    const never = { ...rule, maxConsecutiveFailures: 0 };
    let state: HealthState = unknownHealth;
    for (let count = 0; count < 50; count += 1) {
      const result = reduceHealth(state, failed, at(200), never);
      expect(result.effects.map(({ kind }) => kind)).not.toContain('condemned');
      state = result.state;
    }
  });

  it('is alive exactly when the last counted result passed', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (results) => {
        let state: HealthState = unknownHealth;
        for (const passed of results) {
          const event = passed ? ({ kind: 'passed' } as const) : failed;
          const next = reduceHealth(state, event, at(200), rule);
          expect(next.state.alive).toBe(passed);
          expect(next.state.consecutiveFailures === 0).toBe(passed);
          state = next.state;
        }
      }),
    );
  });
});

describe('judgeHealth', () => {
  const alive = reduceHealth(unknownHealth, { kind: 'passed' }, at(1), rule).state;
  const dead = reduceHealth(unknownHealth, failed, at(200), rule).state;
  const early = reduceHealth(unknownHealth, failed, at(1), rule).state;

  it('needs every check to pass', () => {
    expect(judgeHealth([])).toBe('healthy');
    expect(judgeHealth([alive, alive])).toBe('healthy');
    expect(judgeHealth([alive, dead])).toBe('unhealthy');
    expect(judgeHealth([alive, early])).toBe('pending');
    expect(judgeHealth([alive, undefined])).toBe('unknown');
    expect(judgeHealth([undefined, dead])).toBe('unhealthy');
  });
});
