import type { Deployment, DeploymentAction } from '../api/api-types.js';

export interface StepView {
  readonly number: number;
  readonly state: 'done' | 'current' | 'to come';
  readonly actions: readonly { readonly verb: string; readonly target: string }[];
}

const VERBS: Readonly<Record<string, string>> = {
  StartApplication: 'Start',
  StopApplication: 'Stop',
  ScaleApplication: 'Scale',
  RestartApplication: 'Restart',
  StartPod: 'Start',
  StopPod: 'Stop',
  ScalePod: 'Scale',
  RestartPod: 'Restart',
};

export function actionVerb(action: string): string {
  return VERBS[action] ?? action;
}

/** The steps as a list to draw. `currentStep` counts from 1; without `steps` only the current one is known. */
export function deploymentSteps(deployment: Deployment): StepView[] {
  const steps = deployment.steps ?? [];
  if (steps.length === 0) {
    const actions = (deployment.currentActions ?? []).map(viewAction);
    return actions.length === 0
      ? []
      : [{ number: Math.max(1, deployment.currentStep), state: 'current', actions }];
  }
  return steps.map((step, index) => {
    const number = index + 1;
    return {
      number,
      state:
        number < deployment.currentStep
          ? 'done'
          : number === deployment.currentStep
            ? 'current'
            : 'to come',
      actions: step.actions.map(viewAction),
    };
  });
}

/** Finished steps in percent; the current one counts half, so that a one-step deployment shows life. */
export function progressPercent(deployment: Deployment): number {
  const total = Math.max(1, deployment.totalSteps);
  const done = Math.max(0, Math.min(total, deployment.currentStep) - 0.5);
  return Math.round((100 * done) / total);
}

export type DeploymentControl = 'pause' | 'resume' | 'promote' | 'abort';

/** What can be told to a running deployment. Servers that do not say its state take no such word. */
export function deploymentControls(deployment: Deployment): DeploymentControl[] {
  if (deployment.state !== 'Running') {
    return [];
  }
  const waits = (deployment.awaitsPromotion ?? []).length > 0;
  return [
    ...(waits ? (['promote', 'abort'] as const) : []),
    deployment.paused ? ('resume' as const) : ('pause' as const),
  ];
}

/** The state in a word or two; nothing while it simply runs. */
export function deploymentBadge(deployment: Deployment): string | undefined {
  if (deployment.paused) {
    return 'Paused';
  }
  return (deployment.awaitsPromotion ?? []).length > 0 ? 'Waits for promotion' : undefined;
}

/** Every app and pod concerned, each once. */
export function affectedIds(deployment: Deployment): string[] {
  return [...new Set([...(deployment.affectedApps ?? []), ...(deployment.affectedPods ?? [])])];
}

function viewAction(action: DeploymentAction): { verb: string; target: string } {
  return { verb: actionVerb(action.action), target: action.app ?? action.pod ?? '' };
}
