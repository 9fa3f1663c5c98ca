import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { agentId, appId, deploymentId, instanceId, present, taskId } from '#core';
import { explainWaiting } from '#matcher';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const POD = {
  id: '/shop/pod',
  containers: [
    {
      name: 'web',
      exec: { command: { shell: 'sleep 1' } },
      resources: { cpus: 0.1, mem: 32 },
      endpoints: [{ name: 'http', hostPort: 0 }],
      healthCheck: { http: { endpoint: 'http' } },
    },
    { name: 'log', exec: { command: { argv: ['cat'] } }, resources: { cpus: 0.1, mem: 32 } },
  ],
};
const INSTANCE = 'shop_pod.instance-564bd685-4c30-11e5-98c1-be5b2935a987';
const OLD_VERSION = '2020-01-01T00:00:00.000Z';

describe('pods over HTTP', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi({
      store: {
        listAppVersions: async () => [OLD_VERSION],
        loadAppVersion: async (id, version) =>
          version === OLD_VERSION ? undefined : api.engine.root.apps.get(id),
      },
    });
  });
  afterAll(() => api.daemon.close());
  beforeEach(async () => {
    await api.ask('DELETE', '/v2/groups?force=true');
    api.engine.answer = undefined;
    api.engine.changes.length = 0;
    api.engine.events.length = 0;
    api.engine.killed.length = 0;
    api.engine.waiting.length = 0;
    api.engine.running.length = 0;
    api.engine.instances.clear();
  });

  const addInstance = (health: ReadonlyMap<string, boolean>, healthy?: boolean): void => {
    const id = instanceId(INSTANCE);
    const podTasks = ['web', 'log'].map((container) => ({
      container,
      taskId: taskId(`${INSTANCE}.${container}.1`),
      condition: 'Running' as const,
      sinceEpochMs: 1,
    }));
    const [{ taskId: first } = { taskId: taskId('none') }] = podTasks;
    const view = api.engine.addInstance({
      ...{ id, appId: appId(POD.id), taskId: first, podTasks },
      placement: { agentId: agentId('a-1'), hostname: 'host-1', attributes: {} },
    });
    const seen = { ...view, containerHealth: health };
    api.engine.instances.set(appId(POD.id), [healthy === undefined ? seen : { ...seen, healthy }]);
  };

  it('creates, shows, changes and removes a pod, and says so in events', async () => {
    expect((await api.ask('HEAD', '/v2/pods')).statusCode).toBe(200);
    const created = await api.ask('POST', '/v2/pods', POD);
    const shown = await api.ask('GET', '/v2/pods/shop/pod');
    const put = await api.ask('PUT', '/v2/pods/shop/pod', {
      ...POD,
      scaling: { kind: 'fixed', instances: 3 },
    });
    const listed = await api.ask('GET', '/v2/pods');
    const removed = await api.ask('DELETE', '/v2/pods/shop/pod');

    expect(created.statusCode).toBe(201);
    expect(created.headers['location']).toBe('/shop/pod');
    expect(created.headers['marathon-deployment-id']).toBeDefined();
    expect(created.json()).toMatchObject({ ...POD, scaling: { kind: 'fixed', instances: 1 } });
    expect(shown.json()).toEqual(created.json());
    expect(put.statusCode).toBe(200);
    expect(listed.json()).toMatchObject([{ id: '/shop/pod', scaling: { instances: 3 } }]);
    expect(removed.statusCode).toBe(202);
    expect(removed.headers['location']).toBe(removed.headers['marathon-deployment-id']);
    expect((await api.ask('GET', '/v2/pods/shop/pod')).json()).toEqual({
      message: "Pod '/shop/pod' does not exist",
    });
    expect(api.engine.events).toMatchObject([
      { eventType: 'pod_created_event', uri: '/v2/pods', clientIp: '127.0.0.1' },
      { eventType: 'pod_updated_event', uri: '/v2/pods/shop/pod' },
      { eventType: 'pod_deleted_event', uri: '/v2/pods/shop/pod' },
    ]);
  });

  it('keeps pods and apps apart, and shows both in their group', async () => {
    await api.ask('POST', '/v2/pods', POD);
    await api.ask('POST', '/v2/apps', { id: '/shop/app', cmd: 'x' });
    addInstance(new Map());

    const group = (await api.ask('GET', '/v2/groups/shop')).json();
    expect(group).toMatchObject({ apps: [{ id: '/shop/app' }], pods: [{ id: '/shop/pod' }] });
    const ids = async (url: string, field: string): Promise<readonly string[]> => {
      const body = (await api.ask('GET', url)).json();
      return (Array.isArray(body) ? body : body[field]).map((one: { id: string }) => one.id);
    };
    expect(await ids('/v2/apps', 'apps')).toEqual(['/shop/app']);
    expect(await ids('/v2/apps?id=shop', 'apps')).toEqual(['/shop/app']);
    expect(await ids('/v2/apps?limit=5', 'apps')).toEqual(['/shop/app']);
    expect(await ids('/v2/apps?search=shop&fields=id', 'apps')).toEqual(['/shop/app']);
    expect(await ids('/v2/apps/shop/*', '*')).toEqual(['/shop/app']);
    expect(await ids('/v2/groups/shop/apps', '')).toEqual(['/shop/app']);
    expect(await ids('/v2/tasks', 'tasks')).toEqual([]);
    expect(await ids('/v2/tasks?status=running', 'tasks')).toEqual([]);
    expect(await ids('/v2/tasks?search=shop&limit=5', 'tasks')).toEqual([]);
    expect(await ids('/v2/pods', '')).toEqual(['/shop/pod']);
    const asApp = { id: POD.id, cmd: 'x' };
    const asPod = { ...POD, id: '/shop/app' };
    const refused = [
      await api.ask('GET', '/v2/apps/shop/pod'),
      await api.ask('DELETE', '/v2/apps/shop/pod'),
      await api.ask('POST', '/v2/apps/shop/pod/restart'),
      await api.ask('POST', '/v2/apps', asApp),
      await api.ask('PUT', '/v2/apps/shop/pod', asApp),
      await api.ask('PUT', '/v2/apps/shop/pod', { version: '2026-01-01T00:00:00.000Z' }),
      await api.ask('GET', '/v2/pods/shop/app'),
      await api.ask('DELETE', '/v2/pods/shop/app'),
      await api.ask('POST', '/v2/pods', asPod),
      await api.ask('PUT', '/v2/pods/shop/app', asPod),
      await api.ask('POST', '/v2/pods', POD),
    ].map(({ statusCode }) => statusCode);
    expect(refused).toEqual([404, 404, 404, 409, 409, 404, 404, 404, 409, 409, 409]);
  });

  it('refuses an id in the body that is not the URL’s, and a pod that breaks rules', async () => {
    const other = await api.ask('PUT', '/v2/pods/other', POD);
    const bad = await api.ask('POST', '/v2/pods', { id: '/p', containers: [] });
    const odd = await api.ask('POST', '/v2/pods?strict=true', { ...POD, what: 1 });

    expect(other.statusCode).toBe(400);
    expect(other.json().message).toBe("'/other' does not match definition's id ('/shop/pod')");
    expect(bad.statusCode).toBe(422);
    expect(bad.json()).toEqual({
      message: 'Object is not valid',
      details: [{ path: '/containers', errors: ['must not be empty'] }],
    });
    expect(odd.json().details).toEqual([{ path: '/what', errors: ['unknown field'] }]);
    expect(api.engine.changes).toEqual([]);
  });

  it('answers 409 while a deployment holds the pod', async () => {
    await api.ask('POST', '/v2/pods', POD);
    api.engine.answer = { kind: 'locked', deployments: [deploymentId('d-1')] };

    const locked = await api.ask('PUT', '/v2/pods/shop/pod', POD);

    expect(locked.statusCode).toBe(409);
    expect(locked.json().deployments).toEqual([{ id: 'd-1' }]);
    expect(api.engine.changes.at(-1)?.force).toBe(false);
    await api.ask('PUT', '/v2/pods/shop/pod?force=true', POD);
    expect(api.engine.changes.at(-1)?.force).toBe(true);
  });

  it('tells how a pod does, container by container', async () => {
    await api.ask('POST', '/v2/pods', POD);
    const status = async () => (await api.ask('GET', '/v2/pods/shop/pod::status')).json();

    expect(await status()).toMatchObject({ status: 'DEGRADED', instances: [] });
    addInstance(new Map([['web', false]]), false);
    expect(await status()).toMatchObject({
      status: 'DEGRADED',
      instances: [{ status: 'DEGRADED' }],
    });
    addInstance(new Map([['web', true]]), true);
    expect(await status()).toMatchObject({
      id: POD.id,
      spec: { id: POD.id },
      status: 'STABLE',
      instances: [
        {
          id: INSTANCE,
          status: 'STABLE',
          agentHostname: 'host-1',
          networks: [{ addresses: ['127.0.0.1'] }],
          containers: [
            {
              name: 'web',
              status: 'TASK_RUNNING',
              containerId: `${INSTANCE}.web.1`,
              endpoints: [{ name: 'http', allocatedHostPort: 31_000, healthy: true }],
              conditions: [{ name: 'healthy', value: 'true' }],
              resources: { cpus: 0.1, mem: 32 },
            },
            { name: 'log', status: 'TASK_RUNNING', endpoints: [], conditions: [] },
          ],
        },
      ],
    });
    expect((await api.ask('GET', '/v2/pods/::status')).json()).toHaveLength(1);
  });

  it('kills instances of the pod, and none of others', async () => {
    await api.ask('POST', '/v2/pods', POD);
    addInstance(new Map());
    const path = '/v2/pods/shop/pod::instances';

    const one = await api.ask('DELETE', `${path}/${INSTANCE}?wipe=true`);
    const some = await api.ask('DELETE', path, [INSTANCE, 'other.instance-1']);
    const none = await api.ask('DELETE', `${path}/other.instance-1`);
    const bad = await api.ask('DELETE', path, ['no id']);

    expect(one.json()).toMatchObject({ id: INSTANCE, status: 'DEGRADED' });
    expect(some.json()).toMatchObject([{ id: INSTANCE }]);
    expect([none.statusCode, bad.statusCode]).toEqual([404, 422]);
    expect(api.engine.killed).toEqual([
      { ids: [INSTANCE], wipe: true },
      { ids: [INSTANCE], wipe: false },
    ]);
  });

  it('lists versions and shows one', async () => {
    const { version } = (await api.ask('POST', '/v2/pods', POD)).json();

    expect((await api.ask('GET', '/v2/pods/shop/pod::versions')).json()).toEqual([OLD_VERSION]);
    const one = await api.ask('GET', `/v2/pods/shop/pod::versions/${version}`);
    expect(one.json()).toMatchObject({ id: POD.id, version });
    const gone = await api.ask('GET', `/v2/pods/shop/pod::versions/${OLD_VERSION}`);
    expect(gone.statusCode).toBe(404);
  });

  it('is a pod in deployments and in the queue', async () => {
    await api.ask('POST', '/v2/pods', POD);
    api.engine.running.push({
      id: deploymentId('d-1'),
      version: OLD_VERSION,
      originalRevision: 1,
      targetRevision: 2,
      affectedApps: [appId('/shop/pod'), appId('/shop/web')],
      steps: [
        {
          actions: [
            { kind: 'RestartApplication', app: appId('/shop/pod'), isPod: true },
            { kind: 'RestartApplication', app: appId('/shop/web') },
          ],
        },
      ],
      currentStep: 0,
      state: 'Running',
      startedAtEpochMs: 0,
    });
    api.engine.waiting.push({
      ...{ appId: appId(POD.id), count: 1, sinceEpochMs: 0, delayLeftMs: 0 },
      ...{ processedOffers: 0, unusedOffers: 0, rejectLastOffers: [], rejectLaunchAttempt: [] },
    });

    expect((await api.ask('GET', '/v2/deployments')).json()).toMatchObject([
      {
        affectedApps: ['/shop/web'],
        affectedPods: ['/shop/pod'],
        currentActions: [
          { action: 'RestartPod', pod: '/shop/pod' },
          { action: 'RestartApplication', app: '/shop/web' },
        ],
      },
    ]);
    const { queue } = (await api.ask('GET', '/v2/queue')).json();
    expect(queue).toMatchObject([{ count: 1, pod: { id: POD.id } }]);
    expect(queue[0]).not.toHaveProperty('app');
    const paged = await api.ask('GET', '/v2/queue?limit=1&fields=pod.id');
    expect(paged.json().queue).toEqual([{ pod: { id: POD.id } }]);
  });

  it('says why it waits, without a patch that pods do not take', async () => {
    await api.ask('POST', '/v2/pods', POD);
    const app = present(api.engine.root.apps.get(appId(POD.id)), 'the pod');
    const changes = [{ kind: 'resource', name: 'cpus', fromMilli: 300, toMilli: 200 }] as const;
    const waiting = { app, count: 1, placedCount: 0 };
    const context = { placedOf: () => [], seed: 1, allowedRoles: [] };
    api.engine.explanations.set(app.id, {
      ...{ appId: app.id, wanted: 1, byCondition: new Map(), waitingFor: ['an offer'] },
      groups: [
        {
          ...{ app, count: 1, sinceEpochMs: 0, delayLeftMs: 0, omittedAgents: 0 },
          explanation: {
            ...explainWaiting(waiting, [], context),
            suggestions: [{ changes, places: 1 }],
          },
        },
      ],
    });

    const why = await api.ask('GET', '/v2/apps/shop/pod/why');

    expect(why.statusCode).toBe(200);
    expect(why.json()).toMatchObject({ appId: POD.id, summary: 'an offer' });
    expect(why.json().waiting[0].suggestions).toEqual([{ change: 'cpus 0.3 -> 0.2', places: 1 }]);
  });
});
