import { type LabelReader, shown } from './label-reader.js';

/** One user who may ask, HAPROXY_{n}_AUTH. */
export interface BasicAuth {
  readonly realm: string;
  readonly user: string;
  /** As crypt(3) writes it. */
  readonly passwordHash: string;
}

/** What a backend does with HTTP requests and answers besides sending them on. */
export interface HttpLabels {
  readonly redirectToHttps: boolean;
  readonly hsts: boolean;
  readonly auth?: BasicAuth;
  /** Prefix taken off the path; the Host header becomes the first virtual host. */
  readonly proxyPassPath?: string;
  /** Prefix put before the path of Location in answers. */
  readonly reverseProxyPath?: string;
  /** Where `/` is sent to, with 301. */
  readonly rootRedirect?: string;
}

/** Characters of a URL path that need no escape; `%` begins one. */
export const PATH_PATTERN = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1023}$/;
const REALM_PATTERN = /^[\x20-\x39\x3b-\x7e]{1,100}$/;
const USER_PATTERN = /^[A-Za-z0-9._@+-]{1,100}$/;
const HASH_PATTERN = /^[\x21-\x39\x3b-\x7e]{1,255}$/;
const TARGET_PATTERN =
  /^(https?:\/\/[A-Za-z0-9.:[\]-]{1,253})?\/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]{0,1023}$/;

/** Reads the labels that only an HTTP backend can follow. */
export function readHttpLabels(reader: LabelReader): HttpLabels {
  const auth = readAuth(reader);
  const path = (name: string) => reader.matching(name, PATH_PATTERN, 'a URL path');
  const proxyPassPath = path('HTTP_BACKEND_PROXYPASS_PATH');
  const reverseProxyPath = path('HTTP_BACKEND_REVPROXY_PATH');
  const rootRedirect = reader.matching(
    'HTTP_BACKEND_REDIR',
    TARGET_PATTERN,
    'a path or http(s) URL',
  );
  return {
    redirectToHttps: reader.isTrue('REDIRECT_TO_HTTPS'),
    hsts: reader.isTrue('USE_HSTS'),
    ...(auth && { auth }),
    ...(proxyPassPath !== undefined && { proxyPassPath }),
    ...(reverseProxyPath !== undefined && { reverseProxyPath }),
    ...(rootRedirect !== undefined && { rootRedirect }),
  };
}

/** `realm:user:cryptedpass`. A value that cannot be used closes nothing, so it is told, and nobody gets in: see `isClosed`. */
function readAuth(reader: LabelReader): BasicAuth | undefined {
  const text = reader.text('AUTH');
  if (text === undefined) return undefined;
  const [realm = '', user = '', ...hash] = text.split(':');
  const passwordHash = hash.join(':');
  if (REALM_PATTERN.test(realm) && USER_PATTERN.test(user) && HASH_PATTERN.test(passwordHash)) {
    return { realm, user, passwordHash };
  }
  reader.refuse(
    'AUTH',
    `${shown(realm)}:${shown(user)}:... is not realm:user:cryptedpass; nobody is let in`,
  );
  return CLOSED;
}

/** A user whose password nothing hashes to. */
const CLOSED: BasicAuth = { realm: 'closed', user: 'nobody', passwordHash: '!' };
