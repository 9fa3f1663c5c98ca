import { describe, expect, test } from 'vitest';
import { CORE_MUTANTS } from './mutants.js';
import { ORDER_MUTANTS } from './order-mutants.js';
import { simulateCore } from './simulate-core.js';

/** How many seeds a bug may hide from. */
const SEEDS = 60;
/** A guard against a hang, not a measure. */
const TIMEOUT_MS = 240_000;

describe('the simulation of the cluster core finds', () => {
  test.each(Object.entries(CORE_MUTANTS))(
    '%s',
    async (_what, mutant) => {
      let found: string | undefined;
      let seed = 0;
      while (found === undefined && seed < SEEDS) {
        seed += 1;
        found = (await simulateCore({ seed, mutant })).violation;
      }

      if (process.env['PACER_SIM_TRACE'] !== undefined) {
        process.stdout.write(`seed ${seed}: ${found ?? 'nothing found'}\n`);
      }
      expect(found).toBeDefined();
    },
    TIMEOUT_MS,
  );
});

test('there are twenty bugs at least, five of them in the order of effects', () => {
  expect(Object.keys(CORE_MUTANTS).length).toBeGreaterThanOrEqual(20);
  expect(Object.keys(ORDER_MUTANTS).length).toBeGreaterThanOrEqual(5);
});
