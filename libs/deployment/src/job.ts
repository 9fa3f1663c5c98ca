import type { App, Instance, JobProgress } from '#core';
import { isOutdated } from './app-change.js';
import { isAlive, isStaying } from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import type { RolloutDecision, RolloutInput } from './rollout-input.js';

/** What the end of an instance means for its job. `lost`: nobody can say, or it was ended; it runs again. */
export type JobEnd = 'completed' | 'failed' | 'lost';

/** A run of which nothing has been launched. */
export const beginRun = (app: App): JobProgress => ({
  appId: app.id,
  run: app.versionInfo.lastConfigChangeAt,
  completed: 0,
  failed: 0,
  retries: [],
});

/** What an instance in a terminal condition means; what we ended ourselves has not failed. */
export function jobEndOf({ condition, goal }: Pick<Instance, 'condition' | 'goal'>): JobEnd {
  if (condition === 'Finished') return 'completed';
  const hasFailed = (condition === 'Failed' || condition === 'Error') && goal === 'Running';
  return hasFailed ? 'failed' : 'lost';
}

/** Counts an ended instance. What failed once more than `maxRetries` is given up. */
export function noteJobEnd(
  progress: JobProgress,
  ended: { readonly end: JobEnd; readonly failedBefore: number; readonly maxRetries: number },
): JobProgress {
  const { end, failedBefore, maxRetries } = ended;
  switch (end) {
    case 'completed':
      return { ...progress, completed: progress.completed + 1 };
    case 'failed':
      return failedBefore >= maxRetries
        ? { ...progress, failed: progress.failed + 1 }
        : addRetries(progress, failedBefore + 1, 1);
    case 'lost':
      return failedBefore === 0 ? progress : addRetries(progress, failedBefore, 1);
    default:
      return end satisfies never;
  }
}

/** Which of those that wait is launched next: one that failed, if any does, so that a job that cannot succeed soon says so. */
export function takeForLaunch(progress: JobProgress): {
  readonly failedBefore: number;
  readonly progress: JobProgress;
} {
  const index = progress.retries.findIndex((count) => count > 0);
  return index < 0
    ? { failedBefore: 0, progress }
    : { failedBefore: index + 1, progress: addRetries(progress, index + 1, -1) };
}

function addRetries(progress: JobProgress, failedBefore: number, more: number): JobProgress {
  const length = Math.max(progress.retries.length, failedBefore);
  const retries = Array.from({ length }, (_, index) => {
    const count = progress.retries[index] ?? 0;
    return index === failedBefore - 1 ? count + more : count;
  });
  return { ...progress, retries };
}

/**
 * One look at an app that runs to completion: what has neither finished nor been given up is launched, once nothing of an
 * earlier run is left. When an instance is given up the run has failed: nothing more is launched, what runs may end.
 */
export function runJob(input: RolloutInput, progress: JobProgress): RolloutDecision {
  const { app, mode, instances, sentenced } = input;
  const alive = instances.filter(isAlive);
  const earlier = alive.filter((facts) => isOutdated(facts.configVersion, app));
  const current = alive.filter((facts) => !isOutdated(facts.configVersion, app));
  const lost = instances.filter(
    (facts) => facts.condition === 'UnreachableInactive' && isOutdated(facts.configVersion, app),
  );
  const staying = current.filter(isStaying);
  const surplus = progress.completed + staying.length - app.instances;
  const retire = selectToKill(staying, surplus, {
    killSelection: app.killSelection,
    ...(sentenced === undefined ? {} : { sentenced }),
  });
  const replaced = mode === 'steady' ? [] : [...earlier.filter(isStaying), ...lost];
  const missing = Math.max(0, app.instances - progress.completed - current.length);
  const launch = progress.failed > 0 || earlier.length > 0 ? 0 : missing;
  const finished = progress.completed >= app.instances && alive.length === 0;
  return {
    launch,
    retire: [...replaced, ...retire],
    waiting: finished ? [] : explain(app, progress, { running: current.length, launch }),
    finished,
  };
}

/** Why a job cannot complete any more; undefined while it can. */
export function jobFailure(app: App, { completed, failed }: JobProgress): string | undefined {
  if (failed === 0 || completed >= app.instances) return undefined;
  const what = failed === 1 ? '1 instance has' : `${failed} instances have`;
  return (
    `the job has failed: ${what} failed more often than maxRetries allowed; ` +
    'a restart, or another definition than that, runs it again'
  );
}

function explain(
  app: App,
  progress: JobProgress,
  about: { readonly running: number; readonly launch: number },
): readonly string[] {
  const { completed, retries } = progress;
  const reasons = [`${completed} of ${app.instances} instances have finished`];
  const failure = jobFailure(app, progress);
  if (failure !== undefined) reasons.unshift(failure);
  if (about.running > 0) reasons.push(`${about.running} are launched and have not finished yet`);
  const again = retries.reduce((sum, count) => sum + count, 0);
  if (again > 0) reasons.push(`${again} failed and are to run again`);
  if (about.launch > 0) reasons.push(`${about.launch} wait for an offer`);
  return reasons;
}
