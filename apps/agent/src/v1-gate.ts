import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { findAcceptRefusal, findCallRefusal } from '#platform';

const EXECUTOR_PATH = /^(?:\/slave\(1\))?\/api\/v1\/executor\/?$/;
const OPERATOR_PATH = /^\/api\/v1(?:\/operator)?\/?$/;

/**
 * The checks of the v1 endpoints that come before the body. What an executor accepts matters for its SUBSCRIBE only, which
 * its body tells.
 */
export function installV1Gate(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request, reply) => {
      const path = request.url.split('?', 1)[0] ?? '';
      const isOperator = OPERATOR_PATH.test(path);
      if (!isOperator && !EXECUTOR_PATH.test(path)) return;
      const refusal =
        findCallRefusal(request) ??
        (isOperator ? findAcceptRefusal(request.headers.accept) : undefined);
      if (refusal === undefined) return;
      const { status, message, headers } = refusal;
      // An unread body would be taken for the next request on this connection.
      return reply
        .code(status)
        .headers({ ...headers, connection: 'close' })
        .send({ message });
    });
}
