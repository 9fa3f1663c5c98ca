import type { SimulationResult } from './simulate.js';

const LINES = 60;

/** Every tenth seed runs without faults, for the promises that hold only then. */
export const isCalmSeed = (seed: number): boolean => seed % 10 === 0;

/** What broke, what led to it, and the one command that shows it again. */
export function describeFailure(result: SimulationResult): string {
  return [
    `seed ${result.seed}: ${result.violation}`,
    `after ${(result.virtualMs / 1000).toFixed(1)} virtual seconds and ${result.steps} steps; the last of them:`,
    ...result.trace(LINES),
    '',
    `replay: PACER_SIM_SEED=${result.seed} npx vitest run --project simulation cluster.spec`,
    '(PACER_SIM_TRACE=5000 prints more of the trace)',
  ].join('\n');
}
