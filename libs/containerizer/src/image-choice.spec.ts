import { describe, expect, it } from 'vitest';
import { chooseImages } from './image-choice.js';

const NOW_MS = 10_000_000;
const image = (reference: string, unusedMs: number) => ({
  ...{ reference, id: `id-${reference}` },
  usedAtMs: NOW_MS - unusedMs,
});
const choose = (maxUnusedMs: number, maxDiskPercent: number) =>
  chooseImages(
    [
      image('just', 1_000),
      image('middle', 500_000),
      image('old', 5_000_000),
      image('used', 6_000_000),
      { reference: 'pulling', usedAtMs: 0 },
    ],
    {
      ...{ nowMs: NOW_MS, bounds: { maxUnusedMs, maxDiskPercent } },
      isUsed: ({ reference }) => reference === 'used',
    },
  ).map(({ record, isTooOld }) => [record.reference, isTooOld]);

describe('images to remove', () => {
  it('are the old ones, and where space may be short the others, least recently used first', () => {
    expect(choose(1_000_000, 85)).toEqual([
      ['old', true],
      ['middle', false],
    ]);
  });

  it('are the old ones only where space does not count, and none without an age', () => {
    expect(choose(1_000_000, 100)).toEqual([['old', true]]);
    expect(choose(0, 100)).toEqual([]);
  });
});
