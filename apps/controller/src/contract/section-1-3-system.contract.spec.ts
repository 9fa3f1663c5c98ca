/** Marathon's contract, section 1.3, tables "Deployments, tasks, queue" and "System", and what was removed: row by row. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { agentId, appId, instanceId, taskId } from '#core';
import { startApi } from '../controller-api.test-support.js';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { shownBy } from './shown-by.test-support.js';

type Fields = Readonly<Record<string, unknown>>;
const NONE = 'none.instance-564bd685-4c30-11e5-98c1-be5b2935a987._app.1';

let contract: ContractUnderTest;
beforeAll(async () => {
  contract = await startContract();
});
afterAll(() => contract.close());

const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
const tasksOf = async (id: string): Promise<readonly { id: string; appId: string }[]> =>
  (await ask('GET', `/v2/apps${id}/tasks`)).json().tasks;

describe('1.3 Endpoints, Deployments, tasks, queue', () => {
  it('GET /v2/deployments: running ones only, with every field', async () => {
    await contract.run({ id: '/ended' });
    const made = await ask('POST', '/v2/apps', { id: '/stuck', cmd: 'x', cpus: 1e6 });
    await contract.until(
      () => contract.harness.engine.view.deployments()[0]?.deployment.currentStep === 1,
    );

    const list = (await ask('GET', '/v2/deployments')).json();

    const start = { action: 'StartApplication', app: '/stuck' };
    const scale = { action: 'ScaleApplication', app: '/stuck' };
    expect(list).toMatchObject([
      {
        id: made.headers['marathon-deployment-id'],
        version: made.json().version,
        affectedApps: ['/stuck'],
        affectedPods: [],
        steps: [{ actions: [start] }, { actions: [scale] }],
        currentActions: [{ ...scale, readinessCheckResults: [] }],
        currentStep: 2,
        totalSteps: 2,
      },
    ]);
    expect(list).toHaveLength(1);
    await ask('DELETE', '/v2/apps/stuck');
    await contract.idle();
  });

  it('GET /v2/deployments: readinessCheckResults with the action of their app', async () => {
    const { harness } = contract;
    const answers = (status: number) =>
      harness.prober.answer('host-1:31500', { passed: status === 200, status, body: 'starting' });
    const check = {
      portName: 'web',
      intervalSeconds: 2,
      timeoutSeconds: 1,
      preserveLastResponse: true,
    };
    answers(503);
    await ask('POST', '/v2/apps', {
      ...{ id: '/ready', cmd: 'x', cpus: 0.1, requirePorts: true, readinessChecks: [check] },
      portDefinitions: [{ port: 31_500, name: 'web' }],
    });
    await contract.until(() => (harness.engine.view.deployments()[0]?.readiness.length ?? 0) > 0);

    const [{ currentActions }] = (await ask('GET', '/v2/deployments')).json();
    const [listed] = (await ask('GET', '/v2/apps?id=/ready&embed=readiness')).json().apps;
    answers(200);
    await contract.idle();

    const lastResponse = { status: 503, contentType: 'text/plain', body: 'starting' };
    const taskId = expect.stringMatching(/^ready\.instance-/);
    const result = { name: 'readinessCheck', taskId, ready: false, lastResponse };
    expect(currentActions[0].readinessCheckResults).toEqual([result]);
    expect(listed.readinessCheckResults).toEqual([result]);
  });

  describe('DELETE /v2/deployments/{id}', () => {
    it('force=false: a NEW deployment that rolls back', async () => {
      await contract.run({ id: '/undo', cmd: 'first' });
      const stuck = await ask('PUT', '/v2/apps/undo', { cmd: 'second', cpus: 1e6 });

      const undone = await ask('DELETE', `/v2/deployments/${stuck.json().deploymentId}`);
      await contract.idle();

      const { app } = (await ask('GET', '/v2/apps/undo')).json();
      expect(undone.statusCode).toBe(200);
      expect(undone.json().deploymentId).not.toBe(stuck.json().deploymentId);
      expect(undone.json().deploymentId).toBe(undone.headers['marathon-deployment-id']);
      expect(app).toMatchObject({ cmd: 'first', tasksRunning: 1 });
    });

    it('force=true: just stops, 202, and leaves the mixture', async () => {
      await contract.run({ id: '/stop', cmd: 'first' });
      const stuck = await ask('PUT', '/v2/apps/stop', { cmd: 'second', cpus: 1e6 });

      const stopped = await ask(
        'DELETE',
        `/v2/deployments/${stuck.json().deploymentId}?force=true`,
      );

      const { app } = (await ask('GET', '/v2/apps/stop')).json();
      expect([stopped.statusCode, stopped.body]).toEqual([202, '']);
      expect((await ask('GET', '/v2/deployments')).json()).toEqual([]);
      expect(app).toMatchObject({ cmd: 'second', tasksRunning: 1 });
      expect(app.tasks[0].version).not.toBe(app.version);
      await ask('DELETE', '/v2/apps/stop');
      await contract.idle();
    });

    it('404', async () => {
      expect((await ask('DELETE', '/v2/deployments/none')).statusCode).toBe(404);
    });
  });

  it('GET /v2/tasks: status and status[], others ignored', async () => {
    await contract.run({ id: '/states' });
    const { id } = (await tasksOf('/states'))[0] ?? {};
    const listed = async (query: string): Promise<boolean> =>
      (await ask('GET', `/v2/tasks?${query}`))
        .json()
        .tasks.some((task: Fields) => task['id'] === id);

    const queries = ['', 'status=running', 'status[]=running', 'status=odd', 'status=staging'];
    const both = 'status[]=staging&status[]=running';
    const seen = await Promise.all([...queries, both].map(listed));

    expect(seen).toEqual([true, true, true, true, false, true]);
  });

  it('POST /v2/tasks/delete: {"tasks"} or a deployment result, of several apps at once', async () => {
    await contract.run({ id: '/del/one', instances: 2 }, { id: '/del/two' });
    const ids = [...(await tasksOf('/del/one')), ...(await tasksOf('/del/two'))].map(
      ({ id }) => id,
    );

    const killed = await ask('POST', '/v2/tasks/delete', { ids: [ids[0], NONE] });
    const scaled = await ask('POST', '/v2/tasks/delete?scale=true', { ids: ids.slice(1) });
    await contract.idle();

    expect(killed.json().tasks.map(({ id }: Fields) => id)).toEqual([ids[0]]);
    expect(scaled.json().deploymentId).toBe(scaled.headers['marathon-deployment-id']);
    const { apps } = contract.harness.engine.view.root();
    const counts = ['/del/one', '/del/two'].map((id) => apps.get(appId(id))?.instances);
    expect(counts).toEqual([1, 0]);
  });

  describe('GET /v2/queue', () => {
    beforeAll(async () => {
      await ask('POST', '/v2/apps', { id: '/waits', cmd: 'x', cpus: 1e6 });
      await contract.until(
        () => (contract.harness.engine.view.queue()[0]?.processedOffers ?? 0) > 0,
      );
    });
    afterAll(async () => {
      await ask('DELETE', '/v2/apps/waits');
      await contract.idle();
    });

    it('every field of an entry', async () => {
      const { queue } = (await ask('GET', '/v2/queue')).json();

      expect(queue).toEqual([
        {
          app: expect.objectContaining({ id: '/waits', cmd: 'x' }),
          count: 1,
          role: '*',
          since: expect.stringMatching(/Z$/),
          delay: { timeLeftSeconds: 0, overdue: true },
          processedOffersSummary: {
            processedOffersCount: expect.any(Number),
            unusedOffersCount: expect.any(Number),
            lastUnusedOfferAt: expect.stringMatching(/Z$/),
            rejectSummaryLastOffers: expect.any(Array),
            rejectSummaryLaunchAttempt: expect.any(Array),
          },
        },
      ]);
    });

    it('lastUsedOfferAt: while some of its instances were placed', async () => {
      const before = (await ask('GET', '/v2/queue')).json().queue[0];
      await ask('POST', '/v2/apps', { id: '/partly', cmd: 'x', cpus: 600, instances: 2 });
      await contract.until(() => contract.harness.conditions('/partly')[0] === 'Running');

      const { queue } = (await ask('GET', '/v2/queue?search=partly')).json();

      expect(queue).toMatchObject([{ app: { id: '/partly' }, count: 1 }]);
      expect(queue[0].processedOffersSummary.lastUsedOfferAt).toMatch(/Z$/);
      expect(before.processedOffersSummary).not.toHaveProperty('lastUsedOfferAt');
      await ask('DELETE', '/v2/apps/partly');
      await contract.until(() => contract.harness.conditions('/partly').length === 0);
    });

    it('Offer refusal reasons, in funnel order', async () => {
      const { queue } = (await ask('GET', '/v2/queue')).json();
      const summary = queue[0].processedOffersSummary;

      for (const stages of [summary.rejectSummaryLastOffers, summary.rejectSummaryLaunchAttempt]) {
        const reasons = stages.map(({ reason }: Fields) => reason);
        // One is ours: an agent without a container engine.
        expect(reasons.filter((reason: string) => reason !== 'NoDockerSupport')).toEqual([
          ...['UnfulfilledRole', 'UnfulfilledConstraint', 'NoCorrespondingReservationFound'],
          ...['AgentMaintenance', 'InsufficientCpus', 'InsufficientMemory', 'InsufficientDisk'],
          ...['InsufficientGpus', 'InsufficientPorts', 'DeclinedScarceResources'],
        ]);
      }
      const cpus = summary.rejectSummaryLastOffers.find(
        ({ reason }: Fields) => reason === 'InsufficientCpus',
      );
      const ports = summary.rejectSummaryLastOffers.find(
        ({ reason }: Fields) => reason === 'InsufficientPorts',
      );
      expect([cpus, ports]).toEqual([
        { reason: 'InsufficientCpus', declined: 1, processed: 1 },
        { reason: 'InsufficientPorts', declined: 0, processed: 0 },
      ]);
    });

    it('embed=lastUnusedOffers: offer, reason and timestamp', async () => {
      const { queue } = (await ask('GET', '/v2/queue?embed=lastUnusedOffers')).json();

      expect(queue[0].lastUnusedOffers).toEqual([
        {
          offer: expect.objectContaining({ hostname: 'host-1', agentId: 'agent-1' }),
          reason: ['InsufficientCpus'],
          timestamp: expect.stringMatching(/Z$/),
        },
      ]);
    });

    it('search and after (ours): by app, and what is no app id is refused', async () => {
      const found = async (query: string): Promise<number> =>
        (await ask('GET', `/v2/queue?${query}`)).json().queue.length;
      const wrong = await ask('GET', '/v2/queue?after=no%20id');

      expect([await found('search=WAIT'), await found('search=other')]).toEqual([1, 0]);
      expect([await found('after=/gone'), await found('after=waits')]).toEqual([1, 0]);
      expect([wrong.statusCode, wrong.json().details[0].path]).toEqual([422, '/after']);
    });
  });

  it('DELETE /v2/queue/{id}/delay: 204 (RAML: 200), and it goes on at once; 404', async () => {
    await contract.run({ id: '/delayed', backoffSeconds: 3_000, maxLaunchDelaySeconds: 3_000 });
    const [task] = await tasksOf('/delayed');
    contract.harness.cluster.report(task?.id ?? '', 'TASK_FAILED');
    await contract.until(() => (contract.harness.engine.view.queue()[0]?.delayLeftMs ?? 0) > 0);
    const { queue } = (await ask('GET', '/v2/queue')).json();

    const reset = await ask('DELETE', '/v2/queue/delayed/delay');
    await contract.until(() => contract.harness.conditions('/delayed').join() === 'Running');

    expect(queue[0].delay).toEqual({ timeLeftSeconds: expect.any(Number), overdue: false });
    expect(queue[0].delay.timeLeftSeconds).toBeGreaterThan(2_000);
    expect([reset.statusCode, reset.body]).toEqual([204, '']);
    expect((await ask('DELETE', '/v2/queue/delayed/delay')).statusCode).toBe(404);
  });

  it('Task object: every field there can be', async () => {
    const api = await startApi();
    await api.ask('POST', '/v2/apps', { id: '/task', cmd: 'x', role: '*' });
    const volume = { containerPath: 'data', uuid: 'u-1', persistenceId: 'task#data#u-1' };
    const view = api.engine.addInstance({
      ...{ id: instanceId('task.instance-1'), appId: appId('/task'), taskId: taskId('task.1') },
      placement: {
        ...{ agentId: agentId('a-1'), hostname: 'host-1', attributes: {} },
        ...{ region: 'north', zone: 'one' },
      },
      reservation: {
        ...{ role: '*', frameworkId: 'f', isConfirmed: true },
        volumes: [{ ...volume, sizeMib: 64 }],
      },
    });
    const health = { alive: false, consecutiveFailures: 2, firstSuccessEpochMs: 0 };
    const failure = {
      lastSuccessEpochMs: 1_000,
      lastFailureEpochMs: 2_000,
      lastFailureCause: 'refused',
    };
    const checkResult = { http: { statusCode: 200 } };
    const seen = { ...view, health: [{ ...health, ...failure }], checkResult };
    api.engine.instances.set(appId('/task'), [seen]);

    const [task] = (await api.ask('GET', '/v2/tasks')).json().tasks;
    await api.daemon.close();

    const times = { stagedAt: expect.stringMatching(/Z$/), startedAt: expect.stringMatching(/Z$/) };
    expect(task).toEqual({
      ...{ appId: '/task', id: 'task.1', host: 'host-1', slaveId: 'a-1', state: 'TASK_RUNNING' },
      ...{ ports: [31_000], servicePorts: [10_000], version: expect.any(String), ...times },
      ipAddresses: [{ ipAddress: '127.0.0.1', protocol: 'IPv4' }],
      healthCheckResults: [
        {
          ...{ alive: false, consecutiveFailures: 2, instanceId: 'task.instance-1' },
          firstSuccess: '1970-01-01T00:00:00.000Z',
          lastSuccess: '1970-01-01T00:00:01.000Z',
          lastFailure: '1970-01-01T00:00:02.000Z',
          lastFailureCause: 'refused',
        },
      ],
      checkResult,
      localVolumes: [{ runSpecId: '/task', ...volume }],
      ...{ region: 'north', zone: 'one', role: '*' },
    });
  });

  it.each([
    ['TASK_FAILED', true],
    ['TASK_ERROR', true],
    ['TASK_DROPPED', true],
    ['TASK_GONE', true],
    ['TASK_GONE_BY_OPERATOR', true],
    ['TASK_UNKNOWN', true],
    ['TASK_LOST', true],
    ['TASK_FINISHED', false],
    ['TASK_KILLED', false],
  ])('lastTaskFailure: %s is recorded: %s; one per app, the last', async (state, isRecorded) => {
    const id = `/failure/${state.toLowerCase().replaceAll('_', '-')}`;
    await contract.run({ id, backoffSeconds: 0 });
    const [task] = await tasksOf(id);
    const { harness } = contract;

    harness.cluster.report(task?.id ?? '', state, { message: 'because' });
    await contract.until(() => {
      const [first] = harness.engine.view.instancesOf(appId(id));
      return first?.instance.taskId !== task?.id && first?.instance.condition === 'Running';
    });

    const { app } = (await ask('GET', `/v2/apps${id}`)).json();
    expect(app.lastTaskFailure?.state).toBe(isRecorded ? state : undefined);
    if (isRecorded)
      expect(app.lastTaskFailure).toMatchObject({ taskId: task?.id, message: 'because' });
    await ask('DELETE', `/v2/apps${id}`);
  });

  shownBy(
    'lastTaskFailure: of a kill for its health',
    'apps/controller/src/engine/marathon-defects.spec.ts',
    '3423: a kill for its health is the last failure of the app',
  );
});

describe('1.3 Endpoints, System', () => {
  it('GET /v2/info: every part', async () => {
    const info = (await ask('GET', '/v2/info')).json();

    expect(info).toMatchObject({
      name: 'marathon',
      version: expect.stringMatching(/^1\.11\./),
      buildref: expect.any(String),
      elected: true,
      leader: '127.0.0.1:8080',
      frameworkId: 'framework-1',
      marathon_config: { master: 'master:5050', failover_timeout: 604_800 },
      zookeeper_config: {},
      http_config: { http_port: 8080, https_port: null },
    });
    expect(JSON.stringify(info)).not.toMatch(/postgres:\/\//);
  });

  it('GET /v2/leader: host:port', async () => {
    expect((await ask('GET', '/v2/leader')).json()).toEqual({ leader: '127.0.0.1:8080' });
  });

  shownBy(
    'GET /v2/leader: 404 There is no leader',
    'apps/controller/src/runtime/leader-gate.spec.ts',
    'lives, but answers 503 while nobody is known to lead',
  );

  it('DELETE /v2/leader: abdicates 500 ms later; backup and restore are ignored (decided)', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const api = await startApi();

    const answer = await api.ask('DELETE', '/v2/leader?backup=file:///b&restore=file:///r');
    const before = kill.mock.calls.length;
    vi.advanceTimersByTime(500);

    expect([answer.statusCode, answer.json()]).toEqual([200, { message: 'Leadership abdicated' }]);
    expect([before, kill.mock.calls]).toEqual([0, [[process.pid, 'SIGTERM']]]);
    kill.mockRestore();
    vi.useRealTimers();
    await api.daemon.close();
  });

  shownBy(
    'GET /v2/events: SSE, repeatable event_type, 405 without the Accept header',
    'apps/controller/src/events/events.spec.ts',
    'needs the Accept header of an event stream',
    'sends the types asked for only',
  );

  it('GET /v2/plugins: there are none (decided), so nothing is passed through', async () => {
    expect((await ask('GET', '/v2/plugins')).json()).toEqual({ plugins: [] });
    expect((await ask('GET', '/v2/plugins/one/path')).statusCode).toBe(404);
  });

  shownBy('GET /ping', 'libs/platform/src/daemon.spec.ts', 'answers /ping and serves metrics');

  it.each([
    ['text/plain', 200, 'pong'],
    ['application/json', 200, '"pong"'],
    ['image/png', 204, ''],
  ])('GET /ping for Accept %s: %d %s', async (accept, status, body) => {
    const answer = await contract.api.inject({
      ...{ method: 'GET', url: '/ping', headers: { host: 'localhost', accept } },
    });

    expect([answer.statusCode, answer.body]).toEqual([status, body]);
  });

  it('GET /metrics, /metrics/prometheus: Prometheus text both (decided)', async () => {
    for (const url of ['/metrics', '/metrics/prometheus']) {
      const answer = await ask('GET', url);

      expect(answer.headers['content-type']).toMatch(/^text\/plain/);
      expect(answer.body).toMatch(/^# (?:HELP|TYPE) /m);
    }
  });

  it.each([
    ['GET', '/config'],
    ['GET', '/logging'],
    ['POST', '/logging'],
    ['GET', '/public/api/v2/apps.raml'],
  ])('%s %s: not there (decided)', async (method, url) => {
    const answer = await ask(method, url, method === 'POST' ? {} : undefined);

    expect([answer.statusCode, answer.json()]).toEqual([404, { message: 'URI not found' }]);
  });

  it('GET / and /help: 302 to the UI and to the documentation', async () => {
    const [root, help] = [await ask('GET', '/'), await ask('GET', '/help')];

    expect([root.statusCode, root.headers['location']]).toEqual([302, '/ui/']);
    expect([help.statusCode, help.headers['location']]).toEqual([302, '/docs']);
  });

  describe('Removed endpoints', () => {
    it.each(['/v2/artifacts', '/v2/eventSubscriptions', '/v2/schemas/app'])(
      '%s: 404',
      async (url) => {
        expect((await ask('GET', url)).statusCode).toBe(404);
      },
    );

    it('plan-format=light on events is taken and changes nothing: there is no other', async () => {
      const answer = await contract.api.inject({
        method: 'HEAD',
        url: '/v2/events?plan-format=light',
        headers: { host: 'localhost', accept: 'text/event-stream' },
      });

      expect(answer.statusCode).toBe(200);
    });
  });
});

describe('Query parameters (ours)', () => {
  it('unknown ones are ignored, with strict=true as well: clients send what they like', async () => {
    const read = await ask('GET', '/v2/apps?pretty=true&_=1');
    const written = await ask('PUT', '/v2/apps/odd?strict=true&colour=red', {
      cmd: 'x',
      cpus: 0.1,
    });

    expect([read.statusCode, written.statusCode]).toEqual([200, 201]);
    expect(read.headers['pacer-warnings']).toBeUndefined();
  });

  it('state, after and search of deployments: 422 that names the wrong one', async () => {
    await contract.run({ id: '/searched' });
    const ended = async (query: string): Promise<readonly Fields[]> =>
      (await ask('GET', `/v2/deployments?state=finished&${query}`)).json();

    const [last, next] = await ended('');
    const wrong = await Promise.all(
      ['state=foo', 'state=finished&after=none', `search=${'x'.repeat(201)}`].map((query) =>
        ask('GET', `/v2/deployments?${query}`),
      ),
    );

    expect(wrong.map(({ statusCode }) => statusCode)).toEqual([422, 422, 422]);
    expect(wrong.map((answer) => answer.json().details[0].path)).toEqual([
      ...['/state', '/after', '/search'],
    ]);
    expect((await ended(`limit=1&after=${last?.['id']}`))[0]?.['id']).toBe(next?.['id']);
    expect(await ended('search=SEARCHED')).toMatchObject([{ affectedApps: ['/searched'] }]);
    expect(await ended(`search=${last?.['id']}`)).toHaveLength(1);
    expect((await ask('GET', '/v2/deployments?search=nothing')).json()).toEqual([]);
  });
});
