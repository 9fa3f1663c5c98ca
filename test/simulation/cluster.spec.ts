import { describe, expect, test } from 'vitest';
import { describeFailure, isCalmSeed } from './report.js';
import { simulate } from './simulate.js';

const one = process.env['PACER_SIM_SEED'];
const first = Number(process.env['PACER_SIM_FIRST'] ?? 1);
const count = Number(process.env['PACER_SIM_COUNT'] ?? 500);
const traceLines = Number(process.env['PACER_SIM_TRACE'] ?? 0);
/** Seeds in one test: enough tests to see how far it is, few enough to read. */
const BLOCK = 50;
/** A guard against a hang, not a measure. */
const TIMEOUT_MS = 600_000;

async function run(seed: number): Promise<void> {
  const result = await simulate({ seed, isCalm: isCalmSeed(seed) });
  if (traceLines > 0) process.stdout.write(`${result.trace(traceLines).join('\n')}\n`);
  if (result.violation !== undefined) throw new Error(describeFailure(result));
  expect(result.acceptedChanges).toBeGreaterThan(0);
}

describe('a cluster keeps its promises whatever fails, and then converges', () => {
  if (one !== undefined) {
    test(`with seed ${one}`, () => run(Number(one)), TIMEOUT_MS);
    return;
  }
  for (let from = first; from < first + count; from += BLOCK) {
    const to = Math.min(from + BLOCK, first + count) - 1;
    test(
      `with seeds ${from} to ${to}`,
      async () => {
        for (let seed = from; seed <= to; seed += 1) await run(seed);
      },
      TIMEOUT_MS,
    );
  }
});
