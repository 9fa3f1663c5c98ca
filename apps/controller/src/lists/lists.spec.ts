import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { appId, instanceId, taskId } from '#core';
import { aDeployment } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000 });

const UUID = '-4c30-11e5-98c1-be5b2935a987';
type Named = { readonly id: string };

describe('lists over HTTP', () => {
  let api: ApiUnderTest;
  const finished = ['d-3', 'd-2', 'd-1'].map((id, index) =>
    aDeployment(id, { state: 'Succeeded', finishedAtEpochMs: 9_000 - index }),
  );

  beforeAll(async () => {
    api = await startApi({
      store: { listFinishedDeployments: async (limit) => finished.slice(0, limit) },
    });
  });
  afterAll(() => api.daemon.close());
  beforeEach(async () => {
    await api.ask('DELETE', '/v2/groups?force=true');
    api.engine.instances.clear();
    api.engine.running.length = 0;
    api.engine.waiting.length = 0;
  });

  const put = (...ids: readonly string[]) =>
    api.ask(
      'PUT',
      '/v2/apps',
      ids.map((id) => ({ id, cmd: 'x', labels: { Owner: `Team${id}` } })),
    );
  const addTask = (app: string, number: number): string => {
    const id = `${app.slice(1).replaceAll('/', '_')}.instance-${String(number).padStart(8, '0')}${UUID}`;
    const ids = { id: instanceId(id), appId: appId(app), taskId: taskId(`${id}._app.1`) };
    api.engine.addInstance(ids);
    return ids.taskId;
  };
  const get = async (url: string, headers: Readonly<Record<string, string>> = {}) =>
    api.inject({ method: 'GET', url, headers: { host: 'localhost', ...headers } });
  const idsAt = async (url: string): Promise<readonly string[]> => {
    const body = (await get(url)).json();
    return (body.apps ?? body.tasks ?? body).map(({ id }: Named) => id);
  };
  /** Follows the links; `between` may change things. */
  const readThrough = async (
    first: string,
    between: (page: number) => unknown = () => undefined,
  ): Promise<readonly string[]> => {
    const all: string[] = [];
    let url: string | undefined = first;
    for (let page = 0; url !== undefined && page < 100; page += 1) {
      const answer = await get(url);
      const body = answer.json();
      all.push(...(body.apps ?? body.tasks ?? body).map(({ id }: Named) => id));
      [, url] = /<(.+)>; rel="next"/.exec(String(answer.headers['link'] ?? '')) ?? [];
      await between(page);
    }
    return all;
  };

  it('come in pages that lead through all of it, whatever else comes and goes', async () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,2}$/);
    const id = fc
      .array(name, { minLength: 1, maxLength: 2 })
      .map((path) => `/app/${path.join('/x-')}`);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(9), { maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        async (stay, moves, limit) => {
          await api.ask('DELETE', '/v2/groups?force=true');
          await put(...stay.map((one) => `${one}-stays`), '/other/0');
          const read = await readThrough(`/v2/apps?limit=${limit}&fields=id`, async (page) => {
            const move = moves[page];
            if (move === undefined) return;
            await api.ask('DELETE', `/v2/apps/other/${move}`);
            await put(`/other/${(move + 1) % 10}`, `/a${move}`);
          });
          const kept = read.filter((one) => one.endsWith('-stays'));
          expect(kept).toEqual(stay.map((one) => `${one}-stays`).sort());
          expect(new Set(read).size).toBe(read.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('tell the number of all items, and hold the same ones as the whole list', async () => {
    await put('/b', '/a', '/c/d', '/c/a');
    const whole = (await get('/v2/apps')).json().apps as readonly Named[];

    const first = await get('/v2/apps?limit=3');
    const last = await get('/v2/apps?limit=3&after=c/a');

    expect(first.headers['x-total-count']).toBe('4');
    expect(first.headers['link']).toBe('</v2/apps?limit=3&after=%2Fc%2Fa>; rel="next"');
    expect(last.headers['link']).toBeUndefined();
    const paged = [...first.json().apps, ...last.json().apps] as readonly Named[];
    expect(paged).toEqual(paged.map(({ id }) => whole.find((app) => app.id === id)));
    expect(paged).toHaveLength(4);
    expect((await get('/v2/apps')).headers['x-total-count']).toBeUndefined();
    expect(await idsAt('/v2/apps')).toEqual(whole.map(({ id }) => id));
  });

  it('find apps by parts of ids and labels, beside Marathon’s filters', async () => {
    await put('/shop/web', '/shop/db', '/blog');

    expect(await idsAt('/v2/apps?search=SHOP')).toEqual(['/shop/db', '/shop/web']);
    expect(await idsAt('/v2/apps?search=owner')).toHaveLength(3);
    expect(await idsAt('/v2/apps?search=team/bl')).toEqual(['/blog']);
    expect(await idsAt('/v2/apps?search=shop&id=db')).toEqual(['/shop/db']);
    const page = await get('/v2/apps?search=shop&limit=1');
    expect([page.headers['x-total-count'], page.json().apps[0].id]).toEqual(['2', '/shop/db']);
  });

  it('show the fields asked for, embedding what that takes', async () => {
    await put('/web');
    const task = addTask('/web', 1);

    const answer = await get('/v2/apps?fields=id,tasksRunning,labels.Owner,tasks.id');

    expect(answer.json()).toEqual({
      apps: [{ id: '/web', labels: { Owner: 'Team/web' }, tasksRunning: 1, tasks: [{ id: task }] }],
    });
    expect((await get('/v2/apps?fields=id,deployments')).json()).toEqual({
      apps: [{ id: '/web', deployments: [] }],
    });
  });

  it.each([
    '/v2/apps',
    '/v2/apps?limit=1',
    '/v2/apps?fields=id&search=web',
    '/v2/tasks',
    '/v2/tasks?limit=1&fields=id,state',
    '/v2/apps?label=Owner',
    '/v2/groups',
    '/v2/groups?embed=group.apps',
  ])('keep their etag at %s until something changes', async (url) => {
    await put('/web');
    addTask('/web', 1);
    const etag = String((await get(url)).headers['etag']);

    const same = await get(url, { 'if-none-match': etag });
    api.engine.touch(appId('/web'));
    const changed = await get(url, { 'if-none-match': etag });

    expect([same.statusCode, same.body]).toEqual([304, '']);
    expect(changed.statusCode).toBe(200);
    expect((await get('/v2/apps?limit=2')).headers['etag']).not.toBe(etag);
  });

  it('page tasks by app and id, also after a task and an app that are gone', async () => {
    await put('/a', '/b/c', '/d');
    const tasks = ['/d', '/b/c', '/a'].flatMap((app) => [3, 1, 2].map((n) => addTask(app, n)));

    const sorted = [...tasks].sort();
    const read = await readThrough('/v2/tasks?limit=2', (page) =>
      page === 1 ? api.engine.instances.delete(appId('/b/c')) : undefined,
    );

    expect(read).toEqual(sorted.filter((id) => !/^b_c.*-0000000[23]/.test(id)));
    const page = await get('/v2/tasks?limit=2&search=B_C&fields=host');
    expect(page.json()).toEqual({ tasks: [] });
    expect((await get('/v2/tasks?status=running&search=team/d')).json().tasks).toHaveLength(3);
  });

  it('page what has ended, the last first, and what waits', async () => {
    const wait = { count: 1, sinceEpochMs: 0, delayLeftMs: 0, processedOffers: 0, unusedOffers: 0 };
    await put('/b', '/a');
    for (const id of ['/b', '/a']) {
      const none = { rejectLastOffers: [], rejectLaunchAttempt: [] };
      api.engine.waiting.push({ appId: appId(id), ...wait, ...none });
    }

    const ended = await readThrough('/v2/deployments?state=finished&limit=2&fields=id');
    const queue = await get('/v2/queue?limit=1&fields=app.id,count');

    expect(ended).toEqual(['d-3', 'd-2', 'd-1']);
    expect(queue.json()).toEqual({ queue: [{ app: { id: '/a' }, count: 1 }] });
    expect(queue.headers['link']).toContain('after=%2Fa');
    const { etag } = (await get('/v2/queue')).headers;
    expect((await get('/v2/queue', { 'if-none-match': String(etag) })).statusCode).toBe(304);
  });

  it.each([
    ['/v2/apps?limit=0', '/limit', 'from 1 to 10000'],
    ['/v2/apps?limit=10001', '/limit', "10000, not '10001'"],
    ['/v2/apps?limit=1e3', '/limit', 'whole number'],
    ['/v2/apps?limit=', '/limit', 'whole number'],
    ['/v2/apps?after=', '/after', 'must be the id'],
    ['/v2/apps?after=not%20an%20id', '/after', "not 'not an id'"],
    ['/v2/apps?offset=10', '/offset', 'after='],
    ['/v2/apps?fields=id,colour', '/fields', "'colour'"],
    [`/v2/apps?search=${'x'.repeat(201)}`, '/search', 'at most 200'],
    ['/v2/tasks?after=web', '/after', 'must be a task id'],
    ['/v2/tasks?fields=cmd', '/fields', "'cmd'"],
    ['/v2/queue?limit=-1', '/limit', 'whole number'],
    ['/v2/deployments?state=finished&limit=1001', '/limit', 'from 1 to 1000'],
    ['/v2/deployments?fields=x', '/fields', "'x'"],
  ])('refuse %s with 422', async (url, path, reason) => {
    const answer = await get(url);

    expect([answer.statusCode, answer.json().details]).toEqual([
      422,
      [{ path, errors: [expect.stringContaining(reason)] }],
    ]);
  });

  it('are compressed for who takes that, and answer HEAD', async () => {
    await put(...Array.from({ length: 20 }, (_, index) => `/app-${index}`));
    api.engine.running.push(aDeployment('d-9'));
    const plain = await get('/v2/apps');

    const packed = await get('/v2/apps', { 'accept-encoding': 'br, gzip;q=0.5' });
    const head = await api.inject({
      ...{ method: 'HEAD', url: '/v2/apps', headers: { host: 'localhost' } },
    });

    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.rawPayload).toString()).toBe(plain.body);
    expect(packed.headers['vary']).toBe('accept-encoding');
    const etag = String(packed.headers['etag']);
    expect((await get('/v2/apps', { 'if-none-match': etag })).statusCode).toBe(304);
    for (const accepted of ['', 'identity', 'gzip;q=0', 'br, *;q=0']) {
      const answer = await get('/v2/apps', { 'accept-encoding': accepted });
      expect([accepted, answer.headers['content-encoding']]).toEqual([accepted, undefined]);
    }
    expect([head.statusCode, head.body, head.headers['etag']]).toEqual([
      200,
      '',
      plain.headers['etag'],
    ]);
  });

  it('leave the event stream as it flows, and answer HEAD for it at once', async () => {
    const aborter = new AbortController();
    const stream = await fetch(`${api.daemon.url}/v2/events`, {
      headers: { accept: 'text/event-stream', 'accept-encoding': 'gzip' },
      signal: aborter.signal,
    });
    const head = await fetch(`${api.daemon.url}/v2/events`, {
      ...{ method: 'HEAD', headers: { accept: 'text/event-stream' } },
    });

    expect(stream.headers.get('content-encoding')).toBeNull();
    expect(stream.headers.get('x-frame-options')).toBe('DENY');
    expect([head.status, head.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    aborter.abort();
  });

  it('carry Marathon’s headers, on refusals too', async () => {
    for (const url of ['/v2/apps', '/v2/nope', '/v2/apps?limit=0']) {
      expect((await get(url)).headers).toMatchObject({
        'cache-control': 'no-cache, no-store, must-revalidate',
        pragma: 'no-cache',
        expires: '0',
        'x-frame-options': 'DENY',
        'x-xss-protection': '1; mode=block',
        'x-marathon-leader': 'http://127.0.0.1:8080',
      });
    }
    const foreign = await get('/v2/apps', { origin: 'https://evil.example' });
    expect([foreign.statusCode, foreign.headers['x-frame-options']]).toEqual([403, 'DENY']);
  });
});
