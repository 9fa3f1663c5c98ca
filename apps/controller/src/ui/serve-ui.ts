import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What a build holds besides index.html. */
const BUILT_FILE = /^(?:assets\/|favicon\.svg$)/;

/**
 * Serves the built UI under /ui/ and sends / there. Its own routes (deep links) get index.html, also those that look like
 * files, for app ids may hold dots; a missing built file stays 404, so that a stale page does not load HTML as a script.
 * Files are looked up per request: a build made while the controller runs is served at once. Without a build, /ui/ says
 * how to make one.
 */
export async function serveUi(server: FastifyInstance, folder: string): Promise<void> {
  server.get('/', (_request, reply) => reply.redirect('/ui/', 302));
  server.get('/help', (_request, reply) => reply.redirect('/docs', 302));
  await server.register(fastifyStatic, { root: folder, serve: false, cacheControl: false });
  const serve = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = String((request.params as Readonly<Record<string, string>>)['*'] ?? '');
    if (BUILT_FILE.test(path)) {
      if (!existsSync(join(folder, path)))
        return reply.code(404).send({ message: 'URI not found' });
      // Names of built assets hold a hash of their content; others stay the same when their content changes.
      const caching = path.startsWith('assets/')
        ? 'public, max-age=31536000, immutable'
        : 'no-cache';
      return reply.header('cache-control', caching).sendFile(path);
    }
    if (existsSync(join(folder, 'index.html'))) {
      return reply.header('cache-control', 'no-cache').sendFile('index.html');
    }
    const message = `The UI is not built (npm run build:ui): there is no index.html in ${folder}`;
    return reply.code(404).send({ message });
  };
  // The server takes /ui and /ui/ for the same route; relative links of the page need the slash.
  server.get('/ui', (request, reply) =>
    /^\/ui(?:\?|$)/.test(request.url) ? reply.redirect('/ui/', 302) : serve(request, reply),
  );
  server.get('/ui/*', serve);
}
