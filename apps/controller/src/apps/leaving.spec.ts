import { afterAll, beforeAll, expect, it } from 'vitest';
import { appId, instanceId, taskId } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  await api.ask('POST', '/v2/apps', { id: '/stays', cmd: 'sleep 1' });
  const gone = anApp('/gone', { labels: { HAPROXY_GROUP: 'external' } });
  api.engine.leaving.set(gone.id, gone);
  api.engine.addInstance({
    id: instanceId('gone.instance-1'),
    appId: appId('/gone'),
    taskId: taskId('gone.instance-1._app.1'),
    draining: { sinceEpochMs: 0, deadlineEpochMs: 30_000 },
  });
});
afterAll(() => api.daemon.close());

it('an app that is declared no more is shown, with its draining tasks, to who asks for what is leaving', async () => {
  const url = '/v2/apps?embed=apps.tasks&embed=apps.leaving';
  const { apps } = (await api.ask('GET', url)).json();
  const one = (await api.ask('GET', '/v2/apps/gone?embed=app.leaving')).json().app;
  const paged = (await api.ask('GET', '/v2/apps?limit=1&embed=apps.leaving')).json().apps;
  const selected = (await api.ask('GET', '/v2/apps?fields=id&embed=apps.leaving')).json().apps;

  expect(apps.map(({ id, leaving }: { id: string; leaving?: true }) => [id, leaving])).toEqual([
    ['/gone', true],
    ['/stays', undefined],
  ]);
  expect(apps[0]).toMatchObject({
    labels: { HAPROXY_GROUP: 'external' },
    tasks: [{ id: 'gone.instance-1._app.1', draining: { deadline: '1970-01-01T00:00:30.000Z' } }],
  });
  expect(one).toMatchObject({ id: '/gone', leaving: true, tasks: [{ appId: '/gone' }] });
  expect(paged.map(({ id }: { id: string }) => id)).toEqual(['/gone']);
  expect(selected).toEqual([{ id: '/gone' }, { id: '/stays' }]);
});

it('to all others it is gone', async () => {
  const { apps } = (await api.ask('GET', '/v2/apps?embed=apps.tasks')).json();

  expect(apps.map(({ id }: { id: string }) => id)).toEqual(['/stays']);
  expect(apps[0]).not.toHaveProperty('leaving');
  expect((await api.ask('GET', '/v2/apps/gone')).statusCode).toBe(404);
  expect((await api.ask('GET', '/v2/apps/none?embed=app.leaving')).statusCode).toBe(404);
});
