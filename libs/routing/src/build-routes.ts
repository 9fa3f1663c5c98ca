import type { WireApp } from '#marathon-v2';
import { type AppRoutes, type EdgeScope, routesOf } from './app-routes.js';
import { compareText } from './clean-name.js';
import { mergeDeploymentGroups } from './deployment-groups.js';
import type { LastKnownHealth } from './find-endpoints.js';
import { type PortRules, resolveConflicts } from './resolve-conflicts.js';
import type { Route, RouteConflict, RouteTable } from './route-table.js';

export interface RoutingOptions extends EdgeScope, PortRules {
  /**
   * Health last seen per task, used while results are missing (after a controller fail-over unknown is not unhealthy).
   * Tasks never seen and without a result are not routed to.
   */
  readonly lastKnownHealth: LastKnownHealth;
  /**
   * What was found for an app object before. Valid while scope is the same, and the last known health of the object's tasks is.
   */
  readonly memory?: WeakMap<WireApp, AppRoutes>;
  /** What becomes of a route that HAProxy did not take; absent: all stay as they are. */
  readonly admit?: (route: Route) => Admission;
}

/** A route as it is, another one in its place, or none; with the reason for that. */
export interface Admission {
  readonly route: Route | undefined;
  readonly refusal?: RouteConflict;
}

/**
 * Turns apps with their tasks into routes. The same apps in any order give the same table. A task is an endpoint when
 * it runs, is healthy (or the app has no health checks) and ready; draining ones stay as draining endpoints.
 * O(apps + tasks, sorted); with a memory, O(apps + tasks of the changed ones).
 */
export function buildRoutes(apps: readonly WireApp[], options: RoutingOptions): RouteTable {
  const sorted = [...apps].sort((left, right) => compareText(left.id, right.id));
  const all = mergeDeploymentGroups(sorted.map((app) => ({ app, own: remembered(app, options) })));
  const admitted = all
    .flatMap(({ routes }) => routes)
    .sort(byAppAndPort)
    .map((route): Admission => options.admit?.(route) ?? { route });
  const leaving = new Set(apps.flatMap(({ id, leaving: isLeaving }) => (isLeaving ? [id] : [])));
  const table = resolveConflicts(
    stayingFirst(
      admitted.flatMap(({ route }) => route ?? []),
      leaving,
    ),
    [
      ...all.flatMap(({ problems }) => problems),
      ...admitted.flatMap(({ refusal }) => refusal ?? []),
    ],
    options,
  );
  return leaving.size === 0 ? table : { ...table, routes: [...table.routes].sort(byAppAndPort) };
}

/** An app that is declared no more must not keep a host or a port from the one that takes its place. */
const stayingFirst = (routes: readonly Route[], leaving: ReadonlySet<string>): readonly Route[] =>
  leaving.size === 0
    ? routes
    : [
        ...routes.filter(({ appId }) => !leaving.has(appId)),
        ...routes.filter(({ appId }) => leaving.has(appId)),
      ];

const byAppAndPort = (
  left: RouteTable['routes'][number],
  right: RouteTable['routes'][number],
): number => compareText(left.appId, right.appId) || left.portIndex - right.portIndex;

/** The routes of one app alone; those of an object are found once. */
export function remembered(app: WireApp, options: RoutingOptions): AppRoutes {
  const known = options.memory?.get(app);
  if (known !== undefined) return known;
  const own = routesOf(app, options, options.lastKnownHealth);
  options.memory?.set(app, own);
  return own;
}
