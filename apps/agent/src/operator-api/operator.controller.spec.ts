import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKey } from '#core';
import { createDaemon, createLogger, type Daemon } from '#platform';
import { agentAccess } from '../access.js';
import { AgentService } from '../agent.service.js';
import { readAgentConfig } from '../agent-config.js';
import { DirectorySandboxStore } from '../sandbox/directory-sandbox-store.js';
import { AGENT_CONFIG } from '../tokens.js';
import { installV1Gate } from '../v1-gate.js';
import { OperatorController } from './operator.controller.js';

const RUN = runKey('web.1', 'a');
const SANDBOX = '/frameworks/f1/executors/web.1/runs/latest';
const FRAMEWORK = { user: 'root', name: 'shop', id: { value: 'f1' } };
const STATUS = {
  ...{ task_id: { value: 'web.1' }, state: 'TASK_RUNNING', timestamp: 1, uuid: 'AA==' },
  container_status: { network_infos: [] },
};
const RESOURCES = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }];
const taskOf = (id: string, kind: string, latest?: object) => ({
  ...{ run: runKey(id, 'a'), id, framework: FRAMEWORK, phase: { kind }, launcher: 'process' },
  definition: { name: id, task_id: { value: id }, resources: RESOURCES },
  stream: { latest },
});
const EXECUTOR = {
  ...{ run: runKey('cron', 'a'), id: 'cron', framework: FRAMEWORK },
  info: { executor_id: { value: 'cron' }, name: 'Cron', resources: RESOURCES },
  ...{ phase: { kind: 'running' }, launched: { pid: process.pid }, tasks: new Set(['x1', 'x2']) },
};
const ofExecutor = (task: object, isSent: boolean) => ({
  ...task,
  ...{ phase: { kind: 'delegated', isSent }, executorRun: EXECUTOR.run },
  definition: { name: 'job', resources: RESOURCES, executor: EXECUTOR.info },
});
const STATE = {
  identity: { agentId: 'a1' },
  executors: new Map([[EXECUTOR.run, EXECUTOR]]),
  executorRuns: new Map(),
  groups: { members: new Map(), runs: new Map(), ending: new Set(), ended: [] },
  completedExecutors: new Map([
    ['x', { run: 'x', executorId: 'gone', frameworkId: 'f0', framework: FRAMEWORK }],
  ]),
  tasks: new Map<string, object>([
    [RUN, { ...taskOf('web.1', 'running', STATUS), launched: { pid: process.pid } }],
    ['q', taskOf('web.2', 'fetching')],
    ['e', taskOf('web.3', 'ended', { ...STATUS, state: 'TASK_FAILED' })],
    ['x1', ofExecutor(taskOf('job.1', ''), true)],
    ['x2', ofExecutor(taskOf('job.2', ''), false)],
  ]),
  current: new Map([['f1', new Map([['web.1', RUN]])]]),
  completed: new Map([
    [
      'old',
      {
        ...{ run: 'old', taskId: 'web.0', frameworkId: 'f0' },
        status: { ...STATUS, state: 'TASK_FINISHED' },
      },
    ],
  ]),
};

const USAGE = {
  ...{ executor_id: 'web.1', executor_name: 'web.1', framework_id: 'f1', source: 'web.1' },
  statistics: { timestamp: 1, mem_rss_bytes: 4096, cpus_limit: 0.1 },
};

let folder = '';
let daemon: Daemon;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-operator-'));
  const sandboxes = new DirectorySandboxStore(folder);
  const { sandbox } = sandboxes.directories(RUN);
  await mkdir(sandbox, { recursive: true });
  await writeFile(join(sandbox, 'stdout'), 'größe');
  await writeFile(join(folder, 'secret'), 'outside');
  await symlink(join(folder, 'secret'), join(sandbox, 'link'));
  const config = readAgentConfig({ environment: { PACER_DATA: folder }, argv: [] });
  daemon = await createDaemon({
    ...{ name: 'agent', host: '127.0.0.1', port: 0, logger: createLogger('agent', 'silent') },
    access: agentAccess,
    configure: installV1Gate,
    module: {
      module: class OperatorModule {},
      controllers: [OperatorController],
      providers: [
        {
          provide: AgentService,
          useValue: {
            ...{ state: STATE, sandboxes, info: { hostname: 'h1', port: 5051 } },
            statistics: { read: async () => [USAGE] },
          },
        },
        { provide: AGENT_CONFIG, useValue: config },
      ],
    },
  });
});
afterAll(async () => {
  await daemon.close();
  await rm(folder, { recursive: true, force: true });
});

async function send(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  method = 'POST',
) {
  const response = await fetch(`${daemon.url}/api/v1`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers, body: JSON.parse(text) };
}

