import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentId, appId, deploymentId, instanceId, taskId } from '#core';
import { aDeployment } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const TASK = 'web.instance-564bd685-4c30-11e5-98c1-be5b2935a987._app.1';

describe('other resources over HTTP', () => {
  let api: ApiUnderTest;
  let agent: Server;
  const asked: string[] = [];

  beforeAll(async () => {
    agent = createServer((request, response) => {
      asked.push(request.url ?? '');
      const isMissing = request.url?.includes('missing');
      response.writeHead(isMissing ? 404 : 200, { 'content-type': 'application/json' });
      response.end(isMissing ? '{"message":"no such file"}' : '{"data":"hello","offset":0}');
    });
    await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
    const finished = aDeployment('d-old', { state: 'Succeeded', finishedAtEpochMs: 1_000 });
    api = await startApi({
      store: {
        listFinishedDeployments: async (limit) => [finished].slice(0, limit),
        loadDeployment: async (id) => (id === finished.id ? finished : undefined),
        loadHistory: async () => ({ events: [], omitted: 0 }),
      },
    });
    await api.ask('POST', '/v2/apps', { id: '/web', cmd: 'x' });
    const { port } = agent.address() as AddressInfo;
    const agentUrl = `http://127.0.0.1:${port}`;
    const placement = { agentId: agentId('a1'), hostname: 'h1', agentUrl, attributes: {} };
    api.engine.addInstance({
      id: instanceId('web.instance-564bd685-4c30-11e5-98c1-be5b2935a987'),
      appId: appId('/web'),
      taskId: taskId(TASK),
      placement,
    });
  });
  afterAll(async () => {
    await api.daemon.close();
    agent.closeAllConnections();
    agent.close();
  });

  it('says who it is', async () => {
    const info = await api.ask('GET', '/v2/info');

    expect(info.json()).toMatchObject({
      name: 'marathon',
      elected: true,
      leader: '127.0.0.1:8080',
      frameworkId: 'framework-1',
      http_config: { http_port: 8080 },
    });
    expect((await api.ask('GET', '/v2/leader')).json()).toEqual({ leader: '127.0.0.1:8080' });
    expect((await api.ask('GET', '/ping')).body).toBe('pong');
    expect((await api.ask('GET', '/metrics/prometheus')).body).toContain('# TYPE');
    expect((await api.ask('GET', '/v2/plugins')).json()).toEqual({ plugins: [] });
  });

  it('lists running deployments, and ended ones when asked', async () => {
    api.engine.running.push(aDeployment('d-new'));

    const running = await api.ask('GET', '/v2/deployments');
    const ended = await api.ask('GET', '/v2/deployments?state=finished');
    const one = await api.ask('GET', '/v2/deployments/d-old');

    expect(running.json()).toMatchObject([{ id: 'd-new', affectedPods: [], waitingFor: [] }]);
    expect(ended.json()).toMatchObject([
      { id: 'd-old', state: 'Succeeded', finishedAt: '1970-01-01T00:00:01.000Z' },
    ]);
    expect(one.json().id).toBe('d-old');
  });

  it('rolls a deployment back, or with force just stops it', async () => {
    api.engine.running.splice(0, 9, aDeployment('d-1'), aDeployment('d-2'));

    const rolledBack = await api.ask('DELETE', '/v2/deployments/d-1');
    const stopped = await api.ask('DELETE', '/v2/deployments/d-2?force=true');

    expect(rolledBack.json()).toEqual({
      version: expect.any(String),
      deploymentId: expect.any(String),
      restarts: [],
    });
    expect([stopped.statusCode, stopped.body]).toEqual([202, '']);
    expect(api.engine.view.deployments().map(({ deployment }) => deployment.id)).not.toContain(
      deploymentId('d-1'),
    );
  });

  it('says with 409 why a deployment cannot be rolled back', async () => {
    api.engine.running.push(aDeployment('d-3'));
    api.engine.answer = { kind: 'impossible', reason: 'deployment d-3 cannot be undone: because' };

    const refused = await api.ask('DELETE', '/v2/deployments/d-3');

    api.engine.answer = undefined;
    api.engine.running.length = 0;
    expect([refused.statusCode, refused.json()]).toEqual([
      409,
      { message: 'deployment d-3 cannot be undone: because' },
    ]);
  });

  it('shows why an app waits, and lets it go on at once', async () => {
    const reject = { reason: 'InsufficientCpus', declined: 75, processed: 123 };
    api.engine.waiting.push({
      appId: appId('/web'),
      count: 1,
      sinceEpochMs: 0,
      delayLeftMs: 1_500,
      processedOffers: 123,
      unusedOffers: 123,
      lastUnusedOfferEpochMs: 1_000,
      rejectLastOffers: [reject],
      rejectLaunchAttempt: [],
    });
    api.engine.failures.set(appId('/web'), {
      appId: appId('/web'),
      taskId: taskId('t'),
      host: 'h',
      state: 'TASK_FAILED',
      message: 'exit 1',
      version: 'v',
      timestampEpochMs: 0,
    });

    const queue = await api.ask('GET', '/v2/queue?embed=lastUnusedOffers');
    const reset = await api.ask('DELETE', '/v2/queue/web/delay');

    expect(queue.json().queue).toMatchObject([
      {
        app: { id: '/web', cmd: 'x' },
        count: 1,
        role: '*',
        since: '1970-01-01T00:00:00.000Z',
        delay: { timeLeftSeconds: 2, overdue: false },
        delayReason: 'TASK_FAILED: exit 1',
        processedOffersSummary: {
          processedOffersCount: 123,
          lastUnusedOfferAt: '1970-01-01T00:00:01.000Z',
          rejectSummaryLastOffers: [reject],
        },
      },
    ]);
    expect(reset.statusCode).toBe(204);
  });

  it('takes reports of routers and lists them', async () => {
    api.engine.lastEventId = 7;
    const report = {
      appliedSequence: 7,
      drainedTasks: ['t'],
      statistics: { version: 1, reloads: 1 },
    };

    const put = await api.ask('PUT', '/v2/routers/edge-1', report);

    expect(put.json()).toEqual({ sequence: 7 });
    expect((await api.ask('GET', '/v2/routers')).json().routers).toMatchObject([
      { id: 'edge-1', heardAt: expect.any(String), ...report },
    ]);
  });

  it('lists tasks of all apps by status', async () => {
    const ids = async (query: string): Promise<readonly string[]> =>
      (await api.ask('GET', `/v2/tasks${query}`))
        .json()
        .tasks.map((task: { id: string }) => task.id);

    expect(await ids('')).toEqual([TASK]);
    expect(await ids('?status=running')).toEqual([TASK]);
    expect(await ids('?status[]=staging')).toEqual([]);
    expect(await ids('?status=whatever')).toEqual([TASK]);
  });

  it('fetches files of a sandbox from the agent', async () => {
    const read = await api.ask('GET', `/v2/tasks/${TASK}/files/read?path=stdout&offset=0&length=9`);
    const browse = await api.ask('GET', `/v2/tasks/${TASK}/files/browse?path=`);
    const listed = await api.ask('GET', `/v2/tasks/${TASK}/files/download?path=/tasks/${TASK}/a/b`);
    const missing = await api.ask('GET', `/v2/tasks/${TASK}/files/read?path=missing`);

    expect(read.json()).toEqual({ data: 'hello', offset: 0 });
    expect(browse.statusCode).toBe(200);
    expect(listed.statusCode).toBe(200);
    expect(missing.statusCode).toBe(404);
    expect(asked.map((url) => decodeURIComponent(url))).toEqual([
      `/files/read?path=/frameworks/framework-1/executors/${TASK}/runs/latest/stdout&offset=0&length=9`,
      `/files/browse?path=/frameworks/framework-1/executors/${TASK}/runs/latest/`,
      `/files/download?path=/frameworks/framework-1/executors/${TASK}/runs/latest/a/b`,
      `/files/read?path=/frameworks/framework-1/executors/${TASK}/runs/latest/missing`,
    ]);
  });

  it('finds the sandbox of the task that failed last by its agent', async () => {
    const gone = 'web.instance-000bd685-4c30-11e5-98c1-be5b2935a987._app.1';
    api.engine.failures.set(appId('/web'), {
      appId: appId('/web'),
      taskId: taskId(gone),
      host: 'h1',
      agentId: agentId('a1'),
      state: 'TASK_FAILED',
      message: 'exit code 1',
      version: 'v',
      timestampEpochMs: 0,
    });

    const reply = await api.ask('GET', `/v2/tasks/${gone}/files/read?path=stderr`);

    expect(reply.statusCode).toBe(200);
    expect((await api.ask('GET', '/v2/apps/web')).json().app.lastTaskFailure).toMatchObject({
      taskId: gone,
      slaveId: 'a1',
    });
  });

  it('finds the sandbox of a task that was replaced', async () => {
    const { port } = agent.address() as AddressInfo;
    api.engine.endedTasks.set('web.replaced', `http://127.0.0.1:${port}`);

    const reply = await api.ask('GET', '/v2/tasks/web.replaced/files/read?path=stdout');

    expect(reply.statusCode).toBe(200);
  });

  it('finds it also when nothing else of ours was ever on that agent', async () => {
    const { port } = agent.address() as AddressInfo;
    api.engine.failures.set(appId('/web'), {
      appId: appId('/web'),
      taskId: taskId('web.alone'),
      host: 'h3',
      agentId: agentId('a3'),
      agentUrl: `http://127.0.0.1:${port}`,
      state: 'TASK_FAILED',
      message: 'exit code 1',
      version: 'v',
      timestampEpochMs: 0,
    });

    const reply = await api.ask('GET', '/v2/tasks/web.alone/files/read?path=stderr');

    expect(reply.statusCode).toBe(200);
  });

  it('answers 503 when the agent is gone', async () => {
    api.engine.addInstance({
      id: instanceId('web.i2'),
      appId: appId('/web'),
      taskId: taskId('web.lost'),
      placement: {
        agentId: agentId('a2'),
        hostname: 'h2',
        agentUrl: 'http://127.0.0.1:9',
        attributes: {},
      },
    });

    const reply = await api.ask('GET', '/v2/tasks/web.lost/files/read?path=stdout');

    expect(reply.statusCode).toBe(503);
    expect(reply.headers['retry-after']).toBe('5');
  });
});
