import type { AgentId } from '#core';
import { REFUSAL_REASONS, type Refusal, type RefusalReason } from '#matcher';

/** Agents whose last answer is kept per app. */
const MAX_LAST_OFFERS = 1_000;

/** How offers fared with one waiting app, since it began to wait. */
export interface QueueStatistics {
  processed: number;
  unused: number;
  lastUsedEpochMs?: number;
  lastUnusedEpochMs?: number;
  /** Refusals since it began to wait, by reason. */
  readonly attempt: Map<RefusalReason, number>;
  /** The last answer of each agent; `undefined`: it was used. */
  readonly last: Map<AgentId, Refusal | undefined>;
}

export const newQueueStatistics = (): QueueStatistics => ({
  processed: 0,
  unused: 0,
  attempt: new Map(),
  last: new Map(),
});

/** Notes one offer. `refusal` absent: the app used it. */
export function noteOffer(
  statistics: QueueStatistics,
  agent: AgentId,
  refusal: Refusal | undefined,
  nowEpochMs: number,
): void {
  statistics.processed += 1;
  statistics.last.delete(agent);
  statistics.last.set(agent, refusal);
  if (statistics.last.size > MAX_LAST_OFFERS) {
    const [oldest] = statistics.last.keys();
    if (oldest !== undefined) statistics.last.delete(oldest);
  }
  if (refusal === undefined) {
    statistics.lastUsedEpochMs = nowEpochMs;
    return;
  }
  statistics.unused += 1;
  statistics.lastUnusedEpochMs = nowEpochMs;
  statistics.attempt.set(refusal.reason, (statistics.attempt.get(refusal.reason) ?? 0) + 1);
}

export interface FunnelStage {
  readonly reason: string;
  readonly declined: number;
  readonly processed: number;
}

/** Per reason, in funnel order, how many offers got that far and how many were declined there. */
export function toFunnel(
  total: number,
  declinedBy: ReadonlyMap<RefusalReason, number>,
): readonly FunnelStage[] {
  let left = total;
  return REFUSAL_REASONS.map((reason) => {
    const declined = declinedBy.get(reason) ?? 0;
    const stage = { reason, declined, processed: left };
    left -= declined;
    return stage;
  });
}

export function lastOffersByReason(
  statistics: QueueStatistics,
): ReadonlyMap<RefusalReason, number> {
  const counts = new Map<RefusalReason, number>();
  for (const refusal of statistics.last.values()) {
    if (refusal !== undefined) counts.set(refusal.reason, (counts.get(refusal.reason) ?? 0) + 1);
  }
  return counts;
}

/** `14 of 20 agents: InsufficientCpus (needs 2 cpus, 0.5 are left)`, most frequent first. */
export function explainRefusals(statistics: QueueStatistics | undefined): string {
  if (statistics === undefined || statistics.last.size === 0) return 'no offer has arrived yet';
  const details = new Map<RefusalReason, string>();
  for (const refusal of statistics.last.values()) {
    if (refusal !== undefined) details.set(refusal.reason, refusal.detail);
  }
  const parts = [...lastOffersByReason(statistics)]
    .sort(([, left], [, right]) => right - left)
    .map(
      ([reason, count]) =>
        `${count} of ${statistics.last.size} agents: ${reason} (${details.get(reason) ?? ''})`,
    );
  return parts.length === 0 ? 'the last offers were used' : parts.join('; ');
}
