import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from './api-error.js';
import { noteConnection } from './connection-store.js';

/** Answers are kept a while after the last screen that showed them, so that going back is instant. */
const KEEP_UNUSED_MS = 60_000;

/** Every query also tells whether the controller answers at all. Repeats are left to polling. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onSuccess: () => noteConnection({ kind: 'answered' }),
      onError: (error, query) => {
        // A sandbox that is away is an agent's trouble, not the controller's.
        if (query.queryKey[0] === 'files') {
          return;
        }
        const isUnreachable = error instanceof ApiError && error.isUnreachable;
        noteConnection({ kind: isUnreachable ? 'unanswered' : 'answered' });
      },
    }),
    defaultOptions: {
      queries: { retry: false, networkMode: 'always', gcTime: KEEP_UNUSED_MS, staleTime: 1_000 },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
