import type { AppId, Deployment, DeploymentAction } from '#core';

/** What a deployment does to an app, and in which step. StartApplication is a no-op and does not count. */
export interface PlannedAction {
  readonly action: DeploymentAction;
  readonly step: number;
}

type Plan = Pick<Deployment, 'steps'>;
type Progress = Plan & Pick<Deployment, 'currentStep' | 'underWay'>;

/** Plans and lists never change, so they are indexed once. */
const plans = new WeakMap<Deployment['steps'], ReadonlyMap<AppId, PlannedAction>>();
const sets = new WeakMap<readonly AppId[], ReadonlySet<AppId>>();

/** The one action of a plan on each of its apps. O(actions) the first time. */
export function plannedActions({ steps }: Plan): ReadonlyMap<AppId, PlannedAction> {
  const known = plans.get(steps);
  if (known !== undefined) return known;
  const planned = new Map<AppId, PlannedAction>();
  for (const [step, { actions }] of steps.entries()) {
    for (const action of actions) {
      if (action.kind !== 'StartApplication') planned.set(action.app, { action, step });
    }
  }
  plans.set(steps, planned);
  return planned;
}

/** Whether the action on an app has begun and its step is not over. What does not say so began with its step. */
export function isUnderWay({ steps, currentStep, underWay }: Progress, app: AppId): boolean {
  const planned = plannedActions({ steps }).get(app);
  if (planned === undefined || planned.step < currentStep) return false;
  if (underWay === undefined) return planned.step === currentStep;
  const known = sets.get(underWay) ?? new Set(underWay);
  sets.set(underWay, known);
  return known.has(app);
}

/** The actions that have begun and whose steps are not over, in the order of the plan. */
export const actionsUnderWay = (deployment: Progress): readonly DeploymentAction[] =>
  [...plannedActions(deployment).values()].flatMap(({ action }) =>
    isUnderWay(deployment, action.app) ? [action] : [],
  );

/** Notes that the actions on these apps have begun. */
export function beginActions<Any extends Progress>(deployment: Any, apps: readonly AppId[]): Any {
  const begun = actionsUnderWay(deployment).map(({ app }) => app);
  return { ...deployment, underWay: [...new Set([...begun, ...apps])] };
}
