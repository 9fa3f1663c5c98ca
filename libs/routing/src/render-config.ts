import { renderSections, type SectionSpec } from 'haproxy-config-parser';
import type { EdgeModel, EdgeServer } from './edge-model.js';
import type { Route } from './route-table.js';

/** Where this edge listens and keeps its files. Ports 1-65535, times in seconds. */
export interface EdgeSettings {
  /** Address every listener binds to. */
  readonly bindAddress: string;
  readonly httpPort: number;
  readonly statsSocket: string;
  readonly hostsMapFile: string;
  /** Longest life of an old worker after a reload. */
  readonly hardStopSeconds: number;
  /** The operator's configuration that this one is built on. */
  readonly baseConfig?: string | undefined;
}

type Lines = string[][];

/** Name of the frontend that chooses by host name. */
const HTTP_FRONTEND = 'edge_http';
const NO_ROUTE_BACKEND = 'edge_no_route';
/** Where a worker that only finishes what it has sends the requests it still gets: to its successor. */
const SUCCESSOR_BACKEND = 'edge_successor';
/** An address of this host nobody else connects from: what comes from it begins with a PROXY protocol header. */
const HANDOVER_SOURCE = '127.80.67.82';

/** Marks which structure a running HAProxy was started with: the `description` of `show info`. */
export const generationMark = (generation: string): string => `pacer-generation-${generation}`;

/**
 * The whole haproxy.cfg. Byte-stable: equal models give equal text. `generation` names the structure (a hash of
 * {@link renderStructure}); it is shown by `show info`, which tells what a running worker was started with.
 */
export function renderConfig(model: EdgeModel, settings: EdgeSettings, generation: string): string {
  return renderSections(
    sectionsOf(model, settings, {
      generation,
      serversOf: (backend) => serverLines(model, backend),
    }),
  );
}

/** The configuration without servers and generation: it changes exactly when a reload is needed. */
export function renderStructure(model: EdgeModel, settings: EdgeSettings): string {
  return renderSections(sectionsOf(model, settings, { generation: '', serversOf: () => [] }));
}

/** The hosts map file: one `host backend` per line, sorted. */
export const renderHostsMap = (hosts: ReadonlyMap<string, string>): string =>
  [...hosts]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([host, backend]) => `${host} ${backend}\n`)
    .join('');

interface Fill {
  readonly generation: string;
  readonly serversOf: (backend: string) => Lines;
}

function sectionsOf(model: EdgeModel, settings: EdgeSettings, fill: Fill): SectionSpec[] {
  const { routes } = model.structure;
  return [
    { kind: 'global', lines: globalLines(settings, fill.generation) },
    { kind: 'defaults', lines: defaultsLines() },
    { kind: 'frontend', name: HTTP_FRONTEND, lines: httpFrontendLines(routes, settings) },
    ...routes.flatMap((route) => portFrontend(route, settings)),
    {
      kind: 'backend',
      name: NO_ROUTE_BACKEND,
      lines: [
        [
          'http-request',
          'return',
          'status',
          '503',
          'content-type',
          'text/plain',
          'string',
          'No route: no running app is published under this host name.\n',
        ],
      ],
    },
    ...successorBackend(settings),
    ...routes.map(
      (route): SectionSpec => ({
        kind: 'backend',
        name: route.backend,
        lines: [...backendLines(route), ...fill.serversOf(route.backend)],
      }),
    ),
  ];
}

/** A new master takes the listeners over from the worker of one that is deaf. */
const PASS_LISTENERS = ['expose-fd', 'listeners'];

const globalLines = (settings: EdgeSettings, generation: string): Lines => [
  ['description', generationMark(generation)],
  ['stats', 'socket', settings.statsSocket, 'mode', '600', 'level', 'admin', ...PASS_LISTENERS],
  ['hard-stop-after', `${settings.hardStopSeconds}s`],
  ['mworker-max-reloads', '20'],
];

/**
 * Short idle keep-alive and idle-close-on-response lose no request on a reload; a connection that fails before a
 * request was taken is tried on another server (redispatch), and an empty answer too where repeating is harmless.
 */
const defaultsLines = (): Lines => [
  ['mode', 'http'],
  ['timeout', 'connect', '3s'],
  ['timeout', 'client', '30s'],
  ['timeout', 'server', '30s'],
  ['timeout', 'tunnel', '1h'],
  ['timeout', 'http-request', '15s'],
  ['timeout', 'http-keep-alive', '10s'],
  ['timeout', 'queue', '30s'],
  ['option', 'dontlognull'],
  ['option', 'idle-close-on-response'],
  ['option', 'redispatch', '1'],
  ['retries', '3'],
  ['retry-on', 'conn-failure', 'empty-response'],
];

const HOST_FETCH = 'req.hdr(host),field(1,:),lower';

