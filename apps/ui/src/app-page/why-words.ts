import { ApiError } from '../api/api-error.js';
import type { WhySuggestion } from '../api/api-types.js';
import { plural } from '../format/quantities.js';

/** What a suggestion was found to do, of so many instances that wait. */
export function suggestionWords({ places, hostname }: WhySuggestion, count: number): string {
  const some = `${places} of ${plural(count, 'waiting instance')}`;
  return hostname === undefined
    ? `${some} would no longer wait`
    : `${some} would get a place, the first on ${hostname}`;
}

/** Other servers know no explanation: that is no trouble to tell of. */
export const isUnsupported = (error: unknown): boolean =>
  error instanceof ApiError && error.status === 404;
