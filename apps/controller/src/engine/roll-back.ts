import type { DeploymentId, RootGroup } from '#core';
import { planRollback } from '#deployment';
import { completeRestoration, type Refusal } from '#marathon-v2';
import { applyRootChange, type ChangeResult, nextVersion } from './change-root.js';
import type { RootChange } from './controller-engine.port.js';
import { cancelRunning } from './deployment-progress.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

interface Undone {
  readonly id: DeploymentId;
  readonly original: RootGroup;
  readonly target: RootGroup;
  /** Who asks for it. */
  readonly by?: string;
}

type Restoration =
  | { readonly ok: true; readonly change: RootChange }
  | { readonly ok: false; readonly reason: string };

/**
 * Undoes a running deployment by a new forced one, or says why what others declared meanwhile does not allow it.
 * Undefined: it does not run any more, so there is nothing to stop and undo.
 */
export function rollBack(
  context: EngineContext,
  draft: Draft,
  about: Undone,
): ChangeResult | undefined {
  const { id } = about;
  const restoration = planRestoration(draft, about);
  if (restoration === undefined) return undefined;
  if (!restoration.ok) {
    return { kind: 'outcome', outcome: { kind: 'impossible', reason: restoration.reason } };
  }
  const result = applyRootChange(context, draft, restoration.change, { keepVersions: true });
  // One that only finished earlier work left no difference to undo, so nothing conflicted with it.
  const left = draft.deployment(id);
  const isAccepted = result.kind === 'outcome' && result.outcome.kind === 'accepted';
  if (isAccepted && left?.state === 'Running') cancelRunning(context, draft, left, 'rolled back');
  return result;
}

/** The change that undoes a deployment; undefined when it does not run any more. */
export function planRestoration(
  draft: Draft,
  { id, original, target, by }: Undone,
): Restoration | undefined {
  if (draft.deployment(id)?.state !== 'Running') return undefined;
  const { root } = draft;
  const inverse = planRollback(original, target, root);
  const restored = completeRestoration(root, inverse, nextVersion(root.version, draft.now.epochMs));
  if (!restored.ok) {
    const reason = `deployment ${id} cannot be undone: ${inWords(restored.refusal)}; it goes on, and can be stopped where it is with ?force=true`;
    return { ok: false, reason };
  }
  const reason = `rollback of ${id}`;
  const asked = by === undefined ? {} : { by };
  const change = { apply: () => restored.value, force: true, reason, ...asked };
  return { ok: true, change };
}

function inWords(refusal: Refusal): string {
  if ('message' in refusal) return refusal.message;
  const { details } = refusal;
  return typeof details === 'string' ? details : details.flatMap(({ errors }) => errors).join('; ');
}
