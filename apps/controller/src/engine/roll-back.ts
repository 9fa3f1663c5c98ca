import type { App, DeploymentId, RootDelta, RootGroup } from '#core';
import { planRollback } from '#deployment';
import { completeRestoration, MAX_NAMED_PROBLEMS, type Refusal } from '#marathon-v2';
import { describeClash, RouteClaimIndex } from '#routing';
import { findRouteClashes } from '../changes/find-route-clashes.js';
import { applyRootChange, type ChangeResult, nextVersion } from './change-root.js';
import type { RootChange } from './controller-engine.port.js';
import { cancelRunning } from './deployment-progress.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

/** Of a deployment that cannot be undone. */
export const GOES_ON = 'it goes on, and can be stopped where it is with ?force=true';

/** A deployment to be undone, with the roots it leads from and to. */
export interface Undoing {
  readonly id: DeploymentId;
  readonly original: RootGroup;
  readonly target: RootGroup;
  /** Who asks. */
  readonly by?: string | undefined;
}

type Restoration =
  | { readonly ok: true; readonly change: RootChange; readonly putApps: readonly App[] }
  | { readonly ok: false; readonly reason: string };

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
    const reason = `${result.outcome.reason}; ${GOES_ON}`;
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
  undoing: Undoing,
): ChangeResult {
  const restoration = planRestoration(context, draft, undoing);
  if (!restoration.ok) {
    return { kind: 'outcome', outcome: { kind: 'impossible', reason: restoration.reason } };
  }
  const result = applyRootChange(context, draft, restoration.change, {
    ...{ keepVersions: true, rollbackOf: undoing.id },
  });
  // The delay of a definition that fails says nothing of the one that comes back.
  for (const app of restoration.putApps) {
    draft.after(() => context.memory.backOffs.delete(app.id));
  }
  return result;
}

/** The change that undoes a deployment, or why what is declared by now does not allow it. */
export function planRestoration(
  { options }: Pick<EngineContext, 'options'>,
  { root, now }: Pick<Draft, 'root' | 'now'>,
  { id, original, target, by }: Undoing,
): Restoration {
  const inverse = planRollback(original, target, root);
  const restored = completeRestoration(root, inverse, nextVersion(root.version, now.epochMs));
  if (!restored.ok) {
    return { ok: false, reason: `deployment ${id} cannot be undone: ${inWords(restored.refusal)}` };
  }
  const clashes = newClashes(root, restored.value, options.reservedPorts);
  if (clashes.length > 0) {
    return { ok: false, reason: `deployment ${id} cannot be undone: ${clashes.join('; ')}` };
  }
  const change = {
    apply: () => restored.value,
    force: true,
    reason: `rollback of ${id}`,
    ...(by === undefined ? {} : { by }),
  };
  return { ok: true, change, putApps: inverse.putApps };
}

/**
 * What an app would get back that another one asks the edge for by now, in words. As with the undoing itself, the cost is
 * that of a look at all apps.
 */
function newClashes(
  root: RootGroup,
  declared: RootDelta,
  reservedPorts: ReadonlySet<number>,
): readonly string[] {
  const claims = new RouteClaimIndex();
  claims.follow(root.apps);
  const { refused } = findRouteClashes(claims, reservedPorts, { root, declared });
  const named = refused.slice(0, MAX_NAMED_PROBLEMS).map(describeClash);
  const more = refused.length - named.length;
  return more > 0 ? [...named, `and ${more} more`] : named;
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
