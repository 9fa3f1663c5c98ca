/** Section 2.7 of the contract, fact by fact: the environment of the tasks that the engine launches. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Environment = Readonly<Record<string, string>>;

describe('2.7 Environment injected into every task', () => {
  let contract: ContractUnderTest;
  beforeAll(async () => {
    contract = await startContract();
  });
  afterAll(() => contract.close());

  /** Declares the app and waits for its task: its environment, its host ports, its version. */
  const launch = async (id: string, fields: object) => {
    const { api, harness, until } = contract;
    const body = { id, cmd: 'sleep 1', cpus: 0.5, mem: 64, ...fields };
    const reply = await api.ask('POST', '/v2/apps', body);
    expect(reply.statusCode, reply.body).toBe(201);
    await until(() => harness.conditions(id)[0] === 'Running');
    const shown = await api.ask('GET', `/v2/apps${id}`);
    const { app } = shown.json();
    const [task] = app.tasks;
    const launched = harness.cluster.tasks.get(task.id);
    const variables = launched?.info.command?.environment?.variables ?? [];
    const environment = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
    return {
      environment: environment as Environment,
      info: launched?.info,
      ports: task.ports as readonly number[],
      taskId: task.id as string,
      version: app.version as string,
    };
  };
  const contextOf = (
    id: string,
    { taskId, version }: { readonly taskId: string; readonly version: string },
  ): Environment => ({
    ...{ MESOS_TASK_ID: taskId, MARATHON_APP_ID: id, MARATHON_APP_VERSION: version },
    ...{ MARATHON_APP_RESOURCE_CPUS: '0.5', MARATHON_APP_RESOURCE_MEM: '64.0' },
    ...{ MARATHON_APP_RESOURCE_DISK: '0.0', MARATHON_APP_RESOURCE_GPUS: '0' },
    ...{ MARATHON_APP_ENFORCE_GROUP_ROLE: 'FALSE', MARATHON_APP_LABELS: '', HOST: 'host-1' },
  });

  it('the context of the task and its host, and no ports where it has none', async () => {
    const launched = await launch('/env/bare', { portDefinitions: [] });

    expect(launched.environment).toEqual(contextOf('/env/bare', launched));
  });

  it('ports on the host: by position, as asked for, by name', async () => {
    const portDefinitions = [{ port: 12_001, name: 'http-api' }, { port: 12_002 }];
    const launched = await launch('/env/host', { portDefinitions });
    const [first, second] = launched.ports;

    expect(launched.environment).toEqual({
      ...contextOf('/env/host', launched),
      ...{ PORT: `${first}`, PORTS: `${first},${second}`, PORT0: `${first}`, PORT1: `${second}` },
      ...{ PORT_12001: `${first}`, PORT_12002: `${second}` },
      ...{ 'PORT_HTTP-API': `${first}`, PORT_HTTP_API: `${first}` },
    });
  });

  it('ports of a container: by container port, with the host port as value', async () => {
    const launched = await launch('/env/bridge', {
      ...{ networks: [{ mode: 'container/bridge' }], cmd: null },
      container: {
        docker: { image: 'nginx:1' },
        portMappings: [{ containerPort: 80, hostPort: 0, name: 'web' }],
      },
    });
    const [port] = launched.ports;

    expect(launched.environment).toEqual({
      ...contextOf('/env/bridge', launched),
      MARATHON_APP_DOCKER_IMAGE: 'nginx:1',
      ...{ PORT: `${port}`, PORTS: `${port}`, PORT0: `${port}`, PORT_80: `${port}` },
      PORT_WEB: `${port}`,
    });
  });

  it('a container port of 0 is the host port', async () => {
    const launched = await launch('/env/zero', {
      ...{ networks: [{ mode: 'container/bridge' }], cmd: null },
      container: { docker: { image: 'nginx:1' }, portMappings: [{ containerPort: 0 }] },
    });
    const [port = 0] = launched.ports;

    expect(launched.environment).toMatchObject({ PORT0: `${port}`, [`PORT_${port}`]: `${port}` });
    expect(launched.info?.container?.docker?.port_mappings).toEqual([
      { host_port: port, container_port: port, protocol: 'tcp' },
    ]);
  });

  it('without a host port: the container port, or one of 1025 and above', async () => {
    const { environment } = await launch('/env/inside', {
      ...{ networks: [{ mode: 'container', name: 'net' }], cmd: null },
      container: {
        docker: { image: 'nginx:1' },
        portMappings: [{ containerPort: 8_080, name: 'web' }, { containerPort: 0 }],
      },
    });
    const second = environment['PORT1'] ?? '';

    expect(environment).toMatchObject({
      ...{ PORT: '8080', PORT0: '8080', PORT_8080: '8080', PORT_WEB: '8080' },
      ...{ PORTS: `8080,${second}`, [`PORT_${second}`]: second },
    });
    expect(Number(second)).toBeGreaterThanOrEqual(1_025);
    expect(Number(second)).toBeLessThanOrEqual(65_535);
  });

  it('the image in a container of type MESOS too', async () => {
    const { environment } = await launch('/env/image', {
      container: { type: 'MESOS', docker: { image: 'alpine' } },
    });

    expect(environment).toMatchObject({ MARATHON_APP_DOCKER_IMAGE: 'alpine' });
  });

  it('resources as doubles, GPUs as a whole number', async () => {
    const { environment } = await launch('/env/doubles', { cpus: 1, mem: 32.5, disk: 10 });

    expect(environment).toMatchObject({
      ...{ MARATHON_APP_RESOURCE_CPUS: '1.0', MARATHON_APP_RESOURCE_MEM: '32.5' },
      ...{ MARATHON_APP_RESOURCE_DISK: '10.0', MARATHON_APP_RESOURCE_GPUS: '0' },
    });
  });

  it('whether the role of the group is enforced', async () => {
    const group = { id: '/forced', enforceRole: true, apps: [] };
    await contract.api.ask('PUT', '/v2/groups', group);
    const { environment } = await launch('/forced/web', {});

    expect(environment).toMatchObject({ MARATHON_APP_ENFORCE_GROUP_ROLE: 'TRUE' });
  });

  it('labels: upper case, runs of other characters one _, those too long left out', async () => {
    const long = 'v'.repeat(512);
    const labels = {
      ...{ 'team.name': 'shop', _x_: '1', 'a--/b': '2', fits: long.slice(1), long },
      ...{ [`n${'n'.repeat(491)}`]: 'fits too', [`m${'m'.repeat(492)}`]: 'too long' },
    };
    const launched = await launch('/env/labels', { labels, portDefinitions: [] });

    expect(launched.environment).toEqual({
      ...contextOf('/env/labels', launched),
      MARATHON_APP_LABELS: `TEAM_NAME _X_ A_B FITS ${'N'.repeat(492)}`,
      ...{ MARATHON_APP_LABEL_TEAM_NAME: 'shop', MARATHON_APP_LABEL__X_: '1' },
      ...{ MARATHON_APP_LABEL_A_B: '2', MARATHON_APP_LABEL_FITS: long.slice(1) },
      [`MARATHON_APP_LABEL_${'N'.repeat(492)}`]: 'fits too',
    });
  });

  it('the app’s own variables override all of it', async () => {
    const env = {
      ...{ PORT: 'mine', HOST: 'mine', MARATHON_APP_ID: 'mine', MESOS_TASK_ID: 'mine' },
      ...{ PORT0: 'mine', MARATHON_APP_LABELS: 'mine', OWN: 'mine too' },
    };
    const { environment } = await launch('/env/own', { env });

    expect(environment).toMatchObject(env);
  });

  decidedOtherwise('a prefix of variables', '`--env_vars_prefix`');
  shownBy(
    'the environment of the containers of a pod',
    'apps/controller/src/engine/pod-launch.spec.ts',
    'launches a pod on the network $name as agreed',
  );
});
