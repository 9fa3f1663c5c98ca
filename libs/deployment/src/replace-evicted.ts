import { restartCapacity } from './capacity.js';
import { type InstanceFacts, isServing } from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import type { RolloutInput } from './rollout-input.js';

/**
 * Moves instances off agents that are about to be taken out of service: their replacements start first while the over
 * capacity has room, and each goes when another one serves in its place; without room, while enough serve without it.
 * What cannot wait any longer goes in any case, see `nextActions`.
 */
export function replaceEvicted(
  input: RolloutInput,
  staying: readonly InstanceFacts[],
): {
  readonly launch: number;
  readonly retire: readonly InstanceFacts[];
  readonly reasons: readonly string[];
  readonly maxCapacity: number;
} {
  const { app } = input;
  const evicted = staying.filter(isEvicted);
  const elsewhere = staying.length - evicted.length;
  const serving = staying.filter(isServing).length;
  const { minHealthy, maxCapacity } = restartCapacity(app);
  const missing = Math.max(0, app.instances - elsewhere);
  const proven = staying.filter((facts) => !isEvicted(facts) && isServing(facts)).length;
  const replaced = proven + evicted.length - app.instances;
  const spare = maxCapacity > app.instances ? 0 : serving - minHealthy;
  return {
    launch: missing,
    retire: selectToKill(evicted, Math.max(0, replaced, spare), {
      killSelection: app.killSelection,
    }),
    maxCapacity,
    reasons: [
      `${evicted.length} ${evicted.length === 1 ? 'instance leaves' : 'instances leave'} an agent that is about to be taken out of service`,
    ],
  };
}

/** Its agent is about to be taken out of service. */
export const isEvicted = (facts: InstanceFacts): boolean => facts.evicted !== undefined;
