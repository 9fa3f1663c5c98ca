import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ProbeTarget } from '#core';
import type { Observation } from './observation.js';

const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

/** One GET on a connection of its own. Passes for 200-399; redirects are not followed, certificates not verified. */
export async function probeHttp(
  target: Extract<ProbeTarget, { kind: 'http' }>,
  signal: AbortSignal,
): Promise<Observation> {
  const response = await send(target, signal);
  const status = response.statusCode ?? 0;
  const body = await readBody(response);
  const passed = status >= 200 && status < 400;
  return { passed, detail: `HTTP ${status}`, status, body };
}

async function send(
  { scheme, host, port, path }: Extract<ProbeTarget, { kind: 'http' }>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options = {
    ...{ host: host.replace(/^\[(.*)\]$/, '$1'), port, signal },
    path: toRequestTarget(path),
    agent: false as const,
    maxHeaderSize: MAX_HEADER_BYTES,
    headers: { 'User-Agent': 'Pacer health check', Accept: '*/*', Connection: 'close' },
    // As in Marathon: a health check asks whether it answers, not who it is.
    rejectUnauthorized: false,
  };
  return await new Promise((resolve, reject) => {
    const request = scheme === 'https' ? requestHttps(options) : requestHttp(options);
    request.once('response', resolve);
    // Later errors (a reset while the body is read) reach the reader of the body.
    request.on('error', reject);
    request.end();
  });
}

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
