import { expect, test } from 'vitest';
import { describeFailure, type SimulationKind } from './report.js';
import type { SimulationResult } from './simulate.js';

/** Seeds in one test: enough tests to see how far it is, few enough to read. */
const BLOCK = 50;
/** A guard against a hang, not a measure. */
const TIMEOUT_MS = 600_000;

/** Which seeds to run; `npm run simulate` sets these (run.mjs). */
const first = Number(process.env['PACER_SIM_FIRST'] ?? 1);
const askedCount = process.env['PACER_SIM_COUNT'];
const traceLines = Number(process.env['PACER_SIM_TRACE'] ?? 0);

/** One test for each block of seeds; the n-th of several files runs each n-th block, so that workers share them. */
export function testSeeds(given: {
  readonly kind: SimulationKind;
  readonly count: number;
  readonly share: { readonly index: number; readonly of: number };
  readonly run: (seed: number) => Promise<SimulationResult>;
}): void {
  const { share, kind, run } = given;
  const count = askedCount === undefined ? given.count : Number(askedCount);
  const blocks: (readonly [number, number])[] = [];
  for (let from = first; from < first + count; from += BLOCK) {
    blocks.push([from, Math.min(from + BLOCK, first + count) - 1]);
  }
  const own = blocks.filter((_, index) => index % share.of === share.index);
  if (own.length === 0) test.skip('the other files have all seeds');
  for (const [from, to] of own) {
    const what = from === to ? `with seed ${from}` : `with seeds ${from} to ${to}`;
    test(what, () => runBlock(from, to, { kind, run }), TIMEOUT_MS);
  }
}

/** Goes through all of them: how many fail tells a lot. */
async function runBlock(
  from: number,
  to: number,
  given: {
    readonly kind: SimulationKind;
    readonly run: (seed: number) => Promise<SimulationResult>;
  },
): Promise<void> {
  const failures: SimulationResult[] = [];
  for (let seed = from; seed <= to; seed += 1) {
    const result = await given.run(seed);
    if (traceLines > 0) process.stdout.write(`${result.trace(traceLines).join('\n')}\n`);
    if (result.violation !== undefined) failures.push(result);
    else expect(result.acceptedChanges).toBeGreaterThan(0);
  }
  const [worst, ...others] = failures;
  if (worst === undefined) return;
  throw new Error(describeFailure(worst, given.kind, others));
}
