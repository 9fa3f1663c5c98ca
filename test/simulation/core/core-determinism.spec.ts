import { expect, test } from 'vitest';
import { simulateCore } from './simulate-core.js';

test.each([1, 2, 3, 4, 5])(
  'seed %i gives the same trace twice',
  async (seed) => {
    const once = await simulateCore({ seed });
    const again = await simulateCore({ seed });

    expect(again.hash).toBe(once.hash);
    expect(again.trace(20)).toEqual(once.trace(20));
    expect(again.steps).toBe(once.steps);
  },
  60_000,
);

test('different seeds give different traces', async () => {
  const hashes = new Set<string>();
  for (const seed of [1, 2, 3]) hashes.add((await simulateCore({ seed })).hash);

  expect(hashes.size).toBe(3);
}, 60_000);
