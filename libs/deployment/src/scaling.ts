import { plainCapacity } from './capacity.js';
import { type InstanceFacts, isAlive, isLeaving, isServing, isStaying } from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import { replaceCondemned } from './replace-condemned.js';
import { isEvicted, replaceEvicted } from './replace-evicted.js';
import type { RolloutDecision, RolloutInput } from './rollout-input.js';

/**
 * Brings the count to the target (Marathon 3.4): gives up the surplus by kill selection, launches what is missing
 * while no more than maxCapacity exist (what is still ending counts), and replaces condemned instances and those on
 * agents that are about to be taken out of service. That move does not keep a scale from being finished.
 */
export function scaleApp(input: RolloutInput): RolloutDecision {
  const { app, instances, sentenced } = input;
  const alive = instances.filter(isAlive);
  const staying = alive.filter(isStaying);
  const sound = staying.filter((facts) => facts.condemned === undefined);
  const sentencedCount = staying.filter((facts) => sentenced?.has(facts.id) ?? false).length;
  if (sound.length < staying.length && sound.length <= app.instances && sentencedCount === 0) {
    const replacement = replaceCondemned(input, staying, sound);
    return conclude(input, alive, replacement);
  }
  const evicted = staying.filter(isEvicted);
  const isMoving = evicted.length > 0 && staying.length - evicted.length <= app.instances;
  if (isMoving && sentencedCount === 0) {
    return conclude(input, alive, replaceEvicted(input, staying));
  }
  const retire = selectToKill(staying, Math.max(staying.length - app.instances, sentencedCount), {
    killSelection: app.killSelection,
    ...(sentenced === undefined ? {} : { sentenced }),
  });
  const missing = app.instances - (staying.length - retire.length);
  return conclude(input, alive, { launch: missing, retire, reasons: [] });
}

function conclude(
  { app }: RolloutInput,
  alive: readonly InstanceFacts[],
  decided: {
    readonly launch: number;
    readonly retire: readonly InstanceFacts[];
    readonly reasons: readonly string[];
    readonly maxCapacity?: number;
  },
): RolloutDecision {
  const { maxCapacity = plainCapacity(app).maxCapacity } = decided;
  const launch = Math.max(0, Math.min(decided.launch, maxCapacity - alive.length));
  const serving = alive.filter(isServing).length;
  const evicted = alive.filter((facts) => isStaying(facts) && isEvicted(facts)).length;
  // Nothing is left to do but to move: what leaves its agent still serves, and each may have its replacement beside it.
  const finished =
    serving >= app.instances &&
    alive.length - app.instances <= evicted &&
    decided.retire.length === 0 &&
    alive.every((facts) => !isLeaving(facts));
  const reasons = [...decided.reasons];
  if (serving < app.instances) {
    reasons.push(`${serving} of ${app.instances} instances are running, healthy and ready`);
  }
  if (launch > 0)
    reasons.push(`${launch} ${launch === 1 ? 'instance waits' : 'instances wait'} for an offer`);
  if (launch < decided.launch) {
    reasons.push(`at most ${maxCapacity} instances may exist at once and ${alive.length} do`);
  }
  return {
    launch,
    retire: decided.retire,
    waiting: finished && evicted === 0 ? [] : reasons,
    finished,
  };
}
