import type { Deployment, DeploymentEvent, DeploymentEventKind, Instance } from '#core';
import { findDeployment } from './deployment-targets.js';
import type { Draft } from './draft.js';

/** Longest message kept, characters. */
const MAX_MESSAGE = 512;

/** Says in the story of the deployment that has to do with an instance what happened to it. */
export function tellOfInstance(
  draft: Draft,
  instance: Instance,
  kind: DeploymentEventKind,
  message = '',
): void {
  const deployment = findDeployment(draft, instance.appId);
  if (deployment === undefined) return;
  draft.tell(deployment.id, {
    kind,
    app: instance.appId,
    instance: instance.id,
    version: instance.appVersion,
    ...(instance.placement === undefined ? {} : { host: instance.placement.hostname }),
    ...(message === '' ? {} : { message: message.slice(0, MAX_MESSAGE) }),
  });
}

/** Says what happened to the deployment itself. */
export function tellOfDeployment(
  draft: Draft,
  { id }: Deployment,
  event: Pick<DeploymentEvent, 'kind' | 'app' | 'message' | 'by'>,
): void {
  draft.tell(id, event);
}

/**
 * An instance failed: it is told, and a new one counts against the budget of its deployment. New is what runs the version
 * the deployment leads to; what an older one does is no sign of it.
 */
export function countFailure(draft: Draft, instance: Instance, message: string): void {
  const deployment = findDeployment(draft, instance.appId);
  if (deployment === undefined) return;
  tellOfInstance(draft, instance, 'failed', message);
  if (draft.root.apps.get(instance.appId)?.version !== instance.appVersion) return;
  draft.putDeployment({ ...deployment, failures: (deployment.failures ?? 0) + 1 });
}
