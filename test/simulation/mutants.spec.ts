import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.js';
import { simulate } from './simulate.js';

/** How many seeds a bug may hide from. */
const SEEDS = 60;

test.each(Object.entries(MUTANTS))(
  'finds %s',
  async (_what, mutant) => {
    let found: string | undefined;
    let seed = 0;
    while (found === undefined && seed < SEEDS) {
      seed += 1;
      found = (await simulate({ seed, mutant })).violation;
    }

    if (process.env['PACER_SIM_TRACE'] !== undefined) {
      process.stdout.write(`seed ${seed}: ${found ?? 'nothing found'}\n`);
    }
    expect(found).toBeDefined();
  },
  120_000,
);
