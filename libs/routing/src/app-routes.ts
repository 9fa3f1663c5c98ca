import type { WireApp, WireHealthCheck } from '#marathon-v2';
import { type AppPort, isContainerNetworked, portsOf } from './app-ports.js';
import { cleanName } from './clean-name.js';
import { findEndpoints, type LastKnownHealth, servingTasks } from './find-endpoints.js';
import { type PortLabels, readPortLabels, type ServerLabels } from './labels/port-labels.js';
import type { Route, RouteCheck, RouteConflict, RouteListener } from './route-table.js';
import { checkTemplates } from './templates/check-templates.js';

/** Which apps and ports an edge serves. */
export interface EdgeScope {
  /** Groups this edge serves; `*` takes every app, with or without a group. */
  readonly groups: readonly string[];
  /** Only ports that say ENABLED are served. */
  readonly isStrict?: boolean;
  /** Apps may not put lines of their own in place of the built-in ones. */
  readonly refusesTemplates?: boolean;
  /** TLS cannot be passed through beside TLS that ends here. */
  readonly refusesPassthrough?: boolean;
}

/** What could not be read of an app, where its reader found something: no field, so that no server can write it. */
export const UNREADABLE: unique symbol = Symbol('unreadable');

/** An app with what its reader says of it. */
export interface ReadApp extends WireApp {
  readonly [UNREADABLE]?: readonly string[];
}

/** The routes of one app, before it is known what other apps ask for. */
export interface AppRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly RouteConflict[];
}

const NOTHING: AppRoutes = { routes: [], problems: [] };

/** What one app asks of an edge. O(ports x tasks). */
export function routesOf(
  app: WireApp,
  scope: EdgeScope,
  lastKnownHealth: LastKnownHealth,
): AppRoutes {
  // A job ends: nothing is sent to it.
  if (app.workload === 'job') return NOTHING;
  const routes: Route[] = [];
  const problems = unreadableOf(app, scope);
  const serving = servingTasks(app, lastKnownHealth);
  const ports = portsOf(app);
  for (const port of ports) {
    const { labels, problems: labelProblems } = readPortLabels(app, port.portIndex);
    if (!isServed(labels, scope)) continue;
    const tell = (kind: RouteConflict['kind'], reason: string): void => {
      problems.push({ kind, appId: app.id, portIndex: port.portIndex, reason });
    };
    for (const { label, reason } of labelProblems) tell('label', `${label}: ${reason}`);
    if (port.protocols.includes('udp')) tell('unsupported', UDP_REASON);
    if (!port.protocols.includes('tcp')) continue;
    if (labels.isWithheld) continue;
    if (labels.passthrough && scope.refusesPassthrough) {
      tell('unsupported', PASSTHROUGH_REASON);
      continue;
    }
    const route = toRoute(app, { port, labels, ports, scope }, tell);
    if (route.mode === 'tcp' && !isTcpServable(labels, tell)) continue;
    const templates = checkTemplates(route, (label, reason) =>
      tell('label', `${label}: ${reason}`),
    );
    const whole = { ...route, templates };
    if (!isClosedAsAsked(app, whole, tell)) continue;
    routes.push({ ...whole, endpoints: findEndpoints(app, whole, serving) });
  }
  return { routes, problems };
}

/** Told where the app would be served. Which of its ports it is about is part of the reason. */
function unreadableOf(app: ReadApp, scope: EdgeScope): RouteConflict[] {
  const reasons = app[UNREADABLE] ?? [];
  if (reasons.length === 0 || !isServed(readPortLabels(app, 0).labels, scope)) return [];
  return reasons.map((reason) => ({ kind: 'label', appId: app.id, portIndex: 0, reason }));
}

const UDP_REASON =
  'HAProxy does not forward UDP: clients reach the instances themselves (SRV records tell where)';

const PASSTHROUGH_REASON =
  "TLS is not passed through here: the operator's haproxy.cfg confines the workers (chroot, user or group)";

function isServed(labels: PortLabels, scope: EdgeScope): boolean {
  if (!(labels.enabled ?? scope.isStrict !== true)) return false;
  return scope.groups.includes('*') || labels.groups.some((group) => scope.groups.includes(group));
}

interface PortContext {
  readonly port: AppPort;
  readonly labels: PortLabels;
  readonly ports: readonly AppPort[];
  readonly scope: EdgeScope;
}

type Tell = (kind: RouteConflict['kind'], reason: string) => void;

function toRoute(app: WireApp, context: PortContext, tell: Tell): Omit<Route, 'endpoints'> {
  const { labels, port } = context;
  const mode = modeOf(app, context, tell);
  const listener = toListener(context);
  const check = labels.healthcheck ? toCheck(app, context, mode) : undefined;
  const hasTemplates = labels.templates.size > 0;
  if (hasTemplates && context.scope.refusesTemplates) tell('label', TEMPLATES_REFUSED);
  return {
    appId: app.id,
    portIndex: port.portIndex,
    backend: backendName(app.id, port),
    ...(listener && { listener }),
    servicePort: port.servicePort,
    mode,
    balance: labels.balance,
    sticky: labels.sticky && mode === 'http',
    // A host name can only be read from an HTTP request, or from the hello of TLS.
    vhosts: mode === 'http' || labels.passthrough ? labels.vhosts : [],
    paths: labels.passthrough ? [] : labels.paths,
    weight: labels.backendWeight,
    passthrough: labels.passthrough,
    http: labels,
    allowedNetworks: labels.allowedNetworks,
    ...(check && { check }),
    server: serverLabels(labels, mode, tell),
    templates: context.scope.refusesTemplates ? new Map() : labels.templates,
  };
}

