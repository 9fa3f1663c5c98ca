import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { FastifyReply } from 'fastify';
import {
  ApiError,
  authorizationHeader,
  describeConnectionError,
  fetchDaemon,
  isLoopback,
  processTls,
  schemeOf,
} from '#platform';

/** An agent that says nothing for so long is taken for away. */
const ANSWER_LIMIT_MS = 10_000;
const PASSED_HEADERS = ['content-type', 'content-length', 'content-disposition', 'cache-control'];

/**
 * Passes an agent's answer on as a stream. The limit is on the first byte only, as a download may be long; when the client
 * goes away the request to the agent is given up.
 */
export async function fetchFromAgent(url: URL, taskId: string, reply: FastifyReply): Promise<void> {
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(new Error('no answer in time')), ANSWER_LIMIT_MS);
  reply.raw.once('close', () => gone.abort());
  let response: Response;
  try {
    const init = { headers: authorizationHeader('operator'), signal: gone.signal };
    response = await byScheme(url, (one) => fetchDaemon(one, init));
  } catch (error) {
    throw unreachable(url, taskId, error);
  } finally {
    clearTimeout(timer);
  }
  if (response.status >= 500) {
    await response.body?.cancel();
    throw unreachable(url, taskId, new Error(`HTTP ${response.status}`));
  }
  reply.code(response.status === 401 ? 403 : response.status);
  for (const name of PASSED_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) reply.header(name, value);
  }
  if (response.body === null) void reply.send();
  else void reply.send(Readable.fromWeb(response.body as ReadableStream));
}

/**
 * Where a task was placed is told with the scheme its agent had then. Where we speak TLS ourselves the agent may have
 * begun to since, so that is tried first: a password would go to its port in clear text. On another machine nothing else
 * is tried then, or whoever cuts TLS off would be sent the password.
 */
export async function byScheme<T>(url: URL, ask: (url: URL) => Promise<T>): Promise<T> {
  if (url.protocol === 'http:' && schemeOf(processTls()?.settings) === 'https') {
    const secure = new URL(url);
    secure.protocol = 'https:';
    try {
      return await ask(secure);
    } catch (error) {
      if (!isLoopback(url.hostname)) throw error;
      // It does not speak TLS yet, or nobody is there either way.
    }
  }
  return ask(url);
}

export const unreachable = (url: URL, taskId: string, cause: unknown): ApiError =>
  new ApiError(
    503,
    `The agent ${url.host} that holds the sandbox of task '${taskId}' does not answer: ${describeConnectionError(cause)}`,
    { headers: { 'retry-after': '5' }, cause },
  );
