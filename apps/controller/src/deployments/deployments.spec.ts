import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appId, deploymentId, instanceId } from '#core';
import { aDeployment } from '../../../../test/support/store-fixtures.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

const ENDED = aDeployment('d-ended', {
  state: 'Failed',
  reason: 'it has not ended within its deadline of 60 s; rolled back by deployment d-2',
  by: 'ann',
  rolledBackBy: deploymentId('d-2'),
  finishedAtEpochMs: 61_000,
  phases: [{ step: 0, startedAtEpochMs: 1_000, finishedAtEpochMs: 61_000 }],
});

describe('deployments over HTTP', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi({
      store: {
        loadDeployment: async (id) => (id === ENDED.id ? ENDED : undefined),
        loadHistory: async () => ({
          events: [
            {
              kind: 'failed',
              atEpochMs: 2_000,
              app: appId('/web'),
              instance: instanceId('i1'),
              message: 'TASK_FAILED exit 1',
            },
          ],
          omitted: 3,
        }),
      },
    });
  });
  afterAll(() => api.daemon.close());

  it('are paused and resumed, however often that is said', async () => {
    api.engine.running.push(aDeployment('d-1'));

    const paused = await api.ask('POST', '/v2/deployments/d-1/pause');
    const again = await api.ask('POST', '/v2/deployments/d-1/pause');
    const resumed = await api.ask('POST', '/v2/deployments/d-1/resume');

    expect([paused, again, resumed].map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
    expect(paused.json()).toMatchObject({
      id: 'd-1',
      state: 'Running',
      paused: { since: expect.stringMatching(/^20/) },
    });
    expect(resumed.json()).not.toHaveProperty('paused');
  });

  it('refuse what makes no sense: 404 for none, 409 for one that has ended or has no canaries', async () => {
    api.engine.running.push(aDeployment('d-5'));
    const commands = ['pause', 'resume', 'promote', 'abort'];

    const ask = (id: string) =>
      Promise.all(commands.map((one) => api.ask('POST', `/v2/deployments/${id}/${one}`)));
    const missing = await ask('d-9');
    const ended = await ask('d-ended');
    const bare = await api.ask('POST', '/v2/deployments/d-5/promote');
    const odd = await api.ask('POST', '/v2/deployments/d-5/promote?force=perhaps');

    expect(missing.map(({ statusCode }) => statusCode)).toEqual([404, 404, 404, 404]);
    expect(ended.map(({ statusCode }) => statusCode)).toEqual([409, 409, 409, 409]);
    expect(ended[0]?.json().message).toBe(
      'Deployment d-ended has ended at 1970-01-01T00:01:01.000Z: Failed',
    );
    expect([bare.statusCode, bare.json().message]).toEqual([
      409,
      'deployment d-5 has no canaries to promote',
    ]);
    expect(odd.statusCode).toBe(400);
  });

  it('are aborted by a rollback', async () => {
    api.engine.running.push(aDeployment('d-6'));

    const aborted = await api.ask('POST', '/v2/deployments/d-6/abort');

    expect(aborted.statusCode).toBe(200);
    expect(Object.keys(aborted.json())).toEqual(['version', 'deploymentId', 'restarts']);
    expect(aborted.headers['marathon-deployment-id']).toBe(aborted.json().deploymentId);
  });

  it('tell their story when they have ended', async () => {
    const answer = await api.ask('GET', '/v2/deployments/d-ended');

    expect(answer.json()).toMatchObject({
      state: 'Failed',
      reason: ENDED.reason,
      by: 'ann',
      rolledBackBy: 'd-2',
      phases: [
        {
          step: 1,
          startedAt: '1970-01-01T00:00:01.000Z',
          finishedAt: '1970-01-01T00:01:01.000Z',
        },
      ],
      events: [
        {
          kind: 'failed',
          timestamp: '1970-01-01T00:00:02.000Z',
          app: '/web',
          instance: 'i1',
          message: 'TASK_FAILED exit 1',
        },
      ],
      omittedEvents: 3,
    });
  });

  it('take limits for one write alone, and say which are wrong', async () => {
    const body = { id: '/limited', cmd: 'x' };

    const wrong = await Promise.all(
      ['deadlineSeconds=0', 'maxFailures=-1', 'autoRollback=no', 'deadlineSeconds=x'].map((query) =>
        api.ask('POST', `/v2/apps?${query}`, body),
      ),
    );
    const taken = await api.ask('POST', '/v2/apps?deadlineSeconds=60&maxFailures=0', body);
    const restarted = await api.ask('POST', '/v2/apps/limited/restart?autoRollback=false');
    const group = await api.ask('PUT', '/v2/groups/g?maxFailures=2', { id: '/g', apps: [] });

    expect(wrong.map(({ statusCode }) => statusCode)).toEqual([400, 400, 400, 400]);
    expect(wrong[0]?.json().message).toBe(
      "Query parameter deadlineSeconds must be a whole number from 1 to 31536000, not '0'",
    );
    expect([taken, restarted, group].map(({ statusCode }) => statusCode)).toEqual([201, 200, 200]);
    expect(api.engine.changes.slice(-3).map(({ limits }) => limits)).toEqual([
      { deadlineSeconds: 60, maxFailures: 0 },
      { autoRollback: false },
      { maxFailures: 2 },
    ]);
  });
});