describe('files', () => {
  it('are listed with every field', async () => {
    const { body } = await send({ type: 'LIST_FILES', list_files: { path: SANDBOX } });

    const [, stdout] = body.list_files.file_infos;
    expect(body.type).toBe('LIST_FILES');
    expect(stdout).toEqual({
      path: `${SANDBOX}/stdout`,
      nlink: 1,
      size: 7,
      mtime: { nanoseconds: expect.any(Number) },
      mode: 0o100644,
      uid: userInfo().username,
      gid: expect.any(String),
    });
  });

  it('are read as base64 with their size', async () => {
    const path = `${SANDBOX}/stdout`;
    const read = async (read_file: object) =>
      (await send({ type: 'READ_FILE', read_file: { path, ...read_file } })).body.read_file;

    expect(await read({ offset: 0 })).toEqual({ size: 7, data: btoa('gr\xc3\xb6\xc3\x9fe') });
    expect(await read({ offset: '1', length: 1 })).toEqual({ size: 7, data: btoa('r') });
    expect(await read({ offset: 100 })).toEqual({ size: 7, data: '' });
  });

  it.each([
    ['a path out of the sandbox', `${SANDBOX}/../../../secret`, 403],
    ['a link out of it', `${SANDBOX}/link`, 403],
    ['what is not there', `${SANDBOX}/none`, 404],
    ['another framework', '/frameworks/f2/executors/web.1/runs/latest/stdout', 404],
    ['a folder', SANDBOX, 400],
  ])('%s is refused', async (_name, path, status) => {
    const answer = await send({ type: 'READ_FILE', read_file: { path, offset: 0 } });

    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('outside');
  });

  it('a missing path or offset is 400 with its name', async () => {
    const answer = await send({ type: 'READ_FILE', read_file: { length: -1 } });

    expect(answer.status).toBe(400);
    for (const field of ['path', 'offset', 'length']) {
      expect(answer.text).toContain(`read_file.${field}`);
    }
  });
});

describe('what the agent runs', () => {
  it('is told by how far it has come', async () => {
    const { get_state } = (await send({ type: 'GET_STATE' })).body;

    const ids = (tasks: { readonly task_id: { readonly value: string } }[]) =>
      tasks.map((task) => task.task_id.value);
    const { get_tasks, get_frameworks, get_executors } = get_state;
    expect(ids(get_tasks.launched_tasks)).toEqual(['web.1', 'job.1']);
    expect(ids(get_tasks.queued_tasks)).toEqual(['web.2', 'job.2']);
    expect(ids(get_tasks.terminated_tasks)).toEqual(['web.3']);
    expect(ids(get_tasks.completed_tasks)).toEqual(['web.0']);
    expect(get_tasks.launched_tasks[0]).toMatchObject({
      ...{ name: 'web.1', framework_id: { value: 'f1' }, agent_id: { value: 'a1' } },
      ...{ state: 'TASK_RUNNING', resources: RESOURCES, statuses: [STATUS] },
    });
    expect(get_tasks.launched_tasks[1].executor_id).toEqual({ value: 'cron' });
    expect(get_frameworks.frameworks).toEqual([{ framework_info: FRAMEWORK }]);
    expect(get_frameworks.completed_frameworks).toMatchObject([
      { framework_info: { id: { value: 'f0' } } },
    ]);
    expect(get_executors.executors).toMatchObject([
      {
        executor_info: {
          executor_id: { value: 'cron' },
          framework_id: { value: 'f1' },
          name: 'Cron',
        },
      },
      { executor_info: { executor_id: { value: 'web.1' } } },
      { executor_info: { executor_id: { value: 'web.2' } } },
    ]);
    expect(get_executors.completed_executors).toMatchObject([
      { executor_info: { executor_id: { value: 'gone' } } },
      { executor_info: { executor_id: { value: 'web.0' } } },
    ]);
  });

  it('has containers with their usage', async () => {
    const { containers } = (await send({ type: 'GET_CONTAINERS' })).body.get_containers;

    expect(containers).toMatchObject([
      {
        ...{ executor_id: { value: 'cron' }, executor_name: 'Cron' },
        container_status: { executor_pid: process.pid },
      },
      {
        framework_id: { value: 'f1' },
        executor_id: { value: 'web.1' },
        container_id: { value: RUN },
        container_status: { executor_pid: process.pid, network_infos: [] },
        resource_statistics: USAGE.statistics,
      },
    ]);
  });

  it.each([
    ['GET_HEALTH', { healthy: true }],
    ['GET_VERSION', { version_info: { version: '1.11.0' } }],
    ['GET_LOGGING_LEVEL', { level: 0 }],
    ['GET_AGENT', { agent_info: { id: { value: 'a1' }, hostname: 'h1', port: 5051 } }],
  ])('%s', async (type, answer) => {
    expect((await send({ type })).body).toEqual({ type, [type.toLowerCase()]: answer });
  });

  it('tells flags and metrics by name', async () => {
    const { flags } = (await send({ type: 'GET_FLAGS' })).body.get_flags;
    const { metrics } = (await send({ type: 'GET_METRICS' })).body.get_metrics;

    expect(flags).toContainEqual({ name: 'work_dir', value: folder });
    expect(metrics).toContainEqual({
      name: 'process_resident_memory_bytes',
      value: expect.any(Number),
    });
  });
});

describe('is refused', () => {
  it.each([
    [400, 'no type', {}, {}],
    [400, 'no JSON', '{', {}],
    [415, 'another type', 'x', { 'content-type': 'application/x-protobuf' }],
    [406, 'no JSON wanted', { type: 'GET_HEALTH' }, { accept: 'application/x-protobuf' }],
    [501, 'a call we do not know', { type: 'PRUNE_IMAGES' }, {}],
    [501, 'a name of the language', { type: 'constructor' }, {}],
    [403, 'a page of another site', { type: 'GET_HEALTH' }, { origin: 'http://evil' }],
  ])('with %i: %s', async (status, _name, body, headers) => {
    expect((await send(body, headers)).status).toBe(status);
  });

  it('with 405 and the method that is allowed', async () => {
    const answer = await send(undefined, {}, 'GET');

    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('with 400 without a content type', async () => {
    const body = new Blob([JSON.stringify({ type: 'GET_HEALTH' })]);
    const response = await fetch(`${daemon.url}/api/v1`, { method: 'POST', body });

    expect(response.status).toBe(400);
  });
});
