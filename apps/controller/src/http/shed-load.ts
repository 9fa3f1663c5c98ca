import type { FastifyInstance } from 'fastify';

/** Streams, which have a limit of their own. */
const STREAM = /^\/v2\/(?:events$|tasks\/:taskId\/(?:files\/|exec$))/;

/** Beyond so many requests of the API at once, further ones get 503 and try again. Undefined: no limit. */
export function shedLoad(
  server: Pick<FastifyInstance, 'addHook'>,
  maxRequests: number | undefined,
): void {
  if (maxRequests === undefined) return;
  let open = 0;
  server.addHook('onRequest', async (request, reply) => {
    const route = request.routeOptions.url ?? '';
    if (!route.startsWith('/v2/') || STREAM.test(route)) return;
    if (open >= maxRequests) {
      const message = `${maxRequests} requests are being answered, which is the limit; try again`;
      await reply.code(503).header('retry-after', '1').send({ message });
      return;
    }
    open += 1;
    reply.raw.once('close', () => {
      open -= 1;
    });
  });
}
