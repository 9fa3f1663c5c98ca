import { HttpException } from '@nestjs/common';
import { ApiError } from './api-error.js';
import { BODY_LIMIT_BYTES } from './body-limit.js';

/** What goes back to the client for something thrown. `isFault` marks what we got wrong and must log. */
export interface ErrorReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly isFault: boolean;
}

/** What an answer may have to say of the request. */
export interface RefusedRequest {
  readonly method: string;
  readonly url: string;
  /** Methods there are for this path. */
  readonly allowed: readonly string[];
  /** Of its route, where that has one of its own. */
  readonly bodyLimitBytes?: number;
}

const RETRY_AFTER_SECONDS = '1';
/** Errors of the world, by `code`: nothing was done, and the client may try again. */
const RETRYABLE: ReadonlySet<unknown> = new Set([
  'STORE_UNAVAILABLE',
  'FENCED',
  'QUEUE_FULL',
  'ENGINE_STOPPED',
]);

/** Maps anything thrown to an answer. Only what is unknown becomes a 500, and its text stays in the log. */
export function toErrorReply(thrown: unknown, request: RefusedRequest): ErrorReply {
  if (thrown instanceof ApiError) return fromApiError(thrown);
  if (thrown instanceof HttpException) return fromHttpException(thrown, request);
  if (RETRYABLE.has(codeOf(thrown))) {
    return {
      status: 503,
      body: { message: messageOf(thrown) },
      headers: { 'retry-after': RETRY_AFTER_SECONDS },
      isFault: false,
    };
  }
  const clientStatus = clientStatusOf(thrown);
  if (clientStatus !== undefined) {
    const body = { message: messageOf(thrown) };
    return { status: clientStatus, body, headers: {}, isFault: false };
  }
  return {
    status: 500,
    body: { message: 'Internal server error' },
    headers: {},
    isFault: true,
  };
}

function fromApiError(error: ApiError): ErrorReply {
  return {
    status: error.status,
    body: {
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
      ...error.extra,
    },
    headers: error.headers,
    isFault: false,
  };
}

function fromHttpException(error: HttpException, request: RefusedRequest): ErrorReply {
  const status = error.getStatus();
  const plain = { status, headers: {}, isFault: status >= 500 };
  if (status === 413) {
    const limit = request.bodyLimitBytes ?? BODY_LIMIT_BYTES;
    const message = `Request body is larger than the limit of ${limit} bytes`;
    return { ...plain, body: { message }, headers: { connection: 'close' } };
  }
  if (status === 404 && error.message === `Cannot ${request.method} ${request.url}`) {
    return request.allowed.length === 0
      ? { ...plain, body: { message: 'URI not found' } }
      : methodNotAllowed(request);
  }
  const response = error.getResponse();
  const isPlainBody = typeof response === 'object' && !('statusCode' in response);
  return { ...plain, body: isPlainBody ? { ...response } : { message: error.message } };
}

function methodNotAllowed(request: {
  readonly method: string;
  readonly allowed: readonly string[];
}): ErrorReply {
  const allow = request.allowed.join(', ');
  return {
    status: 405,
    body: { message: `Method ${request.method} is not allowed here; allowed: ${allow}` },
    headers: { allow },
    isFault: false,
  };
}

/** The HTTP server marks what a client did wrong, such as leaving in the middle of its request. */
function clientStatusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined;
  const { statusCode } = thrown;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined;
}

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;

const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
