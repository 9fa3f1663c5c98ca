import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { ProbeTarget } from '#core';
import type { Connect } from './connect.js';
import type { Observation } from './observation.js';

const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

type HttpTarget = Extract<ProbeTarget, { kind: 'http' }>;

/**
 * One GET, each on a connection of its own, and those its redirects lead to. Passes for 200-399, certificates are not
 * verified. A redirect to another host is not followed but is the answer: what is there says nothing about this one.
 */
export async function probeHttp(
  target: HttpTarget,
  signal: AbortSignal,
  inside?: Connect,
): Promise<Observation> {
  const { maxRedirects = 0 } = target;
  let current = target;
  for (let followed = 0; ; followed += 1) {
    const response = await send(current, signal, await inside?.(current.port));
    const status = response.statusCode ?? 0;
    const next = maxRedirects > 0 ? redirectOf(current, response) : undefined;
    if (next === undefined) {
      const body = await readBody(response);
      const passed = status >= 200 && status < 400;
      return { passed, detail: `HTTP ${status}`, status, body };
    }
    response.destroy();
    if (followed === maxRedirects) {
      return { passed: false, detail: `more than ${maxRedirects} redirects` };
    }
    current = next;
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Of the target itself, whichever address it is asked at. */
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

function redirectOf(from: HttpTarget, response: IncomingMessage): HttpTarget | undefined {
  const { location } = response.headers;
  if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined) return undefined;
  const host = unbracketed(from.host);
  const authority = host.includes(':') ? `[${host}]` : host;
  const base = `${from.scheme}://${authority}:${from.port}${toRequestTarget(from.path)}`;
  if (!URL.canParse(location, base)) return undefined;
  const url = new URL(location, base);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  const isSame = url.hostname === new URL(base).hostname || LOOPBACK_NAMES.has(url.hostname);
  if (!isHttp || !isSame) return undefined;
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { ...from, scheme, port, path: `${url.pathname}${url.search}` };
}

const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

async function send(
  { scheme, host, port, path }: HttpTarget,
  signal: AbortSignal,
  stream: Duplex | undefined,
): Promise<IncomingMessage> {
  const options = {
    ...{ host: unbracketed(host), port, signal },
    path: toRequestTarget(path),
    ...(stream === undefined
      ? { agent: false as const }
      : { createConnection: () => (scheme === 'https' ? secure(stream) : stream) }),
    maxHeaderSize: MAX_HEADER_BYTES,
    headers: { 'User-Agent': 'Pacer health check', Accept: '*/*', Connection: 'close' },
    // As in Marathon: a health check asks whether it answers, not who it is.
    rejectUnauthorized: false,
  };
  return await new Promise((resolve, reject) => {
    const request =
      scheme === 'https' && stream === undefined ? requestHttps(options) : requestHttp(options);
    request.once('response', resolve);
    // Later errors (a reset while the body is read) reach the reader of the body.
    request.on('error', reject);
    request.end();
  });
}

const secure = (socket: Duplex): Duplex => connectTls({ socket, rejectUnauthorized: false });

/** Node refuses characters that may not stand in a request line, so those are escaped. */
function toRequestTarget(path: string): string {
  const absolute = path.startsWith('/') ? path : `/${path}`;
  return absolute.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}

/** The first 64 KiB; the rest is not waited for. A body that breaks off still has its status. */
async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, MAX_BODY_BYTES - size));
      size += chunk.length;
      if (size >= MAX_BODY_BYTES) break;
    }
  } catch {
    // The status was seen, and the status decides; the deadline is watched by the prober.
  }
  response.destroy();
  return Buffer.concat(chunks).toString('utf8');
}
