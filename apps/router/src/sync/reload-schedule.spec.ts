import { describe, expect, it } from 'vitest';
import { nextReloadAt } from './reload-schedule.js';

describe('nextReloadAt', () => {
  it('waits only for company after a quiet time', () => {
    const situation = { nowMs: 50_000, lastReloadMs: 1_000, oldWorkers: 9 };

    expect(nextReloadAt(situation)).toBe(50_030);
    expect(nextReloadAt({ ...situation, lastReloadMs: undefined })).toBe(50_030);
  });

  it('keeps reloads a second apart, and ten while old workers pile up', () => {
    const situation = { nowMs: 50_000, lastReloadMs: 49_900 };

    expect(nextReloadAt({ ...situation, oldWorkers: 4 })).toBe(50_900);
    expect(nextReloadAt({ ...situation, oldWorkers: 5 })).toBe(59_900);
  });

  it('leaves an old worker its hard stop before HAProxy counts it out', () => {
    const HARD_STOP_MS = 60_000;
    const MAX_RELOADS = 20;
    let reloads = 0;

    // Each reload leaves a worker that stays for all of it.
    for (let nowMs = 0; nowMs <= HARD_STOP_MS; reloads += 1) {
      nowMs = nextReloadAt({ nowMs, lastReloadMs: nowMs, oldWorkers: reloads });
    }

    expect(reloads).toBeLessThan(MAX_RELOADS);
  });
});
