import { lex } from 'haproxy-config-parser';
import type { EdgeServer } from '../edge-server.js';
import type { Route } from '../route-table.js';
import { fillTemplate, words } from '../templates/fill-template.js';
import { valuesOf } from '../templates/route-templates.js';
import { toSocketAddress, type Words } from './edge-settings.js';

type Templated = Omit<Route, 'endpoints'>;

/** How often in a row HAProxy's own check fails before it takes a server out, where the app says 0. */
const DEFAULT_FAILURES = 3;
const HEALTH_TEMPLATES = {
  http: 'BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS',
  tcp: 'BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS',
} as const;

/**
 * What stands on every server line of a route behind the address, but for what is a server's own. The same words are used
 * when a server is added at run time, which takes nothing from defaults.
 */
export function serverOptions(route: Templated): Words {
  const checks = checkOptions(route);
  return overriddenOptions(route, checks) ?? [...checks, ...connectionOptions(route)];
}

/** The port the app's own words of a server line name for the check; undefined: none. */
export function writtenCheckPort(route: Templated): number | undefined {
  if (route.templates.size === 0) return undefined;
  const options = serverOptions(route);
  const at = options.lastIndexOf('port');
  const port = at < 0 ? 0 : Number(options[at + 1]);
  return port > 0 ? port : undefined;
}

/** What differs from server to server, but for its state. */
export const ownOptions = ({ weight, checkPort }: EdgeServer): Words => [
  ...(weight === 1 ? [] : ['weight', String(weight)]),
  ...(checkPort === undefined ? [] : ['port', String(checkPort)]),
];

/** Whether HAProxy checks the servers itself. */
export const isChecked = (options: Words): boolean => options.includes('check');

export const serverLine = (server: EdgeServer, options: Words): Words => [
  'server',
  server.name,
  toSocketAddress(server.address, server.port),
  ...options,
  ...ownOptions(server),
  ...(server.state === 'maint' ? ['disabled'] : []),
];

function checkOptions(route: Templated): Words {
  const { check, mode } = route;
  const own = filledWords(route, HEALTH_TEMPLATES[mode]);
  if (own !== undefined) return own;
  if (check === undefined) return [];
  return [
    'check',
    'inter',
    `${check.intervalSeconds}s`,
    'fall',
    String((check.maxConsecutiveFailures || DEFAULT_FAILURES) + 1),
    ...(check.protocol === 'HTTPS' && !isTls(route) ? ['check-ssl', 'verify', 'none'] : []),
  ];
}

const isTls = ({ server }: Templated): boolean =>
  server.protocol === 'https' || server.protocol === 'h2';

function connectionOptions(route: Templated): Words {
  const { maxConnections, slowStartSeconds, sendProxy, protocol } = route.server;
  return [
    ...(isTls(route) ? ['ssl', 'verify', 'none'] : []),
    ...(isTls(route) && route.mode === 'http' ? ['sni', 'req.hdr(host),host_only'] : []),
    ...(protocol === 'h2' ? ['alpn', 'h2'] : []),
    ...(protocol === 'h2c' ? ['proto', 'h2'] : []),
    ...(sendProxy === 'v1' ? ['send-proxy'] : []),
    ...(sendProxy === 'v2' ? ['send-proxy-v2'] : []),
    ...(maxConnections === undefined ? [] : ['maxconn', String(maxConnections)]),
    ...(slowStartSeconds === undefined ? [] : ['slowstart', `${slowStartSeconds}s`]),
  ];
}

function filledWords(
  route: Templated,
  name: (typeof HEALTH_TEMPLATES)['http' | 'tcp'],
): Words | undefined {
  const text = route.templates.get(name);
  const filled = text === undefined ? undefined : fillTemplate(text, valuesOf(route));
  return filled?.ok === true ? filled.lines.flatMap((line) => lex(line).values) : undefined;
}

/** From `server NAME ADDRESS options`, as the app writes it; name, address and what is a server's own stay ours. */
function overriddenOptions(route: Templated, checks: Words): Words | undefined {
  const text = route.templates.get('BACKEND_SERVER_OPTIONS');
  if (text === undefined) return undefined;
  const filled = fillTemplate(text, { ...valuesOf(route), ...sampleServer(checks) });
  if (!filled.ok) return undefined;
  const [keyword, , , ...options] = filled.lines.flatMap((line) => lex(line).values);
  return keyword === 'server' ? options : undefined;
}

/** Stands in for the server a template is written for. */
export const sampleServer = (checks: Words) => ({
  host: '127.0.0.1',
  host_ipv4: '127.0.0.1',
  port: 1,
  serverName: 'name',
  serverId: '',
  cookieOptions: '',
  healthCheckOptions: words(checks),
  otherOptions: '',
});
