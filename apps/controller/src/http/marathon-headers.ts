import type { FastifyInstance } from 'fastify';
import type { ControllerRuntime } from '../runtime/controller-runtime.js';

/** Headers that Marathon's leader puts on every answer of its API. */
export const apiHeaders = (runtime: ControllerRuntime): Readonly<Record<string, string>> => ({
  'cache-control': 'no-cache, no-store, must-revalidate',
  pragma: 'no-cache',
  expires: '0',
  'x-frame-options': 'DENY',
  'x-xss-protection': '1; mode=block',
  ...(runtime.isLoaded ? { 'x-marathon-leader': runtime.origin } : {}),
});

/** Puts {@link apiHeaders} on all answers but the files of the UI, which browsers may keep. */
export function addApiHeaders(server: FastifyInstance, runtime: ControllerRuntime): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (!request.url.startsWith('/ui/')) reply.headers(apiHeaders(runtime));
    done();
  });
  // Who was refused at the door has not come by the hook above.
  server.addHook('onSend', (request, reply, _payload, done) => {
    const isFile = request.url.startsWith('/ui/') && reply.statusCode < 400;
    if (!isFile && !reply.hasHeader('cache-control')) reply.headers(apiHeaders(runtime));
    done();
  });
}
