import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { appId, instanceId, taskId } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const INSTANCE = 'web.instance-564bd685-4c30-11e5-98c1-be5b2935a987';
const TASK = `${INSTANCE}._app.1`;

let api: ApiUnderTest;

beforeAll(async () => {
  api = await startApi();
  await api.ask('POST', '/v2/apps', { id: '/web', cmd: 'sleep 1000' });
  api.engine.addInstance({
    ...{ id: instanceId(INSTANCE), appId: appId('/web'), taskId: taskId(TASK) },
  });
});
beforeEach(() => {
  api.engine.killed.length = 0;
});
afterAll(() => api.daemon.close());

it.each([
  ['DELETE', `/v2/apps/web/tasks/${TASK}`, undefined],
  ['DELETE', '/v2/apps/web/tasks', undefined],
  ['POST', '/v2/tasks/delete', { ids: [TASK] }],
])('%s %s kills after draining, and with force without', async (method, path, body) => {
  const usual = await api.ask(method, path, body);
  const forced = await api.ask(method, `${path}?force=true`, body);

  expect([usual.statusCode, forced.statusCode]).toEqual([200, 200]);
  expect(api.engine.killed).toEqual([
    { ids: [INSTANCE], wipe: false },
    { ids: [INSTANCE], wipe: false, force: true },
  ]);
});
