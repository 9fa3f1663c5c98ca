import { expect, it } from 'vitest';
import { toOffer } from './fake-offers.test-support.js';
import { toMatchableOffer } from './matchable-offer.js';

const WINDOW_MS = 1_000_000;
const wire = toOffer(
  'o1',
  { id: 'a1', hostname: 'h-1', cpus: 1 },
  { cpus: 1, ports: [], role: '*', reserved: [] },
);
const nanoseconds = WINDOW_MS * 1_000_000;

it('an agent takes nothing from 5 min before its maintenance window to its end, if it has one', () => {
  const window = { start: { nanoseconds }, duration: { nanoseconds } };
  const endless = { start: { nanoseconds } };
  const isOut = (unavailability: typeof window | typeof endless, nowEpochMs: number): boolean =>
    toMatchableOffer({ ...wire, unavailability }, nowEpochMs).isInMaintenance === true;

  const moments = [WINDOW_MS - 300_001, WINDOW_MS - 300_000, 2 * WINDOW_MS - 1, 2 * WINDOW_MS];

  expect(moments.map((now) => isOut(window, now))).toEqual([false, true, true, false]);
  expect(moments.map((now) => isOut(endless, now))).toEqual([false, true, true, true]);
  expect(toMatchableOffer(wire, WINDOW_MS).isInMaintenance).toBeUndefined();
});
