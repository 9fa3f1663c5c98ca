import type { AppId, Deployment } from '#core';

/** Deployments at work at once; one more is refused. Marathon's limit. */
export const MAX_RUNNING_DEPLOYMENTS = 100;

/** The running deployments that touch one of these apps, in the order given. O(deployments + their apps). */
export function findConflicts(
  running: Iterable<Deployment>,
  apps: Iterable<AppId>,
): readonly Deployment[] {
  const wanted = new Set(apps);
  return [...running].filter(
    (deployment) =>
      deployment.state === 'Running' && deployment.affectedApps.some((id) => wanted.has(id)),
  );
}
