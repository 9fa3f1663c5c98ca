import { type IncomingHttpHeaders, type IncomingMessage, request as openRequest } from 'node:http';
import { request as openSecureRequest } from 'node:https';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  describeConnectionError,
  formatOnBehalfOf,
  ON_BEHALF_OF_HEADER,
  principalOf,
  roleOf,
  tlsConnection,
} from '#platform';
import { tunnelUpgrade } from '../http/tunnel-upgrade.js';

/** Marathon's limits: to connect, and to the first byte of the answer. */
export const CONNECT_LIMIT_MS = 5_000;
export const ANSWER_LIMIT_MS = 10_000;

/** Headers about one connection, which a proxy does not pass on (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Passes a request on to the leader and its answer back, both as streams and unbuffered, event streams included. Takes
 * the reply over. Origin and Host were checked here; the leader sees its own. Whoever asks proves to the leader who they are
 * by the same password or token; what a certificate proved here we vouch for.
 */
export function proxyToLeader(
  request: FastifyRequest,
  reply: FastifyReply,
  target: { readonly leaderUrl: string; readonly via: string },
): void {
  const leader = new URL(target.leaderUrl);
  reply.hijack();
  const isSecure = leader.protocol === 'https:';
  const upstream = (isSecure ? openSecureRequest : openRequest)({
    host: leader.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: leader.port || (isSecure ? 443 : 80),
    // A connection of its own: the next may be to another leader, or with another certificate.
    ...(isSecure ? { ...tlsConnection(), agent: false } : {}),
    method: request.method,
    path: request.raw.url,
    headers: requestHeaders(request, leader.host, target.via),
  });
  const refuse = (reason: string): void => {
    clearTimeout(timer);
    upstream.destroy();
    refuseRaw(reply.raw, `The leading controller ${leader.host} cannot be reached: ${reason}`);
  };
  let timer = setTimeout(() => refuse('no connection in time'), CONNECT_LIMIT_MS);
  upstream.once('socket', (socket) => {
    const awaitAnswer = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => refuse('no answer in time'), ANSWER_LIMIT_MS);
    };
    socket.setNoDelay(true);
    if (socket.connecting) socket.once('connect', awaitAnswer);
    else awaitAnswer();
  });
  upstream.once('error', (error) => refuse(describeConnectionError(error)));
  upstream.once('response', (answer) => {
    clearTimeout(timer);
    passAnswer(answer, reply);
  });
  reply.raw.once('close', () => upstream.destroy());
  request.raw.pipe(upstream);
}

/** The same for a WebSocket. */
export async function tunnelToLeader(
  request: FastifyRequest,
  reply: FastifyReply,
  target: { readonly leaderUrl: string; readonly via: string },
): Promise<void> {
  const url = new URL(request.raw.url ?? '/', target.leaderUrl);
  const { authorization } = request.headers;
  const headers = {
    'x-marathon-via': target.via,
    'x-forwarded-for': request.ip,
    ...(authorization === undefined ? {} : { authorization }),
    ...vouchFor(request),
  };
  try {
    await tunnelUpgrade(request, reply, { url, headers });
  } catch (error) {
    const message = `The leading controller ${url.host} cannot be reached: ${describeConnectionError(error)}`;
    await reply.code(503).header('retry-after', '1').send({ message });
  }
}

function passAnswer(answer: IncomingMessage, reply: FastifyReply): void {
  reply.raw.writeHead(answer.statusCode ?? 503, endToEnd(answer.headers));
  reply.raw.flushHeaders();
  answer.once('error', () => reply.raw.destroy());
  answer.pipe(reply.raw);
}

function requestHeaders(request: FastifyRequest, host: string, via: string): IncomingHttpHeaders {
  const {
    origin: _checkedHere,
    [ON_BEHALF_OF_HEADER]: _theirs,
    ...headers
  } = endToEnd(request.headers);
  const before = request.headers['x-forwarded-for'];
  const forwardedFor = [before, request.ip].flat().filter((one) => one !== undefined);
  return {
    ...headers,
    host,
    'x-marathon-via': via,
    'x-forwarded-for': forwardedFor.join(', '),
    ...vouchFor(request),
  };
}

/** Says who asks where that was proven by the connection, which ends here. What a client says of that itself is dropped. */
function vouchFor({ raw }: FastifyRequest): Readonly<Record<string, string>> {
  const principal = principalOf(raw);
  if (principal === undefined || raw.headers.authorization !== undefined) return {};
  return { [ON_BEHALF_OF_HEADER]: formatOnBehalfOf({ principal, role: roleOf(raw) }) };
}

const endToEnd = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));

/** 503 in the usual shape, or the end of an answer that has begun. */
function refuseRaw(raw: FastifyReply['raw'], message: string): void {
  if (raw.headersSent) {
    raw.destroy();
    return;
  }
  const body = JSON.stringify({ message });
  raw.writeHead(503, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'retry-after': '1',
  });
  raw.end(body);
}
