import { constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Smaller answers fit into a packet or two either way. */
const MIN_BYTES = 1_024;
/** Fast; lists are repetitive. */
const LEVEL = constants.Z_BEST_SPEED;

/** A list that is sent again is the same bytes, so they are compressed once. */
const compressed = new WeakMap<Buffer, Promise<Buffer>>();

/**
 * Answers of some size are sent with gzip to who takes it. Streams are not touched: events and logs must flow, and
 * a file of a sandbox is passed on as it is.
 */
export function compressAnswers(server: FastifyInstance): void {
  server.addHook('onSend', async (request, reply, payload) => {
    const isBody = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isBody || reply.hasHeader('content-encoding')) return payload;
    const type = String(reply.getHeader('content-type') ?? '');
    if (!COMPRESSIBLE.test(type) || Buffer.byteLength(payload) < MIN_BYTES) return payload;
    reply.header('vary', 'accept-encoding');
    if (!acceptsGzip(request)) return payload;
    const etag = reply.getHeader('etag');
    // These bytes are others than those of the plain answer, which mean the same.
    if (typeof etag === 'string' && !etag.startsWith('W/')) reply.header('etag', `W/${etag}`);
    reply.header('content-encoding', 'gzip').removeHeader('content-length');
    return typeof payload === 'string' ? compress(Buffer.from(payload)) : compressOnce(payload);
  });
}

const COMPRESSIBLE = /^(?:application\/json|text\/(?!event-stream))/;

function compressOnce(body: Buffer): Promise<Buffer> {
  const known = compressed.get(body);
  if (known !== undefined) return known;
  const made = compress(body);
  compressed.set(body, made);
  return made;
}

/** In a thread of its own. */
const compress = (body: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    gzip(body, { level: LEVEL }, (error, result) => (error ? reject(error) : resolve(result)));
  });

/** Named, or covered by `*`, and not with a weight of 0 (RFC 9110, 12.5.3). */
function acceptsGzip({ headers }: FastifyRequest): boolean {
  const weights = new Map<string, number>();
  for (const coding of String(headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')) {
    const [name = '', weight = ''] = coding.split(';').map((part) => part.trim());
    weights.set(name, weight.startsWith('q=') ? Number(weight.slice(2)) : 1);
  }
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
}
