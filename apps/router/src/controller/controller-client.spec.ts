import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BODY_LIMIT_BYTES, basicAuthorization } from '#platform';
import { ControllerClient, type ControllerEvent } from './controller-client.js';

const CREDENTIALS = basicAuthorization({ principal: 'pacer', secret: 'secret' });
const REPORT = { appliedSequence: 7, drainedTasks: [], busyTasks: [], url: 'http://router' };

describe('ControllerClient against a controller that demands credentials', () => {
  let server: Server | undefined;
  const seen: string[] = [];
  const bodies: string[] = [];

  const start = async (): Promise<string> => {
    const { authorization } = CREDENTIALS;
    server = createServer((request, response) => {
      if (request.headers.authorization !== authorization) {
        response.writeHead(401).end();
        return;
      }
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => body !== '' && bodies.push(body));
      seen.push(`${request.method} ${request.url?.split('?')[0]}`);
      if (request.url?.startsWith('/v2/events') === true) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end('id: 3\nevent: resync\ndata: {}\n\n');
        return;
      }
      request.on('end', () => response.end(JSON.stringify({ apps: [], app: { id: '/web' } })));
    });
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  };

  afterEach(() => {
    server?.close();
    seen.splice(0);
    bodies.splice(0);
  });

  it('reads apps, follows events and reports with them', async () => {
    const client = new ControllerClient([await start()], () => CREDENTIALS);
    const events: ControllerEvent[] = [];

    await client.listApps();
    await client.getApp('/web');
    await client.report('router-1', REPORT);
    await client.follow({
      onOpen: () => undefined,
      onEvent: (event) => events.push(event),
      signal: new AbortController().signal,
    });

    expect(seen).toEqual([
      'GET /v2/apps',
      'GET /v2/apps/web',
      'PUT /v2/routers/router-1',
      'GET /v2/events',
    ]);
    expect(events).toEqual([{ id: 3, type: 'resync', data: {} }]);
  });

  it('leaves statistics out of a report that would be too large to be read', async () => {
    const client = new ControllerClient([await start()], () => CREDENTIALS);
    const huge = JSON.stringify({ version: 1, text: 'x'.repeat(BODY_LIMIT_BYTES) });

    await client.report('router-1', REPORT, [Buffer.from('{"version"'), Buffer.from(':1}')]);
    await client.report('router-1', REPORT, [Buffer.from(huge)]);

    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      { ...REPORT, statistics: { version: 1 } },
      REPORT,
    ]);
  });

  it('names the answer when it has none', async () => {
    const client = new ControllerClient([await start()], () => ({}));

    await expect(client.listApps()).rejects.toThrow('/v2/apps?embed=apps.tasks');
    await expect(client.listApps()).rejects.toThrow('answered 401');
  });
});
