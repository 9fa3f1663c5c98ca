import { isIP } from 'node:net';
import { ApiError } from './api-error.js';
import { type Credential, createAuthenticator, type PrincipalKind } from './credentials.js';
import { ConfigError } from './read-config.js';

/** How a daemon is reachable. */
export interface Exposure {
  /** The address it binds to. */
  readonly host: string;
  /** Further names clients may use: `PACER_ALLOWED_HOSTS`, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** Whom to let in, by HTTP Basic; empty: everybody. See `readAcceptedCredentials`. */
  readonly credentials: readonly Credential[];
  /** `PACER_ALLOW_OPEN_BIND`: no credentials although others can reach it. */
  readonly allowOpenBind: boolean;
}

/** Header values as Node gives them, names in lower case. */
export interface GuardedRequest {
  readonly method: string;
  readonly url: string;
  /** The pattern of the matched route; a path can be written in many ways. */
  readonly route?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Who may make a request, where credentials are asked for. */
export type Access =
  /** Everybody, also without credentials. */
  | { readonly kind: 'open' }
  /** Who may act as one of these; others get 403. The realm is named with a 401. */
  | { readonly kind: 'closed'; readonly to: readonly PrincipalKind[]; readonly realm: string };

/** `route` is the pattern that was matched, however the path was written; undefined when there is none. */
export type AccessRule = (request: {
  readonly method: string;
  readonly route: string | undefined;
}) => Access;

/** For operators only. */
export const operatorsOnly: AccessRule = () => ({
  kind: 'closed',
  to: ['operator'],
  realm: 'pacer',
});

/** Answered without credentials by every daemon, for load balancers and the supervisor. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(['/ping']);

/** Refuses to start wide open. Throws {@link ConfigError} naming the flag that overrides it. */
export function checkExposure(exposure: Exposure): void {
  if (isLoopback(exposure.host) || exposure.credentials.length > 0 || exposure.allowOpenBind) {
    return;
  }
  throw new ConfigError(
    `PACER_HOST: ${JSON.stringify(exposure.host)} is reachable from other machines, but there are no credentials: set ` +
      'PACER_CREDENTIALS_FILE (or PACER_CREDENTIALS=principal:secret), bind to 127.0.0.1, or accept the risk with PACER_ALLOW_OPEN_BIND=true (--allow-open-bind true)',
  );
}

/**
 * Makes the check each request passes before it is routed. A web page must not be able to command us, even on loopback:
 * a Host that is not ours (DNS rebinding) and an Origin other than our own are refused with 403. Throws
 * {@link ApiError}; so is a NUL character anywhere in the URL, with 400. What bodies must be is the content type parsers' concern: anything but JSON gets 415.
 * Where credentials are set, 401 without right ones and 403 to whom the rule does not name. Returns the principal.
 */
export function createRequestGuard(
  exposure: Exposure,
  accessTo: AccessRule = operatorsOnly,
): (request: GuardedRequest) => string | undefined {
  const authenticate = createAuthenticator(exposure.credentials);
  const isOpenBind = !isLoopback(exposure.host);
  return ({ method, url, route, headers }) => {
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
    if (origin !== undefined && !isOurOrigin(origin, host, exposure.allowedHosts)) {
      throw new ApiError(
        403,
        `Origin ${JSON.stringify(origin)} may not use this API; list its host in PACER_ALLOWED_HOSTS to allow it`,
      );
    }
    if (exposure.credentials.length === 0) return undefined;
    const access = OPEN_ROUTES.has(route ?? '')
      ? ({ kind: 'open' } as const)
      : accessTo({ method, route });
    if (access.kind === 'open') return undefined;
    const identity = authenticate(single(headers['authorization']));
    if (identity === undefined) {
      throw new ApiError(401, 'Credentials are missing or wrong', {
        headers: { 'www-authenticate': `Basic realm="${access.realm}"` },
      });
    }
    if (access.to.some((kind) => identity.kinds.has(kind))) return identity.principal;
    throw new ApiError(
      403,
      `Principal ${JSON.stringify(identity.principal)} may act as ${[...identity.kinds].join(', ')}; ${method} ${route ?? 'of what is not there'} is for ${access.to.join(', ')}`,
    );
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

function isOurOrigin(
  origin: string,
  host: string | undefined,
  allowedHosts: readonly string[],
): boolean {
  if (!URL.canParse(origin)) return false;
  const originHost = new URL(origin).host;
  if (originHost === '') return false;
  if (host !== undefined && originHost === host.toLowerCase()) return true;
  return allowedHosts.some((allowed) => isListed(originHost, allowed));
}

const isListed = (host: string, allowed: string): boolean =>
  host.toLowerCase() === allowed.toLowerCase() || hostName(host) === allowed.toLowerCase();

const hostName = (host: string): string => host.toLowerCase().replace(/:\d*$/, '');

const single = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];
