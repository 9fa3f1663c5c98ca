/** Marathon's contract, section 1.3, table "Apps": row by row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appId } from '#core';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { shownBy } from './shown-by.test-support.js';

const AGENTS = ['1', '2'].map((n) => ({ id: `agent-${n}`, hostname: `host-${n}`, cpus: 100 }));
type Fields = Readonly<Record<string, unknown>>;

describe('1.3 Endpoints, Apps', () => {
  let contract: ContractUnderTest;
  beforeAll(async () => {
    contract = await startContract(AGENTS);
  });
  afterAll(() => contract.close());

  const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
  const read = async (id: string, query = '') =>
    (await ask('GET', `/v2/apps${id}${query}`)).json().app;
  const failed = (id: string) =>
    contract.until(() => contract.harness.engine.view.failureOf(appId(id)) !== undefined);
  const listed = async (query: string): Promise<readonly string[]> =>
    (await ask('GET', `/v2/apps?${query}`))
      .json()
      .apps.map(({ id }: { id: string }) => id)
      .sort();
  const tasksOf = async (id: string): Promise<readonly { id: string; host: string }[]> =>
    (await ask('GET', `/v2/apps${id}/tasks`)).json().tasks;

  describe('GET /v2/apps', () => {
    beforeAll(() =>
      contract.run(
        { id: '/list/front', cmd: 'Serve --fast', labels: { tier: 'front' } },
        { id: '/list/back', cmd: 'serve', labels: { tier: 'back' } },
      ),
    );

    it('200 {"apps": [...]}, counts and deployments always embedded, tasks not', async () => {
      const { apps } = (await ask('GET', '/v2/apps?id=list/front')).json();

      const counts = { tasksStaged: 0, tasksRunning: 1, tasksHealthy: 0, tasksUnhealthy: 0 };
      expect(apps).toMatchObject([{ id: '/list/front', ...counts, deployments: [] }]);
      for (const name of ['tasks', 'lastTaskFailure', 'taskStats', 'readinessCheckResults']) {
        expect(apps[0]).not.toHaveProperty(name);
      }
    });

    it.each([
      ['cmd=SERVE', ['/list/back', '/list/front']],
      ['cmd=fast', ['/list/front']],
      ['id=LIST/F', ['/list/front']],
      ['id=list&label=tier==back', ['/list/back']],
      ['id=list&cmd=fast&label=tier==back', []],
    ])('cmd, id and label are ANDed, part of the text, in any case: %s', async (query, ids) => {
      expect(await listed(query)).toEqual(ids);
    });

    it('no pagination unless asked for (ours)', async () => {
      const whole = await ask('GET', '/v2/apps');

      expect(whole.headers['link']).toBeUndefined();
      expect(whole.json().apps.length).toBe(contract.harness.engine.view.root().apps.size);
    });
  });

  it('POST /v2/apps: 201 / 409 / 422', async () => {
    const made = [
      await ask('POST', '/v2/apps', { id: '/post', cmd: 'x', cpus: 1e6 }),
      await ask('POST', '/v2/apps', { id: '/post', cmd: 'x' }),
      await ask('POST', '/v2/apps?force=true', { id: '/post', cmd: 'x' }),
      await ask('POST', '/v2/apps', { id: '/post-2', cmd: 'x', mem: -1 }),
    ];

    expect(made.map(({ statusCode }) => statusCode)).toEqual([201, 409, 409, 422]);
    await ask('DELETE', '/v2/apps/post');
    await contract.idle();
  });

  it('PUT /v2/apps: ONE deployment for all, creates missing ones; omitted fields stay or go by partialUpdate', async () => {
    await contract.run({ id: '/bulk/one', labels: { a: 'b' } });

    const put = await ask('PUT', '/v2/apps', [
      { id: '/bulk/one', cmd: 'y' },
      { id: '/bulk/two', cmd: 'x', cpus: 0.1 },
    ]);
    const { deploymentId } = put.json();
    await contract.idle();
    const deployment = (await ask('GET', `/v2/deployments/${deploymentId}`)).json();
    const kept = await read('/bulk/one');
    await ask('PUT', '/v2/apps?partialUpdate=false', [{ id: '/bulk/one', cmd: 'z' }]);
    await contract.idle();

    expect(deployment.affectedApps).toEqual(['/bulk/one', '/bulk/two']);
    expect(kept).toMatchObject({ cmd: 'y', labels: { a: 'b' } });
    expect(await read('/bulk/one')).toMatchObject({ cmd: 'z', labels: {} });
  });

  it('PUT and PATCH /v2/apps are atomic; PATCH never creates: 404 if one is missing', async () => {
    await contract.run({ id: '/atom/one' });

    const missing = await ask('PATCH', '/v2/apps', [
      { id: '/atom/one', cmd: 'changed' },
      { id: '/atom/none', cmd: 'x' },
    ]);
    const wrong = await ask('PUT', '/v2/apps', [
      { id: '/atom/one', cmd: 'changed' },
      { id: '/atom/two', cmd: 'x', cpus: -1 },
    ]);

    expect([missing.statusCode, wrong.statusCode]).toEqual([404, 422]);
    expect((await read('/atom/one')).cmd).toBe('x');
    expect(await listed('id=atom')).toEqual(['/atom/one']);
    const patched = await ask('PATCH', '/v2/apps', [{ id: '/atom/one', instances: 2 }]);
    expect(patched.statusCode).toBe(200);
    await contract.idle();
  });

  it('GET /v2/apps/{id}: {"app"} with counts, tasks, lastTaskFailure and deployments', async () => {
    await contract.run({ id: '/one' });
    const before = await read('/one');
    contract.harness.cluster.report(before.tasks[0].id, 'TASK_FAILED', { message: 'exit 3' });
    await failed('/one');

    const app = await read('/one');

    expect(before).toMatchObject({ tasksRunning: 1, deployments: [], tasks: [{ appId: '/one' }] });
    expect(before).not.toHaveProperty('lastTaskFailure');
    expect(app.lastTaskFailure).toEqual({
      appId: '/one',
      host: expect.stringMatching(/^host-/),
      message: 'exit 3',
      slaveId: expect.stringMatching(/^agent-/),
      state: 'TASK_FAILED',
      taskId: before.tasks[0].id,
      timestamp: expect.stringMatching(/Z$/),
      version: before.version,
    });
    await contract.until(() => contract.harness.conditions('/one').join() === 'Running');
    const [again] = await tasksOf('/one');
    contract.harness.cluster.report(again?.id ?? '', 'TASK_FAILED', { message: 'exit 4' });
    await contract.until(() => !contract.harness.conditions('/one').includes('Running'));
    expect((await read('/one')).lastTaskFailure).toMatchObject({
      taskId: again?.id,
      message: 'exit 4',
    });
    const { '*': below } = (await ask('GET', '/v2/apps/*')).json();
    expect(below.map(({ id }: Fields) => id)).toContain('/one');
  });

  describe('PUT /v2/apps/{id}', () => {
    it('200 on update, 201 on create; fields left out stay, or go with partialUpdate=false', async () => {
      const created = await ask('PUT', '/v2/apps/put', { cmd: 'x', cpus: 0.1, labels: { a: 'b' } });
      await contract.idle();
      const updated = await ask('PUT', '/v2/apps/put', { cmd: 'y' });
      await contract.idle();
      const partial = await read('/put');
      const whole = await ask('PUT', '/v2/apps/put?partialUpdate=false', { cmd: 'y' });
      await contract.idle();

      expect([created, updated, whole].map(({ statusCode }) => statusCode)).toEqual([
        201, 200, 200,
      ]);
      expect(partial).toMatchObject({ cmd: 'y', cpus: 0.1, labels: { a: 'b' } });
      expect(await read('/put')).toMatchObject({ cmd: 'y', cpus: 1, labels: {} });
    });

    it('a body with only version, or with id, is a rollback; with anything else 422', async () => {
      await contract.run({ id: '/back', cmd: 'first' });
      const { version } = await read('/back');
      await contract.run({ id: '/back', cmd: 'second' });

      const mixed = await ask('PUT', '/v2/apps/back', { version, cmd: 'third' });
      const back = await ask('PUT', '/v2/apps/back', { id: '/back', version });
      await contract.idle();

      expect([mixed.statusCode, back.statusCode]).toEqual([422, 200]);
      expect((await read('/back')).cmd).toBe('first');
    });
  });

  it('PATCH /v2/apps/{id}: as PUT partial, 404 if missing', async () => {
    await contract.run({ id: '/patch', labels: { a: 'b' } });

    const patched = await ask('PATCH', '/v2/apps/patch', { cmd: 'y' });
    await contract.idle();
    const missing = await ask('PATCH', '/v2/apps/patch-2', { cmd: 'y' });

    expect([patched.statusCode, missing.statusCode]).toEqual([200, 404]);
    expect(await read('/patch')).toMatchObject({ cmd: 'y', labels: { a: 'b' } });
  });

  describe('DELETE /v2/apps/{id}', () => {
    shownBy(
      'force=true is the default (QUIRK, kept)',
      'apps/controller/src/marathon-deviations.spec.ts',
      'to delete an app forces, as Marathon does and its documentation denies',
    );

    it('200 deployment result, 404', async () => {
      await contract.run({ id: '/gone' });

      const removed = await ask('DELETE', '/v2/apps/gone');
      await contract.idle();

      expect(Object.keys(removed.json()).sort()).toEqual(['deploymentId', 'restarts', 'version']);
      expect((await ask('DELETE', '/v2/apps/gone')).statusCode).toBe(404);
    });
  });

  it('POST /v2/apps/{id}/restart: a new version and lastConfigChangeAt, a rolling restart, no back-off', async () => {
    await contract.run({ id: '/again', instances: 2, backoffSeconds: 300 });
    const before = await read('/again');
    contract.harness.cluster.report(before.tasks[0].id, 'TASK_FAILED');
    await contract.until(() => (contract.harness.engine.view.queue()[0]?.delayLeftMs ?? 0) > 0);

    const answer = await ask('POST', '/v2/apps/again/restart');
    await contract.idle();

    const after = await read('/again');
    expect(answer.statusCode).toBe(200);
    expect(after.version).toBe(answer.json().version);
    expect(after.versionInfo).toEqual({
      lastConfigChangeAt: after.version,
      lastScalingAt: before.versionInfo.lastScalingAt,
    });
    const ids = (app: { tasks: readonly { id: string }[] }) => app.tasks.map(({ id }) => id);
    expect(ids(after)).toHaveLength(2);
    expect(ids(after).filter((id) => ids(before).includes(id))).toEqual([]);
  });

  it('GET /v2/apps/{id}/tasks: {"tasks"} with every field of a task', async () => {
    await contract.run({ id: '/work', portDefinitions: [{ port: 10_500 }] });

    const [task] = await tasksOf('/work');

    expect(task).toEqual({
      appId: '/work',
      id: expect.stringMatching(/^work\.instance-[0-9a-f-]{36}\._app\.1$/),
      host: expect.stringMatching(/^host-/),
      ports: [expect.any(Number)],
      servicePorts: [10_500],
      ipAddresses: [],
      slaveId: expect.stringMatching(/^agent-/),
      state: 'TASK_RUNNING',
      stagedAt: expect.stringMatching(/Z$/),
      startedAt: expect.stringMatching(/Z$/),
      version: (await read('/work')).version,
      localVolumes: [],
      role: '*',
    });
  });

  describe('DELETE /v2/apps/{id}/tasks', () => {
    it('scale=false: the tasks killed now, which are replaced', async () => {
      await contract.run({ id: '/kill/all', instances: 2 });
      const before = await tasksOf('/kill/all');

      const killed = await ask('DELETE', '/v2/apps/kill/all/tasks');
      await contract.until(
        () => contract.harness.conditions('/kill/all').join() === 'Running,Running',
      );

      expect(killed.statusCode).toBe(200);
      const ids = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id).sort();
      expect(ids(killed.json().tasks)).toEqual(ids(before));
      const after = ids(await tasksOf('/kill/all'));
      expect(after.filter((id) => ids(before).includes(id))).toEqual([]);
    });

    it('host: on that one alone; * is every host', async () => {
      await contract.run({ id: '/kill/host', instances: 2, constraints: [['hostname', 'UNIQUE']] });

      const none = await ask('DELETE', '/v2/apps/kill/host/tasks?host=elsewhere');
      const one = await ask('DELETE', '/v2/apps/kill/host/tasks?host=host-2');
      await contract.until(
        () => contract.harness.conditions('/kill/host').join() === 'Running,Running',
      );
      const all = await ask('DELETE', '/v2/apps/kill/host/tasks?host=*');

      expect(none.json()).toEqual({ tasks: [] });
      expect(one.json().tasks.map(({ host }: Fields) => host)).toEqual(['host-2']);
      expect(all.json().tasks).toHaveLength(2);
    });

    it('scale=true: fewer instances, never below 0, and a deployment result', async () => {
      await contract.run({ id: '/kill/scale', instances: 2 });

      const scaled = await ask('DELETE', '/v2/apps/kill/scale/tasks?scale=true');
      await contract.idle();

      expect(scaled.json().deploymentId).toBe(scaled.headers['marathon-deployment-id']);
      expect(await read('/kill/scale')).toMatchObject({ instances: 0, tasks: [] });
      const again = await ask('DELETE', '/v2/apps/kill/scale/tasks?scale=true');
      expect([again.statusCode, (await read('/kill/scale')).instances]).toEqual([200, 0]);
    });

    shownBy(
      'wipe=true: reservations and volumes are given up',
      'apps/controller/src/engine/resident.spec.ts',
      'loses its volume and all it reserved when it is wiped, and gets new ones',
    );
  });

  it('DELETE /v2/apps/{id}/tasks/{taskId}: {"task"} or deployment result; 404 for task and app', async () => {
    await contract.run({ id: '/single', instances: 3 });
    const [first, second] = await tasksOf('/single');

    const killed = await ask('DELETE', `/v2/apps/single/tasks/${first?.id}`);
    const scaled = await ask('DELETE', `/v2/apps/single/tasks/${second?.id}?scale=true`);
    await contract.idle();

    expect(killed.json()).toMatchObject({ task: { id: first?.id, appId: '/single' } });
    expect(scaled.json().deploymentId).toBe(scaled.headers['marathon-deployment-id']);
    expect((await read('/single')).instances).toBe(2);
    expect((await tasksOf('/single')).map(({ id }) => id)).not.toContain(second?.id);
    const other = await ask('DELETE', `/v2/apps/other/tasks/${first?.id}`);
    const gone = await ask('DELETE', `/v2/apps/single/tasks/${second?.id}`);
    expect([other, gone].map(({ statusCode }) => statusCode)).toEqual([404, 404]);
  });

  it('GET /v2/apps/{id}/versions and …/{version}: timestamps, and a bare definition; 404', async () => {
    await contract.run({ id: '/history', cmd: 'first' });
    const { version } = await read('/history');
    await contract.run({ id: '/history', cmd: 'second' });

    const { versions } = (await ask('GET', '/v2/apps/history/versions')).json();
    const first = (await ask('GET', `/v2/apps/history/versions/${version}`)).json();
    const never = await ask('GET', '/v2/apps/history/versions/2001-01-01T00:00:00.000Z');

    expect(versions).toEqual([(await read('/history')).version, version]);
    expect(first).toMatchObject({ id: '/history', cmd: 'first', version });
    expect(first).not.toHaveProperty('tasksRunning');
    expect(never.statusCode).toBe(404);
  });

  describe('App embed values', () => {
    beforeAll(() => contract.run({ id: '/embed' }));
    const fieldsWith = async (query: string) =>
      Object.keys((await ask('GET', `/v2/apps?id=embed&${query}`)).json().apps[0]);

    it.each([
      ['tasks', ['tasks', 'deployments']],
      ['counts', ['tasksRunning', 'tasksStaged']],
      ['deployments', ['deployments']],
      ['readiness', ['readinessCheckResults']],
      ['failures', ['tasks', 'deployments']],
      ['taskStats', ['taskStats']],
    ])('%s, under any prefix or none', async (name, fields) => {
      for (const prefix of ['apps.', 'app.', 'group.apps.', '']) {
        expect(await fieldsWith(`embed=${prefix}${name}`)).toEqual(expect.arrayContaining(fields));
      }
    });

    it('lastTaskFailure, when there was one; unknown ones are ignored', async () => {
      const [task] = await tasksOf('/embed');
      contract.harness.cluster.report(task?.id ?? '', 'TASK_FAILED');
      await failed('/embed');

      for (const name of ['lastTaskFailure', 'failures']) {
        expect(await fieldsWith(`embed=apps.${name}`)).toContain('lastTaskFailure');
      }
      expect(await fieldsWith('embed=apps.colour&embed=')).not.toContain('lastTaskFailure');
    });
  });

  it('AppInfo (QUIRK): statistics are called taskStats, in four buckets', async () => {
    await contract.run({ id: '/stats' });

    const { taskStats } = await read('/stats', '?embed=taskStats');

    const counts = { staged: 0, running: 1, healthy: 0, unhealthy: 0 };
    const lifeTime = { averageSeconds: expect.any(Number), medianSeconds: expect.any(Number) };
    const bucket = { stats: { counts, lifeTime } };
    const { startedAfterLastScaling, withLatestConfig, totalSummary } = taskStats;
    expect([startedAfterLastScaling, withLatestConfig, totalSummary]).toEqual([
      bucket,
      bucket,
      bucket,
    ]);
    expect(await read('/stats', '?embed=taskStats')).not.toHaveProperty('tasksStats');
    // An empty bucket is left out, as in Marathon.
    expect(Object.keys(taskStats)).not.toContain('withOutdatedConfig');
  });

  describe('Label selector grammar', () => {
    beforeAll(() =>
      contract.run(
        { id: '/select/a', labels: { tier: 'a', 'x/y': '1,2' } },
        { id: '/select/b', labels: { tier: 'b' } },
        { id: '/select/none' },
      ),
    );

    it.each([
      ['tier', ['a', 'b']],
      ['tier==a', ['a']],
      ['tier!=a', ['b']],
      ['tier in (a,b)', ['a', 'b']],
      ['tier notin (a)', ['b']],
      ['tier,tier!=b', ['a']],
      ['x\\/y==1\\,2', ['a']],
      ['colour!=red', []],
      ['colour notin (red)', []],
    ])('%s', async (selector, names) => {
      const ids = await listed(`id=select&label=${encodeURIComponent(selector)}`);

      expect(ids).toEqual(names.map((name) => `/select/${name}`));
    });

    it.each(['tier==', 'tier in a', '(', 'tier a', 'tier in (a'])(
      '%s is a 422',
      async (selector) => {
        const answer = await ask('GET', `/v2/apps?label=${encodeURIComponent(selector)}`);

        expect(answer.statusCode).toBe(422);
      },
    );
  });

  it('Fields omitted when empty, and those that are there all the same', async () => {
    const docker = { image: 'busybox' };
    await ask('PUT', '/v2/apps/empty', {
      ...{ cmd: 'x', cpus: 1e6, container: { type: 'DOCKER', docker } },
      ...{ networks: [{ mode: 'container/bridge' }] },
    });

    const app = await read('/empty');

    const omitted = ['args', 'constraints', 'dependencies', 'env', 'fetch', 'healthChecks'];
    for (const name of [...omitted, 'readinessChecks', 'secrets']) {
      expect(app).not.toHaveProperty(name);
    }
    expect(app.labels).toEqual({});
    expect(app.networks).toEqual([{ mode: 'container/bridge' }]);
    expect(app.container.volumes).toEqual([]);
    expect(app.container.docker.parameters).toEqual([]);
    expect(app.container.portMappings[0]).not.toHaveProperty('networkNames');
    await ask('DELETE', '/v2/apps/empty');
    await contract.idle();
  });
});
