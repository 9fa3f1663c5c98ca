import type { App, InstanceId, Now } from '#core';
import type { InstanceFacts } from './instance-facts.js';
import type { RolloutStage } from './rollout-stage.js';

/**
 * `scale` and `restart` are deployment actions (both replace outdated instances); `steady` keeps the count between
 * deployments and leaves a mixture alone; `stop` ends everything.
 */
export type RolloutMode = 'scale' | 'restart' | 'steady' | 'stop';

export interface RolloutInput {
  /** The definition aimed at. */
  readonly app: App;
  readonly mode: RolloutMode;
  /** Every instance of the app, in any order. */
  readonly instances: readonly InstanceFacts[];
  /** Whether there may be a router (see `mayHaveRouters`): without one nothing is drained. */
  readonly hasRouters: boolean;
  readonly sentenced?: ReadonlySet<InstanceId>;
  /** Absent: it goes all the way. */
  readonly stage?: RolloutStage;
  readonly limits?: UnhealthyLimits;
  readonly now: Now;
}

/** How unhealthy instances are replaced outside of a restart. */
export interface UnhealthyLimits {
  /** More than this share of an app's instances condemned at once: stop killing for `holdMs`, then one at a time. */
  readonly breakerShare: number;
  readonly holdMs: number;
  /** How long a condemned instance may wait for its replacement to serve before it is killed all the same. */
  readonly replacementWaitMs: number;
}

export const DEFAULT_UNHEALTHY_LIMITS: UnhealthyLimits = {
  breakerShare: 0.5,
  holdMs: 60_000,
  replacementWaitMs: 30_000,
};

/** What to do now. Declarative: asking again before anything changed gives the same answer. */
export interface RolloutActions {
  /** How many instances should wait to be launched (not: more than already wait). */
  readonly launch: number;
  /** What is launched runs the definition from before the deployment. */
  readonly launchesOld: boolean;
  /** Take out of rotation; they are killed by a later answer. */
  readonly drain: readonly InstanceId[];
  readonly kill: readonly InstanceId[];
  /** Why it is not finished, in words and numbers. */
  readonly waiting: readonly string[];
  readonly finished: boolean;
  /** What the stage asks for serves: the canaries, or the batch. */
  readonly isStageDone: boolean;
}

/** What a strategy decides; draining is settled here, in one place. */
export interface RolloutDecision {
  readonly launch: number;
  readonly retire: readonly InstanceFacts[];
  readonly waiting: readonly string[];
  readonly finished: boolean;
  readonly launchesOld?: boolean;
  readonly isStageDone?: boolean;
}
