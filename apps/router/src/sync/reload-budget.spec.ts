import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderStructure, toEdgeModel } from '#routing';
import { sampleSettings } from '../../../../test/support/edge-samples.js';
import { HARD_STOP_SECONDS } from '../edge-settings.js';
import { ReloadBudget } from './reload-budget.js';

const NOT_FORCED = { isForced: false };

describe('ReloadBudget', () => {
  it('waits only for company after a quiet time', () => {
    const budget = new ReloadBudget();
    expect(budget.nextMs(50_000, NOT_FORCED)).toBe(50_030);

    budget.note(50_000);

    expect(budget.nextMs(60_000, NOT_FORCED)).toBe(60_030);
  });

  it('lets two follow one another, then makes them wait', () => {
    const budget = new ReloadBudget();
    const at: number[] = [];
    for (let nowMs = 0; at.length < 5; ) {
      nowMs = budget.nextMs(nowMs, NOT_FORCED);
      budget.note(nowMs);
      at.push(nowMs);
    }

    expect(at).toEqual([30, 1_030, 2_130, 4_230, 6_330]);
  });

  it('has no more than 30 in any minute, whenever they are asked for', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 40, maxLength: 120 });
    fc.assert(
      fc.property(pauses, (gaps) => {
        const budget = new ReloadBudget();
        const at: number[] = [];
        let nowMs = 0;
        for (const gap of gaps) {
          nowMs = budget.nextMs(nowMs + gap, NOT_FORCED);
          budget.note(nowMs);
          at.push(nowMs);
        }
        for (const [index, ms] of at.entries()) {
          expect((at[index + 30] ?? Infinity) - ms).toBeGreaterThanOrEqual(60_000);
          expect((at[index + 1] ?? Infinity) - ms).toBeGreaterThanOrEqual(1_000);
        }
      }),
    );
  });

  it('leaves an old worker its hard stop before HAProxy counts it out', () => {
    const text = renderStructure(toEdgeModel({ routes: [], conflicts: [] }), sampleSettings);
    const counted = Number(/mworker-max-reloads (\d+)/.exec(text)?.[1]);
    const budget = new ReloadBudget();
    let reloads = 0;
    for (let nowMs = 0; nowMs <= HARD_STOP_SECONDS * 1_000; reloads += 1) {
      nowMs = budget.nextMs(nowMs, NOT_FORCED);
      budget.note(nowMs);
    }

    expect(reloads).toBeLessThan(counted);
  });

  it('gives an operator one each second', () => {
    const budget = new ReloadBudget();
    for (let nowMs = 0; nowMs < 60_000; nowMs += 1_000) {
      expect(budget.nextMs(nowMs, { isForced: true })).toBe(nowMs);
      budget.note(nowMs);
    }
    expect(budget.nextMs(59_500, { isForced: true })).toBe(60_000);
  });
});
