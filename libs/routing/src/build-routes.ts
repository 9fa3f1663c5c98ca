import type { WireApp, WireTask } from '#marathon-v2';
import { type PortLabels, readPortLabels } from './label-config.js';
import type { Endpoint, Route, RouteConflict, RouteTable } from './route-table.js';

export interface RoutingOptions {
  /** Groups this edge serves; `*` takes every app, with or without a group. */
  readonly groups: readonly string[];
  /** Ports no app may listen on: the edge's own and the daemons'. */
  readonly reservedPorts: ReadonlySet<number>;
  /** Ports found taken by someone else on this host. */
  readonly occupiedPorts?: ReadonlySet<number>;
  /**
   * Health last seen per task, used while results are missing (after a controller fail-over unknown is not unhealthy).
   * Tasks never seen and without a result are not routed to.
   */
  readonly lastKnownHealth: ReadonlyMap<string, boolean>;
}

/** Task states that take traffic. LOST and UNREACHABLE stay: a partition is no proof of death. */
const ROUTED_STATES: ReadonlySet<string> = new Set([
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_LOST',
  'TASK_UNREACHABLE',
]);

/**
 * Turns apps with their tasks into routes. The same apps in any order give the same table. A task is an endpoint when
 * it runs, is healthy (or the app has no health checks) and ready; draining ones stay as draining endpoints.
 * O(apps + tasks, sorted).
 */
export function buildRoutes(apps: readonly WireApp[], options: RoutingOptions): RouteTable {
  const conflicts: RouteConflict[] = [];
  const routes: Route[] = [];
  const sorted = [...apps].sort((left, right) => compare(left.id, right.id));
  for (const app of sorted) {
    // A job ends: nothing is sent to it.
    if (app.workload === 'job') continue;
    for (const [portIndex, servicePort] of servicePortsOf(app).entries()) {
      const { labels, problems } = readPortLabels(app, portIndex);
      if (!labels.enabled || !isServedBy(labels.groups, options.groups)) continue;
      for (const problem of problems) {
        conflicts.push({ appId: app.id, portIndex, reason: `${problem.label}: ${problem.reason}` });
      }
      routes.push(toRoute(app, { portIndex, servicePort, labels, options }));
    }
  }
  return resolveConflicts(routes, conflicts, options);
}

function isServedBy(wanted: readonly string[], served: readonly string[]): boolean {
  return served.includes('*') || wanted.some((group) => served.includes(group));
}

/** One per port mapping or port definition, in order; 0 where the app has no service port. */
function servicePortsOf(app: WireApp): readonly number[] {
  if (isContainerNetworked(app)) {
    return (app.container?.portMappings ?? []).map((mapping) => mapping.servicePort);
  }
  return (app.portDefinitions ?? []).map((definition) => definition.port);
}

const isContainerNetworked = (app: WireApp): boolean =>
  app.networks.some((network) => network.mode !== 'host');

interface PortContext {
  readonly portIndex: number;
  readonly servicePort: number;
  readonly labels: PortLabels;
  readonly options: RoutingOptions;
}

function toRoute(app: WireApp, context: PortContext): Route {
  const { labels, portIndex } = context;
  const mode = labels.mode ?? inferMode(app, context);
  const listenPort = labels.port ?? context.servicePort;
  return {
    appId: app.id,
    portIndex,
    backend: `${cleanName(app.id.slice(1))}_${context.servicePort === 0 ? `p${portIndex}` : context.servicePort}`,
    ...(listenPort > 0 ? { listenPort } : {}),
    mode,
    balance: labels.balance,
    sticky: labels.sticky && mode === 'http',
    // A host name can only be read from an HTTP request.
    vhosts: mode === 'http' ? labels.vhosts : [],
    ...(labels.path === undefined ? {} : { path: labels.path }),
    weight: labels.backendWeight,
    endpoints: toEndpoints(app, context),
  };
}

/** Label, else an HTTP health check of this port, else a virtual host: http; else tcp. */
function inferMode(app: WireApp, { portIndex, labels }: PortContext): 'http' | 'tcp' {
  const hasHttpCheck = (app.healthChecks ?? []).some(
    (check) =>
      ['HTTP', 'HTTPS', 'MESOS_HTTP', 'MESOS_HTTPS'].includes(check.protocol) &&
      (check.port !== undefined || (check.portIndex ?? 0) === portIndex),
  );
  return hasHttpCheck || labels.vhosts.length > 0 ? 'http' : 'tcp';
}

