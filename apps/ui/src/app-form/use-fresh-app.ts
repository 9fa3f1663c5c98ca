import { useCallback, useEffect, useState } from 'react';
import type { App } from '../api/api-types.js';
import { useApp } from '../api/queries.js';

export interface FreshApp {
  /** Nothing until an answer is there that was asked for after this was first drawn. */
  readonly app: App | undefined;
  readonly error: unknown;
  /** Throws when the app cannot be read. */
  readonly readAgain: () => Promise<App | undefined>;
}

/** The app for a draft: one made of an older answer would revert what has changed since. Stays fresh afterwards. */
export function useFreshApp(id: string): FreshApp {
  const query = useApp(id);
  const { refetch } = query;
  const [openedAtMs] = useState(Date.now);
  const readAgain = useCallback(
    async () => (await refetch({ throwOnError: true })).data,
    [refetch],
  );
  useEffect(() => {
    // Not the request that may be under way: it may have been answered before what was just changed.
    void refetch();
  }, [refetch]);
  const isFresh = query.dataUpdatedAt >= openedAtMs;
  return {
    app: isFresh ? query.data : undefined,
    error: query.isFetching ? undefined : query.error,
    readAgain,
  };
}
