/** Marathon's contract, section 1.3, tables "Groups" and "Pods": row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { shownBy } from './shown-by.test-support.js';

type Fields = Readonly<Record<string, unknown>>;

let contract: ContractUnderTest;
beforeAll(async () => {
  contract = await startContract();
});
afterAll(() => contract.close());

const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
const app = (id: string, fields: Fields = {}) => ({ id, cmd: 'x', cpus: 0.1, ...fields });
const namesOf = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id).sort();

describe('1.3 Endpoints, Groups', () => {
  /** Declares a group and waits until all of it runs. */
  const put = async (id: string, group: Fields): Promise<void> => {
    expect((await ask('PUT', `/v2/groups${id}?force=true`, group)).statusCode).toBe(200);
    await contract.idle();
  };
  const read = async (path: string) => (await ask('GET', `/v2/groups${path}`)).json();

  describe('GET /v2/groups, /v2/groups/{id}', () => {
    beforeAll(() =>
      put('/shown', {
        apps: [app('web')],
        groups: [{ id: 'back', apps: [app('api')], dependencies: ['/shown/web'] }],
      }),
    );

    it('GroupInfo with groups, apps and pods below it; 404', async () => {
      const group = await read('/shown');
      const root = await read('');

      const fields = ['id', 'apps', 'pods', 'groups', 'dependencies', 'version', 'enforceRole'];
      expect(Object.keys(group).sort()).toEqual([...fields].sort());
      expect(group).toMatchObject({
        ...{ id: '/shown', dependencies: [], enforceRole: false, pods: [] },
        apps: [{ id: '/shown/web', cmd: 'x' }],
        groups: [
          { id: '/shown/back', dependencies: ['/shown/web'], apps: [{ id: '/shown/back/api' }] },
        ],
      });
      expect(group.version).toMatch(/Z$/);
      expect([root.id, namesOf(root.groups)]).toEqual(['/', expect.arrayContaining(['/shown'])]);
      expect((await ask('GET', '/v2/groups/hidden')).statusCode).toBe(404);
    });

    it.each([
      ['embed=group.groups', ['groups']],
      ['embed=group.apps', ['apps']],
      ['embed=group.pods', ['pods']],
      ['embed=group.groups&embed=group.apps', ['apps', 'groups']],
    ])('%s: that alone', async (query, shown) => {
      const group = await read(`/shown?${query}`);

      const lists = Object.keys(group).filter((name) => ['apps', 'groups', 'pods'].includes(name));
      expect(lists.sort()).toEqual(shown);
    });

    it('embed=group.apps.<appembed>: of the apps, at every depth', async () => {
      const query = ['groups', 'apps', 'apps.tasks', 'apps.counts'].map(
        (name) => `embed=group.${name}`,
      );

      const group = await read(`/shown?${query.join('&')}`);
      const plain = await read('/shown');

      for (const one of [group.apps[0], group.groups[0].apps[0]]) {
        expect(one).toMatchObject({ tasksRunning: 1, tasks: [{ state: 'TASK_RUNNING' }] });
      }
      expect(plain.apps[0]).not.toHaveProperty('tasksRunning');
    });

    it('GET /v2/groups/{id}/apps, /v2/groups/apps: an array of AppInfo, of all below', async () => {
      const below = await read('/shown/apps');
      const all = await read('/apps');
      const embedded = await read('/shown/apps?embed=group.apps.tasks');

      expect(namesOf(below)).toEqual(['/shown/back/api', '/shown/web']);
      expect(namesOf(all)).toEqual(expect.arrayContaining(['/shown/back/api', '/shown/web']));
      expect(below[0]).toMatchObject({ tasksRunning: 1, deployments: [] });
      expect(embedded[0].tasks).toHaveLength(1);
    });

    it('GET …/versions, …/versions/{v}: a bare array, and the group as it was then', async () => {
      const before = (await read('/shown')).version;
      await put('/shown', { apps: [app('other')] });

      const versions = await read('/shown/versions');
      const then = await read(`/shown/versions/${before}`);

      expect(versions).toEqual(expect.arrayContaining([before]));
      expect(await read('/versions')).toEqual(expect.arrayContaining(versions));
      // Earlier ones, in which it is not there yet, are versions of the root only.
      for (const version of versions) {
        const reply = await ask('GET', `/v2/groups/shown/versions/${version}`);
        expect(reply.statusCode).toBe(200);
      }
      expect(namesOf(then.apps)).toEqual(['/shown/web']);
      const never = '/v2/groups/shown/versions/2001-01-01T00:00:00.000Z';
      expect((await ask('GET', never)).statusCode).toBe(404);
    });
  });

  it('POST /v2/groups, /v2/groups/{id}: 201, makes those between; 409 if a group or an app is there', async () => {
    const made = await ask('POST', '/v2/groups', { id: '/posted/between/end' });
    const below = await ask('POST', '/v2/groups/posted', { id: 'beside', apps: [app('web')] });
    await contract.idle();
    const again = await ask('POST', '/v2/groups', { id: '/posted/between' });
    const ofApp = await ask('POST', '/v2/groups', { id: '/posted/beside/web' });

    expect([made, below, again, ofApp].map(({ statusCode }) => statusCode)).toEqual([
      201, 201, 409, 409,
    ]);
    expect((await read('/posted/between')).groups).toMatchObject([{ id: '/posted/between/end' }]);
    expect((await read('/posted/beside')).apps).toMatchObject([{ id: '/posted/beside/web' }]);
  });

  describe('PUT /v2/groups, /v2/groups/{id}', () => {
    it('a tree: lists that are given are replaced, an omitted one stays', async () => {
      const back = { id: 'back', apps: [app('api')], groups: [{ id: 'deep', apps: [app('db')] }] };
      await put('/tree', { apps: [app('one'), app('two')], groups: [back] });

      await put('/tree', { apps: [app('two'), app('three')] });
      const kept = await read('/tree');
      await put('/tree', { groups: [] });
      const cut = await read('/tree');

      expect(namesOf(kept.apps)).toEqual(['/tree/three', '/tree/two']);
      expect(namesOf(kept.groups)).toEqual(['/tree/back']);
      expect([namesOf(cut.apps), cut.groups]).toEqual([['/tree/three', '/tree/two'], []]);
      const { apps } = contract.harness.engine.view.root();
      expect([...apps.keys()].filter((id) => id.startsWith('/tree/back'))).toEqual([]);
    });

    shownBy(
      'pods of a group are kept; they cannot be created through it',
      'libs/marathon-v2/src/declare-pods.spec.ts',
      'stays when its group is put or scaled, and cannot be made through one',
    );

    it('only version: rollback', async () => {
      await put('/back', { apps: [app('web', { cmd: 'first' })] });
      const { version } = await read('/back');
      await put('/back', { apps: [app('web', { cmd: 'second' }), app('more')] });

      await put('/back', { version });

      expect((await read('/back')).apps).toMatchObject([{ id: '/back/web', cmd: 'first' }]);
    });

    it('only scaleBy: every app below gets ceil(instances × factor)', async () => {
      const groups = [{ id: 'sub', apps: [app('three', { instances: 3 })] }];
      await put('/scaled', { apps: [app('one')], groups });

      await put('/scaled', { scaleBy: 1.5 });

      const { apps } = contract.harness.engine.view.root();
      const counts = [...apps.values()].filter(({ id }) => id.startsWith('/scaled/'));
      expect(counts.map(({ instances }) => instances).sort()).toEqual([2, 5]);
    });

    it('version wins over scaleBy; neither stands beside anything else: 422', async () => {
      await put('/mixed', { apps: [app('web')] });
      const { version } = await read('/mixed');
      await put('/mixed', { apps: [app('web', { cmd: 'second' })] });

      const bodies = [
        { scaleBy: 2, apps: [] },
        { version, dependencies: ['/x'] },
      ];
      const mixed = await Promise.all(bodies.map((body) => ask('PUT', '/v2/groups/mixed', body)));
      await put('/mixed', { version, scaleBy: 2 });

      expect(mixed.map(({ statusCode }) => statusCode)).toEqual([422, 422]);
      expect((await read('/mixed')).apps).toMatchObject([{ cmd: 'x', instances: 1 }]);
    });

    it('dryRun: steps of actions, and nothing changes', async () => {
      const { harness } = contract;
      const before = harness.engine.view.root().revision;

      const dry = await ask('PUT', '/v2/groups/dry?dryRun=true', { apps: [app('web')] });

      expect(dry.statusCode).toBe(200);
      expect(dry.json().steps).toEqual([
        { actions: [{ action: 'StartApplication', app: '/dry/web' }] },
        { actions: [{ action: 'ScaleApplication', app: '/dry/web' }] },
      ]);
      expect(harness.engine.view.root().revision).toBe(before);
      expect(dry.headers['marathon-deployment-id']).toBeUndefined();
    });
  });

  shownBy(
    'PATCH /v2/groups/{id}: top-level groups only, enforceRole only, 200 empty',
    'apps/controller/src/groups/groups.spec.ts',
    'enforces roles on top-level groups only',
  );

  it('DELETE /v2/groups, /v2/groups/{id}: 200 with everything below; 404; 409 unless forced', async () => {
    await put('/leave', { groups: [{ id: 'sub', apps: [app('web')] }] });
    await ask('PUT', '/v2/apps/leave/sub/stuck', { cmd: 'x', cpus: 1e6 });

    const locked = await ask('DELETE', '/v2/groups/leave');
    const removed = await ask('DELETE', '/v2/groups/leave?force=true');
    await contract.idle();
    const gone = await ask('DELETE', '/v2/groups/leave');

    const all = [locked, removed, gone].map(({ statusCode }) => statusCode);
    expect(all).toEqual([409, 200, 404]);
    expect(removed.json().deploymentId).toBe(removed.headers['marathon-deployment-id']);
    expect(contract.harness.conditions('/leave/sub/web')).toEqual([]);
  });
});

