import type { DeploymentId, RootGroup } from '#core';
import { planRollback } from '#deployment';
import { completeRestoration, type Refusal } from '#marathon-v2';
import { applyRootChange, type ChangeResult, nextVersion } from './change-root.js';
import { cancelRunning } from './deployment-progress.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

/** A deployment to be undone, with the roots it leads from and to. */
export interface Undoing {
  readonly id: DeploymentId;
  readonly original: RootGroup;
  readonly target: RootGroup;
  /** Who asks. */
  readonly by?: string | undefined;
}

/**
 * Undoes a running deployment by a new forced one, or says why what others declared meanwhile does not allow it.
 * Undefined: it does not run any more, so there is nothing to stop and undo.
 */
export function rollBack(
  context: EngineContext,
  draft: Draft,
  undoing: Undoing,
): ChangeResult | undefined {
  const { id } = undoing;
  if (draft.deployment(id)?.state !== 'Running') return undefined;
  const result = restoreOriginal(context, draft, undoing);
  if (result.kind !== 'outcome') return result;
  if (result.outcome.kind === 'impossible') {
    const reason = `${result.outcome.reason}; it goes on, and can be stopped where it is with ?force=true`;
    return { kind: 'outcome', outcome: { kind: 'impossible', reason } };
  }
  // One that only finished earlier work left no difference to undo, so nothing conflicted with it.
  const left = draft.deployment(id);
  const isAccepted = result.outcome.kind === 'accepted';
  if (isAccepted && left?.state === 'Running') cancelRunning(context, draft, left, 'rolled back');
  linkRollback(draft, id, result);
  return result;
}

/** Brings what a deployment changed back to what it was, by a new forced deployment. */
export function restoreOriginal(
  context: EngineContext,
  draft: Draft,
  { id, original, target, by }: Undoing,
): ChangeResult {
  const { root } = draft;
  const inverse = planRollback(original, target, root);
  const restored = completeRestoration(root, inverse, nextVersion(root.version, draft.now.epochMs));
  if (!restored.ok) {
    const reason = `deployment ${id} cannot be undone: ${inWords(restored.refusal)}`;
    return { kind: 'outcome', outcome: { kind: 'impossible', reason } };
  }
  const result = applyRootChange(
    context,
    draft,
    {
      apply: () => restored.value,
      force: true,
      reason: `rollback of ${id}`,
      ...(by === undefined ? {} : { by }),
    },
    { keepVersions: true, rollbackOf: id },
  );
  // The delay of a definition that fails says nothing of the one that comes back.
  for (const app of inverse.putApps) draft.after(() => context.memory.backOffs.delete(app.id));
  return result;
}

/** Notes in what was undone by which deployment. */
export function linkRollback(draft: Draft, id: DeploymentId, result: ChangeResult): void {
  const undone = draft.deployment(id);
  if (undone === undefined || result.kind !== 'outcome') return;
  if (result.outcome.kind !== 'accepted') return;
  draft.putDeployment({ ...undone, rolledBackBy: result.outcome.deploymentId });
}

function inWords(refusal: Refusal): string {
  if ('message' in refusal) return refusal.message;
  const { details } = refusal;
  return typeof details === 'string' ? details : details.flatMap(({ errors }) => errors).join('; ');
}
