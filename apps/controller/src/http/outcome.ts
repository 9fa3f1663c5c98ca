import type { FastifyReply } from 'fastify';
import { describeRefusal, type Outcome, type Refusal } from '#marathon-v2';
import { ApiError } from '#platform';

/** The error of a refusal, with Marathon's status and body. */
export function toApiError(refusal: Refusal): ApiError {
  const { status, body } = describeRefusal(refusal);
  return new ApiError(
    status,
    body.message,
    body.details === undefined ? {} : { details: body.details },
  );
}

/** The value, or the refusal thrown as {@link ApiError}. */
export function acceptedOrThrow<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value;
  throw toApiError(outcome.refusal);
}

/** The parsed body of a request that needs one. An empty body is not JSON. */
export function requireBody(body: unknown): unknown {
  if (body !== undefined) return body;
  throw new ApiError(400, 'Invalid JSON', { details: 'the body is empty' });
}

/** Characters of the header in all; servers and proxies refuse more than a few thousand. */
const MAX_WARNING_CHARS = 2_000;

/** Names what was accepted but ignored or doubtful, as one header. */
export function sendWarnings(reply: FastifyReply, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const text = [...new Set(warnings)].join('; ').replace(/[^\x20-\x7e]/g, '?');
  reply.header('pacer-warnings', text.slice(0, MAX_WARNING_CHARS));
}
