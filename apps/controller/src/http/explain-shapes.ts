import type { FastifyInstance } from 'fastify';
import { explainProblems, type FieldProblem } from '#marathon-v2';

/** Adds words to the codes of answers about bodies of a wrong shape, whichever resource gives them. */
export function explainWrongShapes(server: Pick<FastifyInstance, 'addHook'>): void {
  server.addHook('preSerialization', async (request, reply, payload) => {
    if (reply.statusCode !== 422 || !isAboutShape(payload)) return payload;
    return { ...payload, details: explainProblems(payload.details, request.body) };
  });
}

const isAboutShape = (
  payload: unknown,
): payload is { readonly message: string; readonly details: readonly FieldProblem[] } =>
  typeof payload === 'object' &&
  payload !== null &&
  'message' in payload &&
  payload.message === 'Invalid JSON' &&
  'details' in payload &&
  Array.isArray(payload.details);
