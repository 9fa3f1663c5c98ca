import { type App, type AppId, isPod } from '#core';
import { toWireApp, toWireTask, type WireApp, type WireTask } from '#marathon-v2';
import { buildRoutes, claimsOf, type Route, type RouteConflict } from '#routing';
import type { ControllerView } from '../engine/controller-engine.port.js';

/** What the edge should serve of one app. */
export interface AppRoutes {
  readonly app: App;
  readonly isLeaving: boolean;
  readonly groups: readonly string[];
  readonly routes: readonly Route[];
  /** Labels that cannot be used. */
  readonly problems: readonly RouteConflict[];
  readonly tasks: readonly WireTask[];
  /** Tasks whose readiness check has not passed. */
  readonly unready: ReadonlySet<string>;
}

interface Cached {
  readonly counter: number;
  readonly app: App;
  readonly routes: AppRoutes | undefined;
}

/** The routes of each app, made anew only when something shown of the app has changed. */
export class AppRoutesCache {
  private cached = new Map<AppId, Cached>();
  private last: { readonly counter: number; readonly found: readonly AppRoutes[] } | undefined;

  /** In order of app id; apps that ask for no route are left out. O(apps), and O(tasks) of those that changed. */
  all(view: ControllerView): readonly AppRoutes[] {
    const total = view.totalChangeCounter();
    if (this.last?.counter === total) return this.last.found;
    const next = new Map<AppId, Cached>();
    const leaving = view.leavingApps().map((app) => ({ app, isLeaving: true }));
    const declared = [...view.root().apps.values()].map((app) => ({ app, isLeaving: false }));
    for (const { app, isLeaving } of [...declared, ...leaving]) {
      const counter = view.changeCounter(app.id);
      const known = this.cached.get(app.id);
      const isSame = known?.counter === counter && known.app === app;
      next.set(
        app.id,
        isSame ? known : { counter, app, routes: routesOf(view, app, { isLeaving }) },
      );
    }
    this.cached = next;
    const found = [...next.values()].flatMap(({ routes }) => routes ?? []);
    this.last = { counter: total, found };
    return found;
  }
}

/** Undefined: it asks for none. What other apps ask for plays no part. */
function routesOf(
  view: ControllerView,
  app: App,
  { isLeaving }: { readonly isLeaving: boolean },
): AppRoutes | undefined {
  if (isPod(app)) return undefined;
  const claims = claimsOf(app);
  if (claims.length === 0) return undefined;
  const tasks = view.instancesOf(app.id).flatMap((instance) => toWireTask(instance, app) ?? []);
  const readinessCheckResults = view.readinessOf(app.id);
  const wire: WireApp = { ...toWireApp(app), tasks, readinessCheckResults };
  const { routes, conflicts } = buildRoutes([wire], {
    groups: ['*'],
    reservedPorts: new Set(),
    lastKnownHealth: new Map(),
  });
  return {
    app,
    isLeaving,
    groups: [...new Set(claims.flatMap(({ groups }) => groups))].sort(),
    routes,
    problems: conflicts,
    tasks,
    unready: new Set(
      readinessCheckResults.filter(({ ready }) => !ready).map(({ taskId }) => taskId),
    ),
  };
}

/** Why a task of a routed app gets no request. */
export function whyOutside({ app, unready }: AppRoutes, task: WireTask): string {
  const { state } = task;
  if (state === 'TASK_STAGING' || state === 'TASK_STARTING') return 'it is starting';
  if (state !== 'TASK_RUNNING') return `it is ${state.slice('TASK_'.length).toLowerCase()}`;
  if (unready.has(task.id)) return 'its readiness check has not passed';
  const results = task.healthCheckResults ?? [];
  if (app.healthChecks.length > 0 && results.length === 0) return 'it has no health result yet';
  if (results.length > 0 && !results.some(({ alive }) => alive)) {
    return `its health checks fail: ${results[0]?.lastFailureCause ?? 'no cause is known'}`;
  }
  return 'it has no port for this route';
}
