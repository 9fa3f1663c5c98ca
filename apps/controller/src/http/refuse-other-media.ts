import type { FastifyInstance } from 'fastify';

/** What answers with a stream, or with a file as it is. */
const OTHER_MEDIA = /^\/v2\/(?:events$|tasks\/:taskId\/(?:files\/|exec$))/;
const JSON_RANGES: ReadonlySet<string> = new Set(['application/json', 'application/*', '*/*']);

/** Answers of /v2 are JSON: who asks for another type alone gets 406, as of Marathon since it gave up plain text. */
export function refuseOtherMedia(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('onRequest', async (request, reply) => {
    const route = request.routeOptions.url ?? '';
    if (!route.startsWith('/v2/') || OTHER_MEDIA.test(route)) return;
    const { accept = '' } = request.headers;
    if (takesJson(accept)) return;
    const message = `Not Acceptable: answers here are application/json, which Accept '${accept.slice(0, 200)}' leaves out`;
    await reply.code(406).send({ message });
  });
}

/** By the most exact range that fits (RFC 9110, 12.5.1). No header: anything. */
function takesJson(accept: string): boolean {
  if (accept.trim() === '') return true;
  const weights = new Map<string, number>();
  for (const range of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = parameters.find((one) => one.startsWith('q='))?.slice(2);
    if (JSON_RANGES.has(name)) weights.set(name, weight === undefined ? 1 : Number(weight));
  }
  const [weight = 0] = [...JSON_RANGES].flatMap((name) => weights.get(name) ?? []);
  return weight > 0;
}
