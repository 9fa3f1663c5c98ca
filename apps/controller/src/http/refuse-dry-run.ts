import type { FastifyInstance } from 'fastify';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Writes that can say what they would do. */
const PREVIEWED = /^\/+v2\/+(?:apps|groups|deployments|pods|tasks\/+delete)(?:\/|$)/;

/** A write that knows no dry run must not be carried out for one who asked for it. */
export function refuseUnknownDryRuns(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('onRequest', async (request, reply) => {
    const [path = '', query = ''] = request.url.split('?', 2);
    if (READS.has(request.method) || PREVIEWED.test(path)) return;
    if (new URLSearchParams(query).has('dryRun')) {
      const message = `Query parameter dryRun is not supported by ${request.method} ${path}`;
      await reply.code(400).send({ message });
    }
  });
}
