import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appId, instanceId, taskId } from '#core';
import type { WireRoute, WireRoutes } from '#marathon-v2';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const TASKS = ['shop.instance-1._app.1', 'shop.instance-2._app.1'];

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  await api.ask('POST', '/v2/apps', {
    id: '/shop',
    cmd: 'serve',
    instances: 3,
    portDefinitions: [{ port: 10_100 }],
    labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'shop.example', HAPROXY_0_PATH: '/api' },
  });
  await api.ask('POST', '/v2/apps', {
    id: '/group/db',
    cmd: 'serve',
    portDefinitions: [{ port: 10_200 }],
    labels: { HAPROXY_GROUP: 'internal', HAPROXY_0_MODE: 'teleport' },
  });
  await api.ask('POST', '/v2/apps', { id: '/plain', cmd: 'serve' });
  for (const [index, task] of TASKS.entries()) {
    api.engine.addInstance({
      id: instanceId(`shop.instance-${index + 1}`),
      appId: appId('/shop'),
      taskId: taskId(task),
      hostPorts: [31_000 + index],
      placement: { agentId: 'agent-1' as never, hostname: '127.0.0.1', attributes: {} },
      ...(index === 0 ? {} : { draining: { sinceEpochMs: 0, deadlineEpochMs: 30_000 } }),
    });
  }
  api.engine.addInstance({
    id: instanceId('shop.instance-3'),
    appId: appId('/shop'),
    taskId: taskId('shop.instance-3._app.1'),
    condition: 'Staging',
    placement: { agentId: 'agent-1' as never, hostname: 'host-3', attributes: {} },
  });
});
afterAll(() => api.daemon.close());
beforeEach(() => api.engine.reports.clear());

const routes = async (query = ''): Promise<WireRoutes> =>
  (await api.ask('GET', `/v2/routes${query}`)).json();
const shopOf = ({ routes: all }: WireRoutes): WireRoute | undefined =>
  all.find(({ appId: id }) => id === '/shop');

const report = (id: string, backend: object, more: object = {}) =>
  api.ask('PUT', `/v2/routers/${id}`, {
    appliedSequence: 0,
    drainedTasks: [],
    url: `http://${id}`,
    statistics: {
      version: 1,
      haproxy: { version: '2.6.12', pid: 7, requestsPerSecond: 30 },
      backends: { shop_10100: { appId: '/shop', portIndex: 0, ...backend } },
      ...more,
    },
  });

