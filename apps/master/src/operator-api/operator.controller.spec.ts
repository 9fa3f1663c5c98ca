import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  post,
  type RunningMaster,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

let master: RunningMaster;
let agentId: string;
let frameworkId: string;

beforeAll(async () => {
  master = await startMaster();
  agentId = (await subscribeAgent(master)).id;
  frameworkId = (await subscribeFramework(master, 'web')).id;
});

afterAll(async () => {
  await master.daemon.close();
});

async function get(path: string): Promise<Record<string, unknown>> {
  const answer = await request(`${master.url}${path}`);
  expect(answer.statusCode).toBe(200);
  return (await answer.body.json()) as Record<string, unknown>;
}

describe('the operator API', () => {
  it('answers reads with their type and a body named after it, also under the old path', async () => {
    for (const path of ['/api/v1', '/api/v1/operator', '/master/api/v1', '/api/v1/']) {
      const answer = await post(`${master.url}${path}`, { type: 'GET_AGENTS' });
      expect(JSON.parse(answer.body)).toMatchObject({
        type: 'GET_AGENTS',
        get_agents: { agents: [{ agent_info: { id: { value: agentId } }, active: true }] },
      });
    }
  });

  it('knows the reads tools use', async () => {
    const types = 'HEALTH VERSION MASTER FRAMEWORKS TASKS STATE METRICS'.split(' ');
    for (const type of types.map((name) => `GET_${name}`)) {
      const answer = await post(`${master.url}/api/v1`, { type });
      expect(answer.status).toBe(200);
      expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(['type', type.toLowerCase()]);
    }
    expect((await post(`${master.url}/api/v1`, { type: 'DANCE' })).status).toBe(501);
    expect((await post(`${master.url}/api/v1`, {})).status).toBe(400);
  });
});

describe('the endpoints of old', () => {
  it('reports a version of dotted integers only', async () => {
    expect(await get('/version')).toEqual({ version: '1.11.0' });
  });

  it('gives Mesos-DNS what it reads from /master/state', async () => {
    const state = await get('/master/state');

    expect(state['leader']).toMatch(/^master@127\.0\.0\.1:\d+$/);
    expect(state['slaves']).toMatchObject([
      { id: agentId, hostname: '127.0.0.1', pid: 'slave(1)@127.0.0.1:1', active: true },
    ]);
    expect(state['frameworks']).toMatchObject([{ id: frameworkId, name: 'web', tasks: [] }]);
  });

  it('serves lists, metrics and health, with the old suffix too', async () => {
    expect(await get('/slaves.json')).toHaveProperty('slaves');
    expect(await get('/frameworks')).toHaveProperty('frameworks');
    expect(await get('/tasks')).toEqual({ tasks: [] });
    expect(await get('/metrics/snapshot')).toMatchObject({
      'master/elected': 1,
      'master/slaves_active': 1,
      'master/cpus_total': 4,
    });
    const health = await request(`${master.url}/health`);
    expect(health.statusCode).toBe(200);
    expect((await request(`${master.url}/tasks?limit=x`)).statusCode).toBe(400);
  });

  it('redirects to the leader without a path', async () => {
    const answer = await request(`${master.url}/redirect`);

    expect(answer.statusCode).toBe(307);
    expect(answer.headers['location']).toBe(`//${new URL(master.url).host}`);
  });
});
