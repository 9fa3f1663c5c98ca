import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  post,
  type RunningMaster,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

let master: RunningMaster;
let folder: string;
let logFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-master-'));
  logFile = join(folder, 'log');
  await writeFile(logFile, 'one line\nanother line\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  master = await startMaster({ flags: { agent_timeout: '10secs' }, logFile });
});
afterEach(() => master.daemon.close());

const operate = async (body: object) => {
  const answer = await post(`${master.url}/api/v1`, body);
  return { status: answer.status, body: answer.body === '' ? undefined : JSON.parse(answer.body) };
};
const get = async (path: string) => {
  const answer = await request(`${master.url}${path}`);
  return { status: answer.statusCode, body: (await answer.body.json()) as unknown };
};
const send = async (
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
) => {
  const answer = await request(`${master.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers,
  });
  return { status: answer.statusCode, body: await answer.body.text() };
};
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };

describe('the operator API', () => {
  it('keeps weights: UPDATE_WEIGHTS answers 200, GET_WEIGHTS lists them', async () => {
    const weight_infos = [{ role: 'eng', weight: 2.5 }];

    const answer = await operate({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });

    expect(answer).toEqual({ status: 200, body: undefined });
    expect((await operate({ type: 'GET_WEIGHTS' })).body).toEqual({
      type: 'GET_WEIGHTS',
      get_weights: { weight_infos: [{ role: 'eng', weight: 2.5 }] },
    });
  });

  it('keeps quota: UPDATE_QUOTA answers 200, GET_QUOTA gives both forms', async () => {
    const config = { role: 'eng', guarantees: { cpus: { value: 1 } }, limits: {} };
    const update_quota = { quota_configs: [config] };

    const tooMuch = await operate({ type: 'UPDATE_QUOTA', update_quota });
    const forced = await operate({
      type: 'UPDATE_QUOTA',
      update_quota: { ...update_quota, force: true },
    });

    expect(tooMuch.status).toBe(400);
    expect(tooMuch.body.message).toMatch(/above the cluster's 0/);
    expect(forced.status).toBe(200);
    expect((await operate({ type: 'GET_QUOTA' })).body.get_quota.status).toMatchObject({
      configs: [config],
      infos: [{ role: 'eng', guarantee: [{ name: 'cpus', scalar: { value: 1 } }] }],
    });
  });

  it('drains, shows it, and reactivates', async () => {
    const agent = await subscribeAgent(master);
    const agent_id = { value: agent.id };
    const drain = { agent_id, max_grace_period: { nanoseconds: 1e9 } };

    expect((await operate({ type: 'DRAIN_AGENT', drain_agent: drain })).status).toBe(200);
    const heard = await agent.stream.next((one) => one.type === 'DRAIN');
    expect(heard).toMatchObject({ drain: { max_grace_period: { nanoseconds: 1e9 } } });
    // Without tasks it is drained at once, but not before the registry has it.
    const { engine } = master.service;
    while (
      ![...engine.state.agents.values()].some((one) => one.activation?.drain?.state === 'DRAINED')
    ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const reactivate = { type: 'REACTIVATE_AGENT', reactivate_agent: { agent_id } };

    expect((await operate(reactivate)).status).toBe(200);
    expect([...engine.state.agents.values()].map((one) => one.activation)).toEqual([undefined]);
  });

  it('keeps the maintenance schedule and its status', async () => {
    const windows = [
      {
        machine_ids: [{ hostname: '127.0.0.1' }],
        unavailability: { start: { nanoseconds: 1e18 } },
      },
    ];
    await operate({
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: { schedule: { windows } },
    });

    const schedule = await operate({ type: 'GET_MAINTENANCE_SCHEDULE' });
    const draining = await operate({ type: 'GET_MAINTENANCE_STATUS' });
    await operate({
      type: 'START_MAINTENANCE',
      start_maintenance: { machines: windows[0]?.machine_ids },
    });
    const down = await operate({ type: 'GET_MAINTENANCE_STATUS' });

    expect(schedule.body.get_maintenance_schedule.schedule).toEqual({ windows });
    expect(draining.body.get_maintenance_status.status).toEqual({
      draining_machines: [{ id: { hostname: '127.0.0.1' }, statuses: [] }],
      down_machines: [],
    });
    expect(down.body.get_maintenance_status.status).toEqual({
      draining_machines: [],
      down_machines: [{ hostname: '127.0.0.1' }],
    });
  });

  it('tears a framework down with 200, and answers 400 for one it does not know', async () => {
    const framework = await subscribeFramework(master);
    const teardown = { framework_id: { value: framework.id } };

    expect((await operate({ type: 'TEARDOWN', teardown })).status).toBe(200);
    await framework.stream.end();
    expect(await operate({ type: 'TEARDOWN', teardown })).toMatchObject({
      status: 400,
      body: { message: `No framework found with ID ${framework.id}` },
    });
  });

  it('sets the verbosity of the log for a while', async () => {
    const set_logging_level = { level: 1, duration: { nanoseconds: 60e9 } };
    const call = { type: 'SET_LOGGING_LEVEL', set_logging_level };

    expect((await operate(call)).status).toBe(200);
    expect((await operate({ type: 'GET_LOGGING_LEVEL' })).body.get_logging_level).toEqual({
      level: 1,
    });
    expect(
      (await operate({ ...call, set_logging_level: { ...set_logging_level, level: 9 } })).status,
    ).toBe(400);
  });

  it('lists and reads its log, and nothing else', async () => {
    const read = (path: string) =>
      operate({ type: 'READ_FILE', read_file: { path, offset: 4, length: 4 } });

    const listed = await operate({ type: 'LIST_FILES', list_files: { path: '/master' } });

    expect(listed.body.list_files.file_infos).toMatchObject([{ path: '/master/log', size: 22 }]);
    expect((await read('/master/log')).body.read_file).toEqual({
      size: 22,
      data: Buffer.from('line').toString('base64'),
    });
    expect((await read('/etc/passwd')).status).toBe(404);
    expect((await read('/master/log/../../etc/passwd')).status).toBe(404);
  });

  it('tells its configuration', async () => {
    expect((await operate({ type: 'GET_FLAGS' })).body.get_flags).toEqual({
      flags: [{ name: 'agent_timeout', value: '10secs' }],
    });
    expect((await get('/flags')).body).toEqual({ flags: { agent_timeout: '10secs' } });
  });

  it('names the field of a bad call and answers 501 for one it does not know', async () => {
    const bad = await operate({ type: 'DRAIN_AGENT', drain_agent: {} });

    expect(bad.status).toBe(400);
    expect(bad.body.details).toEqual([{ path: 'drain_agent.agent_id', errors: ['is required'] }]);
    expect((await operate({ type: 'PRUNE_IMAGES' })).status).toBe(501);
  });

  it('answers 503 while the database is away, and changes nothing', async () => {
    master.leases.setAvailable(false);
    const weight_infos = [{ role: 'eng', weight: 2 }];

    const answer = await operate({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });
    master.leases.setAvailable(true);

    expect(answer.status).toBe(503);
    expect(master.service.state.operator.weights.size).toBe(0);
  });
});

describe('the endpoints of old', () => {
  it('take forms for a teardown', async () => {
    const framework = await subscribeFramework(master);

    const answer = await send('POST', '/master/teardown', `frameworkId=${framework.id}`, FORM);

    expect(answer.status).toBe(200);
    await framework.stream.end();
  });

  it('set and list weights', async () => {
    const body = JSON.stringify([{ role: 'eng', weight: 2 }]);

    expect((await send('PUT', '/weights', body, JSON_TYPE)).status).toBe(200);
    expect((await get('/weights')).body).toEqual([{ role: 'eng', weight: 2 }]);
  });

  it('set, show and remove quota; JSON that curl calls a form is taken', async () => {
    const guarantee = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }];
    const body = JSON.stringify({ role: 'eng', force: true, guarantee });

    expect((await send('POST', '/quota', body, FORM)).status).toBe(200);
    expect((await get('/quota')).body).toMatchObject({ infos: [{ role: 'eng' }] });
    expect((await send('DELETE', '/quota/eng')).status).toBe(200);
    expect((await send('DELETE', '/quota/eng')).status).toBe(400);
  });

  it('bring machines down and up as the schedule says', async () => {
    const machines = [{ hostname: 'web1' }];
    const unavailability = { start: { nanoseconds: 1 } };
    const schedule = JSON.stringify({ windows: [{ machine_ids: machines, unavailability }] });
    const list = JSON.stringify(machines);

    const early = await send('POST', '/machine/down', list, JSON_TYPE);
    await send('POST', '/maintenance/schedule', schedule, JSON_TYPE);
    const down = await send('POST', '/machine/down', list, JSON_TYPE);
    const status = (await get('/maintenance/status')).body;
    const up = await send('POST', '/machine/up', list, JSON_TYPE);

    expect([early.status, down.status, up.status]).toEqual([400, 200, 200]);
    expect(status).toMatchObject({ down_machines: machines });
    expect((await get('/maintenance/schedule')).body).toEqual({ windows: [] });
  });

  it('take forms nowhere else, nor from pages of another site', async () => {
    const elsewhere = await send('POST', '/api/v1', 'type=GET_HEALTH', FORM);
    const foreign = await send('POST', '/teardown', 'frameworkId=x', {
      ...FORM,
      'sec-fetch-site': 'cross-site',
    });
    const origin = await send('POST', '/teardown', 'frameworkId=x', {
      ...FORM,
      origin: 'http://evil.example',
    });

    expect([elsewhere.status, foreign.status, origin.status]).toEqual([415, 403, 403]);
  });

  it('read the log as pagers do', async () => {
    expect((await get('/files/read?path=/master/log&offset=-1')).body).toEqual({
      data: '',
      offset: 22,
    });
    expect((await get('/files/read?path=/master/log&offset=4&length=4')).body).toEqual({
      data: 'line',
      offset: 4,
    });
    expect((await get('/files/read?path=/nothing')).status).toBe(404);
  });
});
