import type { FastifyReply, FastifyRequest } from 'fastify';

/** `pong` as text, as JSON for who prefers that, and 204 for who can take neither. */
export function answerPing(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const accepted = request.headers.accept ?? '*/*';
  const text = qualityOf(accepted, 'text', 'plain');
  const json = qualityOf(accepted, 'application', 'json');
  if (text === 0 && json === 0) return reply.code(204).send();
  return json > text
    ? reply.type('application/json; charset=utf-8').send('"pong"')
    : reply.type('text/plain; charset=utf-8').send('pong');
}

/** How much a type is wanted, 0 to 1, by the most exact range that fits (RFC 9110, 12.5.1). */
function qualityOf(accept: string, type: string, subtype: string): number {
  let best = { exactness: -1, quality: 0 };
  for (const range of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    const exactness = [`*/*`, `${type}/*`, `${type}/${subtype}`].indexOf(name);
    if (exactness <= best.exactness) continue;
    const weight = parameters.find((one) => one.startsWith('q='))?.slice(2);
    const quality = weight === undefined ? 1 : Number(weight);
    best = { exactness, quality: Number.isFinite(quality) ? Math.min(1, Math.max(0, quality)) : 0 };
  }
  return best.quality;
}
