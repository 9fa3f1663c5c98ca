import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appId } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const SHOP = {
  id: '/shop',
  apps: [{ id: 'web', cmd: 'sleep 1' }],
  groups: [{ id: 'back', dependencies: ['../data'], apps: [{ id: 'api', cmd: 'sleep 1' }] }],
};

describe('groups over HTTP', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi({
      store: {
        listGroupVersions: async () => [...api.engine.history.keys()],
        loadGroupVersion: async (version) => api.engine.history.get(version),
      },
    });
  });
  afterAll(() => api.daemon.close());
  beforeEach(async () => {
    await api.ask('DELETE', '/v2/groups?force=true');
    api.engine.changes.length = 0;
  });

  it('creates a tree, shows it, and refuses to create it twice', async () => {
    const created = await api.ask('POST', '/v2/groups', SHOP);
    const shown = await api.ask('GET', '/v2/groups/shop');
    const again = await api.ask('POST', '/v2/groups', SHOP);

    expect(created.statusCode).toBe(201);
    expect(created.headers['location']).toBe('/shop');
    expect(created.json().deploymentId).toBe(created.headers['marathon-deployment-id']);
    expect(shown.json()).toMatchObject({
      id: '/shop',
      dependencies: [],
      enforceRole: false,
      pods: [],
      version: created.json().version,
      apps: [{ id: '/shop/web', cmd: 'sleep 1' }],
      groups: [{ id: '/shop/back', dependencies: ['/shop/data'], groups: [] }],
    });
    expect(shown.json().apps[0]).not.toHaveProperty('tasksRunning');
    expect(again.statusCode).toBe(409);
    expect(api.engine.changes).toHaveLength(1);
  });

  it('embeds what is asked for', async () => {
    await api.ask('POST', '/v2/groups', SHOP);

    const withCounts = await api.ask(
      'GET',
      '/v2/groups?embed=group.groups&embed=group.apps&embed=group.apps.counts',
    );
    const appsOnly = await api.ask('GET', '/v2/groups/shop?embed=group.apps');
    const flat = await api.ask('GET', '/v2/groups/shop/apps');

    expect(withCounts.json().groups[0].apps[0].tasksRunning).toBe(0);
    expect(appsOnly.json()).not.toHaveProperty('groups');
    expect(
      flat
        .json()
        .map((app: { id: string }) => app.id)
        .sort(),
    ).toEqual(['/shop/back/api', '/shop/web']);
  });

  it('shows a new empty group at once', async () => {
    await api.ask('GET', '/v2/groups');

    await api.ask('PUT', '/v2/groups/empty', {});

    const { groups } = (await api.ask('GET', '/v2/groups')).json();
    expect(groups.map((group: { id: string }) => group.id)).toEqual(['/empty']);
  });

  it('replaces the lists that a PUT gives', async () => {
    await api.ask('POST', '/v2/groups', SHOP);

    const reply = await api.ask('PUT', '/v2/groups/shop', { apps: [{ id: 'new', cmd: 'x' }] });

    expect(reply.statusCode).toBe(200);
    expect([...api.engine.root.apps.keys()].sort()).toEqual(['/shop/back/api', '/shop/new']);
  });

  it('shows the steps of a dry run and changes nothing', async () => {
    const reply = await api.ask('PUT', '/v2/groups?dryRun=true', { groups: [SHOP] });

    expect(reply.statusCode).toBe(200);
    expect(reply.json().steps[0].actions).toContainEqual({
      action: 'StartApplication',
      app: '/shop/web',
    });
    expect(api.engine.changes).toEqual([]);
    expect(api.engine.root.apps.size).toBe(0);
  });

  it('scales, and goes back to a version', async () => {
    await api.ask('POST', '/v2/groups', SHOP);
    const before = api.engine.root.version;

    const scaled = await api.ask('PUT', '/v2/groups/shop', { scaleBy: 2 });
    const instances = api.engine.root.apps.get(appId('/shop/web'))?.instances;
    const back = await api.ask('PUT', '/v2/groups/shop', { version: before });
    const mixed = await api.ask('PUT', '/v2/groups/shop', { scaleBy: 2, apps: [] });
    const missing = await api.ask('PUT', '/v2/groups/shop', { version: '2001' });

    expect([scaled.statusCode, instances]).toEqual([200, 2]);
    expect(back.statusCode).toBe(200);
    expect(api.engine.root.apps.get(appId('/shop/web'))?.instances).toBe(1);
    expect(mixed.statusCode).toBe(422);
    expect(missing.json()).toEqual({ message: "Group '/shop' does not exist in version 2001" });
  });

  it('lists versions and shows the tree as it was', async () => {
    await api.ask('POST', '/v2/groups', SHOP);
    const before = api.engine.root.version;
    await api.ask('DELETE', '/v2/groups/shop');

    const versions = await api.ask('GET', '/v2/groups/versions');
    const then = await api.ask('GET', `/v2/groups/versions/${before}`);
    const now = await api.ask('GET', '/v2/groups/shop');

    expect(versions.json()).toContain(before);
    expect(then.json().groups[0].apps[0].id).toBe('/shop/web');
    expect(now.json()).toEqual({ message: "Group '/shop' does not exist" });
  });

  it('enforces roles on top-level groups only', async () => {
    await api.ask('POST', '/v2/groups', SHOP);

    const top = await api.ask('PATCH', '/v2/groups/shop', { enforceRole: true });
    const below = await api.ask('PATCH', '/v2/groups/shop/back', { enforceRole: true });
    await api.ask('PUT', '/v2/apps/shop/later', { cmd: 'x' });

    expect(top.statusCode).toBe(200);
    expect(top.json()).toEqual({
      version: expect.any(String),
      deploymentId: top.headers['marathon-deployment-id'],
      restarts: [],
    });
    expect(below.statusCode).toBe(422);
    expect(api.engine.root.apps.get(appId('/shop/later'))?.role).toBe('shop');
  });

  it('takes back what it gave', async () => {
    await api.ask('POST', '/v2/groups', SHOP);
    const { body } = await api.ask('GET', '/v2/groups/shop');
    const { apps } = api.engine.root;

    const reply = await api.ask('PUT', '/v2/groups/shop?strict=true', JSON.parse(body));

    expect(reply.statusCode).toBe(200);
    expect([...api.engine.root.apps.values()]).toEqual([...apps.values()]);
  });
});
