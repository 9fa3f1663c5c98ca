import type { Deployment, DeploymentId, DeploymentPhase } from '#core';
import { beginActions } from '#deployment';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { DeploymentMemory } from './engine-memory.js';
import { forgetWishes } from './forget-wishes.js';
import { deploymentFailed, deploymentStepEvent, deploymentSucceeded } from './marathon-events.js';

/** Moves deployments whose current step is done on to the next one, or ends them. */
export function progressDeployments(
  context: EngineContext,
  draft: Draft,
  ids: Iterable<DeploymentId>,
): void {
  for (const id of ids) {
    const deployment = draft.deployment(id);
    const memory = context.memory.deployments.get(id);
    if (deployment?.state !== 'Running' || memory === undefined) continue;
    if (deployment.pause !== undefined) continue;
    advance(context, draft, deployment, memory);
  }
}

function advance(
  context: EngineContext,
  draft: Draft,
  started: Deployment,
  memory: DeploymentMemory,
): void {
  let deployment = started;
  while (isStepDone(deployment, memory)) {
    draft.emit(deploymentStepEvent('deployment_step_success', deployment, deployment.currentStep));
    deployment = nextStep(deployment, draft.now.epochMs);
    if (deployment.currentStep >= deployment.steps.length) {
      finishDeployment(context, draft, deployment);
      return;
    }
    draft.emit(deploymentStepEvent('deployment_info', deployment, deployment.currentStep));
  }
  if (deployment === started) return;
  draft.putDeployment(deployment);
  draft.after(() => context.evaluateSoon(deployment.affectedApps));
}

function nextStep(deployment: Deployment, nowEpochMs: number): Deployment {
  const currentStep = deployment.currentStep + 1;
  const phases = endPhases(deployment.phases, nowEpochMs, { before: currentStep });
  const isLast = currentStep >= deployment.steps.length;
  const next = { ...deployment, currentStep };
  return {
    ...next,
    // What has begun of the steps that are over is of no interest any more.
    ...(deployment.underWay === undefined ? {} : beginActions(next, [])),
    phases: isLast ? phases : beginPhase(phases, currentStep, nowEpochMs),
  };
}

/** The first of a step's actions has begun, or all steps before it are over. */
export function beginPhase(
  phases: Deployment['phases'] = [],
  step: number,
  nowEpochMs: number,
): readonly DeploymentPhase[] {
  if (phases.some((phase) => phase.step === step)) return phases;
  const begun = [...phases, { step, startedAtEpochMs: nowEpochMs }];
  return begun.sort((left, right) => left.step - right.step);
}

function endPhases(
  phases: Deployment['phases'] = [],
  nowEpochMs: number,
  { before = Number.POSITIVE_INFINITY }: { readonly before?: number } = {},
): readonly DeploymentPhase[] {
  return phases.map((phase) =>
    phase.finishedAtEpochMs === undefined && phase.step < before
      ? { ...phase, finishedAtEpochMs: nowEpochMs }
      : phase,
  );
}

/** StartApplication is done at once: its instances come with the scale action of the app's layer. */
function isStepDone(deployment: Deployment, memory: DeploymentMemory): boolean {
  const step = deployment.steps[deployment.currentStep];
  if (step === undefined) return false;
  return step.actions.every(
    ({ kind, app }) => kind === 'StartApplication' || memory.finished.has(app),
  );
}

/** All steps are done. */
export function finishDeployment(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
): void {
  const finished: Deployment = {
    ...deployment,
    state: 'Succeeded',
    phases: endPhases(deployment.phases, draft.now.epochMs),
    finishedAtEpochMs: draft.now.epochMs,
  };
  draft.putDeployment(finished);
  draft.emit(deploymentSucceeded(finished));
  leave(context, draft, finished);
}

/** Stops a deployment where it is; what it did so far stays. */
export function cancelRunning(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
  reason: string,
): void {
  stop(context, draft, { ...deployment, state: 'Cancelled', reason });
}

/** It went wrong; what it did so far stays. */
export function failRunning(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
  reason: string,
): void {
  const step = Math.min(deployment.currentStep, deployment.steps.length - 1);
  draft.emit(deploymentStepEvent('deployment_step_failure', deployment, step));
  stop(context, draft, { ...deployment, state: 'Failed', reason });
}

function stop(
  context: EngineContext,
  draft: Draft,
  ended: Deployment & { readonly reason: string },
): void {
  const { pause: _over, ...rest } = ended;
  const stopped: Deployment = {
    ...rest,
    phases: endPhases(ended.phases, draft.now.epochMs),
    finishedAtEpochMs: draft.now.epochMs,
  };
  draft.putDeployment(stopped);
  forgetWishes(context, draft, stopped.affectedApps);
  draft.emit(deploymentFailed(stopped, ended.reason));
  leave(context, draft, stopped);
}

function leave(context: EngineContext, draft: Draft, deployment: Deployment): void {
  draft.after(() => {
    context.memory.deployments.delete(deployment.id);
    context.evaluateSoon(deployment.affectedApps);
  });
}
