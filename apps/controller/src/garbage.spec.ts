import fc from 'fast-check';
import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { arbitraryJson } from '../../../test/support/arbitrary-json.js';
import { type ApiUnderTest, startApi } from './controller-api.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 120_000 });

const WRITES = [
  ['POST', '/v2/apps'],
  ['PUT', '/v2/apps'],
  ['PATCH', '/v2/apps'],
  ['PUT', '/v2/apps/shop/web'],
  ['PATCH', '/v2/apps/shop/web'],
  ['POST', '/v2/groups'],
  ['PUT', '/v2/groups/shop'],
  ['PUT', '/v2/groups/shop?dryRun=true'],
  ['PATCH', '/v2/groups/shop'],
  ['POST', '/v2/tasks/delete'],
  ['PUT', '/v2/routers/r1'],
  ['POST', '/v2/pods'],
  ['PUT', '/v2/pods/shop/pod'],
] as const;

describe('garbage', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi({
      store: {
        loadAppVersion: async () => undefined,
        loadGroupVersion: async () => undefined,
        loadDeployment: async () => undefined,
        listAppVersions: async () => [],
        listGroupVersions: async () => [],
        listFinishedDeployments: async () => [],
      },
    });
    await api.ask('POST', '/v2/apps', { id: '/shop/web', cmd: 'sleep 1' });
    api.engine.changes.length = 0;
  });
  afterAll(() => api.daemon.close());

  /** A clear refusal in Marathon's shape that changed nothing. */
  function expectRefusal(reply: LightMyRequestResponse): void {
    expect(reply.statusCode).toBeGreaterThanOrEqual(400);
    expect(reply.statusCode).toBeLessThan(500);
    expect(reply.json().message).toEqual(expect.stringMatching(/\S/));
    expect(api.engine.changes).toEqual([]);
  }

  const send = (
    method: string,
    url: string,
    payload: string | Buffer,
    headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
  ): Promise<LightMyRequestResponse> =>
    api.inject({
      method: method as 'PUT',
      url,
      payload,
      headers: { host: 'localhost', ...headers },
    });

  describe.each(WRITES)('%s %s', (method, url) => {
    it.each([
      ['no JSON', '{"id": '],
      ['NaN', '{"id": "/a", "cmd": "x", "cpus": NaN}'],
      ['two values', '{} {}'],
      ['a text', '"hello"'],
      ['a number', '1'],
      ['null', 'null'],
      ['an empty body', ''],
      ['a byte order mark only', '\ufeff'],
      ['duplicate keys', '{"id": "/a", "cmd": "x", "cmd": "y"}'],
      ['__proto__', '[{"id": "/a", "cmd": "x", "__proto__": {"cpus": 1}}]'],
      [
        'a constructor',
        '{"constructor": {"prototype": {"x": 1}}, "id": {}, "ids": 1, "scaleBy": ""}',
      ],
      ['NUL', '{"id": "/a", "cmd": "x\\u0000", "ids": ["\\u0000"]}'],
      ['a huge number', '{"id": "/a", "cmd": "x", "instances": 1e400}'],
      ['deep arrays', '['.repeat(200_000)],
      ['deep objects', `${'{"groups":['.repeat(5_000)}${']}'.repeat(5_000)}`],
    ])('refuses %s', async (_what, payload) => {
      expectRefusal(await send(method, url, payload));
    });

    it('refuses bytes that are not UTF-8', async () => {
      const payload = Buffer.concat([
        Buffer.from('{"id": "/a", "cmd": "'),
        Buffer.from([0xc3, 0x28, 0xff]),
        Buffer.from('"}'),
      ]);

      const reply = await send(method, url, payload);

      expectRefusal(reply);
      expect(reply.json()).toEqual({ message: 'Invalid JSON', details: 'the body is not UTF-8' });
    });

    it('refuses bodies of 10 MB with 413', async () => {
      const reply = await send(method, url, `"${'x'.repeat(10_000_000)}"`);

      expectRefusal(reply);
      expect(reply.statusCode).toBe(413);
    });

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense'])(
      'refuses the content type %s with 415',
      async (type) => {
        const reply = await send(method, url, '{}', { 'content-type': type });

        expectRefusal(reply);
        expect(reply.statusCode).toBe(415);
      },
    );

    it('refuses a foreign origin and a foreign host with 403', async () => {
      const json = { 'content-type': 'application/json' };
      for (const foreign of [{ origin: 'https://evil.example' }, { host: 'evil.example' }]) {
        const reply = await send(method, url, '{}', { ...json, ...foreign });

        expectRefusal(reply);
        expect(reply.statusCode).toBe(403);
      }
    });
  });

  it.each([
    [{ id: '/a/../../b', cmd: 'x' }, '/id'],
    [{ id: '/A', cmd: 'x' }, '/id'],
    [{ id: '', cmd: 'x' }, '/id'],
    [{ id: '/', cmd: 'x' }, '/id'],
    [{ id: `/${'a'.repeat(300)}`, cmd: 'x' }, '/id'],
    [{ id: '/a', cmd: 'x', cpus: -0.5 }, '/cpus'],
    [{ id: '/a', cmd: 'x', mem: 1e300 }, '/mem'],
    [{ id: '/a', cmd: 'x', instances: -1 }, '/instances'],
    [{ id: '/a', cmd: 'x', instances: 1e9 }, '/instances'],
    [{ id: '/a', cmd: 'x', instances: '3' }, '/instances'],
    [{ id: '/a', cmd: 'x', portDefinitions: [{ port: 1e9 }] }, '/portDefinitions(0)/port'],
    [{ id: '/a', cmd: {} }, '/cmd'],
    [{ id: '/a', cmd: 'x', env: { A: null } }, '/env/A'],
    [{ id: '/a', cmd: 'x', constraints: [[]] }, '/constraints(0)'],
  ])('names the field of %j', async (body, path) => {
    const reply = await api.ask('POST', '/v2/apps', body);

    expectRefusal(reply);
    expect(reply.statusCode).toBe(422);
    expect(reply.json().details.map((detail: { path: string }) => detail.path)).toContain(path);
  });

  it.each([
    ['GET', '/v2/apps/NOT/an/ID', 404],
    ['GET', '/v2/apps/..%2f..%2fetc', 404],
    ['GET', '/v2/deployments/%00', 400],
    ['DELETE', '/v2/deployments/%00', 400],
    ['GET', '/v2/apps/%00', 400],
    ['GET', '/v2/apps/%zz', 400],
    ['GET', '/v2/apps/shop/web?embed=nonsense&embed[]=x', 200],
    ['GET', '/v2/apps?label=%28', 422],
    ['PUT', '/v2/apps/shop/web/tasks', 422],
    ['PUT', '/v2/apps/NOT', 422],
    ['POST', '/v2/apps/shop/web', 405],
    ['GET', '/v2/apps/shop/web/restart', 405],
    ['DELETE', '/v2/apps/shop/web/versions', 405],
    ['DELETE', '/v2/apps/nope', 404],
    ['DELETE', '/v2/apps/shop/web?force=maybe', 400],
    ['DELETE', '/v2/apps/shop/web/tasks/nope', 404],
    ['GET', '/v2/groups/nope', 404],
    ['DELETE', '/v2/groups/nope', 404],
    ['GET', '/v2/groups/versions/2020-01-01T00:00:00.000Z', 404],
    ['DELETE', '/v2/deployments/nope', 404],
    ['GET', '/v2/deployments/nope', 404],
    ['POST', '/v2/deployments/nope/pause', 404],
    ['POST', '/v2/deployments/%00/promote', 400],
    ['POST', '/v2/deployments/nope/promote?force=2', 400],
    ['GET', '/v2/deployments?state=odd', 422],
    ['GET', '/v2/deployments?state=finished&limit=-1', 422],
    ['DELETE', '/v2/queue/shop/web/delay', 404],
    ['DELETE', '/v2/queue/nonsense', 404],
    ['GET', '/v2/tasks/nope/files/browse', 404],
    ['GET', '/v2/tasks/nope/files/execute', 404],
    ['GET', '/v2/events', 405],
    ['POST', '/v2/pods', 400],
    ['PUT', '/v2/pods/x', 422],
    ['PUT', '/v2/pods/x::status', 405],
    ['DELETE', '/v2/pods/x', 404],
    ['DELETE', '/v2/pods/x::instances', 404],
    ['GET', '/v2/pods/::nonsense', 404],
    ['GET', '/v2/pods/x', 404],
    ['PUT', '/v2/routers/%00', 400],
    ['GET', '/v2/artifacts', 404],
    ['GET', '/nowhere', 404],
    ['PATCH', '/v2/queue', 405],
  ])('%s %s is %d', async (method, url, status) => {
    const needsBody = method === 'PUT' || (method === 'POST' && url !== '/v2/pods');
    const body = needsBody ? { cmd: 'x', appliedSequence: 1, drainedTasks: [] } : undefined;

    const reply = await api.ask(method, url, body);

    expect(reply.statusCode).toBe(status);
    if (status >= 400) expectRefusal(reply);
  });

  it('answers whatever JSON anybody sends with something below 500', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...WRITES), arbitraryJson, async ([method, url], body) => {
        const reply = await send(method, url, JSON.stringify(body));

        expect(reply.statusCode).toBeLessThan(500);
        if (reply.statusCode >= 400) {
          const answer = reply.json();
          expect(answer.message).toEqual(expect.stringMatching(/\S/));
          for (const detail of Array.isArray(answer.details) ? answer.details : []) {
            expect(detail).toMatchObject({ path: expect.any(String), errors: expect.any(Array) });
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
