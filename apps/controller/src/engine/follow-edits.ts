import { type App, type AppId, isSameValue } from '#core';
import { definitionOf, launchedDefinitionOf } from './definitions.js';
import type { EngineContext } from './engine-context.js';

/**
 * Has what watches running instances go over to what was changed in place, once that is durable. `originals` are the
 * definitions before. O(instances of these apps).
 */
export function followEdits(context: EngineContext, originals: ReadonlyMap<AppId, App>): void {
  const { state, memory, health, checks } = context;
  for (const [id, before] of originals) {
    for (const instance of state.instancesOf(id).values()) {
      const app = definitionOf(context, state.root, instance);
      if (app === undefined || instance.condition !== 'Running' || instance.goal !== 'Running') {
        continue;
      }
      const watched = {
        instance,
        app,
        launched: launchedDefinitionOf(context, state.root, instance),
      };
      if (app === state.root.apps.get(id)) health.adopt(watched, before);
      if (isSameValue(before.check, app.check)) continue;
      memory.checkResults.delete(instance.id);
      checks.watch(watched);
    }
  }
}
