import type { SectionLine, SectionSpec } from 'haproxy-config-parser';
import type { Route } from '../route-table.js';
import { inLogFormat } from '../templates/log-format.js';
import { templateLines, toAclName } from '../templates/route-templates.js';
import type { PortTemplate } from '../templates/template-names.js';
import type { Words } from './edge-settings.js';

/** The cookie that leads a client to the same instance again. */
const STICKY_COOKIE = 'PACER_SERVER';
const HSTS_SECONDS = 15_768_000;
const IS_HTTPS: Words = ['{', 'var(txn.edge_scheme)', '-m', 'str', 'https', '}'];

/** Who may ask, where a route says so. */
export function userlistSection(route: Route): readonly SectionSpec[] {
  const { auth } = route.http;
  if (auth === undefined || route.mode !== 'http') return [];
  const lines = orTemplate(route, 'USERLIST_HEAD', [
    ['user', auth.user, 'password', auth.passwordHash],
  ]);
  return [{ kind: 'userlist', name: userlistOf(route), lines }];
}

const userlistOf = ({ backend }: Route): string => `user_${backend}`;

/** The lines of a route's backend without its servers. What is asked of clients comes before what is done for them. */
export function backendLines(route: Route): readonly SectionLine[] {
  return [
    ...orTemplate(route, 'BACKEND_HEAD', headLines(route)),
    ...(route.mode === 'http' ? httpLines(route) : tcpLines(route)),
    ...checkLines(route),
    ...stickyLines(route),
  ];
}

function orTemplate(
  route: Route,
  name: PortTemplate,
  lines: readonly SectionLine[],
): readonly SectionLine[] {
  return templateLines(route, name) ?? lines;
}

function headLines({ mode, balance }: Route): readonly Words[] {
  return [
    ['mode', mode],
    ['balance', ...balance.words],
    ...(balance.isHash ? [['hash-type', 'consistent']] : []),
  ];
}

function httpLines(route: Route): readonly SectionLine[] {
  return [
    ...networkLines(route),
    ...httpsLines(route),
    ...authLines(route),
    ...rootRedirectLines(route),
    ...orTemplate(route, 'BACKEND_HTTP_OPTIONS', HTTP_OPTIONS),
    ...proxyPassLines(route),
    ...reverseProxyLines(route),
    ...hstsLines(route),
  ];
}

/** Here and not in the frontend: a request handed over must not be given a header twice. */
const HTTP_OPTIONS: readonly Words[] = [
  ['option', 'forwardfor'],
  ['http-request', 'set-header', 'X-Forwarded-Port', '%[dst_port]'],
  ['http-request', 'set-header', 'X-Forwarded-Proto', '%[var(txn.edge_scheme)]'],
];

function tcpLines(route: Route): readonly SectionLine[] {
  // Nothing has been sent before there is a connection; more is not known of a stream of bytes.
  return [...networkLines(route), ['retry-on', 'conn-failure']];
}

function networkLines(route: Route): readonly SectionLine[] {
  const { allowedNetworks, mode } = route;
  const isHttp = mode === 'http';
  const template = isHttp ? 'HTTP_BACKEND_NETWORK_ALLOWED_ACL' : 'TCP_BACKEND_NETWORK_ALLOWED_ACL';
  if (allowedNetworks.length === 0) return templateLines(route, template) ?? [];
  const rule = isHttp ? ['http-request', 'deny'] : ['tcp-request', 'content', 'reject'];
  return orTemplate(route, template, [
    ['acl', 'network_allowed', 'src', ...allowedNetworks],
    [...rule, 'unless', 'network_allowed'],
  ]);
}

function httpsLines(route: Route): readonly SectionLine[] {
  if (!route.http.redirectToHttps) return [];
  const hasPath = route.paths.length > 0;
  const template = hasPath
    ? 'BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH'
    : 'BACKEND_REDIRECT_HTTP_TO_HTTPS';
  if (!route.templates.has(template)) {
    return [['http-request', 'redirect', 'scheme', 'https', 'code', '301', 'unless', ...IS_HTTPS]];
  }
  return route.vhosts.flatMap((host) => {
    const values = { hostname: host, cleanedUpHostname: toAclName(host) };
    return templateLines(route, template, values) ?? [];
  });
}

