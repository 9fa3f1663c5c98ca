import { type App, type AppId, type Instance, isDormant, isPod } from '#core';
import { definitionOf } from './definitions.js';
import type { EngineContext } from './engine-context.js';

/**
 * Apps that nobody declares any more and that still have instances, in order of id: routers serve and drain them until
 * they are gone. Pods have no routes. O(apps with instances).
 */
export function leavingApps(context: EngineContext): readonly App[] {
  const { state } = context;
  return [...state.appsWithInstances()]
    .filter((id) => !state.root.apps.has(id))
    .sort()
    .flatMap((id) => leavingApp(context, id) ?? []);
}

/** Undefined: it is declared, or nothing of it is left. */
export function leavingApp(context: EngineContext, id: AppId): App | undefined {
  const { state } = context;
  if (state.root.apps.has(id)) return undefined;
  let newest: App | undefined;
  for (const instance of state.instancesOf(id).values()) {
    const app = isThere(instance) ? definitionOf(context, state.root, instance) : undefined;
    if (app !== undefined && !isPod(app) && isNewer(app, newest)) newest = app;
  }
  return newest;
}

/** What is only reserved for it takes no request. */
const isThere = (instance: Instance): boolean => !isDormant(instance);

/** In the order they were declared. */
const isNewer = (app: App, other: App | undefined): boolean =>
  other === undefined || app.version > other.version;
