import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { agentId, appId, instanceId, taskId } from '#core';
import { basicAuthorization } from '#platform';
import { aDeployment } from '../../../test/support/store-fixtures.js';
import { isDecided } from './access.js';
import { type ApiUnderTest, startApi } from './controller-api.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000 });

const UUID = '564bd685-4c30-11e5-98c1-be5b2935a987';
const TASK = `web.instance-${UUID}._app.1`;
const ops = basicAuthorization({ principal: 'ops', secret: 'ops-secret' });
const olga = basicAuthorization({ principal: 'olga', secret: 'olga-secret' });
const nobody = {};

describe('a controller with credentials', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-roles-'));
  let api: ApiUnderTest;

  beforeAll(async () => {
    const file = join(folder, 'credentials');
    writeFileSync(file, 'ops ops-secret operator\nolga olga-secret read\n', { mode: 0o600 });
    vi.stubEnv('PACER_CREDENTIALS_FILE', file);
    api = await startApi({
      store: {
        listFinishedDeployments: async () => [],
        loadDeployment: async () => undefined,
        loadAppVersion: async (id) => api.engine.root.apps.get(id),
      },
    });
    api.engine.addInstance({
      id: instanceId(`web.instance-${UUID}`),
      appId: appId('/web'),
      taskId: taskId(TASK),
      placement: {
        ...{ agentId: agentId('a1'), hostname: 'h1', attributes: {} },
        agentUrl: 'http://127.0.0.1:9',
      },
    });
  });
  beforeEach(async () => {
    await ask(ops, 'PUT', '/v2/apps/web', { cmd: 'x' });
    api.engine.changes.length = 0;
    api.engine.killed.length = 0;
  });
  afterAll(async () => {
    await api.daemon.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  const ask = (
    who: Readonly<Record<string, string>>,
    method: string,
    url: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ) =>
    api.inject({
      method: method as 'GET',
      url,
      headers: {
        ...{ host: 'localhost', ...who, ...more },
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });

  it('has a decision for who may use each of its routes, and keeps to it', async () => {
    const routes = api.daemon.routes.flatMap(({ path, methods }) =>
      methods.map((method) => ({ method, path })),
    );
    const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';
    const closed = routes.filter(({ path }) => path !== '/ping');
    const undecided = closed.filter(({ method, path }) => isRead(method) && !isDecided(path));
    const seen: string[] = [];
    const expected: string[] = [];
    for (const { method, path } of closed) {
      // A route writes a colon as two.
      const url = path.replace(/(?<!:):\w+|\*/g, 'x').replaceAll('::', ':');
      const mayRead = isRead(method) && !path.endsWith('/exec');
      const none = (await ask(nobody, method, url)).statusCode;
      const reader = (await ask(olga, method, url)).statusCode;
      // Giving leadership up ends the process.
      const isEnd = method === 'DELETE' && path === '/v2/leader';
      const full = isEnd ? 200 : (await ask(ops, method, url)).statusCode;
      const isLetIn = (status: number): string => (status === 401 || status === 403 ? 'no' : 'yes');
      seen.push(
        `${method} ${path}: ${none} ${reader === 403 ? 403 : isLetIn(reader)} ${isLetIn(full)}`,
      );
      expected.push(`${method} ${path}: 401 ${mayRead ? 'yes' : 403} yes`);
    }

    expect(undecided, 'add each to access.ts').toEqual([]);
    expect(seen).toEqual(expected);
    expect(routes.length).toBeGreaterThan(50);
    expect((await ask(nobody, 'GET', '/ping')).statusCode).toBe(200);
  });

  it('names both ways to come in, and the role that is missing', async () => {
    const stranger = await ask(nobody, 'GET', '/v2/apps');
    const reader = await ask(olga, 'DELETE', '/v2/apps/web');

    expect(stranger.headers['www-authenticate']).toBe('Basic realm="pacer", Bearer realm="pacer"');
    expect(stranger.headers['cache-control']).toBe('no-cache, no-store, must-revalidate');
    expect([reader.statusCode, reader.json()]).toEqual([
      403,
      {
        message:
          'Principal "olga" has the role read, which may look but not change anything; DELETE /v2/apps/* needs the role full',
        role: 'read',
        needs: 'full',
      },
    ]);
    expect(api.engine.changes).toEqual([]);
  });

  it('tells who is asking', async () => {
    const answers = [await ask(olga, 'GET', '/v2/access'), await ask(ops, 'GET', '/v2/access')];

    expect(answers.map((answer) => answer.json())).toEqual([
      { principal: 'olga', role: 'read' },
      { principal: 'ops', role: 'full' },
    ]);
  });

  it('shows readers definitions whole, their variables too', async () => {
    await ask(ops, 'PUT', '/v2/apps/web', { cmd: 'x', env: { MODE: 'production' } });

    const shown = await ask(olga, 'GET', '/v2/apps/web');

    expect(shown.json().app.env).toEqual({ MODE: 'production' });
  });

  it('shows readers logs, and no other file of a sandbox', async () => {
    const read = async (who: Readonly<Record<string, string>>, query: string) =>
      (await ask(who, 'GET', `/v2/tasks/${TASK}/files/${query}`)).statusCode;

    // 503: it was asked of the agent, which is away.
    for (const path of ['stdout', '/stderr', 'stdout.1', `tasks/${TASK}/stderr`]) {
      expect([path, await read(olga, `read?path=${path}`)]).toEqual([path, 503]);
    }
    for (const path of ['', 'secret', 'stdout/../secret', 'a/stdout', 'stdoutx', 'stdout%0a']) {
      for (const operation of ['read', 'download', 'follow']) {
        expect([path, await read(olga, `${operation}?path=${path}`)]).toEqual([path, 403]);
      }
    }
    expect(await read(olga, 'browse?path=')).toBe(503);
    expect(await read(ops, 'read?path=secret')).toBe(503);
  });

  it('keeps with every change who asked for it', async () => {
    const version = '2026-01-01T00:00:00.000Z';
    const who = (): (string | undefined)[] => api.engine.changes.map(({ by }) => by);
    const writes: readonly (readonly [string, string, unknown?])[] = [
      ['POST', '/v2/apps', { id: '/a/one', cmd: 'x' }],
      ['PUT', '/v2/apps/a/one', { cmd: 'y' }],
      ['PUT', '/v2/apps/web', { version }],
      ['PATCH', '/v2/apps/a/one', { cmd: 'z' }],
      ['PUT', '/v2/apps', [{ id: '/a/two', cmd: 'x' }]],
      ['POST', '/v2/apps/a/one/restart'],
      ['POST', '/v2/groups', { id: '/b' }],
      ['PUT', '/v2/groups/b', { apps: [] }],
      ['PATCH', '/v2/groups/b', { enforceRole: true }],
      ['POST', '/v2/tasks/delete?scale=true', { ids: [TASK] }],
      ['DELETE', '/v2/apps/a/two'],
      ['DELETE', '/v2/groups/b'],
    ];

    for (const [method, url, body] of writes) {
      const before = api.engine.changes.length;
      const { statusCode } = await ask(ops, method, url, body);
      expect([url, statusCode < 300, who().slice(before)]).toEqual([url, true, ['ops']]);
    }
    await ask(ops, 'DELETE', '/v2/apps/web/tasks');
    api.engine.running.push(aDeployment('d-1'));
    await ask(ops, 'DELETE', '/v2/deployments/d-1');

    expect(api.engine.killed).toMatchObject([{ by: 'ops' }]);
    expect(api.engine.cancelled).toEqual([{ id: 'd-1', by: 'ops' }]);
    expect(api.engine.events[0]).toMatchObject({ eventType: 'api_post_event', by: 'ops' });
  });

  it('is told by a standby who asks, and by nobody’s claim', async () => {
    const leaderUrl = (): string => api.daemon.url;
    const standby = await startApi({ isLoaded: false, leaderUrl });
    const send = (who: Readonly<Record<string, string>>, id: string) =>
      fetch(`${standby.daemon.url}/v2/apps`, {
        method: 'POST',
        headers: {
          ...{ 'content-type': 'application/json', 'x-pacer-on-behalf-of': 'full boss' },
          ...who,
        },
        body: JSON.stringify({ id, cmd: 'x' }),
      });

    const [full, reader, stranger] = [
      await send(ops, '/c/one'),
      await send(olga, '/c/two'),
      await send(nobody, '/c/three'),
    ];
    await standby.daemon.close();

    expect([full.status, reader.status, stranger.status]).toEqual([201, 403, 401]);
    expect(api.engine.changes.map(({ by }) => by)).toEqual(['ops']);
  });
});

it('asks nobody, and keeps nobody’s name, without credentials', async () => {
  const api = await startApi();

  const access = await api.ask('GET', '/v2/access');
  await api.ask('POST', '/v2/apps', { id: '/web', cmd: 'x' });
  await api.daemon.close();

  expect(access.json()).toEqual({ principal: null, role: 'full' });
  expect(api.engine.changes[0]).not.toHaveProperty('by');
  expect(api.engine.events[0]).not.toHaveProperty('by');
});
