import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { appId, instanceId, taskId } from '#core';
import { aDeployment } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const TASK = 'web.instance-564bd685-4c30-11e5-98c1-be5b2935a987';
const POD_INSTANCE = 'pod.instance-564bd685-4c30-11e5-98c1-be5b2935a988';
const WEB = { id: '/web', cmd: 'sleep 1000' };
const aPod = (id: string) => ({
  id,
  containers: [
    {
      name: 'web',
      exec: { command: { shell: 'sleep 1000' } },
      resources: { cpus: 0.1, mem: 32 },
    },
  ],
});
const DEPLOYMENT = '00000000-0000-4000-8000-00000000000a';

let api: ApiUnderTest;

beforeAll(async () => {
  api = await startApi({ store: { loadDeployment: async () => undefined } });
});
afterAll(() => api.daemon.close());
beforeEach(async () => {
  await api.ask('DELETE', '/v2/groups?force=true');
  await api.ask('POST', '/v2/apps', WEB);
  await api.ask('POST', '/v2/pods', aPod('/pod'));
  await api.ask('POST', '/v2/groups', { id: '/shop' });
  api.engine.instances.clear();
  api.engine.addInstance({
    id: instanceId(TASK),
    appId: appId('/web'),
    taskId: taskId(`${TASK}._app.1`),
  });
  api.engine.addInstance({
    id: instanceId(POD_INSTANCE),
    appId: appId('/pod'),
    taskId: taskId(`${POD_INSTANCE}.web.1`),
  });
  api.engine.running.splice(0, 1, aDeployment(DEPLOYMENT));
  api.engine.changes.length = 0;
  api.engine.killed.length = 0;
});

const WRITES: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ['POST', '/v2/apps', { id: '/new', cmd: 'true' }],
  ['PUT', '/v2/apps', [{ ...WEB, instances: 2 }]],
  ['PATCH', '/v2/apps', [{ id: '/web', instances: 2 }]],
  ['PUT', '/v2/apps/web', { instances: 2 }],
  ['PUT', '/v2/apps/new', { cmd: 'true' }],
  ['PATCH', '/v2/apps/web', { instances: 2 }],
  ['DELETE', '/v2/apps/web'],
  ['POST', '/v2/apps/web/restart'],
  ['DELETE', '/v2/apps/web/tasks'],
  ['DELETE', '/v2/apps/web/tasks?scale=true'],
  ['DELETE', `/v2/apps/web/tasks/${TASK}._app.1`],
  ['DELETE', `/v2/apps/web/tasks/${TASK}._app.1?scale=true`],
  ['POST', '/v2/tasks/delete', { ids: [`${TASK}._app.1`] }],
  ['POST', '/v2/tasks/delete?scale=true', { ids: [`${TASK}._app.1`] }],
  ['POST', '/v2/groups', { id: '/other' }],
  ['PUT', '/v2/groups', { apps: [WEB] }],
  ['PUT', '/v2/groups/shop', { scaleBy: 2 }],
  ['PATCH', '/v2/groups/shop', { enforceRole: true }],
  ['DELETE', '/v2/groups/shop'],
  ['POST', '/v2/pods', aPod('/new')],
  ['PUT', '/v2/pods/pod', { ...aPod('/pod'), scaling: { kind: 'fixed', instances: 2 } }],
  ['PUT', '/v2/pods/new', aPod('/new')],
  ['DELETE', '/v2/pods/pod'],
  ['DELETE', `/v2/pods/pod::instances/${POD_INSTANCE}`],
  ['DELETE', '/v2/pods/pod::instances', [POD_INSTANCE]],
  ['POST', `/v2/deployments/${DEPLOYMENT}/abort`],
  ['DELETE', `/v2/deployments/${DEPLOYMENT}`],
  ['DELETE', `/v2/deployments/${DEPLOYMENT}?force=true`],
];

it.each(WRITES.map(([method, path, body]) => ({ method, path, body })))(
  '$method $path says what it would do and does nothing',
  async ({ method, path, body }) => {
    const { root } = api.engine;

    const reply = await api.ask(method, withDryRun(path), body);

    expect([reply.statusCode, reply.body]).toEqual([200, expect.stringContaining('"dryRun":true')]);
    expect(reply.json()).toMatchObject({ steps: expect.any(Array), apps: expect.any(Array) });
    expect(reply.headers['marathon-deployment-id']).toBeUndefined();
    expect(reply.headers['location']).toBeUndefined();
    expect(api.engine.changes).toEqual([]);
    expect(api.engine.killed).toEqual([]);
    expect(api.engine.running).toHaveLength(1);
    expect(api.engine.root).toBe(root);
  },
);

it.each([
  ['PUT', '/v2/apps/web', { mem: -1 }, 422],
  ['DELETE', '/v2/apps/nowhere', undefined, 404],
  ['POST', '/v2/apps', WEB, 409],
  ['POST', '/v2/pods', aPod('/pod'), 409],
  ['DELETE', '/v2/deployments/00000000-0000-4000-8000-00000000000b', undefined, 404],
  ['POST', '/v2/deployments/00000000-0000-4000-8000-00000000000b/abort', undefined, 404],
  ['PUT', '/v2/apps/web?dryRun=perhaps', { mem: 1 }, 400],
  ['PUT', '/v2/apps/web?dryRun=true&dryRun=false', { mem: 1 }, 400],
])('refuses what the write refuses: %s %s', async (method, path, body, status) => {
  const reply = await api.ask(method, withDryRun(path), body);

  expect(reply.statusCode).toBe(status);
});

it('answers the warnings of the write', async () => {
  const reply = await api.ask('PUT', '/v2/apps/web?dryRun=true', { dependencies: ['/nowhere'] });

  expect(reply.json().warnings).toEqual([expect.stringContaining('/nowhere')]);
});

it.each([
  ['DELETE', '/v2/queue//web/delay'],
  ['PUT', '/v2/routers/r1'],
  ['DELETE', '/v2/leader'],
  ['POST', '/v2/deployments/00000000-0000-4000-8000-00000000000a/pause'],
  ['POST', '/v2/deployments/00000000-0000-4000-8000-00000000000a/promote'],
  ['POST', '/v2/deployments/00000000-0000-4000-8000-00000000000a/resume'],
])('%s %s knows no dry run and does nothing', async (method, path) => {
  const reply = await api.ask(method, `${path}?dryRun=true`);

  expect(reply.statusCode).toBe(400);
  expect(reply.json().message).toContain('dryRun is not supported');
});

const withDryRun = (path: string): string =>
  path.includes('dryRun') ? path : `${path}${path.includes('?') ? '&' : '?'}dryRun=true`;
