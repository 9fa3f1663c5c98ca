import type { FastifyInstance } from 'fastify';
import { ApiError } from '#platform';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Writes that can say what they would do. */
const PREVIEWED = /^\/+v2\/+(?:apps|groups|deployments|tasks\/+delete)(?:\/|$)/;

/** A write that knows no dry run must not be carried out for one who asked for it. */
export function refuseUnknownDryRuns(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('onRequest', async (request) => {
    const [path = '', query = ''] = request.url.split('?', 2);
    if (READS.has(request.method) || PREVIEWED.test(path)) return;
    if (new URLSearchParams(query).has('dryRun')) {
      throw new ApiError(400, `Query parameter dryRun is not supported by ${request.method} here`);
    }
  });
}
