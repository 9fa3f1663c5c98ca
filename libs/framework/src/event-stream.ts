import { type Dispatcher, request } from 'undici';
import type { Clock } from '#core';
import {
  type FrameworkInfo,
  parseSchedulerEvent,
  RecordDecoder,
  type SchedulerEvent,
} from '#mesos-v1';
import { originOfLocation } from './master-location.js';

/** Why a subscription did not stand, or no longer does. */
export class StreamError extends Error {}

export interface OpenStream {
  /** The master that answered, after redirects. */
  readonly origin: string;
  readonly streamId: string;
  /** Records as they come. Throws {@link StreamError} when the stream breaks or falls silent. */
  readonly events: AsyncGenerator<SchedulerEvent, void>;
}

export interface SubscribeOptions {
  readonly origin: string;
  readonly frameworkInfo: FrameworkInfo;
  readonly frameworkId: string | undefined;
  readonly suppressedRoles: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly dispatcher?: Dispatcher;
}

const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_HEARTBEAT_SECONDS = 15;
/** Mesos tells clients to give up after about five. */
const MISSED_HEARTBEATS = 5;
const MAX_ERROR_BODY = 1_000;

/** Subscribes at `origin`, following redirects to the leader. Throws {@link StreamError}. */
export async function openEventStream(options: SubscribeOptions): Promise<OpenStream> {
  let { origin } = options;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const response = await post(origin, options);
    const { statusCode, headers, body } = response;
    if (statusCode === 307 || statusCode === 308) {
      await body.dump();
      const location = first(headers['location']);
      const next = location === undefined ? undefined : originOfLocation(location, origin);
      if (next === undefined)
        throw new StreamError(`${origin} redirects to ${location ?? 'nowhere'}`);
      origin = next;
      continue;
    }
    if (statusCode !== 200) {
      const text = (await body.text().catch(() => '')).slice(0, MAX_ERROR_BODY);
      throw new StreamError(`${origin} answered ${statusCode} to SUBSCRIBE: ${text}`);
    }
    const streamId = first(headers['mesos-stream-id']);
    if (streamId === undefined) throw new StreamError(`${origin} sent no Mesos-Stream-Id`);
    return { origin, streamId, events: readEvents(body, options) };
  }
  throw new StreamError(`more than ${MAX_REDIRECTS} redirects, last to ${origin}`);
}

async function post(origin: string, options: SubscribeOptions): Promise<Dispatcher.ResponseData> {
  const { frameworkId, frameworkInfo } = options;
  const id = frameworkId === undefined ? {} : { id: { value: frameworkId } };
  const call = {
    type: 'SUBSCRIBE',
    ...(frameworkId === undefined ? {} : { framework_id: { value: frameworkId } }),
    subscribe: {
      framework_info: { ...frameworkInfo, ...id },
      suppressed_roles: options.suppressedRoles,
    },
  };
  try {
    return await request(`${origin}/api/v1/scheduler`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...options.headers,
      },
      body: JSON.stringify(call),
      signal: options.signal,
      headersTimeout: CONNECT_TIMEOUT_MS,
      // Silence is judged by heartbeats.
      bodyTimeout: 0,
      ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
    });
  } catch (error) {
    throw new StreamError(`cannot subscribe at ${origin}: ${messageOf(error)}`, { cause: error });
  }
}

async function* readEvents(
  body: Dispatcher.ResponseData['body'],
  options: SubscribeOptions,
): AsyncGenerator<SchedulerEvent, void> {
  const decoder = new RecordDecoder();
  const chunks = body[Symbol.asyncIterator]();
  let silenceMs = DEFAULT_HEARTBEAT_SECONDS * 1000 * MISSED_HEARTBEATS;
  try {
    for (;;) {
      const chunk = await nextWithin(chunks, silenceMs, options.clock);
      if (chunk.done === true) throw new StreamError('the master closed the stream');
      for (const record of decoder.push(chunk.value)) {
        const parsed = parseSchedulerEvent(JSON.parse(new TextDecoder().decode(record)));
        // Events we do not know are not meant for us.
        if (parsed.kind === 'unknown-type') continue;
        if (parsed.kind === 'invalid') {
          const issues = parsed.issues.map(({ path, message }) => `${path} ${message}`);
          throw new StreamError(`unreadable event: ${issues.join('; ')}`);
        }
        const event = parsed.value;
        if (event.type === 'SUBSCRIBED') {
          const seconds = event.subscribed.heartbeat_interval_seconds ?? DEFAULT_HEARTBEAT_SECONDS;
          silenceMs = seconds * 1000 * MISSED_HEARTBEATS;
        }
        yield event;
      }
    }
  } catch (error) {
    throw error instanceof StreamError
      ? error
      : new StreamError(`the stream broke: ${messageOf(error)}`, { cause: error });
  } finally {
    body.destroy();
  }
}

/** Only waiting counts as silence: while the scheduler works on an event nothing is read, by design. */
function nextWithin(
  chunks: AsyncIterator<Uint8Array>,
  limitMs: number,
  clock: Clock,
): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(limitMs, () =>
      reject(new StreamError(`no heartbeat within ${limitMs} ms`)),
    );
    chunks.next().then(
      (result) => {
        cancel();
        resolve(result);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

const first = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
