import type { FastifyRequest } from 'fastify';
import { askedBy } from '../changes/asked-by.js';
import { readLimits } from '../deployments/read-limits.js';
import { type Query, readFlag } from '../http/query.js';
import type { WriteRequest } from './apps.service.js';

/** What a write takes from its HTTP request. */
export function toWriteRequest(request: FastifyRequest): WriteRequest {
  const query = request.query as Query;
  return {
    body: request.body,
    force: readFlag(query, 'force', false),
    dryRun: readFlag(query, 'dryRun', false),
    strict: readFlag(query, 'strict', false),
    clientIp: request.ip,
    uri: request.url.split('?', 1)[0] ?? '',
    ...askedBy(request),
    ...readLimits(query),
  };
}

/** The part of the path behind the route's prefix, decoded. */
export const restOfPath = (request: FastifyRequest): string =>
  String((request.params as Readonly<Record<string, string | undefined>>)['*'] ?? '');
