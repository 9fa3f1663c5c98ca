import {
  type App,
  type Deployment,
  type DeploymentAction,
  type DeploymentStep,
  isPod,
} from '#core';
import { toIsoTime } from './iso-time.js';
import { definedFields } from './object-reader.js';
import { toWireApp } from './to-wire-app.js';
import { toWirePod } from './to-wire-pod.js';
import { toWireStory } from './to-wire-story.js';
import type {
  WireDeployment,
  WireDeploymentAction,
  WireQueueEntry,
  WireReadinessResult,
  WireRejectCount,
} from './wire-app.js';

/** A step as JSON. */
export const toWireStep = (
  step: DeploymentStep,
): { readonly actions: readonly WireDeploymentAction[] } => ({
  actions: step.actions.map(toWireAction),
});

export const toWireAction = ({ kind, app, isPod }: DeploymentAction): WireDeploymentAction =>
  isPod === true ? { action: kind.replace('Application', 'Pod'), pod: app } : { action: kind, app };

/** The plan of a deployment as events carry it. */
export const toWirePlan = (
  deployment: Pick<Deployment, 'id' | 'version' | 'steps'>,
): {
  readonly id: string;
  readonly version: string;
  readonly steps: readonly { readonly actions: readonly WireDeploymentAction[] }[];
} => ({
  id: deployment.id,
  version: deployment.version,
  steps: deployment.steps.map(toWireStep),
});

/** A deployment as listed. Readiness results stand with the actions of the current step, and those of later ones that have begun. */
export function toWireDeployment({
  deployment,
  readiness,
  waitingFor,
}: {
  readonly deployment: Deployment;
  readonly readiness: readonly WireReadinessResult[];
  readonly waitingFor: readonly string[];
}): WireDeployment {
  const pods = podsOf(deployment);
  return {
    ...toWirePlan(deployment),
    affectedApps: deployment.affectedApps.filter((id) => !pods.has(id)),
    affectedPods: deployment.affectedApps.filter((id) => pods.has(id)),
    currentActions: currentActionsOf(deployment).map((action) => ({
      ...toWireAction(action),
      readinessCheckResults: readiness.filter((result) => isOfApp(result, action.app)),
    })),
    currentStep: Math.min(deployment.currentStep + 1, deployment.steps.length),
    totalSteps: deployment.steps.length,
    waitingFor,
    ...toWireStory(deployment),
  };
}

function currentActionsOf({
  steps,
  currentStep,
  underWay = [],
}: Deployment): readonly DeploymentAction[] {
  const begun = new Set(underWay);
  return steps
    .slice(currentStep)
    .flatMap(({ actions }, ahead) =>
      ahead === 0
        ? actions
        : actions.filter(({ kind, app }) => kind !== 'StartApplication' && begun.has(app)),
    );
}

const podsOf = ({ steps }: Pick<Deployment, 'steps'>): ReadonlySet<string> =>
  new Set(
    steps.flatMap(({ actions }) => actions.flatMap((one) => (one.isPod === true ? one.app : []))),
  );

/** A deployment that has ended. */
export const toWireFinishedDeployment = (deployment: Deployment): WireDeployment => ({
  ...toWireDeployment({ deployment, readiness: [], waitingFor: [] }),
  currentActions: [],
});

/** Task ids begin with the app's path in its safe form. */
function isOfApp(result: WireReadinessResult, app: string): boolean {
  const safePath = app.slice(1).replaceAll('/', '_');
  return result.taskId.startsWith(`${safePath}.`);
}

/** An app that waits for offers. Times are Unix ms. */
export interface WaitingApp {
  readonly count: number;
  readonly sinceEpochMs: number;
  readonly delayLeftMs: number;
  readonly processedOffers: number;
  readonly unusedOffers: number;
  readonly lastUsedOfferEpochMs?: number;
  readonly lastUnusedOfferEpochMs?: number;
  readonly rejectLastOffers: readonly WireRejectCount[];
  readonly rejectLaunchAttempt: readonly WireRejectCount[];
}

/** An entry of the launch queue, an app's or a pod's. `overdue` says that the back-off has passed. */
export function toWireQueueEntry(waiting: WaitingApp, app: App): WireQueueEntry {
  const { lastUsedOfferEpochMs: usedAt, lastUnusedOfferEpochMs: unusedAt } = waiting;
  return {
    ...(isPod(app) ? { pod: toWirePod(app) } : { app: toWireApp(app) }),
    count: waiting.count,
    role: app.role,
    since: toIsoTime(waiting.sinceEpochMs),
    delay: {
      timeLeftSeconds: Math.ceil(waiting.delayLeftMs / 1000),
      overdue: waiting.delayLeftMs <= 0,
    },
    processedOffersSummary: {
      processedOffersCount: waiting.processedOffers,
      unusedOffersCount: waiting.unusedOffers,
      ...definedFields({
        lastUnusedOfferAt: unusedAt === undefined ? undefined : toIsoTime(unusedAt),
        lastUsedOfferAt: usedAt === undefined ? undefined : toIsoTime(usedAt),
      }),
      rejectSummaryLastOffers: waiting.rejectLastOffers,
      rejectSummaryLaunchAttempt: waiting.rejectLaunchAttempt,
    },
  };
}