describe('1.3 Endpoints, Pods', () => {
  const aPod = (id: string, fields: Fields = {}) => ({
    id,
    containers: [
      { name: 'one', exec: { command: { shell: 'x' } }, resources: { cpus: 0.1, mem: 32 } },
    ],
    ...fields,
  });
  const post = async (id: string, fields: Fields = {}) => {
    const answer = await ask('POST', '/v2/pods', aPod(id, fields));
    await contract.idle();
    return answer;
  };

  it('HEAD /v2/pods: 200; GET: a bare array', async () => {
    await post('/pods/listed');

    const head = await ask('HEAD', '/v2/pods');
    const list = await ask('GET', '/v2/pods');

    expect([head.statusCode, head.body]).toEqual([200, '']);
    expect(list.json()).toMatchObject([{ id: '/pods/listed' }]);
  });

  it('POST 201 pod; GET 200, PUT 200 (400 for another id in the body), DELETE 202 empty with Location', async () => {
    const made = await post('/pods/life');
    const shown = await ask('GET', '/v2/pods/pods/life');
    const other = await ask('PUT', '/v2/pods/pods/other', aPod('/pods/life'));
    const scaling = { kind: 'fixed', instances: 2 };
    const put = await ask('PUT', '/v2/pods/pods/life', aPod('/pods/life', { scaling }));
    await contract.idle();
    const whole = await ask(
      'PUT',
      '/v2/pods/pods/life',
      aPod('/pods/life', { labels: { a: 'b' } }),
    );
    await contract.idle();
    const removed = await ask('DELETE', '/v2/pods/pods/life');
    await contract.idle();
    const gone = await ask('DELETE', '/v2/pods/pods/life');

    const all = [made, shown, other, put, removed, gone].map(({ statusCode }) => statusCode);
    expect(all).toEqual([201, 200, 400, 200, 202, 404]);
    expect(shown.json()).toEqual(made.json());
    expect(put.json()).toMatchObject({ id: '/pods/life', scaling });
    // A whole replacement: what is left out goes back to its default.
    expect(whole.json().scaling).toEqual({ kind: 'fixed', instances: 1 });
    expect([removed.body, removed.headers['location']]).toEqual([
      '',
      removed.headers['marathon-deployment-id'],
    ]);
  });

  it('force=false: 409 while a deployment holds it', async () => {
    await ask('POST', '/v2/pods', aPod('/pods/held', { scaling: { kind: 'fixed', instances: 1 } }));
    const heavy = aPod('/pods/held');
    const containers = heavy.containers.map((one) => ({
      ...one,
      resources: { cpus: 1e5, mem: 32 },
    }));
    await contract.idle();
    await ask('PUT', '/v2/pods/pods/held', { ...heavy, containers });

    const locked = await ask('PUT', '/v2/pods/pods/held', heavy);
    const forced = await ask('PUT', '/v2/pods/pods/held?force=true', heavy);
    await contract.idle();

    expect([locked.statusCode, forced.statusCode]).toEqual([409, 200]);
  });

  it('::status of one and of all: pod and instance states', async () => {
    await post('/pods/states');

    const one = (await ask('GET', '/v2/pods/pods/states::status')).json();
    const all = (await ask('GET', '/v2/pods/::status')).json();
    expect((await ask('GET', '/v2/pods::status')).json()).toEqual(all);
    expect((await ask('GET', '/v2/pods::versions')).statusCode).toBe(404);

    expect(one).toMatchObject({
      ...{ id: '/pods/states', status: 'STABLE', spec: { id: '/pods/states' } },
      instances: [{ status: 'STABLE', containers: [{ name: 'one', status: 'TASK_RUNNING' }] }],
    });
    expect(namesOf(all)).toContain('/pods/states');
  });

  it('::versions, ::versions/{v}: a bare array, and the pod as it was', async () => {
    const { version } = (await post('/pods/old')).json();
    const put = await ask('PUT', '/v2/pods/pods/old', aPod('/pods/old', { labels: { a: 'b' } }));
    await contract.idle();

    const versions = (await ask('GET', '/v2/pods/pods/old::versions')).json();
    const first = (await ask('GET', `/v2/pods/pods/old::versions/${version}`)).json();

    expect(versions).toEqual([put.json().version, version]);
    expect(first).toMatchObject({ id: '/pods/old', version });
    expect(first).not.toHaveProperty('labels.a');
  });

  it('DELETE ::instances with ids, ::instances/{id}: 200 with what was killed, which is replaced', async () => {
    await post('/pods/killed', { scaling: { kind: 'fixed', instances: 2 } });
    const idsNow = async (): Promise<readonly string[]> =>
      namesOf((await ask('GET', '/v2/pods/pods/killed::status')).json().instances);
    const before = await idsNow();

    const one = await ask('DELETE', `/v2/pods/pods/killed::instances/${before[0]}`);
    const some = await ask('DELETE', '/v2/pods/pods/killed::instances', [before[1]]);
    const { harness } = contract;
    await contract.until(() => harness.conditions('/pods/killed').join() === 'Running,Running');

    expect([one.statusCode, one.json().id]).toEqual([200, before[0]]);
    expect([some.statusCode, namesOf(some.json())]).toEqual([200, [before[1]]]);
    expect((await idsNow()).filter((id) => before.includes(id))).toEqual([]);
  });
});