function authLines(route: Route): readonly Words[] {
  const { auth } = route.http;
  if (auth === undefined) return [];
  const isKnown = `http_auth(${userlistOf(route)})`;
  return [['http-request', 'auth', 'realm', auth.realm, 'unless', '{', isKnown, '}']];
}

function rootRedirectLines(route: Route): readonly SectionLine[] {
  const { rootRedirect } = route.http;
  if (rootRedirect === undefined) return templateLines(route, 'HTTP_BACKEND_REDIR') ?? [];
  return [
    [
      'http-request',
      'redirect',
      'location',
      inLogFormat(rootRedirect),
      'code',
      '301',
      'if',
      '{',
      'path',
      '/',
      '}',
    ],
  ];
}

/** `/prefix/x` becomes `/x`, and `/prefix` becomes `/`; the query stays. */
function proxyPassLines(route: Route): readonly SectionLine[] {
  const { proxyPassPath } = route.http;
  if (proxyPassPath === undefined) return [];
  const prefix = proxyPassPath.replace(/\/+$/, '');
  const [host] = route.vhosts;
  return orTemplate(route, 'HTTP_BACKEND_PROXYPASS_GLUE', [
    ...(host === undefined || host.startsWith('*.')
      ? []
      : [['http-request', 'set-header', 'Host', host]]),
    ['http-request', 'set-path', '/', 'if', '{', 'path', '-m', 'str', '--', prefix || '/', '}'],
    ['http-request', 'replace-path', `^${escapeRegex(prefix)}/(.*)$`, '/\\1'],
  ]);
}

/** Location in answers, of the app's own host or without one, gets the prefix. */
function reverseProxyLines(route: Route): readonly SectionLine[] {
  const { reverseProxyPath } = route.http;
  if (reverseProxyPath === undefined) return [];
  const prefix = reverseProxyPath.replace(/\/+$/, '');
  const hosts = route.vhosts.filter((host) => !host.startsWith('*.')).map(escapeRegex);
  const origin = hosts.length === 0 ? '' : `(?:https?://(?:${hosts.join('|')})(?::[0-9]+)?)?`;
  // A part in front that every Location has in common must not be put there twice.
  const pattern = `^${origin}(/.*)$`;
  return orTemplate(route, 'HTTP_BACKEND_REVPROXY_GLUE', [
    ['http-response', 'replace-header', 'Location', pattern, `${inLogFormat(prefix)}\\1`],
  ]);
}

const escapeRegex = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Of a plain connection it must not be believed, and must not be said (RFC 6797, 7.2). */
function hstsLines(route: Route): readonly SectionLine[] {
  if (!route.http.hsts) return [];
  return orTemplate(route, 'BACKEND_HSTS_OPTIONS', [
    [
      'http-response',
      'set-header',
      'Strict-Transport-Security',
      `max-age=${HSTS_SECONDS}`,
      'if',
      ...IS_HTTPS,
    ],
  ]);
}

function checkLines(route: Route): readonly SectionLine[] {
  const { check, mode } = route;
  const template =
    mode === 'http' ? 'BACKEND_HTTP_HEALTHCHECK_OPTIONS' : 'BACKEND_TCP_HEALTHCHECK_OPTIONS';
  if (check === undefined) return templateLines(route, template) ?? [];
  const isHttp = check.protocol !== 'TCP';
  return orTemplate(route, template, [
    ...(isHttp ? [['option', 'httpchk', 'GET', check.path]] : []),
    ['timeout', 'check', `${check.timeoutSeconds}s`],
  ]);
}

/**
 * The cookie is made from the key and the address, so that it is the same on every edge, and one can be had by a server that
 * is added at run time.
 */
function stickyLines(route: Route): readonly SectionLine[] {
  if (!route.sticky) return [];
  return [
    ...orTemplate(route, 'BACKEND_STICKY_OPTIONS', [
      ['cookie', STICKY_COOKIE, 'insert', 'indirect', 'nocache', 'dynamic'],
    ]),
    ['dynamic-cookie-key', route.backend],
  ];
}
