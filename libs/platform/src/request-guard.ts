import { isIP } from 'node:net';
import type { AccessRule } from './access.js';
import { ApiError } from './api-error.js';
import { asksEverybody, createAuthentication, type Proofs } from './authentication.js';
import type { Identity, Role } from './credentials.js';
import { ON_BEHALF_OF_HEADER } from './on-behalf-of.js';
import { ConfigError } from './read-config.js';
import type { ClientCertificate } from './tls/client-certificate.js';

/** How a daemon is reachable. */
export interface Exposure extends Proofs {
  /** The address it binds to. */
  readonly host: string;
  /** Whether it speaks TLS. */
  readonly isSecure?: boolean;
  /** Further names clients may use: `PACER_ALLOWED_HOSTS`, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** `PACER_ALLOW_OPEN_BIND`: neither proofs nor TLS although others can reach it. */
  readonly allowOpenBind: boolean;
  /** `PACER_ALLOW_PLAIN_BIND`: no TLS although others can reach it; they are asked who they are. */
  readonly allowPlainBind?: boolean;
}

/** Header values as Node gives them, names in lower case. */
export interface GuardedRequest {
  readonly method: string;
  readonly url: string;
  /** The pattern of the matched route; a path can be written in many ways. */
  readonly route?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Of the connection it came by. */
  readonly certificate?: ClientCertificate | undefined;
}

/** For operators only; of them, who may only look may read metrics. */
export const operatorsOnly: AccessRule = ({ method, route }) => ({
  kind: 'closed',
  to: ['operator'],
  realm: 'pacer',
  needs: roleForMetrics(method, route),
});

/** Metrics show no secret, and whoever collects them should hold no more than it takes. Everything else: full. */
export const roleForMetrics = (method: string, route: string | undefined): Role =>
  route === '/metrics' && (method === 'GET' || method === 'HEAD') ? 'read' : 'full';

/** Answered without credentials by every daemon, for load balancers and the supervisor. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(['/ping']);

/** Refuses to start wide open. Throws {@link ConfigError} naming what is missing and the flag that overrides it. */
export function checkExposure(exposure: Exposure): void {
  if (isLoopback(exposure.host) || exposure.allowOpenBind) return;
  const host = JSON.stringify(exposure.host);
  if (!asksEverybody(exposure)) {
    throw new ConfigError(
      `PACER_HOST: ${host} is reachable from other machines, but there are no credentials: set ` +
        'PACER_CREDENTIALS_FILE (or PACER_CREDENTIALS=principal:secret, or PACER_TLS_CLIENT_CERTS=require), bind to ' +
        '127.0.0.1, or accept the risk with PACER_ALLOW_OPEN_BIND=true (--allow-open-bind true)',
    );
  }
  if (exposure.isSecure === true || exposure.allowPlainBind === true) return;
  throw new ConfigError(
    `PACER_HOST: ${host} is reachable from other machines, but without TLS, so that secrets would travel in clear text: ` +
      'set PACER_TLS_CERT_FILE and PACER_TLS_KEY_FILE, bind to 127.0.0.1, or accept the risk with ' +
      'PACER_ALLOW_PLAIN_BIND=true (--allow-plain-bind true)',
  );
}

/**
 * Makes the check each request passes before it is routed. A web page must not be able to command us, even on loopback:
 * a Host that is not ours (DNS rebinding) and an Origin other than our own are refused with 403. Throws
 * {@link ApiError}; so is a NUL character anywhere in the URL, with 400. What bodies must be is the content type parsers' concern: anything but JSON gets 415.
 * Where somebody is asked who they are, 401 and 403 by {@link createAuthentication}. Returns who it is.
 */
export function createRequestGuard(
  exposure: Exposure,
  accessTo: AccessRule = operatorsOnly,
): (request: GuardedRequest) => Identity | undefined {
  const authenticate = createAuthentication(exposure);
  const isOpenBind = !isLoopback(exposure.host);
  return ({ method, url, route, headers, certificate }) => {
    // No id, name or path holds one, and neither the database nor the file system takes it.
    if (url.includes('%00')) throw new ApiError(400, 'URL: the NUL character (%00) is not allowed');
    const host = single(headers['host']);
    const origin = single(headers['origin']);
    if (host !== undefined && !isOurHost(host, exposure, isOpenBind)) {
      throw new ApiError(
        403,
        `Host ${JSON.stringify(host)} is not served here; list it in PACER_ALLOWED_HOSTS to allow it`,
      );
    }
    if (origin !== undefined && !isOurOrigin(origin, host, exposure)) {
      throw new ApiError(
        403,
        `Origin ${JSON.stringify(origin)} may not use this API; list its host in PACER_ALLOWED_HOSTS to allow it`,
      );
    }
    const access = OPEN_ROUTES.has(route ?? '')
      ? ({ kind: 'open' } as const)
      : accessTo({ method, route });
    if (access.kind === 'open') return undefined;
    const shown = {
      authorization: single(headers['authorization']),
      certificate,
      onBehalfOf: single(headers[ON_BEHALF_OF_HEADER]),
    };
    return authenticate(shown, access, `${method} ${route ?? 'of what is not there'}`);
  };
}

/** Whether a browser says the request came from another site; JSONP must then be refused. */
export const isCrossSite = (headers: GuardedRequest['headers']): boolean =>
  single(headers['sec-fetch-site']) === 'cross-site';

/** `localhost`, `*.localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}

function isOurHost(host: string, exposure: Exposure, isOpenBind: boolean): boolean {
  const name = hostName(host);
  if (isLoopback(name) || name === exposure.host.toLowerCase()) return true;
  // An address cannot be re-bound to by a name, so any address is ours when we listen on all of them.
  if (isOpenBind && isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return true;
  return exposure.allowedHosts.some((allowed) => isListed(host, allowed));
}

/** A page we sent came by the way we speak: over TLS, one that did not may be anybody's on the way to us. */
function isOurOrigin(
  origin: string,
  host: string | undefined,
  { allowedHosts, isSecure }: Pick<Exposure, 'allowedHosts' | 'isSecure'>,
): boolean {
  if (!URL.canParse(origin)) return false;
  const { host: originHost, protocol } = new URL(origin);
  if (originHost === '') return false;
  const isOurScheme = isSecure !== true || protocol === 'https:';
  if (isOurScheme && host !== undefined && originHost === host.toLowerCase()) return true;
  return allowedHosts.some((allowed) => isListed(originHost, allowed));
}

const isListed = (host: string, allowed: string): boolean =>
  host.toLowerCase() === allowed.toLowerCase() || hostName(host) === allowed.toLowerCase();

const hostName = (host: string): string => host.toLowerCase().replace(/:\d*$/, '');

const single = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];
