import { afterAll, beforeAll, expect, it } from 'vitest';
import { StoreUnavailableError } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

let api: ApiUnderTest;

beforeAll(async () => {
  api = await startApi({
    store: {
      listAppVersions: async () => {
        throw new StoreUnavailableError('the database is away');
      },
    },
  });
  await api.ask('POST', '/v2/apps', { id: '/web', cmd: 'x' });
  api.engine.changeRoot = async () => {
    throw new StoreUnavailableError('the database is away');
  };
});
afterAll(() => api.daemon.close());

it('goes on answering what it knows while the database is away', async () => {
  expect((await api.ask('GET', '/v2/apps/web')).statusCode).toBe(200);
});

it.each([
  ['PUT', '/v2/apps/web', { instances: 2 }],
  ['DELETE', '/v2/apps/web', undefined],
  ['GET', '/v2/apps/web/versions', undefined],
])('answers %s %s with 503 and when to come back', async (method, url, body) => {
  const reply = await api.ask(method, url, body);

  expect(reply.statusCode).toBe(503);
  expect(reply.headers['retry-after']).toBe('1');
  expect(reply.json().message).toContain('database');
});
