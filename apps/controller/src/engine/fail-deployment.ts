import type { Deployment, DeploymentId, Now } from '#core';
import { findBreach } from '#deployment';
import type { ChangeResult } from './change-root.js';
import { deadlineLeftMs } from './deployment-deadline.js';
import { failRunning } from './deployment-progress.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { linkRollback, restoreOriginal } from './roll-back.js';
import { loadRoots } from './undo-deployment.js';

type Roots = Awaited<ReturnType<typeof loadRoots>>;

/** Ends a deployment beyond its limits. What fails on the way is tried again at the next sweep. */
export function failIfDue(context: EngineContext, deployment: Deployment, now: Now): void {
  if (findBreach(deployment, deadlineLeftMs(context.memory, deployment, now)) === undefined) return;
  void fail(context, deployment);
}

async function fail(context: EngineContext, deployment: Deployment): Promise<void> {
  const { id, limits } = deployment;
  const memory = context.memory.deployments.get(id);
  if (memory === undefined || memory.isFailing) return;
  memory.isFailing = true;
  try {
    const roots = limits?.autoRollback ? await loadRoots(context, deployment) : undefined;
    await context.commits.submit({
      whenUnavailable: 'retry',
      run: (draft) => endFailed(context, draft, id, roots),
    });
  } catch (error) {
    context.ports.log?.warn(`deployment ${id}: its failure is not stored`, {
      reason: String(error),
    });
  } finally {
    memory.isFailing = false;
  }
}

/** In one transaction: it has failed, and the deployment that undoes it has begun. */
function endFailed(context: EngineContext, draft: Draft, id: DeploymentId, roots: Roots): void {
  const deployment = draft.deployment(id);
  if (deployment === undefined) return;
  const leftMs = deadlineLeftMs(context.memory, deployment, draft.now);
  const breach = findBreach(deployment, leftMs);
  if (breach === undefined) return;
  failRunning(context, draft, deployment, breach);
  if (!deployment.limits?.autoRollback) return;
  if (roots === undefined) {
    addReason(draft, id, 'it is not rolled back: its revisions are no longer kept');
    return;
  }
  const result = restoreOriginal(context, draft, { id, ...roots });
  linkRollback(draft, id, result);
  addReason(draft, id, describeRollback(result));
}

function addReason(draft: Draft, id: DeploymentId, addition: string): void {
  const failed = draft.deployment(id);
  if (failed === undefined) return;
  draft.putDeployment({ ...failed, reason: `${failed.reason ?? ''}; ${addition}` });
}

function describeRollback(result: ChangeResult): string {
  if (result.kind === 'refused') return `it is not rolled back: ${String(result.error)}`;
  const { outcome } = result;
  switch (outcome.kind) {
    case 'accepted':
      return `rolled back by deployment ${outcome.deploymentId}`;
    case 'locked':
      return `it is not rolled back: ${outcome.deployments.join(', ')} are in the way`;
    case 'too-many-deployments':
      return `it is not rolled back: ${outcome.limit} deployments are running`;
    case 'impossible':
      return `it is not rolled back: ${outcome.reason}`;
    default:
      return outcome satisfies never;
  }
}
