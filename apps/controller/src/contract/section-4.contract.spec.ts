/** Marathon's contract, section 4: the types of events, row by row: when each is sent, with which fields. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appId } from '#core';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { EventReader } from './event-reader.test-support.js';
import { shownBy } from './shown-by.test-support.js';

type Fields = Readonly<Record<string, unknown>>;

/** Of each type; `eventType` and `timestamp` besides. Ours come after Marathon's. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  api_post_event: ['clientIp', 'uri', 'appDefinition'],
  pod_created_event: ['clientIp', 'uri'],
  pod_updated_event: ['clientIp', 'uri'],
  pod_deleted_event: ['clientIp', 'uri'],
  status_update_event: [
    ...['slaveId', 'taskId', 'taskStatus', 'message', 'appId', 'host', 'ipAddresses', 'ports'],
    'version',
  ],
  instance_changed_event: [
    ...['instanceId', 'condition', 'runSpecId', 'agentId', 'host', 'runSpecVersion'],
  ],
  instance_health_changed_event: ['instanceId', 'runSpecId', 'healthy', 'runSpecVersion'],
  unknown_instance_terminated_event: ['instanceId', 'runSpecId', 'condition'],
  health_status_changed_event: ['appId', 'instanceId', 'version', 'alive'],
  failed_health_check_event: ['appId', 'taskId', 'healthCheck'],
  add_health_check_event: ['appId', 'version', 'healthCheck'],
  remove_health_check_event: ['appId'],
  unhealthy_instance_kill_event: [
    ...['appId', 'taskId', 'instanceId', 'version', 'reason', 'host', 'slaveId'],
  ],
  group_change_success: ['groupId', 'version'],
  group_change_failed: ['groupId', 'version', 'reason'],
  deployment_info: ['plan', 'currentStep'],
  deployment_step_success: ['plan', 'currentStep'],
  deployment_step_failure: ['plan', 'currentStep'],
  deployment_success: ['id', 'plan'],
  deployment_failed: ['id', 'plan', 'reason'],
  app_terminated_event: ['appId'],
  scheduler_registered_event: ['frameworkId', 'master'],
  scheduler_reregistered_event: ['master'],
  scheduler_disconnected_event: [],
  event_stream_attached: ['remoteAddress'],
  event_stream_detached: ['remoteAddress'],
};

const CHECK = {
  ...{ protocol: 'TCP', portIndex: 0, gracePeriodSeconds: 0, intervalSeconds: 1 },
  ...{ timeoutSeconds: 1, maxConsecutiveFailures: 3 },
};

/** Every event has the fields of its type, in their order, and says what it is and when it happened. */
function checked(event: Fields): Fields {
  const { eventType, timestamp, ...fields } = event;
  expect([eventType, Object.keys(fields)]).toEqual([eventType, FIELDS[String(eventType)]]);
  expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  return event;
}

