import { type IncomingMessage, request as openRequest } from 'node:http';
import { request as openSecureRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { takeUpgrade, tlsConnection } from '#platform';

const CONNECT_LIMIT_MS = 10_000;
/** Agents ping their clients every 20 s: a connection that is silent for so long is dead. */
const SILENCE_LIMIT_MS = 90_000;
const MAX_REFUSAL_BYTES = 64 * 1024;
const PASSED_HEADERS = [
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
];

/**
 * Passes a WebSocket request on and then the bytes of both sides, as streams: each side reads no faster than the other
 * takes. A refusal is passed on as it is. Rejects, with nothing answered, when nobody answers.
 */
export async function tunnelUpgrade(
  request: FastifyRequest,
  reply: FastifyReply,
  target: { readonly url: URL; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  const answer = await open(request, target);
  if (answer.kind === 'refused') {
    await reply
      .code(answer.status === 401 ? 403 : answer.status)
      .header('content-type', 'application/json; charset=utf-8')
      .send(answer.body);
    return;
  }
  reply.hijack();
  const upgrade = takeUpgrade(request.raw);
  if (upgrade === undefined || upgrade.socket.destroyed) {
    answer.socket.destroy();
    return;
  }
  const { socket, head } = upgrade;
  socket.write(toHead(answer.response));
  if (answer.head.length > 0) socket.write(answer.head);
  if (head.length > 0) answer.socket.write(head);
  join(socket as Socket, answer.socket as Socket);
}

type Answer =
  | {
      readonly kind: 'upgraded';
      readonly response: IncomingMessage;
      readonly socket: Duplex;
      readonly head: Buffer;
    }
  | { readonly kind: 'refused'; readonly status: number; readonly body: string };

function open(
  request: FastifyRequest,
  { url, headers }: { readonly url: URL; readonly headers: Readonly<Record<string, string>> },
): Promise<Answer> {
  const own = PASSED_HEADERS.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return new Promise((resolve, reject) => {
    if (request.raw.socket.destroyed) {
      reject(new Error('the client has left'));
      return;
    }
    const isSecure = url.protocol === 'https:';
    const upstream = (isSecure ? openSecureRequest : openRequest)(url, {
      ...(isSecure ? tlsConnection() : {}),
      headers: {
        ...Object.fromEntries(own),
        ...headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
      },
      timeout: CONNECT_LIMIT_MS,
      agent: false,
    });
    upstream.once('timeout', () => upstream.destroy(new Error('no answer in time')));
    upstream.once('error', reject);
    upstream.once('upgrade', (response, socket, head) => {
      socket.setTimeout(0);
      resolve({ kind: 'upgraded', response, socket, head });
    });
    upstream.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < MAX_REFUSAL_BYTES) body += text;
      });
      response.once('end', () => {
        resolve({ kind: 'refused', status: response.statusCode ?? 503, body });
      });
      response.once('error', reject);
    });
    // The client may leave before anybody has answered.
    request.raw.socket.once('close', () => upstream.destroy(new Error('the client has left')));
    upstream.end();
  });
}

/** The answer's head as it came, for the client to check. */
function toHead({ rawHeaders, statusMessage }: IncomingMessage): string {
  const lines = [`HTTP/1.1 101 ${statusMessage ?? 'Switching Protocols'}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function join(client: Socket, upstream: Socket): void {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.setNoDelay?.(true);
    one.setTimeout?.(SILENCE_LIMIT_MS, () => one.destroy());
    one.on('error', () => one.destroy());
    one.once('close', () => other.destroySoon());
    one.pipe(other);
  }
}
