import { ApiError } from '#platform';
import type { RouterService } from '../router.service.js';

/** HAProxy's statistics as it prints them. Throws ApiError 503 while it does not answer. */
export const readCsv = (router: Pick<RouterService, 'watch'>): Promise<string> =>
  router.watch.reader.readCsv().catch((error: unknown) => {
    throw new ApiError(503, `HAProxy does not answer: ${String(error)}`);
  });
