import type { AppId, Deployment, DeploymentPause, Now, RolloutProgress } from '#core';

/**
 * What holds a running deployment and lets it go on.
 *
 * | event | pause | progress of an app |
 * |---|---|---|
 * | paused by somebody | set, unless it is | |
 * | batch done | set, unless the app wants no pauses | one batch more |
 * | canaries serve | | wait since now |
 * | promoted | | promoted |
 * | resumed | gone | |
 *
 * The deadline stands still while it is paused or canaries wait: what is left is kept, and counts again afterwards.
 */
interface At {
  readonly now: Now;
  /** Of the deadline, milliseconds on the monotonic clock; undefined without one, or while it stands still. */
  readonly leftMs: number | undefined;
}

/** Repeated: no change. */
export function pauseDeployment(
  deployment: Deployment,
  pause: Omit<DeploymentPause, 'sinceEpochMs'>,
  at: At,
): Deployment {
  if (deployment.pause !== undefined) return deployment;
  const sinceEpochMs = at.now.epochMs;
  return settleDeadline({ ...deployment, pause: { ...pause, sinceEpochMs } }, at);
}

/** Repeated: no change. */
export function resumeDeployment(deployment: Deployment, at: At): Deployment {
  if (deployment.pause === undefined) return deployment;
  const { pause: _ended, ...resumed } = deployment;
  return settleDeadline(resumed, at);
}

/** The canaries of an app serve: somebody must decide. Repeated: no change, also when one of them dies later. */
export function awaitPromotion(deployment: Deployment, app: AppId, at: At): Deployment {
  const progress = progressOf(deployment, app);
  if (progress.canaryWaitsSinceEpochMs !== undefined) return deployment;
  const waiting = { ...progress, canaryWaitsSinceEpochMs: at.now.epochMs };
  return settleDeadline(withProgress(deployment, app, waiting), at);
}

/** The canaries of these apps are good. Repeated: no change. */
export function promoteCanaries(
  deployment: Deployment,
  apps: readonly AppId[],
  at: At,
): Deployment {
  let promoted = deployment;
  for (const app of apps) {
    const progress = progressOf(promoted, app);
    if (!progress.isPromoted)
      promoted = withProgress(promoted, app, { ...progress, isPromoted: true });
  }
  return promoted === deployment ? deployment : settleDeadline(promoted, at);
}

/** One batch more of an app is done. */
export function countBatch(deployment: Deployment, app: AppId): Deployment {
  const progress = progressOf(deployment, app);
  return withProgress(deployment, app, { ...progress, batches: progress.batches + 1 });
}

/** Apps whose canaries wait for somebody's word. */
export const appsAwaitingPromotion = ({ progress = {} }: Deployment): readonly AppId[] =>
  (Object.keys(progress) as AppId[]).filter((app) => isWaiting(progress[app]));

/** Whether the time of its deadline counts. */
export const isOnTheClock = (deployment: Deployment): boolean =>
  deployment.pause === undefined && appsAwaitingPromotion(deployment).length === 0;

const NOT_BEGUN: RolloutProgress = { batches: 0 };

const progressOf = ({ progress }: Deployment, app: AppId): RolloutProgress =>
  progress?.[app] ?? NOT_BEGUN;

const isWaiting = (progress: RolloutProgress | undefined): boolean =>
  progress?.canaryWaitsSinceEpochMs !== undefined && progress.isPromoted !== true;

const withProgress = (
  deployment: Deployment,
  app: AppId,
  progress: RolloutProgress,
): Deployment => ({ ...deployment, progress: { ...deployment.progress, [app]: progress } });

function settleDeadline(deployment: Deployment, { now, leftMs }: At): Deployment {
  const { deadlineEpochMs, deadlineLeftMs, ...rest } = deployment;
  if (isOnTheClock(deployment)) {
    return deadlineLeftMs === undefined
      ? deployment
      : { ...rest, deadlineEpochMs: now.epochMs + deadlineLeftMs };
  }
  if (deadlineEpochMs === undefined) return deployment;
  return { ...rest, deadlineLeftMs: Math.max(0, leftMs ?? deadlineEpochMs - now.epochMs) };
}
