import type { AgentId, App, Now } from '#core';
import { type BackOff, type DaemonFacts, delayLeftMs, growBackOff } from '#deployment';
import type { Refusal } from '#matcher';
import { explainRefusals, newQueueStatistics, noteOffer } from './queue-statistics.js';

/** From the first look at a definition (with a master to ask) until the offers that were asked for are taken to have come, milliseconds. */
export const DISCOVERY_MS = 3_000;
/** An agent that refused since its instance ended may be offered once more with what that one held, milliseconds. */
const REFUSAL_GRACE_MS = 5_000;
/** An agent without any offer for this long after its instance ended is taken to be gone, milliseconds. */
const AGENT_SILENCE_MS = 30_000;
/** What an ended instance held should have been offered by then, milliseconds; if not, offers are asked for. */
const OFFER_PATIENCE_MS = 2_000;
/** Agents remembered at most. */
const MAX_AGENTS = 20_000;

interface Owed {
  /** When its next instance may be launched. */
  readonly dueMonoMs: number;
  refusedMonoMs?: number;
  isAskedFor?: boolean;
}

/**
 * What is known of the agents of one daemon app. In memory only: after a fail-over offers show it anew. It stands where
 * other apps have an entry of the launch queue, which would never become empty.
 */
export class DaemonWatch {
  /** How the last offer of each agent without an instance fared. */
  readonly statistics = newQueueStatistics();
  private readonly owed = new Map<AgentId, Owed>();
  private readonly backOffs = new Map<AgentId, BackOff>();
  private discoveredMonoMs: number | undefined;
  private wasDiscovering = true;

  constructor(
    /** The definition to launch. */
    public app: App,
    private readonly since: Now,
  ) {}

  /** There is a master to get offers from: from the first time on, it is known when they must have come. */
  connected(now: Now): void {
    this.discoveredMonoMs ??= now.monoMs + DISCOVERY_MS;
  }

  get key(): string {
    return this.app.versionInfo.lastConfigChangeAt;
  }

  get sinceEpochMs(): number {
    return this.since.epochMs;
  }

  /** An instance on the agent has ended: the agent is to get another, later if it failed. */
  ended(agent: AgentId, now: Now, options: { readonly isCounted: boolean }): void {
    if (options.isCounted) {
      this.backOffs.set(agent, growBackOff(this.backOffs.get(agent), this.app, now));
    }
    if (this.owed.size < MAX_AGENTS) {
      this.owed.set(agent, { dueMonoMs: now.monoMs + this.delayLeftMs(agent, now) });
    }
  }

  /** Nobody sees the agent any more, or it has an instance. */
  settle(agent: AgentId): void {
    this.owed.delete(agent);
  }

  /** What an offer of an agent without an instance has led to; `undefined`: a launch. */
  looked(agent: AgentId, refusal: Refusal | undefined, now: Now): void {
    noteOffer(this.statistics, agent, refusal, now.epochMs);
    const owed = this.owed.get(agent);
    if (refusal === undefined) this.owed.delete(agent);
    else if (owed !== undefined) owed.refusedMonoMs ??= now.monoMs;
  }

  /** An offer for another role says nothing about the agent, but that it is there; what it is owed stays owed. */
  sawForOther(agent: AgentId, refusal: Refusal, now: Now): void {
    if (!this.statistics.last.has(agent)) {
      noteOffer(this.statistics, agent, refusal, now.epochMs);
    }
  }

  delayLeftMs(agent: AgentId, now: Now): number {
    return delayLeftMs(this.backOffs.get(agent), this.app, now);
  }

  /** Lets delayed agents have theirs at once. */
  resetDelays(now: Now): void {
    this.backOffs.clear();
    for (const agent of this.owed.keys()) this.owed.set(agent, { dueMonoMs: now.monoMs });
  }

  /** Until the next delayed agent may have its instance: offers refused meanwhile are worth another look then. */
  nextInMs(now: Now): number | undefined {
    let next: number | undefined;
    for (const { dueMonoMs } of this.owed.values()) {
      const leftMs = dueMonoMs - now.monoMs;
      if (leftMs > 0) next = Math.min(next ?? leftMs, leftMs);
    }
    return next;
  }

  /** Whether there may be agents that are to get an instance. */
  lacks(now: Now): boolean {
    return this.isDiscovering(now) || this.owedCount(now) > 0;
  }

  /** Agents that are to get another instance. */
  owedCount(now: Now): number {
    let count = 0;
    for (const owed of this.owed.values()) if (expiryOf(owed) > now.monoMs) count += 1;
    return count;
  }

  /** Whether an agent that is to get an instance is not offered; said once of each. */
  misses(now: Now): boolean {
    let misses = false;
    for (const owed of this.owed.values()) {
      if (owed.refusedMonoMs !== undefined || owed.isAskedFor === true) continue;
      if (now.monoMs < owed.dueMonoMs + OFFER_PATIENCE_MS) continue;
      owed.isAskedFor = true;
      misses = true;
    }
    return misses;
  }

  /** Whether time alone has changed what {@link facts} says since the last time it was asked. Drops what is settled. */
  isDue(now: Now): boolean {
    let isDue = this.wasDiscovering !== this.isDiscovering(now);
    this.wasDiscovering = this.isDiscovering(now);
    for (const [agent, owed] of this.owed) {
      if (expiryOf(owed) > now.monoMs) continue;
      this.owed.delete(agent);
      isDue = true;
    }
    for (const [agent, backOff] of this.backOffs) {
      const isOver =
        now.monoMs > backOff.referenceMonoMs + 2 * this.app.maxLaunchDelaySeconds * 1000;
      if (isOver && now.monoMs > backOff.deadlineMonoMs) this.backOffs.delete(agent);
    }
    return isDue;
  }

  facts(now: Now): DaemonFacts {
    const hasLooked = this.statistics.processed > 0;
    const owed = this.owedCount(now);
    return {
      owed,
      isDiscovering: this.isDiscovering(now),
      hasLooked,
      elsewhere: this.explain(now),
    };
  }

  private explain(now: Now): readonly string[] {
    const reasons: string[] = [];
    const delayed = [...this.owed.values()].filter(({ dueMonoMs }) => dueMonoMs > now.monoMs);
    if (delayed.length > 0)
      reasons.push(`on ${delayed.length} agents it is delayed after failures`);
    if ([...this.statistics.last.values()].some((refusal) => refusal !== undefined)) {
      const refusals = explainRefusals(this.statistics);
      reasons.push(`agents that cannot run it are not waited for: ${refusals}`);
    }
    return reasons;
  }

  private isDiscovering(now: Now): boolean {
    return this.discoveredMonoMs === undefined || now.monoMs < this.discoveredMonoMs;
  }
}

function expiryOf({ dueMonoMs, refusedMonoMs }: Owed): number {
  return refusedMonoMs === undefined
    ? dueMonoMs + AGENT_SILENCE_MS
    : Math.max(dueMonoMs, refusedMonoMs) + REFUSAL_GRACE_MS;
}
