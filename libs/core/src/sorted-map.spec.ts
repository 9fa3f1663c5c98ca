import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedMap } from './sorted-map.js';

const keys = fc.integer({ min: 0, max: 600 }).map((number) => `/${number}`);
const steps = fc.array(
  fc.record({ key: keys, value: fc.option(fc.nat(), { nil: undefined, freq: 3 }) }),
  { maxLength: 1_500 },
);

describe('SortedMap', () => {
  it('answers like a map that is copied and sorted for each change', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, fc.nat()), { maxLength: 600 }), steps, (start, list) => {
        const model = new Map(start);
        let map = SortedMap.from(start);
        for (const { key, value } of list) {
          if (value === undefined) model.delete(key);
          else model.set(key, value);
          map = value === undefined ? map.without(key) : map.with(key, value);
          expect(map.size).toBe(model.size);
          expect(map.get(key)).toBe(value);
          expect(map.has(key)).toBe(value !== undefined);
        }
        const sorted = [...model].sort(([left], [right]) => (left < right ? -1 : 1));
        expect([...map]).toEqual(sorted);
        expect([...map.keys()]).toEqual(sorted.map(([key]) => key));
        expect([...map.values()]).toEqual(sorted.map(([, value]) => value));
        expect([...map.between('/2', '/4')]).toEqual(
          sorted.filter(([key]) => key >= '/2' && key < '/4'),
        );
        expect([...map.between('/5')]).toEqual(sorted.filter(([key]) => key >= '/5'));
      }),
      { numRuns: 50 },
    );
  });

  it('leaves earlier versions as they were', () => {
    const before = SortedMap.from<number, string>(
      Array.from({ length: 1_000 }, (_, key) => [key, 'old']),
    );

    const after = before.with(500, 'new').without(7).with(2_000, 'new');

    expect([...before.values()].every((value) => value === 'old')).toBe(true);
    expect(before.size).toBe(1_000);
    expect([after.get(500), after.has(7), after.get(2_000), after.size]).toEqual([
      'new',
      false,
      'new',
      1_000,
    ]);
  });

  it('tells what was put since an earlier version without looking at everything', () => {
    const before = SortedMap.from<number, number>(
      Array.from({ length: 10_000 }, (_, key) => [key, key]),
    );

    const since = [...before.with(77, -1).with(20_000, -2).without(5_000).valuesSince(before)];

    expect(since).toEqual(expect.arrayContaining([-1, -2]));
    expect(since.length).toBeLessThan(500);
    expect([...before.valuesSince(before)]).toEqual([]);
  });

  it('is the very same when nothing changes', () => {
    const map = SortedMap.from<string, number>([['a', 1]]);

    expect(map.with('a', 1)).toBe(map);
    expect(map.without('b')).toBe(map);
  });
});
