import type {
  WireBackendStatistics,
  WireRoute,
  WireRouteInstance,
  WireServerStatistics,
} from '#marathon-v2';
import type { Endpoint, Route } from '#routing';
import type { RouterView } from '../engine/controller-engine.port.js';
import { type AppRoutes, whyOutside } from './app-routes.js';
import { sumTraffic } from './sum-traffic.js';

/** Backends of a router's last report, by the id of their route and by name, with their servers by task. */
type BackendIndex = ReadonlyMap<string, Backend>;

interface Backend {
  readonly statistics: Omit<WireBackendStatistics, 'servers'>;
  readonly byTask: ReadonlyMap<string, WireServerStatistics>;
}

export interface IndexedRouter {
  readonly id: string;
  readonly backends: BackendIndex;
}

export const routeIdOf = (appId: string, portIndex: number): string => `${appId}:${portIndex}`;

const indexes = new WeakMap<object, BackendIndex>();

/** The routers whose figures count, each indexed once per report. O(servers of new reports). */
export const indexRouters = (routers: readonly RouterView[]): readonly IndexedRouter[] =>
  routers.flatMap(({ id, isRecent, report }) => {
    const backends = report.statistics?.backends;
    if (!isRecent || backends === undefined) return [];
    const known = indexes.get(backends) ?? indexBackends(backends);
    indexes.set(backends, known);
    return [{ id, backends: known }];
  });

function indexBackends(backends: Readonly<Record<string, WireBackendStatistics>>): BackendIndex {
  const byRoute = new Map<string, Backend>();
  for (const [name, { servers = {}, ...statistics }] of Object.entries(backends)) {
    const { appId, portIndex } = statistics;
    const byTask = new Map(
      Object.values(servers).flatMap((server) =>
        server.taskId === undefined ? [] : [[server.taskId, server] as const],
      ),
    );
    byRoute.set(name, { statistics, byTask });
    if (appId === undefined || portIndex === undefined) continue;
    byRoute.set(routeIdOf(appId, portIndex), { statistics, byTask });
  }
  return byRoute;
}

/** One route with what the routers say of it. */
export function toWireRoute(
  route: Route,
  about: { readonly of: AppRoutes; readonly routers: readonly IndexedRouter[] },
): WireRoute {
  const { of, routers } = about;
  const id = routeIdOf(route.appId, route.portIndex);
  const serving = routers.flatMap(({ id: router, backends }) => {
    // Apps of a deployment group share a backend, which is reported for one of them.
    const backend = backends.get(id) ?? backends.get(route.backend);
    return backend === undefined ? [] : [{ router, ...backend }];
  });
  const traffic = sumTraffic(serving.map(({ statistics }) => statistics));
  const inside = new Set(route.endpoints.map(({ taskId }) => taskId));
  return {
    id,
    appId: route.appId,
    portIndex: route.portIndex,
    ...(of.isLeaving ? { leaving: true } : {}),
    groups: of.groups,
    mode: route.mode,
    vhosts: route.vhosts,
    paths: route.paths.map(({ path }) => path),
    ...(route.listener === undefined ? {} : { listenPort: route.listener.port }),
    backend: route.backend,
    instances: route.endpoints.map((endpoint) => toInstance(endpoint, serving)),
    outside: of.tasks
      .filter((task) => !inside.has(task.id))
      .map((task) => ({ taskId: task.id, host: task.host, why: whyOutside(of, task) })),
    ...(traffic === undefined ? {} : { traffic }),
    routers: Object.fromEntries(serving.map(({ router, statistics }) => [router, statistics])),
  };
}

type Serving = Backend & { readonly router: string };

function toInstance(endpoint: Endpoint, serving: readonly Serving[]): WireRouteInstance {
  const { taskId, address, port, state } = endpoint;
  const seen = serving.flatMap(({ router, byTask }) => {
    const server = byTask.get(taskId);
    return server === undefined ? [] : [{ router, server }];
  });
  const traffic = sumTraffic(seen.map(({ server }) => server)) ?? {};
  const { requestsPerSecond, sessions, responseMs } = traffic;
  const disagree = seen.flatMap(({ router, server }) =>
    server.state === undefined || isAgreed(state, server.state)
      ? []
      : [{ router, state: server.state }],
  );
  return {
    taskId,
    address,
    port,
    state,
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(responseMs === undefined ? {} : { responseMs }),
    routers: Object.fromEntries(seen.map(({ router, server }) => [router, server])),
    ...(disagree.length === 0 ? {} : { disagree }),
  };
}

/** Out of rotation is out of rotation, whatever HAProxy calls it. */
const isAgreed = (
  wanted: Endpoint['state'],
  seen: NonNullable<WireServerStatistics['state']>,
): boolean => (wanted === 'ready' ? seen === 'up' : seen !== 'up');
