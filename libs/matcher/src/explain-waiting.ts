import { type FoundRefusal, findRefusals, type Lack } from './find-refusals.js';
import { constrainingSites } from './match-offer.js';
import { type MatchableOffer, REFUSAL_REASONS, type RefusalReason } from './offer.js';
import type { RepairContext } from './repair.js';
import {
  type Refuser,
  type Suggestion,
  type SuggestionInput,
  suggestChanges,
} from './suggest-changes.js';

/** What an agent had when it was last offered. */
export interface SeenOffer {
  readonly offer: MatchableOffer;
  readonly seenEpochMs: number;
  /** Offered a moment ago: what it shows is there. An older one may be in use elsewhere by now. */
  readonly isCurrent: boolean;
}

export interface ReasonCount {
  readonly reason: RefusalReason;
  /** Agents that refuse for this reason, whatever their other reasons. */
  readonly agents: number;
  /** Those of them that have no other reason. */
  readonly alone: number;
  /** In words and numbers, from the nearest of them. */
  readonly example?: string;
}

export interface RefusingAgent extends SeenOffer {
  /** All of them, in funnel order. */
  readonly refusals: readonly FoundRefusal[];
}

/** Why instances of one definition wait for an offer. `fitting` and the refusing agents together are all agents. */
export interface WaitExplanation {
  readonly agents: number;
  /** Every reason there is, in funnel order. An agent counts for each of its reasons. */
  readonly reasons: readonly ReasonCount[];
  /** Agents on which an instance would fit, by what they last offered. */
  readonly fitting: readonly SeenOffer[];
  /** The agent that lacks least. */
  readonly nearest?: RefusingAgent;
  /** Smallest first; none while an agent that was offered a moment ago fits. */
  readonly suggestions: readonly Suggestion[];
}

/**
 * Explains why instances wait, from the offers last seen. Of several agents that lack as much the one given first is
 * the nearest. O(agents * constraints * placed).
 */
export function explainWaiting(
  input: SuggestionInput,
  offers: readonly SeenOffer[],
  context: RepairContext,
): WaitExplanation {
  const { app } = input;
  const placed = constrainingSites(app, context.placedOf);
  const fitting: SeenOffer[] = [];
  const refusing: RefusingAgent[] = [];
  for (const seen of offers) {
    const refusals = findRefusals(seen.offer, app, { placed, context });
    if (refusals.length === 0) fitting.push(seen);
    else refusing.push({ ...seen, refusals });
  }
  const nearestFirst = sortByLack(refusing);
  const [nearest] = nearestFirst;
  const willFit = fitting.some(({ isCurrent }) => isCurrent);
  return {
    agents: offers.length,
    reasons: countReasons(nearestFirst),
    fitting,
    ...(nearest === undefined ? {} : { nearest }),
    suggestions: willFit ? [] : suggestChanges(input, nearestFirst, context),
  };
}

function sortByLack(refusing: readonly RefusingAgent[]): readonly (RefusingAgent & Refuser)[] {
  return refusing
    .map((agent) => ({ agent, lack: totalLack(agent.refusals) }))
    .sort(
      (left, right) =>
        Number(right.agent.isCurrent) - Number(left.agent.isCurrent) || left.lack - right.lack,
    )
    .map(({ agent }) => agent);
}

const totalLack = (refusals: readonly FoundRefusal[]): number =>
  refusals.reduce((sum, { lack }) => sum + weigh(lack), 0);

/** Shares of what is needed; what no resource makes good weighs more than any shortage. */
function weigh(lack: Lack): number {
  switch (lack.kind) {
    case 'scalar':
      return (lack.needMilli - lack.haveMilli) / lack.needMilli;
    case 'port-count':
      return (lack.need - lack.have) / lack.need;
    case 'fixed-port':
      return 1;
    case 'constraint':
    case 'accepted-roles':
      return 5;
    case 'role':
    case 'docker':
    case 'maintenance':
      return 20;
    default:
      return lack satisfies never;
  }
}

function countReasons(nearestFirst: readonly RefusingAgent[]): readonly ReasonCount[] {
  const counts = new Map<RefusalReason, { agents: number; alone: number; example: string }>();
  for (const { refusals } of nearestFirst) {
    const examples = new Map<RefusalReason, string>();
    for (const { reason, detail } of refusals) {
      if (!examples.has(reason)) examples.set(reason, detail);
    }
    for (const [reason, detail] of examples) {
      const count = counts.get(reason) ?? { agents: 0, alone: 0, example: detail };
      count.agents += 1;
      if (examples.size === 1) count.alone += 1;
      counts.set(reason, count);
    }
  }
  return REFUSAL_REASONS.map((reason) => ({
    reason,
    ...(counts.get(reason) ?? { agents: 0, alone: 0 }),
  }));
}

/** What an agent lacks: `needs 2 cpus, 1.5 are left on host-3`. */
export const summariseLacks = ({ offer, refusals }: RefusingAgent): string =>
  `${refusals.map(({ detail }) => detail).join('; ')} on ${offer.hostname}`;
