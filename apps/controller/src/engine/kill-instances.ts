import type { Instance, InstanceId } from '#core';
import { mayHaveRouters, needsDraining } from '#deployment';
import { definitionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { changeInstance } from './instance-changes.js';
import { toFacts } from './instance-facts.js';
import { drainMsOf } from './leave-agents.js';
import { knownRouters } from './router-sights.js';

export interface KillOrder {
  /** What is reserved for them is given up too. */
  readonly wipe: boolean;
  /** At once, whatever requests they still answer. */
  readonly force?: boolean;
}

/**
 * Ends instances because somebody asked for it. As in a rollout, what requests may be under way to is taken out of
 * rotation first; looks at its app end it when the routers have drained it, or at its deadline.
 */
export function killInstances(
  context: EngineContext,
  draft: Draft,
  ids: readonly InstanceId[],
  { wipe, force = false }: KillOrder,
): void {
  for (const id of ids) {
    const instance = draft.instance(id);
    if (instance === undefined) continue;
    if (!force && isDrainedFirst(context, draft, instance)) {
      startDraining(context, draft, instance, { isForGood: wipe });
      continue;
    }
    changeInstance(
      context,
      draft,
      instance,
      wipe ? { kind: 'decommission' } : { kind: 'stop', isComingBack: true },
    );
  }
}

/** Takes an instance out of rotation; its deadline is what its app says now. */
export function startDraining(
  context: EngineContext,
  draft: Draft,
  instance: Instance,
  { isForGood }: { readonly isForGood: boolean },
): void {
  const app = definitionOf(context, draft.root, instance);
  const deadlineEpochMs = draft.now.epochMs + drainMsOf(context, instance, app, draft.now);
  changeInstance(context, draft, instance, { kind: 'drain', deadlineEpochMs, isForGood });
}

/** Looks at its app, declared or not, end it later. */
function isDrainedFirst(context: EngineContext, draft: Draft, instance: Instance): boolean {
  const routers = knownRouters(context.memory, draft.now);
  const facts = toFacts(context, draft, instance, { routers, needsReadiness: false });
  return needsDraining(facts, { hasRouters: mayHaveRouters(routers) });
}
