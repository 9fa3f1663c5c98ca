import type { AppId, DeploymentId } from './ids.js';

/** What a step does to one app, or to a pod. Names are Marathon's, which calls those of pods StartPod and so on. */
export type DeploymentAction = { readonly isPod?: true } & (
  | { readonly kind: 'StartApplication'; readonly app: AppId }
  | { readonly kind: 'ScaleApplication'; readonly app: AppId; readonly scaleTo: number }
  | { readonly kind: 'RestartApplication'; readonly app: AppId }
  | { readonly kind: 'StopApplication'; readonly app: AppId }
);

/** Actions of one step run in parallel; a step finishes completely before the next starts. */
export interface DeploymentStep {
  readonly actions: readonly DeploymentAction[];
}

export type DeploymentState = 'Running' | 'Succeeded' | 'Cancelled' | 'Failed';

/** The way from one revision to another, as stored. Steps are recomputed from the two revisions when needed. */
export interface Deployment {
  readonly id: DeploymentId;
  /** The version (timestamp) of the target root group. */
  readonly version: string;
  readonly originalRevision: number;
  readonly targetRevision: number;
  readonly affectedApps: readonly AppId[];
  readonly steps: readonly DeploymentStep[];
  /** Zero-based index of the running step; `steps.length` when all are done. */
  readonly currentStep: number;
  readonly state: DeploymentState;
  /** Why it ended as it did, or how it came about (`rollback of <id>`). */
  readonly reason?: string;
  readonly startedAtEpochMs: number;
  readonly finishedAtEpochMs?: number;
}
