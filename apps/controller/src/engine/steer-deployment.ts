import type { AppId, Deployment, DeploymentId } from '#core';
import {
  actionsUnderWay,
  appsAwaitingPromotion,
  promoteCanaries,
  resumeDeployment,
  stageOf,
} from '#deployment';
import type { DeploymentCommand, DeploymentCommandOutcome } from './controller-engine.port.js';
import { tellOfDeployment } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { atNow, pause } from './hold-deployment.js';
import { deploymentSteered } from './marathon-events.js';

/** Carries out what somebody tells a running deployment. Repeating it changes nothing. */
export function steerDeployment(
  context: EngineContext,
  draft: Draft,
  id: DeploymentId,
  command: DeploymentCommand,
): DeploymentCommandOutcome {
  const deployment = draft.deployment(id);
  if (deployment?.state !== 'Running') return { kind: 'not-running' };
  switch (command.kind) {
    case 'pause':
      if (deployment.pause === undefined) pause(context, draft, deployment, byOf(command));
      return { kind: 'done' };
    case 'resume':
      resume(context, draft, deployment, command);
      return { kind: 'done' };
    case 'promote':
      return promote(context, draft, deployment, command);
    default:
      return command satisfies never;
  }
}

const byOf = ({ by }: DeploymentCommand): { readonly by?: string } =>
  by === undefined ? {} : { by };

function resume(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
  command: DeploymentCommand,
): void {
  const resumed = resumeDeployment(deployment, atNow(context, draft, deployment));
  if (resumed === deployment) return;
  draft.putDeployment(resumed);
  tellOfDeployment(draft, resumed, { kind: 'resumed', ...byOf(command) });
  draft.emit(deploymentSteered('deployment_resumed', resumed, undefined, command.by));
  draft.after(() => context.evaluateSoon(resumed.affectedApps));
}

function promote(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
  command: Extract<DeploymentCommand, { readonly kind: 'promote' }>,
): DeploymentCommandOutcome {
  const memory = context.memory.deployments.get(deployment.id);
  const apps = appsWithCanaries(context, draft, deployment);
  if (apps.length === 0) {
    const isDone = Object.values(deployment.progress ?? {}).some((one) => one.isPromoted === true);
    if (isDone) return { kind: 'done' };
    return refuse(`deployment ${deployment.id} has no canaries to promote`);
  }
  const doubtful = apps.filter((app) => !memory?.servingCanaries.has(app));
  if (doubtful.length > 0 && !command.force) {
    const why = memory?.waiting.get(doubtful[0] as AppId)?.[0] ?? 'not yet looked at';
    return refuse(
      `the canaries of ${doubtful.join(', ')} do not all serve (${why}): wait, abort, or promote with ?force=true`,
    );
  }
  const promoted = promoteCanaries(deployment, apps, atNow(context, draft, deployment));
  draft.putDeployment(promoted);
  for (const app of apps) {
    tellOfDeployment(draft, promoted, { kind: 'promoted', app, ...byOf(command) });
  }
  const message = `canaries of ${apps.join(', ')}`;
  draft.emit(deploymentSteered('deployment_promoted', promoted, message, command.by));
  draft.after(() => context.evaluateSoon(promoted.affectedApps));
  return { kind: 'done' };
}

/** Apps under way that stand with canaries, those that do not serve yet included. */
function appsWithCanaries(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
): readonly AppId[] {
  const { pause: _held, ...going } = deployment;
  const waiting = new Set(appsAwaitingPromotion(deployment));
  for (const { kind, app: id } of actionsUnderWay(deployment)) {
    const app = draft.root.apps.get(id);
    if (kind !== 'RestartApplication' || app === undefined) continue;
    const original = context.memory.deployments.get(deployment.id)?.originals.get(id);
    const stage = stageOf({ deployment: going, app, mode: 'restart', original });
    if (stage?.kind === 'hold') waiting.add(id);
  }
  return [...waiting];
}

const refuse = (reason: string): DeploymentCommandOutcome => ({ kind: 'refused', reason });
