import type { InstanceId } from '#core';
import { definitionOf } from './definitions.js';
import type { EngineContext } from './engine-context.js';
import type { EngineEffect } from './engine-effect.js';
import { referencesOf } from './reconciler.js';

/** The requests to end what runs of an instance, with the grace period its app has by now. */
export function toKills(
  context: Pick<EngineContext, 'memory' | 'state'>,
  id: InstanceId,
): readonly EngineEffect[] {
  const instance = context.state.instance(id);
  if (instance === undefined) return [];
  const app = definitionOf(context, context.state.root, instance);
  // Each container of a pod has its own, as it was launched with it.
  const graceSeconds = app?.taskKillGracePeriodSeconds;
  return referencesOf(instance).map((task) => ({
    kind: 'kill-task',
    ...task,
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
  }));
}