describe('4. Event stream: types', () => {
  let contract: ContractUnderTest;
  let reader: EventReader;
  beforeAll(async () => {
    contract = await startContract();
    reader = await EventReader.open(contract.api.daemon.port);
  });
  afterAll(async () => {
    reader.close();
    await contract.close();
  });

  const ask = (method: string, url: string, body?: unknown) => contract.api.ask(method, url, body);
  /** What has been told of this type, of the apps whose ids hold the text. */
  const told = (type: string, about = ''): readonly Fields[] =>
    contract.harness.events
      .filter((event) => event.type === type && event.payload.includes(about))
      .map(({ payload }) => checked(JSON.parse(payload)));
  const until = async (type: string, about: string, count = 1): Promise<readonly Fields[]> => {
    await contract.until(() => told(type, about).length >= count);
    return told(type, about);
  };
  const put = async (id: string, fields: Fields = {}) => {
    const answer = await ask('PUT', `/v2/apps${id}`, { cmd: 'x', cpus: 0.1, ...fields });
    expect(answer.statusCode).toBeLessThan(300);
    return answer.json();
  };
  const run = async (id: string, fields: Fields = {}) => {
    const result = await put(id, fields);
    await contract.idle();
    const [first] = contract.harness.engine.view.instancesOf(appId(id));
    return { ...result, instance: first?.instance };
  };
  const fail = (port: unknown): void =>
    contract.harness.prober.answer(`host-1:${port}`, { passed: false, detail: 'refused' });

  it('api_post_event: for changes of single apps, and of nothing else', async () => {
    await run('/post/one');
    await ask('PATCH', '/v2/apps/post/one', { labels: { a: 'b' } });
    await contract.idle();
    await ask('POST', '/v2/apps', { id: '/post/two', cmd: 'x', cpus: 0.1 });
    await contract.idle();
    await ask('PUT', '/v2/apps', [{ id: '/post/one', cmd: 'y' }]);
    await contract.idle();
    await ask('POST', '/v2/apps/post/one/restart');
    await contract.idle();
    await ask('DELETE', '/v2/apps/post/two');
    await contract.idle();

    const uris = told('api_post_event', '/post/').map(({ uri, clientIp, appDefinition }) => [
      ...[uri, clientIp, (appDefinition as Fields)['id'], (appDefinition as Fields)['labels']],
    ]);
    expect(uris).toEqual([
      ['/v2/apps/post/one', '127.0.0.1', '/post/one', {}],
      ['/v2/apps/post/one', '127.0.0.1', '/post/one', { a: 'b' }],
      ['/v2/apps', '127.0.0.1', '/post/two', {}],
    ]);
  });

  it('pod_created_event / pod_updated_event / pod_deleted_event', async () => {
    const resources = { cpus: 0.1, mem: 32 };
    const pod = {
      id: '/pods/one',
      containers: [{ name: 'one', exec: { command: { shell: 'x' } }, resources }],
    };
    await ask('POST', '/v2/pods', pod);
    await contract.idle();
    await ask('PUT', '/v2/pods/pods/one', { ...pod, labels: { a: 'b' } });
    await contract.idle();
    await ask('DELETE', '/v2/pods/pods/one');
    await contract.idle();

    const types = ['pod_created_event', 'pod_updated_event', 'pod_deleted_event'];
    expect(types.flatMap((type) => told(type)).map(({ uri }) => uri)).toEqual([
      '/v2/pods',
      '/v2/pods/pods/one',
      '/v2/pods/pods/one',
    ]);
  });

  it('status_update_event: with every status of a task', async () => {
    const { instance, version } = await run('/status', { portDefinitions: [{ port: 0 }] });
    const network_infos = [
      { ip_addresses: [{ ip_address: '10.0.0.7', protocol: 'IPv4' as const }] },
    ];
    contract.harness.cluster.report(instance?.taskId ?? '', 'TASK_RUNNING', {
      container_status: { network_infos },
    });
    contract.harness.cluster.report(instance?.taskId ?? '', 'TASK_FAILED', { message: 'exit 1' });

    const updates = await until('status_update_event', String(instance?.taskId), 3);

    const common = {
      ...{ slaveId: 'agent-1', taskId: instance?.taskId, appId: '/status', host: 'host-1' },
      ...{ ports: instance?.hostPorts, version },
    };
    const address = { ipAddress: '10.0.0.7', protocol: 'IPv4' };
    expect(updates).toMatchObject([
      { ...common, taskStatus: 'TASK_RUNNING', message: '', ipAddresses: [] },
      { ...common, taskStatus: 'TASK_RUNNING', message: '', ipAddresses: [address] },
      { ...common, taskStatus: 'TASK_FAILED', message: 'exit 1', ipAddresses: [address] },
    ]);
  });

  it('instance_changed_event: with every condition', async () => {
    const { instance, version } = await run('/changes');
    await ask('DELETE', '/v2/apps/changes');
    await contract.idle();

    const changes = told('instance_changed_event', '"/changes"');
    expect(changes.map(({ condition }) => condition)).toEqual([
      ...['Provisioned', 'Running', 'Killing', 'Killed'],
    ]);
    for (const change of changes) {
      expect(change).toMatchObject({
        ...{ instanceId: instance?.id, runSpecId: '/changes', runSpecVersion: version },
        ...{ agentId: 'agent-1', host: 'host-1' },
      });
    }
  });

  shownBy(
    'instance_changed_event: on a change of the goal alone',
    'apps/controller/src/engine/resident.spec.ts',
    'tells of a change of its goal alone',
  );

  it('unknown_instance_terminated_event: a task of ours that nobody knows has ended', async () => {
    const { harness } = contract;
    await run('/known');
    const info = harness.cluster.running()[0]?.info;
    const id = 'un_known.instance-564bd685-4c30-11e5-98c1-be5b2935a987';
    const task = `${id}._app.1`;
    if (info !== undefined) {
      const agentId = 'agent-1';
      harness.cluster.tasks.set(task, {
        info: { ...info, task_id: { value: task } },
        agentId,
        state: 'TASK_RUNNING',
      });
    }

    harness.cluster.report(task, 'TASK_KILLED');

    expect(await until('unknown_instance_terminated_event', id)).toMatchObject([
      { instanceId: id, runSpecId: '/un/known', condition: 'Killed' },
    ]);
  });

  describe('health', () => {
    it('health_status_changed_event, instance_health_changed_event: when an instance turns healthy or not', async () => {
      const { instance, version } = await run('/health/turns', { healthChecks: [CHECK] });
      await until('health_status_changed_event', '/health/turns');
      fail(instance?.hostPorts[0]);

      const turns = await until('health_status_changed_event', '/health/turns', 2);
      const healthy = await until('instance_health_changed_event', '/health/turns', 2);

      const common = { appId: '/health/turns', instanceId: instance?.id, version };
      expect(turns).toMatchObject([
        { ...common, alive: true },
        { ...common, alive: false },
      ]);
      const shared = {
        instanceId: instance?.id,
        runSpecId: '/health/turns',
        runSpecVersion: version,
      };
      expect(healthy).toMatchObject([
        { ...shared, healthy: true },
        { ...shared, healthy: false },
      ]);
    });

    it('instance_health_changed_event: healthy is null while a check has no result', async () => {
      const other = { ...CHECK, intervalSeconds: 2 };
      await run('/health/two', { healthChecks: [CHECK, other] });

      const told = await until('instance_health_changed_event', '/health/two', 2);

      expect(told.map(({ healthy }) => healthy)).toEqual([null, true]);
    });

    it('failed_health_check_event (decided: of the first failure and of the last); unhealthy_instance_kill_event', async () => {
      const { instance, version } = await run('/health/kill', { healthChecks: [CHECK] });
      fail(instance?.hostPorts[0]);

      const [kill] = await until('unhealthy_instance_kill_event', '/health/kill');

      // QUIRK, kept: what is called taskId is the id of the instance.
      const failure = { appId: '/health/kill', taskId: instance?.id, healthCheck: CHECK };
      const failures = told('failed_health_check_event', '/health/kill');
      expect(failures.filter(({ taskId }) => taskId === instance?.id)).toMatchObject([
        failure,
        failure,
      ]);
      expect(kill).toMatchObject({
        ...{ appId: '/health/kill', taskId: instance?.taskId, instanceId: instance?.id, version },
        ...{ reason: 'refused', host: 'host-1', slaveId: 'agent-1' },
      });
      await ask('DELETE', '/v2/groups/health?force=true');
      await contract.idle();
    });

    it('add_health_check_event, remove_health_check_event: with the change that brings or takes a check', async () => {
      const other = { ...CHECK, intervalSeconds: 9 };
      const { version } = await run('/checks', { healthChecks: [CHECK] });
      const { version: second } = await run('/checks', { healthChecks: [other, CHECK] });
      await run('/checks', { instances: 2 });
      await run('/checks', { healthChecks: [other] });
      await ask('DELETE', '/v2/apps/checks');
      await contract.idle();

      const types = ['add_health_check_event', 'remove_health_check_event'];
      const seen = contract.harness.events
        .filter(({ type, payload }) => types.includes(type) && payload.includes('/checks'))
        .map(({ payload }) => checked(JSON.parse(payload)));
      expect(seen).toMatchObject([
        { eventType: types[0], appId: '/checks', version, healthCheck: CHECK },
        { eventType: types[0], appId: '/checks', version: second, healthCheck: other },
        { eventType: types[1], appId: '/checks' },
        { eventType: types[1], appId: '/checks' },
      ]);
    });
  });

  it('group_change_success: with the group that holds what was changed', async () => {
    const mark = contract.harness.events.length;
    const { version } = await put('/groups/deep/app');
    await contract.idle();
    await ask('PUT', '/v2/groups/groups', { apps: [{ id: 'web', cmd: 'x', cpus: 0.1 }] });
    await contract.idle();
    await ask('POST', '/v2/groups', { id: '/groups/empty' });
    await ask(
      'PUT',
      '/v2/apps',
      ['/groups/deep/b', '/other/c'].map((id) => ({ id, cmd: 'x', cpus: 0.1 })),
    );
    await contract.idle();
    await ask('DELETE', '/v2/groups/groups');
    await contract.idle();

    const changes = contract.harness.events
      .slice(mark)
      .filter(({ type }) => type === 'group_change_success')
      .map(({ payload }) => checked(JSON.parse(payload)));
    expect(changes.map(({ groupId }) => groupId)).toEqual([
      ...['/groups/deep', '/groups', '/groups/empty', '/', '/'],
    ]);
    expect(changes[0]?.['version']).toBe(version);
  });

  it('group_change_failed: a change in order that was not carried out; not stored, so without an id', async () => {
    await put('/failing/stuck', { cpus: 1e6 });
    await ask('PUT', '/v2/apps/failing/stuck', { cmd: 'y' });

    const event = await reader.untilType('group_change_failed');

    expect(event).toMatchObject({
      id: undefined,
      data: { groupId: '/failing', reason: expect.stringMatching(/^App is locked/) },
    });
    checked(event.data);
    await ask('DELETE', '/v2/apps/failing/stuck');
    await contract.idle();
  });

  it('deployment_info, deployment_step_success, deployment_success: of a deployment, in order', async () => {
    const { deploymentId, version } = await run('/deploys');

    const start = { actions: [{ action: 'StartApplication', app: '/deploys' }] };
    const scale = { actions: [{ action: 'ScaleApplication', app: '/deploys' }] };
    const plan = { id: deploymentId, version, steps: [start, scale] };
    const all = contract.harness.events
      .filter(
        ({ type, payload }) => type.startsWith('deployment_') && payload.includes(deploymentId),
      )
      .map(({ payload }) => checked(JSON.parse(payload)));
    expect(all).toMatchObject([
      { eventType: 'deployment_info', plan, currentStep: start },
      { eventType: 'deployment_step_success', plan, currentStep: start },
      { eventType: 'deployment_info', plan, currentStep: scale },
      { eventType: 'deployment_step_success', plan, currentStep: scale },
      { eventType: 'deployment_success', id: deploymentId, plan },
    ]);
  });

  it('deployment_failed: of one that was cancelled; deployment_step_failure before it: of one that failed', async () => {
    const cancelled = await put('/fails/one', { cpus: 1e6 });
    await ask('DELETE', `/v2/deployments/${cancelled.deploymentId}?force=true`);
    const late = await ask('PUT', '/v2/apps/fails/two?deadlineSeconds=1', { cmd: 'x', cpus: 1e6 });
    const { deploymentId } = late.json();

    const [ofFirst] = await until('deployment_failed', cancelled.deploymentId);
    const [ofSecond] = await until('deployment_failed', deploymentId);

    expect(ofFirst).toMatchObject({ id: cancelled.deploymentId, reason: expect.any(String) });
    expect(told('deployment_step_failure', cancelled.deploymentId)).toEqual([]);
    expect(ofSecond).toMatchObject({
      ...{ id: deploymentId, plan: { id: deploymentId } },
      reason: expect.stringContaining('deadline'),
    });
    expect(told('deployment_step_failure', deploymentId)).toMatchObject([
      { plan: { id: deploymentId }, currentStep: { actions: [{ app: '/fails/two' }] } },
    ]);
    await ask('DELETE', '/v2/groups/fails?force=true');
    await contract.idle();
  });

  it('app_terminated_event: the last instance of an app that was removed has ended', async () => {
    await run('/ends', { instances: 2 });
    await ask('DELETE', '/v2/apps/ends');
    await contract.idle();

    expect(told('app_terminated_event', '"/ends"')).toMatchObject([{ appId: '/ends' }]);
    const types = contract.harness.events
      .filter(({ payload }) => payload.includes('"/ends"'))
      .map(({ type }) => type);
    expect(types.lastIndexOf('instance_changed_event')).toBeLessThan(
      types.indexOf('app_terminated_event'),
    );
  });

  it('scheduler_registered_event, scheduler_disconnected_event, scheduler_reregistered_event', async () => {
    // A new role: the framework subscribes again.
    await run('/dev/web', { role: 'dev' });

    expect(told('scheduler_registered_event')).toMatchObject([
      { frameworkId: 'framework-1', master: 'master:5050' },
    ]);
    expect(told('scheduler_disconnected_event')).toHaveLength(1);
    expect(told('scheduler_reregistered_event')).toMatchObject([{ master: 'master:5050' }]);
  });

  shownBy(
    'framework_message_event (decided: base64, as documented)',
    'apps/controller/src/engine/framework-messages.spec.ts',
    'tells what a custom executor says',
  );

  it('event_stream_attached, event_stream_detached', async () => {
    const other = await EventReader.open(contract.api.daemon.port);
    const attached = await other.untilType('event_stream_attached');
    other.close();
    const detached = await reader.untilType('event_stream_detached');

    for (const { id, data } of [attached, detached]) {
      expect([id, checked(data)['remoteAddress']]).toEqual([undefined, '127.0.0.1']);
    }
  });

  it('subscribe_event, unsubscribe_event: no longer sent, as the callbacks are gone', async () => {
    expect((await ask('POST', '/v2/eventSubscriptions?callbackUrl=http://x', {})).statusCode).toBe(
      404,
    );
    expect(told('subscribe_event')).toEqual([]);
  });
});
