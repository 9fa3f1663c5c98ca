import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.js';
import { describeFailure } from './report.js';
import { ROLLOUT_MUTANTS } from './rollout-mutants.js';
import { simulate } from './simulate.js';

/** How many seeds a bug may hide from. */
const SEEDS = 60;

test.each(Object.entries({ ...MUTANTS, ...ROLLOUT_MUTANTS }))(
  'finds %s',
  async (_what, mutant) => {
    let found: string | undefined;
    let seed = 0;
    while (found === undefined && seed < SEEDS) {
      seed += 1;
      const { violation } = await simulate({ seed, mutant });
      if (violation !== undefined && (mutant.breaks?.test(violation) ?? true)) found = violation;
    }

    if (process.env['PACER_SIM_TRACE'] !== undefined) {
      process.stdout.write(`seed ${seed}: ${found ?? 'nothing found'}\n`);
    }
    expect(found).toBeDefined();
  },
  120_000,
);

test('a failure names what broke and the one command that shows it again', async () => {
  const mutant = MUTANTS['an agent that ends its tasks when it is started again'];
  const result = await simulate({ seed: 1, ...(mutant === undefined ? {} : { mutant }) });

  const text = describeFailure(result, 'cluster');

  expect(text).toContain(`seed 1: ${result.violation}`);
  expect(text).toContain('replay: npm run simulate -- --kind cluster --seed 1 --seeds 1');
});
