import type { App, AppId, Deployment, DeploymentAction, DeploymentId } from '#core';
import { isUnderWay, plannedActions, type RolloutMode } from '#deployment';
import type { Draft } from './draft.js';
import type { EngineMemory } from './engine-memory.js';

/** What an app is aimed at right now. */
export type AppTarget =
  | {
      readonly kind: 'run';
      readonly app: App;
      readonly mode: RolloutMode;
      /** The deployment that acts on the app. */
      readonly deployment?: Deployment;
    }
  /** Its turn in a deployment has not come, and it did not exist before. */
  | { readonly kind: 'not-yet' }
  /** Nobody declares it any more; whatever is left of it goes. */
  | { readonly kind: 'gone' };

/** Where the app stands: under way in a running deployment, before its turn, after it, or in none. */
export function findTarget(draft: Draft, memory: EngineMemory, id: AppId): AppTarget {
  const current = draft.root.apps.get(id);
  const deployment = findDeployment(draft, id);
  const planned = deployment && plannedActions(deployment).get(id);
  if (deployment === undefined || planned === undefined) return steady(current);
  const deploymentMemory = memory.deployments.get(deployment.id);
  const isDone = deploymentMemory?.finished.has(id) ?? false;
  if (isDone || planned.step < deployment.currentStep) return steady(current);
  const original = deploymentMemory?.originals.get(id);
  if (isUnderWay(deployment, id)) return actOn(planned.action, current, original, deployment);
  return original === undefined
    ? { kind: 'not-yet' }
    : { kind: 'run', app: original, mode: 'steady' };
}

/** The running deployment that has to do with the app, if any. O(running deployments). */
export const findDeployment = (draft: Draft, id: AppId): Deployment | undefined =>
  draft.deployments().find((deployment) => affectedBy(deployment).has(id));

/** Lists of apps never change, so they are indexed once. */
const affected = new WeakMap<Deployment['affectedApps'], ReadonlySet<AppId>>();

function affectedBy({ affectedApps }: Deployment): ReadonlySet<AppId> {
  const known = affected.get(affectedApps) ?? new Set(affectedApps);
  affected.set(affectedApps, known);
  return known;
}

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
