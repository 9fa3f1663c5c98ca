import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runKey } from '#core';
import { type CheckSchedule, readCheckTimes, startSchedule, takeTurn } from './check-schedule.js';

const RUN = runKey('web', 'a-1');
const times = { delayMs: 15_000, intervalMs: 10_000, timeoutMs: 20_000 };
const started = (nowMs = 0, run = RUN) => startSchedule(times, { run, startedAtMs: 0, nowMs });

test('missing times have the defaults of Mesos, and a timeout of 0 is none', () => {
  expect(readCheckTimes({})).toEqual(times);
  expect(readCheckTimes({ timeout_seconds: 0, interval_seconds: 0 })).toMatchObject({
    intervalMs: 100,
    timeoutMs: 600_000,
  });
});

test('the delay counts from the start of the task, a little later for some so that not all come at once', () => {
  const first = Array.from({ length: 200 }, (_, n) => started(0, runKey('web', `b-${n}`)).dueMs);

  expect(Math.min(...first)).toBeGreaterThanOrEqual(15_000);
  expect(Math.max(...first)).toBeLessThan(16_000);
  expect(new Set(first).size).toBeGreaterThan(190);
});

test('a task found again is checked at the times it would have been checked anyway', () => {
  const { dueMs } = started();

  expect(started(1_000_000).dueMs % 10_000).toBeCloseTo(dueMs % 10_000, 6);
  expect(started(1_000_000).dueMs - 1_000_000).toBeLessThan(10_000);
});

test('one whose time comes while the last is under way is left out', () => {
  const first = takeTurn(started(), 16_000);
  const second = takeTurn(first.schedule, first.schedule.dueMs);
  const third = takeTurn({ ...second.schedule, isUnderWay: false }, second.schedule.dueMs);

  expect([first.isNow, second.isNow, third.isNow]).toEqual([true, false, true]);
});

test('after a suspension nothing is made up for, and each goes on at its own time', () => {
  const { schedule, isNow } = takeTurn(started(), 500_000);

  expect(isNow).toBe(false);
  expect(schedule.dueMs).toBeGreaterThanOrEqual(500_000);
  expect(schedule.dueMs).toBeLessThan(510_000);
});

test('a timer that comes early for a long delay checks nothing yet', () => {
  const { schedule, isNow } = takeTurn(started(), 3_000);

  expect({ schedule, isNow }).toEqual({ schedule: started(), isNow: false });
});

test('whatever the delays of timers and probes, no check comes twice for one time and none drifts', () => {
  const late = fc.array(fc.record({ lateMs: fc.nat(30_000), tookMs: fc.nat(40_000) }));
  fc.assert(
    fc.property(late, (turns) => {
      const phaseMs = started().dueMs % 10_000;
      let schedule: CheckSchedule = started();
      let freeAtMs = 0;
      for (const { lateMs, tookMs } of turns) {
        const nowMs = schedule.dueMs + lateMs;
        const isUnderWay = schedule.isUnderWay && freeAtMs > nowMs;
        const turn = takeTurn({ ...schedule, isUnderWay }, nowMs);
        if (turn.isNow) freeAtMs = nowMs + tookMs;
        expect(turn.isNow && isUnderWay).toBe(false);
        expect(turn.schedule.dueMs).toBeGreaterThan(schedule.dueMs);
        expect(Math.abs((turn.schedule.dueMs % 10_000) - phaseMs)).toBeLessThan(0.001);
        schedule = turn.schedule;
      }
    }),
  );
});
