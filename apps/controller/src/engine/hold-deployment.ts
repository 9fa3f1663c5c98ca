import type { App, AppId, Deployment, HeldInstances } from '#core';
import {
  actionsUnderWay,
  awaitPromotion,
  countBatch,
  countHeld,
  pauseDeployment,
  type RolloutActions,
  type RolloutStage,
} from '#deployment';
import { deadlineLeftMs } from './deployment-deadline.js';
import { tellOfDeployment } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { forgetWishes } from './forget-wishes.js';
import { toFacts } from './instance-facts.js';
import { deploymentSteered } from './marathon-events.js';

/** What the moment says to what holds a deployment. */
export const atNow = (context: EngineContext, draft: Draft, deployment: Deployment) => ({
  now: draft.now,
  leftMs: deadlineLeftMs(context.memory, deployment, draft.now),
});

/** Notes that a stage is done: canaries begin to wait for somebody's word, a batch pauses or lets the next one come. */
export function followStage(
  context: EngineContext,
  draft: Draft,
  about: {
    readonly deployment: Deployment;
    readonly app: App;
    readonly stage: RolloutStage;
    readonly actions: RolloutActions;
  },
): void {
  const { deployment, app, stage, actions } = about;
  if (stage.kind === 'hold') {
    noteCanaries(context, draft, about);
    return;
  }
  if (!actions.isStageDone) return;
  const counted = countBatch(deployment, app.id);
  const message = `batch ${stage.batch} of ${stage.batches}: ${stage.released} of ${app.instances} instances are new`;
  tellOfDeployment(draft, deployment, { kind: 'batch-done', app: app.id, message });
  if (app.rollout?.pauseAfterBatch === false) {
    draft.putDeployment(counted);
    draft.emit(deploymentSteered('deployment_batch_done', counted, `${app.id}: ${message}`));
    draft.after(() => context.evaluateSoon([app.id]));
    return;
  }
  const { batch, batches } = stage;
  pause(context, draft, counted, { afterBatch: { app: app.id, batch, batches }, message });
}

/** Pauses a deployment: what each app under way has now is held, and nothing more begins. */
export function pause(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
  about: Omit<NonNullable<Deployment['pause']>, 'sinceEpochMs' | 'held'> & {
    readonly message?: string;
  },
): void {
  const { message, ...cause } = about;
  const held = heldNow(context, draft, deployment);
  const paused = pauseDeployment(deployment, { ...cause, held }, atNow(context, draft, deployment));
  draft.putDeployment(paused);
  forgetWishes(context, draft, Object.keys(held) as AppId[]);
  const by = cause.by === undefined ? {} : { by: cause.by };
  tellOfDeployment(draft, paused, {
    kind: 'paused',
    ...(message === undefined ? {} : { message }),
    ...by,
  });
  draft.emit(deploymentSteered('deployment_paused', paused, message, cause.by));
  draft.after(() => context.evaluateSoon(paused.affectedApps));
}

function noteCanaries(
  context: EngineContext,
  draft: Draft,
  { deployment, app, stage, actions }: Parameters<typeof followStage>[2],
): void {
  const serving = context.memory.deployments.get(deployment.id)?.servingCanaries;
  if (actions.isStageDone) serving?.add(app.id);
  else serving?.delete(app.id);
  if (stage.kind !== 'hold' || stage.why === 'paused' || !actions.isStageDone) return;
  const waiting = awaitPromotion(deployment, app.id, atNow(context, draft, deployment));
  if (waiting === deployment) return;
  const message = `${stage.fresh} of ${stage.fresh} canaries serve and wait for promotion`;
  draft.putDeployment(waiting);
  tellOfDeployment(draft, waiting, { kind: 'canary-waits', app: app.id, message });
  draft.emit(deploymentSteered('deployment_awaits_promotion', waiting, `${app.id}: ${message}`));
}

function heldNow(
  context: EngineContext,
  draft: Draft,
  deployment: Deployment,
): Readonly<Record<AppId, HeldInstances>> {
  const held: Record<AppId, HeldInstances> = {};
  const { originals, finished } = context.memory.deployments.get(deployment.id) ?? {};
  for (const { app: id } of actionsUnderWay(deployment)) {
    // It is where it should be, and stays there: one instance fewer for the moment is not what is to be held.
    if (finished?.has(id) === true) continue;
    const app = draft.root.apps.get(id) ?? originals?.get(id);
    if (app === undefined) continue;
    const instances = [...draft.instancesOf(id).values()].map((instance) =>
      toFacts(context, draft, instance, { routers: [], needsReadiness: false }),
    );
    held[id] = countHeld({ app, instances });
  }
  return held;
}
