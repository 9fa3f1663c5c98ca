import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appId, instanceId, taskId } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const WEB = { id: '/shop/web', cmd: 'sleep 1000', cpus: 0.1, mem: 16 };
const UUID = '564bd685-4c30-11e5-98c1-be5b2935a987';

describe('apps over HTTP', () => {
  let api: ApiUnderTest;
  let stored: readonly string[] = ['2026-01-01T00:00:00.000Z'];

  beforeAll(async () => {
    api = await startApi({
      store: {
        listAppVersions: async (id) => (id === '/shop/web' ? stored : []),
        loadAppVersion: async (id, version) =>
          version === '2020-01-01T00:00:00.000Z' ? undefined : api.engine.root.apps.get(id),
      },
    });
  });
  afterAll(() => api.daemon.close());
  beforeEach(async () => {
    api.engine.answer = undefined;
    await api.ask('DELETE', '/v2/groups?force=true');
    api.engine.changes.length = 0;
    api.engine.events.length = 0;
    api.engine.instances.clear();
    api.engine.killed.length = 0;
  });

  it('answers a new app with 201, the whole app, its place and its deployment', async () => {
    const reply = await api.ask('POST', '/v2/apps', WEB);

    expect(reply.statusCode).toBe(201);
    expect(reply.headers['location']).toBe('/shop/web');
    expect(reply.json()).toMatchObject({
      ...WEB,
      instances: 1,
      tasksRunning: 0,
      deployments: [{ id: reply.headers['marathon-deployment-id'] }],
      portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'default' }],
    });
    expect(reply.headers['cache-control']).toBe('no-cache, no-store, must-revalidate');
    expect(reply.headers['x-marathon-leader']).toBe('http://127.0.0.1:8080');
  });

  it('records who posted what', async () => {
    await api.ask('POST', '/v2/apps', WEB);

    expect(api.engine.events).toMatchObject([
      { eventType: 'api_post_event', uri: '/v2/apps', appDefinition: { id: '/shop/web' } },
    ]);
  });

  it('refuses a second app with the same id with 409', async () => {
    await api.ask('POST', '/v2/apps', WEB);

    const reply = await api.ask('POST', '/v2/apps', WEB);

    expect(reply.statusCode).toBe(409);
    expect(reply.json()).toEqual({ message: 'An app with id [/shop/web] already exists.' });
  });

  it('takes ids in the URL with or without slashes doubled or encoded', async () => {
    await api.ask('POST', '/v2/apps', WEB);

    for (const path of ['shop/web', '/shop/web', '%2Fshop%2Fweb', 'shop/web/']) {
      const reply = await api.ask('GET', `/v2/apps/${path}`);
      expect([path, reply.statusCode, reply.json().app?.id]).toEqual([path, 200, '/shop/web']);
    }
  });

  it('changes given fields only, answers 200 and 201 for a new app', async () => {
    const created = await api.ask('PUT', '/v2/apps/shop/web', {
      cmd: 'sleep 1',
      labels: { a: 'b' },
    });
    const changed = await api.ask('PUT', '/v2/apps/shop/web', { instances: 3 });
    const read = await api.ask('GET', '/v2/apps/shop/web');

    expect([created.statusCode, changed.statusCode]).toEqual([201, 200]);
    expect(changed.json()).toEqual({
      version: expect.any(String),
      deploymentId: changed.headers['marathon-deployment-id'],
      restarts: [],
    });
    expect(read.json().app).toMatchObject({ cmd: 'sleep 1', instances: 3, labels: { a: 'b' } });
    expect(read.json().app.versionInfo.lastConfigChangeAt).toBe(created.json().version);
  });

  it('goes back to defaults with partialUpdate=false', async () => {
    await api.ask('PUT', '/v2/apps/shop/web', { ...WEB, labels: { a: 'b' }, instances: 4 });

    await api.ask('PUT', '/v2/apps/shop/web?partialUpdate=false', { cmd: 'sleep 2' });

    const { app } = (await api.ask('GET', '/v2/apps/shop/web')).json();
    expect(app).toMatchObject({ cmd: 'sleep 2', labels: {}, instances: 1, cpus: 1 });
  });

  it('ignores what the server writes when a client sends back what it read', async () => {
    await api.ask('POST', '/v2/apps', WEB);
    const { app } = (await api.ask('GET', '/v2/apps/shop/web?embed=app.taskStats')).json();

    const reply = await api.ask('PUT', '/v2/apps/shop/web?strict=true', { ...app, instances: 2 });

    expect(reply.statusCode).toBe(200);
    expect(reply.headers['pacer-warnings']).toBeUndefined();
    expect(api.engine.root.apps.get(appId('/shop/web'))?.instances).toBe(2);
  });

  it('goes back to a version, which stands alone', async () => {
    await api.ask('POST', '/v2/apps', WEB);

    const back = await api.ask('PUT', '/v2/apps/shop/web', { version: '2026-01-01T00:00:00.000Z' });
    const missing = await api.ask('PUT', '/v2/apps/shop/web', {
      version: '2020-01-01T00:00:00.000Z',
    });
    const both = await api.ask('PUT', '/v2/apps/shop/web', {
      version: '2026-01-01T00:00:00.000Z',
      instances: 2,
    });

    expect(back.statusCode).toBe(200);
    expect(missing.json()).toEqual({
      message: "App '/shop/web' does not exist in version 2020-01-01T00:00:00.000Z",
    });
    expect(both.statusCode).toBe(422);
    expect(both.json().details[0].path).toBe('/version');
  });

  it('names unknown fields in a header, and refuses them when strict', async () => {
    const lenient = await api.ask('POST', '/v2/apps', { ...WEB, colour: 'red' });
    const strict = await api.ask('PUT', '/v2/apps/shop/web?strict=true', { colour: 'red' });

    expect(lenient.statusCode).toBe(201);
    expect(lenient.headers['pacer-warnings']).toBe('unknown field /colour is ignored');
    expect(strict.statusCode).toBe(422);
    expect(strict.json().details).toEqual([{ path: '/colour', errors: ['unknown field'] }]);
  });

  it('changes several apps in one deployment', async () => {
    const put = await api.ask('PUT', '/v2/apps', [WEB, { id: '/shop/db', cmd: 'sleep 1' }]);
    const patch = await api.ask('PATCH', '/v2/apps', [{ id: '/shop/db', instances: 0 }]);
    const missing = await api.ask('PATCH', '/v2/apps', [{ id: '/nope', instances: 0 }]);
    const nameless = await api.ask('PUT', '/v2/apps', [{ instances: 0 }]);

    expect(put.statusCode).toBe(200);
    expect(patch.statusCode).toBe(200);
    expect(api.engine.changes).toHaveLength(2);
    expect(missing.json()).toEqual({ message: "App '/nope' does not exist" });
    expect(nameless.statusCode).toBe(422);
    expect(nameless.json().message).toContain('needs the id');
  });

  it('says which deployments lock an app', async () => {
    api.engine.answer = { kind: 'locked', deployments: ['d-1' as never] };

    const reply = await api.ask('PUT', '/v2/apps/shop/web', WEB);

    expect(reply.statusCode).toBe(409);
    expect(reply.json()).toEqual({
      message:
        "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
      deployments: [{ id: 'd-1' }],
    });
  });

  it('passes force on, and deletes with force unless told not to', async () => {
    await api.ask('PUT', '/v2/apps/shop/web?force=true', WEB);
    await api.ask('DELETE', '/v2/apps/shop/web?force=false');
    await api.ask('PUT', '/v2/apps/shop/web', WEB);
    await api.ask('DELETE', '/v2/apps/shop/web');

    expect(api.engine.changes.map(({ force }) => force)).toEqual([true, false, false, true]);
  });

  it('restarts with a new version of the same definition', async () => {
    await api.ask('POST', '/v2/apps', WEB);

    const reply = await api.ask('POST', '/v2/apps/shop/web/restart');

    expect(reply.statusCode).toBe(200);
    expect(api.engine.changes.at(-1)?.restart).toEqual(['/shop/web']);
    const app = api.engine.root.apps.get(appId('/shop/web'));
    expect(app?.version).toBe(reply.json().version);
    expect(app?.versionInfo.lastConfigChangeAt).toBe(reply.json().version);
  });

  it('lists with filters, embeds, an etag and the sequence it contains', async () => {
    await api.ask('POST', '/v2/apps', { ...WEB, labels: { tier: 'front' } });
    await api.ask('POST', '/v2/apps', { id: '/shop/db', cmd: 'sleep 7' });
    api.engine.lastEventId = 42;

    const all = await api.ask('GET', '/v2/apps');
    const again = await api.inject({
      method: 'GET',
      url: '/v2/apps',
      headers: { host: 'localhost', 'if-none-match': String(all.headers['etag']) },
    });
    const ids = async (query: string): Promise<readonly string[]> =>
      (await api.ask('GET', `/v2/apps?${query}`)).json().apps.map((app: { id: string }) => app.id);

    expect(all.json().apps).toHaveLength(2);
    expect(all.json().apps[0]).toMatchObject({ tasksRunning: 0, deployments: [] });
    expect(all.headers['x-pacer-sequence']).toBe('42');
    expect(again.statusCode).toBe(304);
    expect(await ids('label=tier==front')).toEqual(['/shop/web']);
    expect(await ids('label=tier!=front')).toEqual([]);
    expect(await ids('id=DB')).toEqual(['/shop/db']);
    expect(await ids('cmd=SLEEP&id=web')).toEqual(['/shop/web']);
    expect((await api.ask('GET', '/v2/apps?label=a%20in%20(')).statusCode).toBe(422);
  });

  it('gives a new etag when anything changes', async () => {
    await api.ask('POST', '/v2/apps', WEB);
    const before = (await api.ask('GET', '/v2/apps')).headers['etag'];

    api.engine.touch(appId('/shop/web'));

    expect((await api.ask('GET', '/v2/apps')).headers['etag']).not.toBe(before);
  });

  it('shows all apps below a group by a star', async () => {
    await api.ask('POST', '/v2/apps', WEB);
    await api.ask('POST', '/v2/apps', { id: '/other', cmd: 'sleep 1' });

    const reply = await api.ask('GET', '/v2/apps/shop/*');

    expect(reply.json()['*'].map((app: { id: string }) => app.id)).toEqual(['/shop/web']);
    expect((await api.ask('GET', '/v2/apps/shop/*/tasks')).json()).toEqual({ tasks: [] });
  });

  it('shows tasks, kills them, and scales down instead', async () => {
    await api.ask('POST', '/v2/apps', { ...WEB, instances: 2 });
    const task = `shop_web.instance-${UUID}._app.1`;
    api.engine.addInstance({
      id: instanceId(`shop_web.instance-${UUID}`),
      appId: appId('/shop/web'),
      taskId: taskId(task),
    });

    const listed = await api.ask('GET', '/v2/apps/shop/web/tasks');
    const killed = await api.ask('DELETE', `/v2/apps/shop/web/tasks/${task}`);
    const elsewhere = await api.ask('DELETE', '/v2/apps/shop/web/tasks?host=nowhere');
    const scaled = await api.ask('POST', '/v2/tasks/delete?scale=true', { ids: [task] });
    const bad = await api.ask('POST', '/v2/tasks/delete', { ids: ['nonsense'] });
    const both = await api.ask('DELETE', '/v2/apps/shop/web/tasks?scale=true&wipe=true');

    expect(listed.json().tasks).toMatchObject([
      { id: task, state: 'TASK_RUNNING', ports: [31_000] },
    ]);
    expect(killed.json().task.id).toBe(task);
    expect(elsewhere.json()).toEqual({ tasks: [] });
    expect(api.engine.killed).toHaveLength(1);
    expect(scaled.json().deploymentId).toBe(scaled.headers['marathon-deployment-id']);
    expect(api.engine.root.apps.get(appId('/shop/web'))?.instances).toBe(1);
    expect(bad.statusCode).toBe(400);
    expect(both.json()).toEqual({ message: 'You cannot use scale and wipe at the same time.' });
  });

  it('lists versions and shows one', async () => {
    await api.ask('POST', '/v2/apps', WEB);

    const list = await api.ask('GET', '/v2/apps/shop/web/versions');
    const one = await api.ask('GET', '/v2/apps/shop/web/versions/2026-01-01T00:00:00.000Z');

    expect(list.json()).toEqual({ versions: ['2026-01-01T00:00:00.000Z'] });
    expect(one.json()).toMatchObject({ id: '/shop/web', cmd: 'sleep 1000' });
    expect((await api.ask('GET', '/v2/apps/nope/versions')).statusCode).toBe(404);
  });

  it('lists a version that a roll-back brought back once, where it belongs', async () => {
    await api.ask('POST', '/v2/apps', WEB);
    const [first, second] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'];
    stored = [first, second, first];

    const list = await api.ask('GET', '/v2/apps/shop/web/versions');

    expect(list.json()).toEqual({ versions: [second, first] });
  });
});
