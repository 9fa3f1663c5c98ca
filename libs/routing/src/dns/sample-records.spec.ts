import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sampleRecords } from './sample-records.js';

it('gives as many as there are or as are allowed, each once', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer(), { maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      fc.infiniteStream(random),
      (items, maxRecords, stream) => {
        const picked = sampleRecords(items, { maxRecords, random: () => stream.next().value });

        expect(picked).toHaveLength(Math.min(items.length, maxRecords));
        expect(new Set(picked).size).toBe(picked.length);
        expect(items).toEqual(expect.arrayContaining([...picked]));
      },
    ),
  );
});

it('gives each item a turn, in each place', () => {
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const firsts = new Map<number, number>();
  for (let round = 0; round < 10_000; round += 1) {
    const [first = -1] = sampleRecords([0, 1, 2, 3, 4], { maxRecords: 2, random });
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }

  for (const item of [0, 1, 2, 3, 4]) {
    expect(firsts.get(item)).toBeGreaterThan(1_800);
    expect(firsts.get(item)).toBeLessThan(2_200);
  }
});
