import {
  type App,
  type AppId,
  type DeploymentAction,
  type DeploymentStep,
  isPod,
  type RootGroup,
} from '#core';
import { compareApps } from './app-change.js';
import type { ControllerAbilities } from './carried-checks.js';
import { dependencyLayers } from './dependency-layers.js';

export interface PlanOptions {
  /** Apps to restart although their definition is the same. */
  readonly restart?: ReadonlySet<AppId>;
  /** Only these can differ between the two roots (default: all are compared). */
  readonly only?: Iterable<AppId>;
  readonly abilities?: ControllerAbilities;
}

/**
 * The steps from one root to another: stop what is gone, start what is new (a no-op kept for compatibility), then one
 * step per dependency layer of the target, lowest first. Apps are in order of id, so plans repeat. Nothing changed: no
 * steps. O(compared apps + what their dependencies reach); throws DependencyCycleError on a cycle.
 */
export function planDeployment(
  original: RootGroup,
  target: RootGroup,
  options: PlanOptions = {},
): readonly DeploymentStep[] {
  const ids = new Set(options.only ?? [...original.apps.keys(), ...target.apps.keys()]);
  const stops: DeploymentAction[] = [];
  const starts: DeploymentAction[] = [];
  const layers = new Map<number, DeploymentAction[]>();
  const layering = dependencyLayers(target);
  for (const id of [...ids].sort()) {
    const before = original.apps.get(id);
    const after = target.apps.get(id);
    if (after === undefined) {
      if (before !== undefined) stops.push({ kind: 'StopApplication', app: id, ...markOf(before) });
      continue;
    }
    if (before === undefined) starts.push({ kind: 'StartApplication', app: id, ...markOf(after) });
    const action = actionOf(before, after, {
      isRestart: options.restart?.has(id) ?? false,
      abilities: options.abilities,
    });
    if (action === undefined) continue;
    const layer = layering.layerOf(id);
    const actions = layers.get(layer);
    if (actions === undefined) layers.set(layer, [action]);
    else actions.push(action);
  }
  const inOrder = [...layers].sort(([left], [right]) => left - right).map(([, actions]) => actions);
  return [stops, starts, ...inOrder]
    .filter((actions) => actions.length > 0)
    .map((actions) => ({ actions }));
}

/** The apps a plan touches, in order of id. */
export function affectedApps(steps: readonly DeploymentStep[]): readonly AppId[] {
  return [...new Set(steps.flatMap((step) => step.actions.map((action) => action.app)))].sort();
}

/** An edit in place is an action only if the count changes with it. */
function actionOf(
  before: App | undefined,
  after: App,
  { isRestart, abilities }: { isRestart: boolean; abilities: ControllerAbilities | undefined },
): DeploymentAction | undefined {
  const scale = {
    kind: 'ScaleApplication',
    app: after.id,
    scaleTo: after.instances,
    ...markOf(after),
  } as const;
  if (before === undefined) return scale;
  if (compareApps(before, after, abilities) === 'upgrade' || isRestart) {
    if (after.instances === 0) return scale;
    return { kind: 'RestartApplication', app: after.id, ...markOf(after) };
  }
  return before.instances === after.instances ? undefined : scale;
}

/** Actions on pods have names of their own. */
const markOf = (app: App): Pick<DeploymentAction, 'isPod'> => (isPod(app) ? { isPod: true } : {});
