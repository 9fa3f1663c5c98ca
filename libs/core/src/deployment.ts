import type { AppId, DeploymentId, InstanceId } from './ids.js';

/** What a step does to one app, or to a pod. Names are Marathon's, which calls those of pods StartPod and so on. */
export type DeploymentAction = { readonly isPod?: true } & (
  | { readonly kind: 'StartApplication'; readonly app: AppId }
  | { readonly kind: 'ScaleApplication'; readonly app: AppId; readonly scaleTo: number }
  | { readonly kind: 'RestartApplication'; readonly app: AppId }
  | { readonly kind: 'StopApplication'; readonly app: AppId }
);

/**
 * Actions of one step run in parallel. Steps end in turn; an action of a later one may begin before, once nothing that
 * it waits for is left.
 */
export interface DeploymentStep {
  readonly actions: readonly DeploymentAction[];
}

export type DeploymentState = 'Running' | 'Succeeded' | 'Cancelled' | 'Failed';

/** When a deployment gives up, settled when it starts. */
export interface DeploymentLimits {
  readonly deadlineSeconds?: number;
  /** New instances that may fail; one more and the deployment has failed. */
  readonly maxFailures?: number;
  /** Whether a new deployment undoes what has failed. */
  readonly autoRollback: boolean;
}

/** Instances of an app by configuration: `fresh` ones run the deployment's. */
export interface HeldInstances {
  readonly old: number;
  readonly fresh: number;
}

export interface DeploymentPause {
  readonly sinceEpochMs: number;
  readonly by?: string;
  /** It paused by itself, after a batch (counted from 1) of this app. */
  readonly afterBatch?: { readonly app: AppId; readonly batch: number; readonly batches: number };
  /** What each app under way had: what dies meanwhile is replaced by its like. */
  readonly held: Readonly<Record<AppId, HeldInstances>>;
}

/** How far the rollout of one app has come. */
export interface RolloutProgress {
  /** Batches done. */
  readonly batches: number;
  /** Since when its canaries have served and wait for somebody's word. */
  readonly canaryWaitsSinceEpochMs?: number;
  readonly isPromoted?: boolean;
}

/** One step on the clock, from the first of its actions that began. */
export interface DeploymentPhase {
  /** Index of the step. */
  readonly step: number;
  readonly startedAtEpochMs: number;
  readonly finishedAtEpochMs?: number;
}

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
  /** Apps of this step and later ones whose actions have begun. Absent in what an older controller stored: all of this step. */
  readonly underWay?: readonly AppId[];
  readonly state: DeploymentState;
  /** Why it ended as it did, or how it came about (`rollback of <id>`). */
  readonly reason?: string;
  readonly startedAtEpochMs: number;
  readonly finishedAtEpochMs?: number;
  /** Who asked for it. */
  readonly by?: string;
  readonly limits?: DeploymentLimits;
  /** When it fails, while its time counts. */
  readonly deadlineEpochMs?: number;
  /** What is left of its time while that does not count, milliseconds. */
  readonly deadlineLeftMs?: number;
  /** New instances that have failed. */
  readonly failures?: number;
  readonly pause?: DeploymentPause;
  readonly progress?: Readonly<Record<AppId, RolloutProgress>>;
  readonly phases?: readonly DeploymentPhase[];
  /** It was to go ahead whatever else goes on: it waits for no app but its own. */
  readonly isForced?: true;
  /** The deployment this one undoes. */
  readonly rollbackOf?: DeploymentId;
  /** The deployment that undoes this one. */
  readonly rolledBackBy?: DeploymentId;
}

/** What happened in a deployment. The first row is about one instance. */
export type DeploymentEventKind =
  | 'launched'
  | 'running'
  | 'healthy'
  | 'unhealthy'
  | 'ready'
  | 'draining'
  | 'drained'
  | 'killed'
  | 'failed'
  /** Of a job. */
  | 'finished'
  | 'canary-waits'
  | 'promoted'
  | 'batch-done'
  | 'paused'
  | 'resumed';

export interface DeploymentEvent {
  readonly kind: DeploymentEventKind;
  readonly atEpochMs: number;
  readonly app?: AppId;
  readonly instance?: InstanceId;
  readonly host?: string;
  /** The app version the instance runs. */
  readonly version?: string;
  readonly message?: string;
  readonly by?: string;
}

/** Events kept of one deployment, the first ones. */
export const MAX_DEPLOYMENT_EVENTS = 1_000;

/** The stored story of a deployment, oldest first. */
export interface DeploymentHistory {
  readonly events: readonly DeploymentEvent[];
  /** Events that happened after the last one kept. */
  readonly omitted: number;
}
