import type { WireApp } from '#marathon-v2';
import { type RoutingOptions, remembered } from './build-routes.js';
import { deploymentGroupOf } from './deployment-groups.js';
import { routeFingerprint } from './route-fingerprint.js';
import type { Route, RouteTable } from './route-table.js';

/** A table of `buildRoutes`, and the apps it was made of, in their order. */
export interface BuiltTable {
  readonly apps: readonly WireApp[];
  readonly table: RouteTable;
}

/** Above so many changed apps all are looked at. */
const MAX_CHANGED = 64;

/**
 * The table `buildRoutes` would make of `apps` where only endpoints differ from `before`; undefined: more differs, or may.
 * Options are to be those of before, nothing being refused. O(apps + routes), with nothing to sort and no claim to settle.
 */
export function withEndpointChanges(
  before: BuiltTable,
  apps: readonly WireApp[],
  options: RoutingOptions,
): RouteTable | undefined {
  const changed = changedApps(before.apps, apps);
  if (changed === undefined) return undefined;
  const next = new Map<string, { readonly old: Route; readonly now: Route }>();
  for (const [oldApp, nowApp] of changed) {
    const pairs = pairRoutes(oldApp, nowApp, options);
    if (pairs === undefined) return undefined;
    for (const pair of pairs) next.set(`${nowApp.id} ${pair.old.backend}`, pair);
  }
  if (next.size === 0) return before.table;
  const changedIds = new Set(changed.map(([, { id }]) => id));
  const routes = before.table.routes.map((route) => {
    if (!changedIds.has(route.appId)) return route;
    const pair = next.get(`${route.appId} ${route.backend}`);
    if (pair === undefined) return route;
    return route === pair.old ? pair.now : { ...route, endpoints: pair.now.endpoints };
  });
  return { routes, conflicts: before.table.conflicts };
}

type Change = readonly [WireApp, WireApp];

/** Undefined: some came, went or changed places, or too many changed. */
function changedApps(
  before: readonly WireApp[],
  now: readonly WireApp[],
): readonly Change[] | undefined {
  if (before.length !== now.length) return undefined;
  const changed: Change[] = [];
  for (const [index, app] of now.entries()) {
    const old = before[index];
    if (old === app) continue;
    if (old?.id !== app.id || changed.length >= MAX_CHANGED) return undefined;
    changed.push([old, app]);
  }
  return changed;
}

/** The routes of an app before and now; undefined: they differ in more than endpoints. */
function pairRoutes(old: WireApp, now: WireApp, options: RoutingOptions) {
  const isAlone = [old, now].every((app) => deploymentGroupOf(app) === undefined);
  if (!isAlone || old.leaving !== now.leaving) return undefined;
  const [before, after] = [remembered(old, options), remembered(now, options)];
  if (before.routes.length !== after.routes.length) return undefined;
  if (JSON.stringify(before.problems) !== JSON.stringify(after.problems)) return undefined;
  const pairs: { readonly old: Route; readonly now: Route }[] = [];
  for (const [index, route] of after.routes.entries()) {
    const former = before.routes[index];
    if (former === undefined || routeFingerprint(former) !== routeFingerprint(route))
      return undefined;
    pairs.push({ old: former, now: route });
  }
  return pairs;
}
