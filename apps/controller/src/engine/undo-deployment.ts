import type { Deployment, DeploymentId, RootGroup } from '#core';
import type { ChangeResult } from './change-root.js';
import type { ControllerEngine, RootChangeOutcome } from './controller-engine.port.js';
import { cancelRunning } from './deployment-progress.js';
import type { EngineContext } from './engine-context.js';
import { rollBack } from './roll-back.js';

type Undo = ReturnType<ControllerEngine['cancelDeployment']>;

/** Undoes a running deployment by a new forced one, or with `force` just stops it. Undefined: no such deployment. */
export async function undoDeployment(
  context: EngineContext,
  id: DeploymentId,
  options: { readonly force: boolean; readonly by?: string },
): Undo {
  const deployment = context.state.deployments.get(id);
  if (deployment === undefined) return undefined;
  if (options.force) return stopWhereItIs(context, id);
  const roots = await loadRoots(context, deployment);
  if (roots === undefined) {
    const reason = `deployment ${id} cannot be undone: its revisions are no longer kept`;
    return { kind: 'impossible', reason };
  }
  const result = await context.commits.submit({
    whenUnavailable: 'reject',
    run: (draft) => rollBack(context, draft, { id, ...roots, by: options.by }),
  });
  return result === undefined ? undefined : outcomeOf(result);
}

function stopWhereItIs(context: EngineContext, id: DeploymentId): Undo {
  return context.commits.submit({
    whenUnavailable: 'reject',
    run: (draft) => {
      const running = draft.deployment(id);
      if (running?.state !== 'Running') return undefined;
      cancelRunning(context, draft, running, 'cancelled, what it did so far stays');
      return { kind: 'cancelled' as const };
    },
  });
}

/** The roots a deployment leads from and to, while they are kept. */
export async function loadRoots(
  { ports }: EngineContext,
  { originalRevision, targetRevision }: Deployment,
): Promise<{ readonly original: RootGroup; readonly target: RootGroup } | undefined> {
  const [original, target] = await Promise.all([
    ports.store.loadRevision(originalRevision),
    ports.store.loadRevision(targetRevision),
  ]);
  return original === undefined || target === undefined ? undefined : { original, target };
}

/** The outcome of a change; what `apply` threw is thrown. */
export function outcomeOf(result: ChangeResult): RootChangeOutcome {
  if (result.kind === 'refused') throw result.error;
  return result.outcome;
}
