import type { NestFastifyApplication } from '@nestjs/platform-fastify';

const PATH = /^(?:\/slave\(1\))?\/api\/v1\/executor\/?$/;
const JSON_TYPE = /^application\/json\b/i;

/** The checks of the executor API that come before the body: method (405), content type (400 missing, 415 other). */
export function installExecutorGate(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRequest', async ({ url, method, headers }, reply) => {
    if (!PATH.test(url.split('?', 1)[0] ?? '')) return;
    const refusal = findRefusal(method, headers['content-type']);
    if (refusal === undefined) return;
    const { status, message, ...more } = refusal;
    // An unread body would be taken for the next request on this connection.
    return reply
      .code(status)
      .headers({ connection: 'close', ...more.headers })
      .send({ message });
  });
}

function findRefusal(
  method: string,
  type: string | undefined,
):
  | {
      readonly status: 400 | 405 | 415;
      readonly message: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | undefined {
  if (method !== 'POST') {
    const message = `Expecting 'POST', received '${method}'`;
    return { status: 405, message, headers: { allow: 'POST' } };
  }
  if (type === undefined || type === '') {
    return { status: 400, message: "Expecting 'Content-Type' to be present" };
  }
  if (JSON_TYPE.test(type)) return undefined;
  const message = `Expecting 'Content-Type' of application/json, received ${type.slice(0, 100)}`;
  return { status: 415, message };
}
