import type { FastifyInstance } from 'fastify';
import { parseJsonText } from '#marathon-v2';
import { ApiError, BODY_LIMIT_BYTES } from '#platform';
import { toApiError } from './outcome.js';

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads JSON bodies by {@link parseJsonText} instead of Fastify's parser: bytes that are not UTF-8, keys given twice and
 * texts that PostgreSQL cannot store become 400 here instead of surprises later. An empty body is no body.
 */
export function acceptStrictJson(server: FastifyInstance): void {
  if (server.hasContentTypeParser(JSON_TYPE)) server.removeContentTypeParser(JSON_TYPE);
  server.addContentTypeParser(
    JSON_TYPE,
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT_BYTES },
    (_request, body, done) => {
      try {
        done(null, body.length === 0 ? undefined : readBody(body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

function readBody(body: Buffer): unknown {
  let text: string;
  try {
    text = UTF_8.decode(body);
  } catch (error) {
    throw new ApiError(400, 'Invalid JSON', { details: 'the body is not UTF-8', cause: error });
  }
  const outcome = parseJsonText(text);
  if (!outcome.ok) throw toApiError(outcome.refusal);
  return outcome.value;
}
