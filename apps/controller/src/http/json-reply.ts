import type { FastifyReply } from 'fastify';

/** Sends JSON that is text or bytes already. */
export function sendJson(reply: FastifyReply, body: string | Buffer): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(body);
}
