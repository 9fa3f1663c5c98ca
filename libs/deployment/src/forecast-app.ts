import type { App, InstanceId } from '#core';
import { isOutdated } from './app-change.js';
import { type InstanceFacts, isAlive, isLeaving, isStaying } from './instance-facts.js';
import { selectToKill } from './kill-selection.js';

/** What a plan will have done to the instances of one app when it is carried out and nothing else happens. */
export interface AppForecast {
  /** In the order they would be chosen. */
  readonly kill: readonly InstanceId[];
  readonly keep: readonly InstanceId[];
  readonly launch: number;
}

/**
 * Foretells the end of a plan, not its way: which instances are replaced or given up, by the rules of the rollout, and how
 * many are launched. What is on its way out already is neither killed nor kept. O(n log n) in instances, with GROUP_BY
 * O(n * surplus).
 */
export function forecastApp(about: {
  /** The definition aimed at; undefined: the app is removed. */
  readonly target: App | undefined;
  /** Whether the plan acts on the app; without an action its instances stay as they are. */
  readonly isActedOn: boolean;
  readonly instances: readonly InstanceFacts[];
  readonly sentenced?: ReadonlySet<InstanceId>;
}): AppForecast {
  const { target, isActedOn, instances, sentenced } = about;
  const present = instances.filter(
    (facts) => (isAlive(facts) || facts.condition === 'UnreachableInactive') && !isLeaving(facts),
  );
  if (!isActedOn) return { kill: [], keep: idsOf(present), launch: 0 };
  if (target === undefined) return { kill: idsOf(present), keep: [], launch: 0 };
  const outdated = present.filter((facts) => isOutdated(facts.configVersion, target));
  const current = present.filter(
    (facts) => isStaying(facts) && !isOutdated(facts.configVersion, target),
  );
  const sentencedCount = current.filter(({ id }) => sentenced?.has(id) ?? false).length;
  const surplus = selectToKill(
    current,
    Math.max(current.length - target.instances, sentencedCount),
    {
      killSelection: target.killSelection,
      ...(sentenced === undefined ? {} : { sentenced }),
    },
  );
  const replaced = selectToKill(outdated, outdated.length, { killSelection: target.killSelection });
  const killed = new Set(surplus);
  const kept = current.filter((facts) => !killed.has(facts));
  return {
    kill: idsOf([...replaced, ...surplus]),
    keep: idsOf(kept),
    launch: Math.max(0, target.instances - kept.length),
  };
}

const idsOf = (list: readonly InstanceFacts[]): readonly InstanceId[] => list.map(({ id }) => id);