describe('GET /v2/routes', () => {
  it('shows hosts, paths and ports with the instances behind them, and who is outside and why', async () => {
    const all = await routes();

    expect(all.routes.map(({ id }) => id)).toEqual(['/group/db:0', '/shop:0']);
    expect(shopOf(all)).toMatchObject({
      vhosts: ['shop.example'],
      paths: ['/api'],
      listenPort: 10_100,
      mode: 'http',
      groups: ['external'],
      instances: [
        { taskId: TASKS[0], port: 31_000, state: 'ready' },
        { taskId: TASKS[1], port: 31_001, state: 'draining' },
      ],
      outside: [{ taskId: 'shop.instance-3._app.1', host: 'host-3', why: 'it is starting' }],
      routers: {},
    });
    expect(all.problems).toMatchObject([{ kind: 'label', appId: '/group/db', portIndex: 0 }]);
    expect(all.problems[0]?.message).toContain('HAPROXY_0_MODE');
  });

  it('sums what routers report, weighs times by requests, and keeps each router’s own figures', async () => {
    const server = (state: string, more: object) => ({ a: { taskId: TASKS[0], state, ...more } });
    await report('r1', {
      requestsPerSecond: 30,
      responseMs: 10,
      errors5xx: 2,
      servers: server('up', { requestsPerSecond: 30, responseMs: 10, check: 'L7OK' }),
    });
    await report('r2', {
      requestsPerSecond: 10,
      responseMs: 50,
      servers: server('down', { requestsPerSecond: 0, responseMs: 0 }),
    });

    const shop = shopOf(await routes());

    expect(shop?.traffic).toEqual({ requestsPerSecond: 40, responseMs: 20, errors5xx: 2 });
    expect(Object.keys(shop?.routers ?? {})).toEqual(['r1', 'r2']);
    expect(shop?.instances[0]).toMatchObject({
      requestsPerSecond: 30,
      responseMs: 10,
      routers: { r1: { state: 'up', check: 'L7OK' }, r2: { state: 'down' } },
      disagree: [{ router: 'r2', state: 'down' }],
    });
    expect(shop?.instances[1]?.routers).toEqual({});
  });

  it('names what routers leave out, cannot do, and how far behind each is', async () => {
    api.engine.lastEventId = 12;
    await report(
      'r1',
      {},
      {
        leftOut: [{ appId: '/shop', portIndex: 0, reason: 'port 10100 is in use on this host' }],
        unsupported: [{ appId: '/shop', portIndex: 0, reason: 'HAPROXY_0_AUTH is not known' }],
        problems: [{ cause: 'reload', message: 'HAProxy refused it' }],
      },
    );

    const { routers, problems } = await routes('?app=/shop');

    expect(routers).toMatchObject([
      { id: 'r1', url: 'http://r1', behindEvents: 12, isRecent: true, haproxy: { pid: 7 } },
    ]);
    expect(problems.map(({ kind, message }) => [kind, message])).toEqual([
      ['router', 'reload: HAProxy refused it'],
      ['left-out', 'port 10100 is in use on this host'],
      ['unsupported', 'HAPROXY_0_AUTH is not known'],
    ]);
  });

  it('filters by app, group and host, and in pages', async () => {
    const ids = async (query: string) => (await routes(query)).routes.map(({ id }) => id);
    const page = await api.ask('GET', '/v2/routes?limit=1');

    expect(await ids('?app=/group')).toEqual(['/group/db:0']);
    expect(await ids('?vhost=SHOP.example')).toEqual(['/shop:0']);
    expect(await ids('?vhost=nobody.example')).toEqual([]);
    expect(await ids('?search=10200')).toEqual(['/group/db:0']);
    expect(await ids('?search=EXAMPLE')).toEqual(['/shop:0']);
    expect(await ids('?limit=1&after=/group/db:0')).toEqual(['/shop:0']);
    expect(page.headers['x-total-count']).toBe('2');
    expect(page.headers['link']).toContain('after=%2Fgroup%2Fdb%3A0');
    expect((await api.ask('GET', '/v2/routes?app=/NOT_AN_ID')).statusCode).toBe(422);
  });

  it('is the same bytes until an app changes or a router reports', async () => {
    const first = await api.ask('GET', '/v2/routes');
    const again = async () =>
      (
        await api.inject({
          method: 'GET',
          url: '/v2/routes',
          headers: { host: 'localhost', 'if-none-match': String(first.headers['etag']) },
        })
      ).statusCode;

    const unchanged = await again();
    await report('r1', {});

    expect([unchanged, await again()]).toEqual([304, 200]);
  });

  it('keeps an app that is declared no more until it is gone', async () => {
    const gone = anApp('/gone', {
      labels: { HAPROXY_0_VHOST: 'gone.example' },
      portDefinitions: [{ port: 10_300, protocol: 'tcp', labels: {} }],
    });
    api.engine.leaving.set(gone.id, gone);
    api.engine.touch(gone.id);

    const found = await routes('?vhost=gone.example');
    api.engine.leaving.clear();

    expect(found.routes).toMatchObject([{ appId: '/gone', leaving: true }]);
  });
});

describe('the statistics of a report', () => {
  it('never cost the report: what is wrong is left out and named', async () => {
    const answer = await report(
      'r1',
      { requestsPerSecond: -1, sessions: 3, servers: [] },
      {
        reloads: 'many',
        frontends: [{ name: 'http', sessions: 1, unknown: true }],
      },
    );
    const { routers } = (await api.ask('GET', '/v2/routers')).json();

    expect(answer.statusCode).toBe(200);
    expect(answer.headers['pacer-warnings']).toContain(
      'statistics.backends.shop_10100.requestsPerSecond is not a number from 0: left out',
    );
    expect(routers[0].statistics).toEqual({
      version: 1,
      haproxy: { version: '2.6.12', pid: 7, requestsPerSecond: 30 },
      frontends: [{ name: 'http', sessions: 1 }],
    });
    expect(shopOf(await routes())?.traffic).toEqual({ sessions: 3 });
  });

  it('of an older router are ignored', async () => {
    const body = { appliedSequence: 1, drainedTasks: [], statistics: { connected: true } };

    const answer = await api.ask('PUT', '/v2/routers/old', body);
    const { routers } = (await api.ask('GET', '/v2/routers')).json();

    expect(answer.statusCode).toBe(200);
    expect(routers[0]).toMatchObject({ id: 'old', appliedSequence: 1, drainedTasks: [] });
    expect(routers[0]).not.toHaveProperty('statistics');
  });
});
