import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { agentId, appId, instanceId, taskId } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const DAEMON = { id: '/agent', cmd: 'sleep 1000', workload: 'daemon' };
const JOB = { id: '/job', cmd: 'true', workload: 'job', instances: 3 };
const UUID = '564bd685-4c30-11e5-98c1-be5b2935a987';

describe('daemons and jobs over HTTP', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.daemon.close());
  beforeEach(async () => {
    await api.ask('DELETE', '/v2/groups?force=true');
    api.engine.workloads.clear();
    api.engine.instances.clear();
    api.engine.changes.length = 0;
  });

  it('shows of a daemon how many agents should run it now, in answers and lists', async () => {
    api.engine.workloads.set(appId('/agent'), { kind: 'daemon', wanted: 4 });

    const created = await api.ask('POST', '/v2/apps', DAEMON);
    const read = await api.ask('GET', '/v2/apps/agent');
    const list = await api.ask('GET', '/v2/apps');

    expect(created.json()).toMatchObject({ workload: 'daemon', instances: 4 });
    expect(read.json().app).toMatchObject({ workload: 'daemon', instances: 4 });
    expect(list.json().apps).toMatchObject([{ workload: 'daemon', instances: 4 }]);
  });

  it('takes back what was read of a daemon, with a warning about its count', async () => {
    await api.ask('POST', '/v2/apps', DAEMON);
    const { app } = (await api.ask('GET', '/v2/apps/agent')).json();

    const reply = await api.ask('PUT', '/v2/apps/agent?strict=true', { ...app, instances: 9 });

    expect(reply.statusCode).toBe(200);
    expect(reply.headers['pacer-warnings']).toMatch(/instances 9 is ignored/);
  });

  it('refuses to scale a daemon with 422 and the reason, and changes nothing', async () => {
    await api.ask('POST', '/v2/apps', DAEMON);
    const task = `agent.instance-${UUID}._app.1`;
    api.engine.addInstance({
      id: instanceId(`agent.instance-${UUID}`),
      appId: appId('/agent'),
      taskId: taskId(task),
      placement: { agentId: agentId('a1'), hostname: 'h1', attributes: {} },
    });
    const before = api.engine.root;

    const replies = [
      await api.ask('PUT', '/v2/apps/agent', { instances: 2 }),
      await api.ask('PATCH', '/v2/apps/agent', { instances: 0 }),
      await api.ask('PUT', '/v2/apps', [{ id: '/agent', instances: 2 }]),
      await api.ask('DELETE', `/v2/apps/agent/tasks/${task}?scale=true`),
      await api.ask('POST', '/v2/tasks/delete?scale=true', { ids: [task] }),
    ];

    expect(replies.map(({ statusCode }) => statusCode)).toEqual([422, 422, 422, 422, 422]);
    for (const reply of replies) expect(reply.body).toMatch(/instances.*cannot be scaled/);
    expect(api.engine.root).toBe(before);
  });

  it('shows how far a job has come, and nothing of that for a service', async () => {
    api.engine.workloads.set(appId('/job'), { kind: 'job', completed: 2, failed: 1 });
    await api.ask('POST', '/v2/apps', JOB);
    await api.ask('POST', '/v2/apps', { id: '/web', cmd: 'sleep 1' });

    const { app } = (await api.ask('GET', '/v2/apps/job')).json();
    const service = (await api.ask('GET', '/v2/apps/web')).json().app;

    expect(app).toMatchObject({ workload: 'job', maxRetries: 3, completed: 2, failed: 1 });
    const some = await api.ask('GET', '/v2/apps?fields=id,workload,completed,failed');
    expect(some.json().apps).toEqual([
      { id: '/job', workload: 'job', completed: 2, failed: 1 },
      { id: '/web' },
    ]);
    for (const field of ['workload', 'maxRetries', 'completed', 'failed']) {
      expect(service).not.toHaveProperty(field);
    }
    const again = await api.ask('PUT', '/v2/apps/job?strict=true', app);
    expect(again.statusCode).toBe(200);
  });

  it('scales a job', async () => {
    await api.ask('POST', '/v2/apps', JOB);

    const reply = await api.ask('PATCH', '/v2/apps/job', { instances: 5 });

    expect(reply.statusCode).toBe(200);
    expect(api.engine.root.apps.get(appId('/job'))).toMatchObject({
      workload: 'job',
      instances: 5,
    });
  });
});
