import type { App, AppId, Deployment, DeploymentAction, DeploymentId } from '#core';
import type { RolloutMode } from '#deployment';
import type { Draft } from './draft.js';
import type { EngineMemory } from './engine-memory.js';

/** What an app is aimed at right now. */
export type AppTarget =
  | {
      readonly kind: 'run';
      readonly app: App;
      readonly mode: RolloutMode;
      /** The deployment whose current step acts on the app. */
      readonly deployment?: Deployment;
    }
  /** Its turn in a deployment has not come, and it did not exist before. */
  | { readonly kind: 'not-yet' }
  /** Nobody declares it any more; whatever is left of it goes. */
  | { readonly kind: 'gone' };

/** The step positions of each app of a plan; plans never change, so they are indexed once. */
const indexes = new WeakMap<Deployment['steps'], ReadonlyMap<AppId, readonly number[]>>();

/** Where the app stands: in the current step of a running deployment, before it, after it, or in none. */
export function findTarget(draft: Draft, memory: EngineMemory, id: AppId): AppTarget {
  const current = draft.root.apps.get(id);
  const deployment = findDeployment(draft, id);
  if (deployment === undefined) return steady(current);
  const action = actionAt(deployment, id, deployment.currentStep);
  const deploymentMemory = memory.deployments.get(deployment.id);
  const isDone = deploymentMemory?.finished.has(id) ?? false;
  if (action !== undefined && action.kind !== 'StartApplication' && !isDone) {
    return actOn(action, current, deploymentMemory?.originals.get(id), deployment);
  }
  const steps = indexOf(deployment).get(id) ?? [];
  const isAhead =
    steps.some((step) => step > deployment.currentStep) || action?.kind === 'StartApplication';
  if (!isAhead) return steady(current);
  const original = deploymentMemory?.originals.get(id);
  return original === undefined
    ? { kind: 'not-yet' }
    : { kind: 'run', app: original, mode: 'steady' };
}

/** The running deployment that has to do with the app, if any. O(running deployments). */
export const findDeployment = (draft: Draft, id: AppId): Deployment | undefined =>
  draft.deployments().find((deployment) => indexOf(deployment).has(id));

export const actionAt = (
  deployment: Deployment,
  id: AppId,
  step: number,
): DeploymentAction | undefined =>
  deployment.steps[step]?.actions.find((action) => action.app === id);

/** Deployments that have to do with each app, for lists. */
export function deploymentsByApp(
  running: Iterable<Deployment>,
): ReadonlyMap<AppId, readonly DeploymentId[]> {
  const byApp = new Map<AppId, DeploymentId[]>();
  for (const deployment of running) {
    for (const app of deployment.affectedApps) {
      byApp.set(app, [...(byApp.get(app) ?? []), deployment.id]);
    }
  }
  return byApp;
}

const steady = (app: App | undefined): AppTarget =>
  app === undefined ? { kind: 'gone' } : { kind: 'run', app, mode: 'steady' };

function actOn(
  action: DeploymentAction,
  current: App | undefined,
  original: App | undefined,
  deployment: Deployment,
): AppTarget {
  if (action.kind === 'StopApplication') {
    return original === undefined
      ? { kind: 'gone' }
      : { kind: 'run', app: original, mode: 'stop', deployment };
  }
  if (current === undefined) return { kind: 'gone' };
  const mode = action.kind === 'RestartApplication' ? 'restart' : 'scale';
  return { kind: 'run', app: current, mode, deployment };
}

function indexOf({ steps, affectedApps }: Deployment): ReadonlyMap<AppId, readonly number[]> {
  const known = indexes.get(steps);
  if (known !== undefined) return known;
  const index = new Map<AppId, number[]>(affectedApps.map((app) => [app, []]));
  for (const [position, step] of steps.entries()) {
    for (const { app } of step.actions) index.set(app, [...(index.get(app) ?? []), position]);
  }
  indexes.set(steps, index);
  return index;
}
