import type { FastifyInstance } from 'fastify';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Writes that can say what they would do; of deployments only their end, not what holds them or lets them go on. */
const PREVIEWED = /^\/+v2\/+(?:apps|groups|pods|tasks\/+delete)(?:\/|$)/;
const ENDED = /^DELETE \/+v2\/+deployments\/+[^/]+\/*$/;
const ABORTED = /^POST \/+v2\/+deployments\/+[^/]+\/+abort\/*$/;

/** A write that knows no dry run must not be carried out for one who asked for it. */
export function refuseUnknownDryRuns(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('onRequest', async (request, reply) => {
    const [path = '', query = ''] = request.url.split('?', 2);
    const asked = `${request.method} ${path}`;
    const isEnd = ENDED.test(asked) || ABORTED.test(asked);
    if (READS.has(request.method) || isEnd || PREVIEWED.test(path)) return;
    if (new URLSearchParams(query).has('dryRun')) {
      const message = `Query parameter dryRun is not supported by ${asked}`;
      await reply.code(400).send({ message });
    }
  });
}
