import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiClient, explain } from './api-client.js';
import { resourcePath } from './resource-path.js';
import { formatTable } from './text-table.js';

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200;
    response.end(
      request.url === '/missing' ? '{"message":"App not found"}' : `{"url":"${request.url}"}`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe('the client', () => {
  it('sends query parameters that are set', async () => {
    const answer = await createApiClient(url)('/v2/apps', {
      query: { force: true, wait: undefined },
    });

    expect(answer).toEqual({ url: '/v2/apps?force=true' });
  });

  it('rejects with what the API said', async () => {
    await expect(createApiClient(url)('/missing')).rejects.toThrow('App not found (HTTP 404)');
  });

  it('says how to start a cluster when nothing answers', async () => {
    await expect(createApiClient('http://127.0.0.1:1')('/')).rejects.toThrow(/pacer up/);
  });

  it('says what a URL looks like when it was given something else', async () => {
    await expect(createApiClient('nonsense')('/')).rejects.toThrow(
      /^nonsense is not a URL such as/,
    );
  });
});

describe('explain', () => {
  it('lists each field below the message', () => {
    const body = JSON.stringify({
      message: 'Object is not valid',
      details: [{ path: '/cpus', errors: ['must be positive', 'must be a number'] }],
    });

    expect(explain(422, body)).toBe(
      'Object is not valid (HTTP 422)\n  /cpus: must be positive; must be a number',
    );
  });

  it('lists the deployments that are in the way', () => {
    const body = JSON.stringify({ message: 'App is locked', deployments: [{ id: 'd-1' }] });

    expect(explain(409, body)).toBe('App is locked (HTTP 409)\n  deployment d-1');
  });
});

describe('resourcePath', () => {
  it('keeps the slashes of an id and escapes the rest', () => {
    expect(resourcePath('/v2/apps', '/shop/we b')).toBe('/v2/apps/shop/we%20b');
  });
});

describe('formatTable', () => {
  it('aligns columns', () => {
    expect(
      formatTable(
        ['APP', 'N'],
        [
          ['/long/name', 1],
          ['/a', 22],
        ],
      ),
    ).toBe('APP         N\n/long/name  1\n/a          22');
  });
});
