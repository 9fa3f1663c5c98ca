import type { App, DeploymentAction, DeploymentId, JobProgress } from '#core';
import { jobFailure } from './job.js';

/**
 * How an app stands towards those that depend on it.
 *
 * | it | they may go on when |
 * |---|---|
 * | is being started, scaled up or renewed by a deployment | that is done with it |
 * | is scaled to 0, or a daemon that runs nowhere | at once: it is at its target |
 * | is a job | all of its instances have finished; of one that has failed, when it was run again |
 * | is anything else | one of its instances serves |
 */
export type DependencyState =
  | { readonly kind: 'in-deployment'; readonly deployment: DeploymentId; readonly isSame: boolean }
  | {
      readonly kind: 'settled';
      readonly app: App;
      /** Instances there are, in whatever shape. */
      readonly present: number;
      /** Whether one of them does its work. */
      readonly serves: boolean;
      readonly job?: JobProgress;
    };

/** Why what depends on the app has to wait for it, in words; undefined: it need not. */
export function describeDependency(state: DependencyState): string | undefined {
  if (state.kind === 'in-deployment') {
    return state.isSame
      ? 'this deployment is not done with it yet'
      : `deployment ${state.deployment} is not done with it yet`;
  }
  const { app, present, serves, job } = state;
  if (app.instances === 0) return undefined;
  if (app.workload === 'job') {
    const completed = job?.completed ?? 0;
    if (completed >= app.instances) return undefined;
    const failure = job && jobFailure(app, job);
    const more = failure === undefined ? '' : `, ${failure}`;
    return `${completed} of its ${app.instances} instances have finished${more}`;
  }
  if (serves || (app.workload === 'daemon' && present === 0)) return undefined;
  return app.instances === 1
    ? 'its instance does not serve'
    : `none of its ${app.instances} instances serves`;
}

/** An action that only takes away: it needs nothing of what the app depends on. */
export function isDeparture(action: DeploymentAction, original: App | undefined): boolean {
  switch (action.kind) {
    case 'StopApplication':
      return true;
    case 'ScaleApplication':
      return original !== undefined && action.scaleTo <= original.instances;
    case 'StartApplication':
    case 'RestartApplication':
      return false;
    default:
      return action satisfies never;
  }
}
