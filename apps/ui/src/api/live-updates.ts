import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { noteConnection } from './connection-store.js';
import type { CoalescerEvent } from './event-coalescer.js';
import { IDLE_COALESCER, reduceCoalescer } from './event-coalescer.js';
import { EVENT_NAMES, TOPICS, type Topic, topicsOf } from './event-topics.js';

/** Events that arrive within this time are answered by one re-read. */
const COALESCE_MS = 200;
/** The browser reconnects by itself unless the server refuses; then we do, with back-off between these. */
const MIN_RECONNECT_MS = 1_000;
const MAX_RECONNECT_MS = 10_000;

/** Keeps the cached answers fresh from the event stream for as long as the page lives. */
export function useLiveUpdates(): void {
  const client = useQueryClient();
  useEffect(() => startLiveUpdates(client), [client]);
}

export function startLiveUpdates(client: QueryClient): () => void {
  const coalescer = startCoalescer(client);
  let source: EventSource | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let retryMs = MIN_RECONNECT_MS;

  const connect = () => {
    const stream = new EventSource('/v2/events');
    source = stream;
    stream.onopen = () => {
      retryMs = MIN_RECONNECT_MS;
      noteConnection({ kind: 'streamOpened' });
      // What changed before the stream was there came without an event.
      coalescer.touch(TOPICS);
    };
    stream.onerror = () => {
      noteConnection({ kind: 'streamFailed' });
      // Find out at once whether only the stream is gone or the whole controller.
      coalescer.touch(TOPICS);
      if (stream.readyState === EventSource.CLOSED) {
        retryTimer = setTimeout(connect, retryMs);
        retryMs = Math.min(MAX_RECONNECT_MS, retryMs * 2);
      }
    };
    stream.onmessage = () => coalescer.touch(topicsOf('message'));
    for (const name of EVENT_NAMES) {
      stream.addEventListener(name, () => coalescer.touch(topicsOf(name)));
    }
  };

  connect();
  return () => {
    clearTimeout(retryTimer);
    source?.close();
    coalescer.stop();
  };
}

function startCoalescer(client: QueryClient): {
  touch: (topics: readonly Topic[]) => void;
  stop: () => void;
} {
  let state = IDLE_COALESCER;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  const feed = (event: CoalescerEvent) => {
    if (isStopped) {
      return;
    }
    const reduction = reduceCoalescer(state, event);
    state = reduction.state;
    for (const effect of reduction.effects) {
      if (effect.kind === 'startTimer') {
        timer = setTimeout(() => feed({ kind: 'timer' }), COALESCE_MS);
      } else {
        void invalidate(client, effect.keys).finally(() => feed({ kind: 'flushed' }));
      }
    }
  };

  return {
    touch: (topics) => feed({ kind: 'touched', keys: topics }),
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Marks the topics stale and waits until what is on the screen has been read again. */
export async function invalidate(client: QueryClient, topics: readonly string[]): Promise<void> {
  await Promise.allSettled(topics.map((topic) => client.invalidateQueries({ queryKey: [topic] })));
}
