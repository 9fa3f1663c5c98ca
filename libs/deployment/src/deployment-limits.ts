import type { App, Deployment, DeploymentLimits, Rollout } from '#core';

/** What may be asked for with one change, before what its apps say. */
export type LimitOverride = Pick<Rollout, 'deadlineSeconds' | 'maxFailures' | 'autoRollback'>;

/**
 * The limits of a deployment of these apps: the strictest of each, unless the change says otherwise. A deployment that
 * creates an app has nothing to go back to, so only an explicit word rolls it back. Undefined: it never gives up.
 */
export function settleLimits(
  apps: readonly App[],
  options: { readonly createsApp: boolean; readonly override?: LimitOverride | undefined },
): DeploymentLimits | undefined {
  const rollouts = apps.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout]));
  const { override = {}, createsApp } = options;
  const deadlineSeconds =
    override.deadlineSeconds ?? least(rollouts.map((rollout) => rollout.deadlineSeconds));
  const maxFailures = override.maxFailures ?? least(rollouts.map((rollout) => rollout.maxFailures));
  if (deadlineSeconds === undefined && maxFailures === undefined) return undefined;
  const wishes = new Set(rollouts.map((rollout) => rollout.autoRollback));
  const wish = wishes.has(false) ? false : wishes.has(true) || !createsApp;
  return {
    ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    ...(maxFailures === undefined ? {} : { maxFailures }),
    autoRollback: override.autoRollback ?? wish,
  };
}

/**
 * Why a deployment has failed, in numbers; undefined while it has not, or is paused. `leftMs`: of its time, while that
 * counts.
 */
export function findBreach(
  {
    limits,
    failures = 0,
    state,
    pause,
  }: Pick<Deployment, 'limits' | 'failures' | 'state' | 'pause'>,
  leftMs: number | undefined,
): string | undefined {
  if (state !== 'Running' || limits === undefined || pause !== undefined) return undefined;
  const { deadlineSeconds, maxFailures } = limits;
  if (maxFailures !== undefined && failures > maxFailures) {
    return `${failures} new instances failed and at most ${maxFailures} may`;
  }
  if (deadlineSeconds !== undefined && leftMs !== undefined && leftMs <= 0) {
    return `it has not ended within its deadline of ${deadlineSeconds} s`;
  }
  return undefined;
}

const least = (values: readonly (number | undefined)[]): number | undefined => {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
};