function httpFrontendLines(
  routes: EdgeModel['structure']['routes'],
  settings: EdgeSettings,
): Lines {
  const map = `map(${settings.hostsMapFile})`;
  return [
    ['bind', `${settings.bindAddress}:${settings.httpPort}`],
    ...httpRequestLines(settings),
    ...pathRules(routes),
    [
      'use_backend',
      `%[${HOST_FETCH},${map}]`,
      'if',
      '{',
      `${HOST_FETCH},${map}`,
      '-m',
      'found',
      '}',
    ],
    ...wildcardRules(routes),
    ['default_backend', NO_ROUTE_BACKEND],
  ];
}

const httpRequestLines = (settings: EdgeSettings): Lines => [
  ...(canHandOver(settings) ? EXPECT_HANDOVER : []),
  ['http-request', 'set-header', 'X-Forwarded-Port', '%[dst_port]'],
  ['http-request', 'set-header', 'X-Forwarded-Proto', 'http'],
  [
    'http-request',
    'disable-l7-retry',
    'unless',
    '{',
    'method',
    'GET',
    'HEAD',
    'OPTIONS',
    'PUT',
    'DELETE',
    '}',
  ],
  ...(canHandOver(settings) ? HAND_OVER : []),
];

/**
 * After a reload, idle keep-alive connections stay with the old worker for one more request. It would answer from its
 * own servers, and HAProxy 2.6 refuses to change those ("Proxy is disabled"), so it hands the request to the new one.
 */
const HAND_OVER: Lines = [['use_backend', SUCCESSOR_BACKEND, 'if', '{', 'stopping', '}']];
const EXPECT_HANDOVER: Lines = [
  ['tcp-request', 'connection', 'expect-proxy', 'layer4', 'if', '{', 'src', HANDOVER_SOURCE, '}'],
];

/** The address handed over from is an IPv4 one; an edge on IPv6 does without. */
const canHandOver = ({ bindAddress }: EdgeSettings): boolean => !bindAddress.includes(':');

/** A server without address and port is where the client connected to: the same listener, now the new worker's. */
const successorBackend = (settings: EdgeSettings): SectionSpec[] => {
  if (!canHandOver(settings)) return [];
  const server = ['server', 'successor', '0.0.0.0', 'source', HANDOVER_SOURCE, 'send-proxy-v2'];
  return [{ kind: 'backend', name: SUCCESSOR_BACKEND, lines: [server] }];
};

/** Hosts with a path come before whole hosts: larger weight first, then the longer path, then by name. */
function pathRules(routes: EdgeModel['structure']['routes']): Lines {
  return routes
    .filter((route) => route.path !== undefined)
    .sort(
      (left, right) =>
        right.weight - left.weight ||
        (right.path ?? '').length - (left.path ?? '').length ||
        (left.backend < right.backend ? -1 : 1),
    )
    .flatMap((route) =>
      route.vhosts.map((host) => [
        'use_backend',
        route.backend,
        'if',
        ...hostCondition(host),
        '{',
        'path_beg',
        route.path ?? '/',
        '}',
      ]),
    );
}

const wildcardRules = (routes: EdgeModel['structure']['routes']): Lines =>
  routes
    .filter((route) => route.path === undefined)
    .flatMap((route) =>
      route.vhosts.map((host) => ['use_backend', route.backend, 'if', ...hostCondition(host)]),
    );

const hostCondition = (host: string): string[] =>
  host.startsWith('*.')
    ? ['{', HOST_FETCH, '-m', 'end', host.slice(1), '}']
    : ['{', HOST_FETCH, '-m', 'str', host, '}'];

function portFrontend(route: Omit<Route, 'endpoints'>, settings: EdgeSettings): SectionSpec[] {
  if (route.listenPort === undefined) return [];
  return [
    {
      kind: 'frontend',
      name: route.backend,
      lines: [
        ['bind', `${settings.bindAddress}:${route.listenPort}`],
        ['mode', route.mode],
        ...(route.mode === 'http' ? httpRequestLines(settings) : []),
        ['default_backend', route.backend],
      ],
    },
  ];
}

function backendLines(route: Omit<Route, 'endpoints'>): Lines {
  const lines: Lines = [
    ['mode', route.mode],
    ['balance', route.balance],
  ];
  if (route.balance === 'source') lines.push(['hash-type', 'consistent']);
  // Here and not in the frontend: a request handed over must not be given the header twice.
  if (route.mode === 'http') lines.push(['option', 'forwardfor']);
  if (route.mode === 'tcp') lines.push(['retry-on', 'conn-failure']);
  if (route.sticky) {
    lines.push(['cookie', 'PACER_SERVER', 'insert', 'indirect', 'nocache', 'dynamic']);
    lines.push(['dynamic-cookie-key', route.backend]);
  }
  return lines;
}

function serverLines(model: EdgeModel, backend: string): Lines {
  const servers = [...(model.servers.get(backend)?.values() ?? [])];
  return servers.map((server: EdgeServer) => [
    'server',
    server.name,
    `${server.address}:${server.port}`,
    ...(server.state === 'maint' ? ['disabled'] : []),
  ]);
}
