import type { HeldInstances } from '#core';

/** Where a rollout stands still, or how far it may go for now. Without a stage it goes all the way. */
export type RolloutStage =
  /** Paused, or canaries beside what was there: nothing moves, what dies is replaced by its like. */
  | ({
      readonly kind: 'hold';
      readonly why: 'paused' | 'canary';
      readonly hasNoOlder?: boolean;
    } & HeldInstances)
  | BatchStage;

export interface BatchStage {
  readonly kind: 'batch';
  /** From 1. */
  readonly batch: number;
  readonly batches: number;
  /** New instances there may be for now. */
  readonly released: number;
  /** Old instances that stay for now and are replaced by old ones when they die. */
  readonly old: number;
  /** The definition of before has the same configuration: what runs an older one has nothing like it any more. */
  readonly hasNoOlder?: boolean;
}
