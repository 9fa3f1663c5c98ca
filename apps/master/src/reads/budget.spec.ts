import { describe, expect, it } from 'vitest';
import { Budget } from './budget.js';

function setUp(limitMs: number) {
  let nowMs = 0;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { budget: new Budget(limitMs, () => nowMs), pass };
}

describe('the time for writing a document', () => {
  it('counts what is written, not what is looked at in between', () => {
    const { budget, pass } = setUp(3);

    pass(2);
    budget.spend(() => pass(2));
    expect(budget.isSpent()).toBe(false);
    budget.spend(() => pass(1));

    expect(budget.isSpent()).toBe(true);
  });

  it('is as long as the looking when that took longer', () => {
    const { budget, pass } = setUp(3);

    pass(10);
    budget.spend(() => pass(9));
    expect(budget.isSpent()).toBe(false);
    budget.spend(() => pass(1));

    expect(budget.isSpent()).toBe(true);
  });
});