function toEndpoints(app: WireApp, context: PortContext): readonly Endpoint[] {
  const unready = new Set(
    (app.readinessCheckResults ?? [])
      .filter((result) => !result.ready)
      .map((result) => result.taskId),
  );
  const byName = new Map<string, Endpoint>();
  for (const task of app.tasks ?? []) {
    if (!ROUTED_STATES.has(task.state)) continue;
    const isDraining = task.draining !== undefined || task.state === 'TASK_KILLING';
    const isServing =
      isDraining || (!unready.has(task.id) && isHealthy(app, task, context.options));
    const target = isServing ? targetOf(app, task, context.portIndex) : undefined;
    if (target === undefined) continue;
    const name = cleanName(`${target.address}_${target.port}`);
    const known = byName.get(name);
    // Two tasks on one address: the one that is not on its way out is the real one.
    if (known !== undefined && known.state === 'ready') continue;
    byName.set(name, {
      name,
      ...target,
      taskId: task.id,
      state: isDraining ? 'draining' : 'ready',
    });
  }
  return [...byName.values()].sort((left, right) => compare(left.name, right.name));
}

function isHealthy(app: WireApp, task: WireTask, options: RoutingOptions): boolean {
  if ((app.healthChecks ?? []).length === 0) return true;
  const results = task.healthCheckResults ?? [];
  if (results.length === 0) return options.lastKnownHealth.get(task.id) ?? false;
  return results.some((result) => result.alive);
}

function targetOf(
  app: WireApp,
  task: WireTask,
  portIndex: number,
): { readonly address: string; readonly port: number } | undefined {
  const mapping = isContainerNetworked(app) ? app.container?.portMappings?.[portIndex] : undefined;
  const ip = task.ipAddresses[0]?.ipAddress;
  if (mapping !== undefined && mapping.hostPort === undefined && ip !== undefined) {
    return mapping.containerPort > 0 ? { address: ip, port: mapping.containerPort } : undefined;
  }
  const port = task.ports[hostPortIndex(app, portIndex)];
  return port === undefined || port <= 0 ? undefined : { address: task.host, port };
}

/** `task.ports` has no entry for mappings without a host port. */
function hostPortIndex(app: WireApp, portIndex: number): number {
  if (!isContainerNetworked(app)) return portIndex;
  const mappings = app.container?.portMappings ?? [];
  return mappings.slice(0, portIndex).filter((mapping) => mapping.hostPort !== undefined).length;
}

/** First come by app id wins a listen port, a host (with path) and a backend name; the later one is told why. */
function resolveConflicts(
  routes: readonly Route[],
  problems: readonly RouteConflict[],
  options: RoutingOptions,
): RouteTable {
  const conflicts = [...problems];
  const ports = new Map<number, string>();
  const hosts = new Map<string, string>();
  const backends = new Map<string, string>();
  const kept: Route[] = [];
  for (const route of routes) {
    const refuse = (reason: string): void => {
      conflicts.push({ appId: route.appId, portIndex: route.portIndex, reason });
    };
    const taken = backends.get(route.backend);
    if (taken !== undefined) {
      refuse(`backend name ${route.backend} is already used by ${taken}`);
      continue;
    }
    backends.set(route.backend, route.appId);
    const vhosts = route.vhosts.filter((host) => {
      const key = `${host}${route.path ?? ''}`;
      const owner = hosts.get(key);
      if (owner === undefined) hosts.set(key, route.appId);
      else refuse(`host ${key} is already served by ${owner}`);
      return owner === undefined;
    });
    const { listenPort, ...rest } = route;
    const portProblem =
      listenPort === undefined ? undefined : portConflict(listenPort, ports, options);
    if (portProblem !== undefined) refuse(portProblem);
    const isListening = listenPort !== undefined && portProblem === undefined;
    if (isListening) ports.set(listenPort, route.appId);
    if (isListening || vhosts.length > 0) {
      kept.push({ ...rest, vhosts, ...(isListening ? { listenPort } : {}) });
    }
  }
  return { routes: kept, conflicts };
}

function portConflict(
  port: number,
  taken: ReadonlyMap<number, string>,
  options: RoutingOptions,
): string | undefined {
  const owner = taken.get(port);
  if (owner !== undefined) return `port ${port} is already used by ${owner}`;
  if (options.reservedPorts.has(port)) return `port ${port} is reserved`;
  if (options.occupiedPorts?.has(port) === true) return `port ${port} is in use on this host`;
  return undefined;
}

/** Everything outside HAProxy's name characters becomes `_`. */
const cleanName = (text: string): string => text.replace(/[^A-Za-z0-9.-]/g, '_');

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
