import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** Files of Swagger UI that are served, by content type. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

/**
 * Serves the API's description: `/docs` for people, `/docs/json` for programs. Nothing of it is loaded before the first
 * request, as it would cost a noticeable part of a daemon's start.
 */
export function serveOpenApi(
  app: NestFastifyApplication,
  about: { readonly title: string; readonly description: string; readonly version: string },
): void {
  const server = app.getHttpAdapter().getInstance();
  let document: Promise<string> | undefined;
  server.get('/docs/json', async (_request, reply) => {
    document ??= describeApi(app, about);
    return reply.type('application/json; charset=utf-8').send(await document);
  });
  server.get('/docs', (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page(about.title)),
  );
  for (const [file, contentType] of Object.entries(ASSETS)) {
    server.get(`/docs/${file}`, async (_request, reply) =>
      reply.type(contentType).send(await readFile(join(assetDirectory(), file))),
    );
  }
}

async function describeApi(
  app: NestFastifyApplication,
  about: { readonly title: string; readonly description: string; readonly version: string },
): Promise<string> {
  const { DocumentBuilder, SwaggerModule } = await import('@nestjs/swagger');
  const config = new DocumentBuilder()
    .setTitle(about.title)
    .setDescription(about.description)
    .setVersion(about.version)
    .build();
  return JSON.stringify(SwaggerModule.createDocument(app, config));
}

const assetDirectory = (): string => {
  const fromSwagger = createRequire(
    createRequire(import.meta.url).resolve('@nestjs/swagger/package.json'),
  );
  return dirname(fromSwagger.resolve('swagger-ui-dist/package.json'));
};

const page = (title: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/docs/json', dom_id: '#ui' })</script></body>
</html>
`;
