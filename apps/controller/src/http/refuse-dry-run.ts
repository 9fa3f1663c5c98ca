import type { FastifyInstance } from 'fastify';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Writes that can say what they would do; of deployments only their end, not what holds them or lets them go on. */
const PREVIEWED = /^\/+v2\/+(?:apps|groups|pods|tasks\/+delete)(?:\/|$)/;
const ENDED = /^\/+v2\/+deployments\/+[^/]+\/*$/;

/** A write that knows no dry run must not be carried out for one who asked for it. */
export function refuseUnknownDryRuns(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('onRequest', async (request, reply) => {
    const [path = '', query = ''] = request.url.split('?', 2);
    const isEnd = request.method === 'DELETE' && ENDED.test(path);
    if (READS.has(request.method) || isEnd || PREVIEWED.test(path)) return;
    if (new URLSearchParams(query).has('dryRun')) {
      const message = `Query parameter dryRun is not supported by ${request.method} ${path}`;
      await reply.code(400).send({ message });
    }
  });
}
