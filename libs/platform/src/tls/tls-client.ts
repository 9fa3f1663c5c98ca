import type { SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { processTls } from './process-tls.js';

/** For a connection to another daemon that is made now: whom we trust and who we are. */
export function tlsConnection(): { readonly secureContext?: SecureContext } {
  const files = processTls();
  return files === undefined ? {} : { secureContext: files.context };
}

let dispatcher: Dispatcher | undefined;

/** `fetch` to another daemon: by the TLS files of this process, where it has some. */
export async function fetchDaemon(url: string | URL, init: RequestInit = {}): Promise<Response> {
  if (processTls() === undefined) return fetch(url, init);
  // Not that of Node.js: it takes no dispatcher but its own.
  const undici = await import('undici');
  dispatcher ??= new undici.Agent({
    connect: (options, done) =>
      undici.buildConnector({ maxCachedSessions: 0, ...tlsConnection() })(options, done),
  });
  const answer = await undici.fetch(url, { ...(init as object), dispatcher });
  return answer as unknown as Response;
}

/** Why a connection to a daemon came to nothing, and which setting has to do with it. */
export function describeConnectionError(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause ? String(cause.code) : '';
  const hint = HINTS.find(([pattern]) => pattern.test(code))?.[1];
  const message = cause.message.replace(/^[0-9A-F]+:error:[0-9A-F]*:/, '').trim() || code;
  return hint === undefined ? message : `${message} (${hint})`;
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_SIGNATURE|ERR_TLS_CERT_SIGN)/,
    'its certificate is not signed by PACER_TLS_CA_FILE',
  ],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired, or the clock here is wrong'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for other names than the URL has'],
  [/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/, 'it wants a client certificate: PACER_TLS_CERT_FILE'],
  [/UNKNOWN_CA|BAD_CERTIFICATE/, 'our certificate in PACER_TLS_CERT_FILE is not accepted there'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, 'it does not speak TLS: is it http://?'],
  [
    /^(ECONNRESET|UND_ERR_SOCKET|EPIPE)$/,
    'it closed the connection: with TLS, its log says why; is the URL https://?',
  ],
];
