import type { NestFastifyApplication } from '@nestjs/platform-fastify';

const V1_PATH = /^\/api\/v1(?:\/operator)?\/?$/;
const JSON_TYPE = /^application\/json\b/i;
const USABLE_ACCEPT = /(?:^|[,\s])(?:\*\/\*|application\/\*|application\/json)\s*(?:[;,]|$)/i;

/** The checks of the operator API that come before the body: 405, 400 no content type, 415 another, 406 no JSON wanted. */
export function installOperatorGate(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request, reply) => {
      if (!V1_PATH.test(request.url.split('?', 1)[0] ?? '')) return;
      const refusal = judge(request.method, request.headers);
      if (refusal === undefined) return;
      const [status, message] = refusal;
      // An unread body would be taken for the next request on this connection.
      const headers = { connection: 'close', ...(status === 405 ? { allow: 'POST' } : {}) };
      return reply.code(status).headers(headers).send({ message });
    });
}

function judge(
  method: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): readonly [status: number, message: string] | undefined {
  if (method !== 'POST') return [405, `Expecting 'POST', received '${method}'`];
  const { 'content-type': type, accept } = headers;
  if (typeof type !== 'string' || type === '') {
    return [400, "Expecting 'Content-Type' to be present"];
  }
  if (!JSON_TYPE.test(type)) {
    return [415, `Expecting 'Content-Type' of application/json, received ${type.slice(0, 100)}`];
  }
  if (typeof accept === 'string' && accept !== '' && !USABLE_ACCEPT.test(accept)) {
    return [406, `Expecting 'Accept' to allow application/json, received ${accept.slice(0, 100)}`];
  }
  return undefined;
}
