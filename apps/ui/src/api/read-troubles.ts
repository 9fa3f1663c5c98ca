import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { ApiError, describeError } from './api-error.js';

/** A cached answer as far as it matters whether it can be trusted. */
export interface Reading {
  /** The first part of the query key. */
  readonly topic: string;
  readonly error: unknown;
  /** Whether something on the screen shows it. */
  readonly isShown: boolean;
}

/** What is on the screen of every page; the others say for themselves that they cannot be read. */
const SUBJECTS: Readonly<Record<string, string>> = {
  apps: 'The list of applications',
  app: 'The application',
  deployments: 'The list of deployments',
  queue: 'The launch queue, which tells what is delayed or waiting and why,',
};

/** One sentence for each thing on the screen that could not be read the last time, so that old does not pass for current. */
export function readTroubles(readings: readonly Reading[]): string[] {
  const sentences = readings.flatMap(({ topic, error, isShown }) => {
    const subject = Object.hasOwn(SUBJECTS, topic) ? SUBJECTS[topic] : undefined;
    const isGone = error instanceof ApiError && error.status === 404;
    return subject === undefined || !error || !isShown || isGone
      ? []
      : [`${subject} cannot be read: ${describeError(error)}`];
  });
  return [...new Set(sentences)].sort();
}

/** The troubles now, as lines of one text (a text stays the same when nothing changed). */
export function useReadTroubles(): string {
  const client = useQueryClient();
  const subscribe = useCallback(
    (listener: () => void) => client.getQueryCache().subscribe(listener),
    [client],
  );
  return useSyncExternalStore(subscribe, () => readTroubles(readingsOf(client)).join('\n'));
}

function readingsOf(client: QueryClient): Reading[] {
  return client
    .getQueryCache()
    .getAll()
    .map((query) => ({
      topic: String(query.queryKey[0]),
      error: query.state.error,
      isShown: query.isActive(),
    }));
}
