import type { AppId, Deployment, DeploymentId } from '#core';
import { beginActions, isUnderWay, plannedActions } from '#deployment';
import { DependencyLook } from './dependency-look.js';
import { beginPhase } from './deployment-progress.js';
import { findDeployment } from './deployment-targets.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

/** Begins the actions of deployments on these apps whose turn has come, and notes why the others have to wait. */
export function beginDueActions(
  context: EngineContext,
  draft: Draft,
  apps: readonly AppId[],
): void {
  const look = new DependencyLook(context, draft);
  const begun = new Map<DeploymentId, AppId[]>();
  for (const id of apps) {
    const deployment = findDeployment(draft, id);
    if (deployment?.pause !== undefined) continue;
    if (deployment === undefined || !isAhead(deployment, id)) {
      context.memory.dependencyWatches.forget(id);
    } else if (!isHeld(context, look, deployment, id)) {
      begun.set(deployment.id, [...(begun.get(deployment.id) ?? []), id]);
    }
  }
  for (const [id, ids] of begun) {
    const deployment = draft.deployment(id);
    if (deployment !== undefined) draft.putDeployment(begin(deployment, ids, draft.now.epochMs));
  }
}

/** Looks again soon at apps that wait for one of these, if that one stands otherwise than when they looked. */
export function wakeDependents(context: EngineContext, draft: Draft, apps: readonly AppId[]): void {
  const look = new DependencyLook(context, draft);
  const outdated = context.memory.dependencyWatches.outdated(apps, (sight) => look.see(sight));
  if (outdated.length > 0) draft.after(() => context.evaluateSoon(outdated));
}

function isAhead(deployment: Deployment, id: AppId): boolean {
  const planned = plannedActions(deployment).get(id);
  return (
    planned !== undefined && planned.step >= deployment.currentStep && !isUnderWay(deployment, id)
  );
}

function isHeld(
  { memory }: EngineContext,
  look: DependencyLook,
  deployment: Deployment,
  id: AppId,
): boolean {
  const holds = memory.deployments.get(deployment.id)?.holds;
  if (holds === undefined) return true;
  const { reasons, sights } = look.holdOf(deployment, id);
  if (holds.get(id)?.join() !== reasons.join()) memory.touch(id);
  memory.dependencyWatches.watch(id, sights);
  if (reasons.length === 0) holds.delete(id);
  else holds.set(id, reasons);
  return reasons.length > 0;
}

function begin(deployment: Deployment, apps: readonly AppId[], nowEpochMs: number): Deployment {
  let { phases } = deployment;
  for (const id of apps) {
    const step = plannedActions(deployment).get(id)?.step ?? deployment.currentStep;
    phases = beginPhase(phases, step, nowEpochMs);
  }
  return { ...beginActions(deployment, apps), phases: phases ?? [] };
}
