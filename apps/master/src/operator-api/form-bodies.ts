import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiError } from '#platform';

const FORM_TYPE = 'application/x-www-form-urlencoded';
/** What the old endpoints take: forms, and JSON that a bare `curl -d` calls a form. */
const FORM_PATHS =
  /^(?:\/master)?\/(?:teardown|quota|weights|reserve|unreserve|create-volumes|destroy-volumes|maintenance\/schedule|machine\/(?:up|down))(?:\.json)?\/?$/;
const FORM_LIMIT_BYTES = 1024 * 1024;
/** More than any of the endpoints has. */
const MAX_FIELDS = 100;
const MAX_ECHO = 64;
const SAFE_SITES: ReadonlySet<unknown> = new Set([undefined, 'same-origin', 'none']);

/**
 * Lets the old mutating endpoints, and only them, take forms, as their clients send them. A page of another site could
 * post a form without asking first. Every browser names the Origin of such a post, which the guard refuses; beyond that
 * a request that says it comes from another site is refused here.
 */
export function acceptForms(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  server.addContentTypeParser(FORM_TYPE, { parseAs: 'string' }, (request, body, done) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (!FORM_PATHS.test(path)) {
      done(
        new ApiError(415, `Content-Type ${FORM_TYPE}; a body must be application/json`, {
          headers: { connection: 'close' },
        }),
      );
      return;
    }
    if (!SAFE_SITES.has(request.headers['sec-fetch-site'])) {
      done(new ApiError(403, 'A page of another site may not send forms to this API'));
      return;
    }
    try {
      done(null, parseForm(String(body)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Each field once: which one of two was meant is not for us to guess. */
function readFields(text: string): Readonly<Record<string, string>> {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) {
      const shown = name.slice(0, MAX_ECHO);
      throw new ApiError(400, `${shown} is given more than once`);
    }
    if (fields.size >= MAX_FIELDS) {
      throw new ApiError(400, `The form has more than ${MAX_FIELDS} fields`);
    }
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

function parseForm(body: string): unknown {
  const bytes = Buffer.byteLength(body);
  if (bytes > FORM_LIMIT_BYTES) {
    throw new ApiError(413, `A form of ${bytes} bytes; the limit is ${FORM_LIMIT_BYTES} bytes`);
  }
  const text = body.trim();
  if (!text.startsWith('{') && !text.startsWith('[')) return readFields(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, 'Invalid JSON', { cause: error });
  }
}
