import type { App, InstanceCondition, InstanceId } from '#core';
import type { InstanceFacts } from './instance-facts.js';

/** Lighter ones go first. */
const WEIGHTS: Partial<Record<InstanceCondition, number>> = {
  Unreachable: 1,
  Provisioned: 2,
  Staging: 2,
  Starting: 3,
  Running: 4,
};
const OTHER_WEIGHT = 5;

/**
 * Chooses `count` instances to give up: sentenced ones, then those whose agent is about to go, then condemned ones, then
 * from the largest GROUP_BY group, then by condition (Unreachable, Staging, Starting, Running), then, without GROUP_BY, from
 * the agent that has most of them, then by age as the app's killSelection says; ties by id. O(n log n), with GROUP_BY
 * O(n * count).
 */
export function selectToKill(
  candidates: readonly InstanceFacts[],
  count: number,
  options: {
    readonly killSelection: App['killSelection'];
    readonly sentenced?: ReadonlySet<InstanceId>;
  },
): readonly InstanceFacts[] {
  if (count <= 0) return [];
  const sorted = [...candidates].sort(compareFacts(options));
  if (!sorted.some((facts) => (facts.groups?.length ?? 0) > 0)) {
    return evenByAgent(sorted, options.sentenced).slice(0, count);
  }
  return selectEvenly(sorted, count, options.sentenced ?? new Set());
}

function compareFacts(options: {
  readonly killSelection: App['killSelection'];
  readonly sentenced?: ReadonlySet<InstanceId>;
}): (left: InstanceFacts, right: InstanceFacts) => number {
  const direction = options.killSelection === 'OLDEST_FIRST' ? 1 : -1;
  return (left, right) =>
    rank(left, options.sentenced) - rank(right, options.sentenced) ||
    weight(left) - weight(right) ||
    direction * (left.stagedAtEpochMs - right.stagedAtEpochMs) ||
    (left.id < right.id ? -1 : 1);
}

const LAST_RANK = 3;

function rank(facts: InstanceFacts, sentenced: ReadonlySet<InstanceId> | undefined): number {
  if (sentenced?.has(facts.id)) return 0;
  if (facts.evicted !== undefined) return 1;
  return facts.condemned === undefined ? LAST_RANK : 2;
}

/**
 * Orders what is alike but for its age so that each time the agent with most of the app gives one up: with the others of
 * its agent counted, an instance's turn comes when so many are left there.
 */
function evenByAgent(
  sorted: readonly InstanceFacts[],
  sentenced: ReadonlySet<InstanceId> | undefined,
): readonly InstanceFacts[] {
  const left = new Map<string, number>();
  for (const { agentId = '' } of sorted) left.set(agentId, (left.get(agentId) ?? 0) + 1);
  if (left.size < 2) return sorted;
  const turns = sorted.map((facts) => {
    const { agentId = '' } = facts;
    const remaining = left.get(agentId) ?? 1;
    left.set(agentId, remaining - 1);
    return { facts, remaining: agentId === '' ? 1 : remaining };
  });
  return turns
    .sort(
      (one, other) =>
        rank(one.facts, sentenced) - rank(other.facts, sentenced) ||
        weight(one.facts) - weight(other.facts) ||
        other.remaining - one.remaining,
    )
    .map(({ facts }) => facts);
}

const weight = (facts: InstanceFacts): number => WEIGHTS[facts.condition] ?? OTHER_WEIGHT;

/** Takes from whichever group is largest at the moment, so that GROUP_BY groups stay even. */
function selectEvenly(
  sorted: readonly InstanceFacts[],
  count: number,
  sentenced: ReadonlySet<InstanceId>,
): readonly InstanceFacts[] {
  const left = [...sorted];
  const sizes = new Map<string, number>();
  for (const facts of left) {
    const key = groupKey(facts);
    sizes.set(key, (sizes.get(key) ?? 0) + 1);
  }
  const chosen: InstanceFacts[] = [];
  while (chosen.length < count && left.length > 0) {
    let best = 0;
    if (!isFirstChoice(left[0], sentenced)) {
      const largest = Math.max(...sizes.values());
      best = left.findIndex((facts) => sizes.get(groupKey(facts)) === largest);
    }
    const [facts] = left.splice(Math.max(best, 0), 1);
    if (facts === undefined) break;
    sizes.set(groupKey(facts), (sizes.get(groupKey(facts)) ?? 1) - 1);
    chosen.push(facts);
  }
  return chosen;
}

const isFirstChoice = (
  facts: InstanceFacts | undefined,
  sentenced: ReadonlySet<InstanceId>,
): boolean => facts !== undefined && rank(facts, sentenced) < LAST_RANK;

const groupKey = (facts: InstanceFacts): string => (facts.groups ?? []).join('\n');
