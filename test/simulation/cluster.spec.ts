import { describe } from 'vitest';
import { isCalmSeed } from './report.js';
import { testSeeds } from './seeds.js';
import { simulate } from './simulate.js';

describe('a cluster keeps its promises whatever fails, and then converges', () => {
  testSeeds({
    kind: 'cluster',
    count: 300,
    share: { index: 0, of: 1 },
    run: (seed) => simulate({ seed, isCalm: isCalmSeed(seed) }),
  });
});
