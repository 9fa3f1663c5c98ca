import type { AppId, DeploymentId, DeploymentStep, InstanceId } from '#core';
import type { PlacementForecast } from '#matcher';

/** What would become of one app. */
export interface AppPreview {
  readonly app: AppId;
  /** `none`: declared again as it is, or its tasks are only killed and replaced. */
  readonly change: 'new' | 'scale' | 'in-place' | 'restart' | 'removed' | 'none';
  /** Fields whose values differ. */
  readonly fields: readonly string[];
  readonly instancesBefore: number;
  readonly instancesAfter: number;
  /** Instances that would end, in the order they would be chosen. */
  readonly kills: readonly InstanceId[];
  /** Instances that would go on as they are. */
  readonly keeps: readonly InstanceId[];
  readonly launches: number;
  /** Absent: nothing is launched, or too many apps are to say it of all. */
  readonly placement?: PlacementForecast & {
    /** How many offers were looked at; 0: none is known. */
    readonly offers: number;
    /** When the oldest of them was seen. */
    readonly sinceEpochMs?: number;
  };
}

export interface ChangePreview {
  readonly steps: readonly DeploymentStep[];
  readonly apps: readonly AppPreview[];
  /** Running deployments that lock what it touches: without force it would be refused, with it they would be stopped. */
  readonly conflicts: readonly DeploymentId[];
  /** Which of its apps would have to wait for others, and why. */
  readonly holds?: readonly string[];
  /** Why it would be refused for another reason than a lock. */
  readonly refusal?: string;
}
