import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Says which version an answer has. True: the client has that one, and was told so with 304. */
export function isUnchanged(
  request: FastifyRequest,
  reply: FastifyReply,
  version: string,
): boolean {
  const etag = `"${version}"`;
  reply.header('etag', etag);
  if (!isListed(request.headers['if-none-match'], etag)) return false;
  void reply.code(304).send();
  return true;
}

/** A short text that differs for different ones. */
export const digestOf = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 22);

const isListed = (header: string | undefined, etag: string): boolean =>
  (header ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .some((tag) => tag === etag || tag === '*');
