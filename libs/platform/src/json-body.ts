import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.js';

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;

/**
 * Accepts JSON bodies only. An empty body is no body, as many clients send a content type with every request. Anything
 * else gets 415: the types a web page can post without asking first (text, forms, none at all) must not reach a handler.
 */
export function acceptJsonBodies(server: FastifyInstance, limitBytes: number): void {
  server.removeAllContentTypeParsers();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser(
    JSON_TYPE,
    { parseAs: 'string', bodyLimit: limitBytes },
    (request, body, done) => {
      if (body === '') {
        done(null, undefined);
        return;
      }
      const text = String(body);
      if (!isSuspicious(text)) {
        parsePlain(text, done);
        return;
      }
      void parse(request, text, (error, value) => {
        if (error === null) done(null, value);
        else done(invalid(error));
      });
    },
  );
  server.addContentTypeParser('*', (request, _payload, done) => {
    if (request.headers['content-length'] === '0') done(null, undefined);
    else done(unsupported(request.headers['content-type']));
  });
}

/**
 * Whether it may name a prototype, perhaps escaped, or begins with a byte order mark. All else needs no look at every
 * name, which takes as long as the parsing.
 */
const isSuspicious = (text: string): boolean =>
  text.includes('\\u') ||
  text.includes('__proto__') ||
  text.includes('constructor') ||
  text.charCodeAt(0) === BYTE_ORDER_MARK;

const BYTE_ORDER_MARK = 0xfeff;

function parsePlain(text: string, done: (error: Error | null, value?: unknown) => void): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    done(invalid(error as SyntaxError));
    return;
  }
  done(null, value);
}

const invalid = (error: Error): ApiError =>
  new ApiError(400, 'Invalid JSON', { details: error.message, cause: error });

const unsupported = (contentType: string | undefined): ApiError =>
  new ApiError(
    415,
    `Content-Type ${contentType === undefined ? 'is missing' : JSON.stringify(contentType)}; a body must be application/json`,
    { headers: { connection: 'close' } },
  );
