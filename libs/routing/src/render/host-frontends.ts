import type { SectionLine, SectionSpec } from 'haproxy-config-parser';
import type { EdgeModel } from '../edge-model.js';
import { type HostRule, TLS_END_BACKEND } from '../host-rules.js';
import { templateLines } from '../templates/route-templates.js';
import { ruleTemplateLines } from '../templates/rule-templates.js';
import { type EdgeSettings, toSocketAddress, type Words } from './edge-settings.js';
import {
  entryLines,
  entryRouting,
  handOver,
  type Scheme,
  SOCKET_OPTIONS,
  socketAddress,
  successorOf,
} from './handover.js';
import { canConnectSockets } from './merge-base.js';

export const NO_ROUTE_BACKEND = 'edge_no_route';

/** The frontends that choose by host name, and what belongs to them. */
export function hostFrontends(model: EdgeModel, settings: EdgeSettings): readonly SectionSpec[] {
  return [
    { kind: 'frontend', name: 'edge_http', lines: httpFrontend(model, settings) },
    ...appsFrontend(model, settings),
    ...tlsFrontends(model, settings),
    ...handoverSections(model, settings),
  ];
}

const httpFrontend = (model: EdgeModel, settings: EdgeSettings): readonly SectionLine[] => [
  ...publicBinds(settings, settings.httpPort, []),
  ...httpRequestLines({ kind: 'fixed', scheme: 'http' }),
  ...hostRouting(model, settings, 'http'),
];

const publicBinds = (settings: EdgeSettings, port: number, options: Words): readonly Words[] =>
  settings.bindAddresses.map((address) => [
    'bind',
    toSocketAddress(address, port),
    ...options,
    ...(settings.acceptsProxy === true ? ['accept-proxy'] : []),
  ]);

type SchemeSource =
  | { readonly kind: 'fixed'; readonly scheme: Scheme }
  /** By the name of the socket the request came through. */
  | { readonly kind: 'listener' };

/** What holds for all requests of a frontend. Repeating is only harmless for the methods named. */
export const httpRequestLines = (source: SchemeSource): readonly Words[] => [
  [
    'http-request',
    'set-var(txn.edge_scheme)',
    source.kind === 'fixed' ? `str(${source.scheme})` : 'so_name',
  ],
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
];

const HAS_BACKEND: Words = ['{', 'var(txn.edge_backend)', '-m', 'found', '}'];
const ROUTE: Words = ['use_backend', '%[var(txn.edge_backend)]', 'if', ...HAS_BACKEND];
const NO_ROUTE: Words = ['default_backend', NO_ROUTE_BACKEND];

/** Host and path to backend: rules first, then the maps, exact hosts before wildcards. */
const hostRouting = (
  model: EdgeModel,
  settings: EdgeSettings,
  scheme: Scheme,
): readonly SectionLine[] => [
  ...hostLookup(settings),
  ...handOver(settings, scheme, 'hosts'),
  ...hostRules(model, [scheme]),
];

const hostRules = (model: EdgeModel, schemes: readonly Scheme[]): readonly SectionLine[] => [
  ...model.structure.rules.flatMap((rule) => ruleLines(rule, schemes)),
  ROUTE,
  NO_ROUTE,
];

function hostLookup({ mapFiles }: EdgeSettings): readonly Words[] {
  const found = (key: string): string => `${key},concat(,txn.edge_path),map_beg(${mapFiles.hosts})`;
  const unlessFound = ['unless', ...HAS_BACKEND];
  return [
    ['http-request', 'set-var(txn.edge_host)', 'req.hdr(host),host_only,lower,rtrim(.)'],
    ['http-request', 'set-var(txn.edge_path)', 'str(/)'],
    ['http-request', 'set-var(txn.edge_path)', 'path', 'if', '{', 'path', '-m', 'beg', '/', '}'],
    ['http-request', 'set-var(txn.edge_backend)', found('var(txn.edge_host)'), ...unlessFound],
    [
      'http-request',
      'set-var(txn.edge_wildcard)',
      `var(txn.edge_host),map_end(${mapFiles.wildcards})`,
      ...unlessFound,
    ],
    ['http-request', 'set-var(txn.edge_backend)', found('var(txn.edge_wildcard)'), ...unlessFound],
  ];
}

/** As the app's own templates say, where it has some for this frontend. */
function ruleLines(rule: HostRule, schemes: readonly Scheme[]): readonly SectionLine[] {
  const [scheme] = schemes;
  const { host, prefix, route, backend } = rule;
  const hasOwn = schemes.length === 1 && backend === route.backend;
  const own = hasOwn && scheme !== undefined ? ruleTemplateLines(rule, scheme) : undefined;
  if (own !== undefined) return own;
  return [
    [
      'use_backend',
      backend,
      'if',
      ...hostCondition(host),
      ...(prefix === undefined
        ? []
        : ['{', 'path_beg', ...(prefix.ignoresCase ? ['-i'] : []), '--', prefix.path, '}']),
    ],
  ];
}

