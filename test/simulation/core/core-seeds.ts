import { describe } from 'vitest';
import { testSeeds } from '../seeds.js';
import { simulateCore } from './simulate-core.js';

/** As many as CI has time for. */
const SEEDS = 800;
const FILES = 4;

/** The n-th of the four files that share the seeds of the cluster core. */
export function testCoreSeeds(index: number): void {
  describe('a cluster core keeps its promises whatever fails, and then serves every demand', () => {
    testSeeds({
      kind: 'core',
      count: SEEDS,
      share: { index, of: FILES },
      run: (seed) => simulateCore({ seed }),
    });
  });
}
