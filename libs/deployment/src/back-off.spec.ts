import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BackOff, delayLeftMs, growBackOff, touchBackOff } from './back-off.js';

const app = {
  backoffSeconds: 1,
  backoffFactor: 2,
  maxLaunchDelaySeconds: 10,
  versionInfo: { lastScalingAt: 'a', lastConfigChangeAt: 'a' },
};
const at = (monoMs: number) => ({ epochMs: monoMs, monoMs });

describe('back-off', () => {
  it('starts with backoffSeconds and grows by the factor', () => {
    const first = growBackOff(undefined, app, at(0));
    const second = growBackOff(first, app, at(1_000));

    expect(first.delayMs).toBe(1_000);
    expect(second.delayMs).toBe(2_000);
    expect(delayLeftMs(second, app, at(2_000))).toBe(1_000);
  });

  it('is cleared by a change of configuration, not by scaling', () => {
    const backOff = growBackOff(undefined, app, at(0));
    const changed = { ...app, versionInfo: { lastScalingAt: 'b', lastConfigChangeAt: 'b' } };
    const scaled = { ...app, versionInfo: { lastScalingAt: 'b', lastConfigChangeAt: 'a' } };

    expect(delayLeftMs(backOff, changed, at(0))).toBe(0);
    expect(delayLeftMs(backOff, scaled, at(0))).toBe(1_000);
  });

  it('is forgotten maxLaunchDelay after the last progress', () => {
    const backOff = touchBackOff(growBackOff(undefined, app, at(0)), at(5_000));

    expect(growBackOff(backOff, app, at(15_000)).delayMs).toBe(2_000);
    expect(growBackOff(backOff, app, at(15_001)).delayMs).toBe(1_000);
  });

  it('ends early when maxLaunchDelay becomes shorter', () => {
    const backOff = growBackOff(undefined, { ...app, backoffSeconds: 10 }, at(0));

    expect(delayLeftMs(backOff, app, at(2_000))).toBe(8_000);
    expect(delayLeftMs(backOff, { ...app, maxLaunchDelaySeconds: 3 }, at(2_000))).toBe(1_000);
  });

  it('never exceeds maxLaunchDelay and never shrinks while failures go on', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 30 }), (gaps) => {
        let backOff: BackOff | undefined;
        let monoMs = 0;
        for (const gap of gaps) {
          monoMs += gap;
          const next = growBackOff(backOff, app, at(monoMs));
          expect(next.delayMs).toBeLessThanOrEqual(10_000);
          expect(next.delayMs).toBeGreaterThanOrEqual(backOff?.delayMs ?? 0);
          backOff = next;
        }
      }),
    );
  });
});