const hostCondition = (host: string): Words =>
  host.startsWith('*.')
    ? ['{', 'var(txn.edge_host)', '-m', 'end', host.slice(1), '}']
    : ['{', 'var(txn.edge_host)', '-m', 'str', host, '}'];

function appsFrontend(model: EdgeModel, settings: EdgeSettings): readonly SectionSpec[] {
  if (settings.appsPort === undefined) return [];
  const own = model.structure.routes.flatMap(
    (route) => templateLines(route, 'HTTP_FRONTEND_APPID_ACL') ?? [],
  );
  const lines: SectionLine[] = [
    ...publicBinds(settings, settings.appsPort, []),
    ...httpRequestLines({ kind: 'fixed', scheme: 'http' }),
    [
      'http-request',
      'set-var(txn.edge_backend)',
      `req.hdr(X-Marathon-App-Id),map_str(${settings.mapFiles.apps})`,
    ],
    ...handOver(settings, 'http', 'apps'),
    ...own,
    ROUTE,
    NO_ROUTE,
  ];
  return [{ kind: 'frontend', name: 'edge_apps', lines }];
}

/** TLS by the name in its hello. Where some of it is passed through, a TCP frontend stands before the one that ends it. */
function tlsFrontends(model: EdgeModel, settings: EdgeSettings): readonly SectionSpec[] {
  const { tls } = settings;
  if (tls === undefined) return [];
  const isPassing =
    canConnectSockets(settings) && model.structure.routes.some(({ passthrough }) => passthrough);
  const options = [
    'ssl',
    'crt-list',
    tls.certificateList,
    'alpn',
    'h2,http/1.1',
    ...(tls.hasDefaultCertificate ? [] : ['strict-sni']),
  ];
  const binds = isPassing
    ? [['bind', socketAddress(settings, 'tls'), ...SOCKET_OPTIONS, ...options]]
    : publicBinds(settings, tls.port, options);
  const ending: SectionSpec = {
    kind: 'frontend',
    name: 'edge_https',
    lines: [
      ...binds,
      ...httpRequestLines({ kind: 'fixed', scheme: 'https' }),
      ...hostRouting(model, settings, 'https'),
    ],
  };
  return isPassing ? [...passingSections(settings, tls.port), ending] : [ending];
}

const HELLO_SECONDS = 5;

function passingSections(settings: EdgeSettings, port: number): readonly SectionSpec[] {
  const { sni, sniWildcards } = settings.mapFiles;
  const name = 'req.ssl_sni,lower';
  const found = (map: string): string => `${name},${map}`;
  return [
    {
      kind: 'frontend',
      name: 'edge_tls',
      lines: [
        ...publicBinds(settings, port, []),
        ['mode', 'tcp'],
        ['tcp-request', 'inspect-delay', `${HELLO_SECONDS}s`],
        ['tcp-request', 'content', 'accept', 'if', '{', 'req.ssl_hello_type', '1', '}'],
        ...[`map_str(${sni})`, `map_end(${sniWildcards})`].map((map) => [
          'use_backend',
          `%[${found(map)}]`,
          'if',
          '{',
          found(map),
          '-m',
          'found',
          '}',
        ]),
        ['default_backend', TLS_END_BACKEND],
      ],
    },
    {
      kind: 'backend',
      name: TLS_END_BACKEND,
      lines: [
        ['mode', 'tcp'],
        ['server', 'tls', socketAddress(settings, 'tls'), 'send-proxy-v2'],
      ],
    },
  ];
}

function handoverSections(model: EdgeModel, settings: EdgeSettings): readonly SectionSpec[] {
  if (!canConnectSockets(settings)) return [];
  return [
    handoverFrontend(model, settings),
    ...(['http', 'https'] as const).map(
      (scheme): SectionSpec => ({
        kind: 'backend',
        name: successorOf(scheme),
        lines: [['server', 'successor', socketAddress(settings, scheme), 'send-proxy-v2']],
      }),
    ),
  ];
}

/** What a former worker hands over: by its entry where that is one route's own, else by host name. */
function handoverFrontend(model: EdgeModel, settings: EdgeSettings): SectionSpec {
  return {
    kind: 'frontend',
    name: 'edge_handover',
    lines: [
      ...(['http', 'https'] as const).map((scheme) => [
        'bind',
        socketAddress(settings, scheme),
        ...SOCKET_OPTIONS,
        'name',
        scheme,
      ]),
      ...httpRequestLines({ kind: 'listener' }),
      ...entryLines(settings),
      ...hostLookup(settings),
      ...entryRouting(NO_ROUTE_BACKEND),
      ...hostRules(model, ['http', 'https']),
    ],
  };
}