/**
 * Tells of what only HTTP can do. A port that is to ask for a password and cannot is not published at all: open is not what its
 * app wants.
 */
function isTcpServable(labels: PortLabels, tell: Tell): boolean {
  const unused = HTTP_LABELS.filter(([key]) => labels[key]).map(([, name]) => name);
  for (const name of unused) tell('label', `${name}: has no effect in mode tcp`);
  if (labels.auth === undefined) return true;
  tell('label', 'AUTH: nobody can be asked for a password in mode tcp; the port is not published');
  return false;
}

/** A template that is to keep others out and is not used must not leave its port open: the port is not published. */
function isClosedAsAsked(app: WireApp, route: Omit<Route, 'endpoints'>, tell: Tell): boolean {
  const name = CLOSING_TEMPLATES[route.mode];
  const label = `HAPROXY_${route.portIndex}_${name}`;
  if (app.labels[label] === undefined) return true;
  if (route.templates.get(name)?.trim()) return true;
  tell('label', `${label}: cannot be used or is blank, so the port is not published`);
  return false;
}

const CLOSING_TEMPLATES = {
  http: 'HTTP_BACKEND_NETWORK_ALLOWED_ACL',
  tcp: 'TCP_BACKEND_NETWORK_ALLOWED_ACL',
} as const;

const HTTP_LABELS = [
  ['sticky', 'STICKY'],
  ['redirectToHttps', 'REDIRECT_TO_HTTPS'],
  ['hsts', 'USE_HSTS'],
  ['proxyPassPath', 'HTTP_BACKEND_PROXYPASS_PATH'],
  ['reverseProxyPath', 'HTTP_BACKEND_REVPROXY_PATH'],
  ['rootRedirect', 'HTTP_BACKEND_REDIR'],
] as const;

/** HTTP/2 is spoken to instances by a backend that reads HTTP. */
function serverLabels({ server }: PortLabels, mode: 'http' | 'tcp', tell: Tell): ServerLabels {
  if (mode === 'http' || !server.protocol.startsWith('h2')) return server;
  tell('label', `SERVER_PROTOCOL ${server.protocol}: has no effect in mode tcp`);
  return { ...server, protocol: server.protocol === 'h2' ? 'https' : 'http' };
}

const TEMPLATES_REFUSED = 'this edge takes no templates from labels; its own are used';

const backendName = (appId: string, port: Pick<AppPort, 'portIndex' | 'servicePort'>) =>
  `${cleanName(appId.replace(/^\//, ''))}_${port.servicePort === 0 ? `p${port.portIndex}` : port.servicePort}`;

/** Label, else an HTTP health check of this port, else a virtual host: http; else tcp. */
function modeOf(app: WireApp, { port, labels }: PortContext, tell: Tell): 'http' | 'tcp' {
  if (labels.passthrough) {
    if (labels.mode === 'http')
      tell('label', 'MODE http: TLS is passed through unread, so tcp it is');
    if (labels.paths.length > 0) tell('label', 'PATH: TLS is passed through, its path is unread');
    return 'tcp';
  }
  if (labels.mode === 'tcp' && labels.vhosts.length > 0) {
    tell('label', 'VHOST: in mode tcp a host name is only read with SSL_PASSTHROUGH');
  }
  if (labels.mode !== undefined) return labels.mode;
  const hasHttpCheck = (app.healthChecks ?? []).some(
    (check) => isHttp(check) && isOfPort(check, port.portIndex),
  );
  return hasHttpCheck || labels.vhosts.length > 0 ? 'http' : 'tcp';
}

const isHttp = ({ protocol }: WireHealthCheck): boolean => protocol.includes('HTTP');

const isOfPort = (check: WireHealthCheck, portIndex: number): boolean =>
  check.port !== undefined || (check.portIndex ?? 0) === portIndex;

function toListener({ port, labels }: PortContext): RouteListener | undefined {
  const listenPort = labels.port ?? port.servicePort;
  if (listenPort <= 0 || labels.isUnbound) return undefined;
  return {
    port: listenPort,
    ...(labels.bindAddress !== undefined && { address: labels.bindAddress }),
    options: labels.bindOptions,
    certificates: labels.certificates,
  };
}

/** The first check of the app that looks at this port (or at the one the label names). Commands are not for the edge. */
function toCheck(
  app: WireApp,
  { port, labels, ports }: PortContext,
  mode: 'http' | 'tcp',
): RouteCheck | undefined {
  const named = labels.healthcheckPortIndex;
  const portIndex = ports.some((one) => one.portIndex === named) ? (named ?? 0) : port.portIndex;
  const check = (app.healthChecks ?? []).find(
    (one) => one.protocol !== 'COMMAND' && isOfPort(one, portIndex),
  );
  if (check === undefined) return undefined;
  const protocol = mode === 'http' || portIndex !== port.portIndex ? protocolOf(check) : 'TCP';
  return {
    protocol,
    path: check.path ?? '/',
    intervalSeconds: check.intervalSeconds,
    timeoutSeconds: check.timeoutSeconds,
    gracePeriodSeconds: check.gracePeriodSeconds,
    maxConsecutiveFailures: check.maxConsecutiveFailures,
    portIndex,
    // Of containers it is a port of their own network, which is not reached from here.
    ...(check.port === undefined || isContainerNetworked(app) ? {} : { port: check.port }),
  };
}

function protocolOf({ protocol }: WireHealthCheck): RouteCheck['protocol'] {
  if (protocol.endsWith('HTTPS')) return 'HTTPS';
  return protocol.endsWith('HTTP') ? 'HTTP' : 'TCP';
}
