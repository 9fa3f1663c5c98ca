import type { App, AppId, Deployment, InstanceCondition, TaskFailure } from '#core';
import type { MatchableOffer, RefusalReason, WaitExplanation } from '#matcher';
import type { WireAttribute } from '#mesos-v1';

/** Agents looked at for one explanation, those offered last. */
export const MAX_EXPLAINED_AGENTS = 1_000;

/** Why an app is not as declared, or that it is. */
export interface AppExplanation {
  readonly appId: AppId;
  /** Of the definition aimed at right now; 0: none, it ends. */
  readonly wanted: number;
  readonly byCondition: ReadonlyMap<InstanceCondition, number>;
  /** In words and numbers, most telling first; empty: it waits for nothing. */
  readonly waitingFor: readonly string[];
  /** Of a daemon: the agents that have no instance, and why; nothing waits for them. */
  readonly notWaitedFor?: readonly string[];
  /** Instances that wait to be launched, together where their definition is the same. */
  readonly groups: readonly WaitingGroup[];
  /** The running deployment that has to do with it. */
  readonly deployment?: Deployment;
}

export interface WaitingGroup {
  readonly app: App;
  readonly count: number;
  readonly sinceEpochMs: number;
  readonly delayLeftMs: number;
  /** After which launches are delayed. */
  readonly failure?: TaskFailure;
  readonly explanation: WaitExplanation;
  /** Agents known that were not looked at. */
  readonly omittedAgents: number;
  readonly newestOfferEpochMs?: number;
  readonly oldestOfferEpochMs?: number;
}

/** An offer an app did not use. */
export interface UnusedOffer {
  readonly offer: MatchableOffer;
  readonly attributes: readonly WireAttribute[];
  /** All of them, in funnel order. */
  readonly reasons: readonly RefusalReason[];
  readonly seenEpochMs: number;
}
