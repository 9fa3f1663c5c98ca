import { describe, expect, it } from 'vitest';
import { nextRestartDelay } from './restart-delay.js';

describe('nextRestartDelay', () => {
  it('restarts fast once, then doubles up to ten seconds', () => {
    const delays: number[] = [];
    for (let delay = 0; delays.length < 9; ) {
      delay = nextRestartDelay(delay, 50);
      delays.push(delay);
    }

    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  });

  it('starts afresh after ten seconds alive', () => {
    expect(nextRestartDelay(6_400, 10_000)).toBe(100);
  });
});
