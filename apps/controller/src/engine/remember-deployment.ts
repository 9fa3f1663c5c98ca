import type { App, AppId, Deployment, InstanceId, RootGroup } from '#core';
import {
  type DependencyGraph,
  dependencyGraph,
  dependentsGraph,
  isDeparture,
  plannedActions,
} from '#deployment';
import type { EngineContext } from './engine-context.js';

/** Begins what is kept in memory about a running deployment. `original`: undefined when it is no longer kept. */
export function rememberDeployment(
  { memory }: Pick<EngineContext, 'memory'>,
  deployment: Deployment,
  original: RootGroup | undefined,
  sentenced: readonly InstanceId[],
): void {
  const originals = new Map<AppId, App>();
  for (const id of deployment.affectedApps) {
    const app = original?.apps.get(id);
    if (app !== undefined) originals.set(id, app);
  }
  const dependents = original && dependentsOf(deployment, original);
  memory.deployments.set(deployment.id, {
    originals,
    sentenced: new Set(sentenced),
    finished: new Set(),
    waiting: new Map(),
    holds: new Map(),
    ...(dependents === undefined ? {} : { dependents }),
    servingCanaries: new Set(),
    launchingOld: new Set(),
    isFailing: false,
  });
}

/** Taken away in the order of what was there: what depends on something goes before it. */
function dependentsOf(deployment: Deployment, original: RootGroup): DependencyGraph | undefined {
  const leaving = [...plannedActions(deployment).values()].flatMap(({ action }) =>
    isDeparture(action, original.apps.get(action.app)) ? [action.app] : [],
  );
  return leaving.length < 2 ? undefined : dependentsGraph(dependencyGraph(original), leaving);
}