describe('the rollout of an app over HTTP', () => {
  let api: ApiUnderTest;

  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.daemon.close());

  it('reads back as it was written, and an empty one takes it away', async () => {
    const rollout = {
      deadlineSeconds: 600,
      maxFailures: 3,
      batches: [2, 3],
      canary: { instances: 1 },
    };

    const made = await api.ask('POST', '/v2/apps?strict=true', {
      ...{ id: '/web', cmd: 'x', instances: 6, rollout },
    });
    const scaled = await api.ask('PUT', '/v2/apps/web', { instances: 1 });
    const kept = await api.ask('GET', '/v2/apps/web');
    await api.ask('PUT', '/v2/apps/web', { rollout: {} });
    const gone = await api.ask('GET', '/v2/apps/web');

    expect([made.statusCode, scaled.statusCode]).toEqual([201, 200]);
    expect(String(scaled.headers['pacer-warnings'])).toContain(
      '/rollout/batches 5 in all is above the maximum 0',
    );
    expect(kept.json().app.rollout).toEqual(rollout);
    expect(gone.json().app).not.toHaveProperty('rollout');
  });

  it.each([
    [{ deadlineSeconds: 0 }, '/rollout/deadlineSeconds', '0 is below the minimum 1'],
    [{ maxFailures: -1 }, '/rollout/maxFailures', '-1 is below the minimum 0'],
    [{ batches: [] }, '/rollout/batches', 'must have at least one batch'],
    [{ batches: [2, 0] }, '/rollout/batches(1)', '0 is below the minimum 1'],
    [{ batches: Array(101).fill(1) }, '/rollout/batches', '101 batches are above the maximum 100'],
    [{ pauseAfterBatch: true }, '/rollout/pauseAfterBatch', 'needs batches'],
    [{ canary: { instances: 0 } }, '/rollout/canary/instances', '0 is below the minimum 1'],
    [
      { canary: { instances: 201 } },
      '/rollout/canary/instances',
      '201 in all is above the maximum 200, the instances of the app',
    ],
    [
      { canary: { instances: 1 }, batches: [100, 100] },
      '/rollout/batches',
      '200 in all is above the maximum 199, the instances beside the canaries',
    ],
    [{ canary: {} }, '/rollout/canary/instances', 'error.path.missing'],
    [{ batches: 'all' }, '/rollout/batches', 'error.expected.jsarray'],
    [
      { autoRollback: true },
      '/rollout/autoRollback',
      'needs deadlineSeconds or maxFailures: nothing else fails',
    ],
  ])('refuses %j', async (rollout, path, error) => {
    const body = { id: '/odd', cmd: 'x', instances: 200, rollout };
    const answer = await api.ask('POST', '/v2/apps', body);

    expect(answer.statusCode).toBe(422);
    expect(answer.json().details).toMatchObject([{ path, errors: [error] }]);
  });

  it('has no canaries where nothing may run beside the old instance', async () => {
    const answer = await api.ask('POST', '/v2/apps', {
      id: '/single',
      cmd: 'x',
      labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' },
      rollout: { canary: { instances: 1 } },
    });

    expect(answer.json().details[0].path).toBe('/rollout/canary');
  });
});
