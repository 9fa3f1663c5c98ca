import type { SimulationResult } from './simulate.js';

/** Which of the two simulations. */
export type SimulationKind = 'cluster' | 'core';

const LINES = 60;
/** Of seeds that fail beside the one that is described, named at most. */
const MAX_OTHERS = 20;

/** Every tenth seed runs without faults, for the promises that hold only then. */
export const isCalmSeed = (seed: number): boolean => seed % 10 === 0;

/** What broke, what led to it, and the one command that shows it again. */
export function describeFailure(
  result: SimulationResult,
  kind: SimulationKind,
  others: readonly SimulationResult[] = [],
): string {
  const replay = `npm run simulate -- --kind ${kind} --seed ${result.seed} --seeds 1`;
  const named = others.slice(0, MAX_OTHERS).map(({ seed, violation }) => `  ${seed}: ${violation}`);
  return [
    `seed ${result.seed}: ${result.violation}`,
    `after ${(result.virtualMs / 1000).toFixed(1)} virtual seconds and ${result.steps} steps; the last of them:`,
    ...result.trace(LINES),
    '',
    ...(others.length === 0 ? [] : [`${others.length} more seeds fail:`, ...named]),
    `replay: ${replay}`,
    `(${replay} --trace 5000 prints more of the trace)`,
  ].join('\n');
}
