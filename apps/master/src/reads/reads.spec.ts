import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SchedulerEvent } from '#mesos-v1';
import {
  post,
  type RunningMaster,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const LIMIT_MS = 60_000;
const FIXTURES = '../../../../test/fixtures/master-reads';

let master: RunningMaster;
let agent: Awaited<ReturnType<typeof subscribeAgent>>;
let framework: Awaited<ReturnType<typeof subscribeFramework>>;

beforeAll(async () => {
  master = await startMaster();
  agent = await subscribeAgent(master);
  framework = await subscribeFramework(master, 'web');
  const event = await framework.stream.next((one: SchedulerEvent) => one.type === 'OFFERS');
  const offer = event.type === 'OFFERS' ? event.offers.offers[0] : undefined;
  const task = (id: string) => ({
    name: `${id}.web`,
    task_id: { value: id },
    agent_id: offer?.agent_id,
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.5 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
    ],
    command: { value: 'sleep 1000' },
    labels: { labels: [{ key: 'team', value: 'shop' }] },
    discovery: {
      visibility: 'CLUSTER',
      name: 'web',
      ports: { ports: [{ number: 80, name: 'http', protocol: 'tcp' }] },
    },
  });
  await framework.call({
    type: 'ACCEPT',
    accept: {
      offer_ids: [offer?.id],
      operations: [
        { type: 'LAUNCH', launch: { task_infos: [task('t1'), task('t2'), task('t3')] } },
      ],
      filters: { refuse_seconds: 3600 },
    },
  });
  // Nothing is offered from here on, whatever becomes free.
  await framework.call({ type: 'SUPPRESS' });
  await agent.update(framework.id, 't1', 'TASK_RUNNING', UUID);
  await agent.update(framework.id, 't2', 'TASK_RUNNING', UUID);
  await agent.update(framework.id, 't3', 'TASK_FINISHED', UUID);
  await framework.call({
    type: 'ACKNOWLEDGE',
    acknowledge: { agent_id: { value: agent.id }, task_id: { value: 't3' }, uuid: UUID },
  });
}, LIMIT_MS);

afterAll(async () => {
  await master.daemon.close();
});

const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
  const answer = await request(`${master.url}${path}`, { headers });
  const body = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, body };
};

/** Without what differs from run to run. */
function stable(text: string): string {
  const ids = [
    [framework.id, 'FRAMEWORK'],
    [agent.id, 'AGENT'],
    [master.service.state.masterId, 'MASTER'],
    [new URL(master.url).port, '5050'],
  ] as const;
  const named = ids.reduce((all, [id, name]) => all.replaceAll(id, name), text);
  const value: unknown = JSON.parse(named, (key, one: unknown) => {
    if (key.endsWith('time') || key === 'timestamp') return 0;
    if (key === 'nanoseconds') return 0;
    return one;
  });
  return `${JSON.stringify(value, null, 2)}\n`;
}

describe('the reads of the master', () => {
  it.each([
    'state',
    'state-summary',
    'slaves',
    'frameworks',
    'tasks?order=asc&task_id=t1',
    'roles',
  ])('give tools the shape of /%s', async (path) => {
    const answer = await get(`/master/${path}`);

    expect(answer.status).toBe(200);
    await expect(stable(answer.body.toString())).toMatchFileSnapshot(
      `${FIXTURES}/${path.split('?')[0]}.json`,
    );
  });

  it.each([
    'GET_STATE',
    'GET_ROLES',
    'GET_EXECUTORS',
    'GET_OPERATIONS',
    'GET_MASTER',
    'GET_VERSION',
  ])('give clients of v1 the shape of %s', async (type) => {
    const answer = await post(`${master.url}/api/v1`, { type });

    expect(answer.status).toBe(200);
    await expect(stable(answer.body)).toMatchFileSnapshot(
      `${FIXTURES}/${type.toLowerCase().replaceAll('_', '-')}.json`,
    );
  });

  it('answer under every path of old, with a trailing slash too', async () => {
    for (const path of [
      '/state',
      '/state.json',
      '/master/state',
      '/master/state.json',
      '/state/',
    ]) {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body.toString())).toHaveProperty('frameworks');
    }
  });

  it('have an ETag: 304 while nothing changed, the new content once something has', async () => {
    const { etag } = (await get('/state')).headers;
    const same = await get('/state', { 'if-none-match': String(etag) });
    expect(same.status).toBe(304);
    expect(same.body.length).toBe(0);
    await agent.pong();
    expect((await get('/state', { 'if-none-match': `W/${String(etag)}` })).status).toBe(304);

    await agent.update(framework.id, 't2', 'TASK_RUNNING', 'BBBBBBBBBBBBBBBBBBBBBA==');

    const changed = await get('/state', { 'if-none-match': String(etag) });
    expect(changed.status).toBe(200);
    expect(changed.headers['etag']).not.toBe(etag);
  });

  it('compress for who asks, and for nobody else', async () => {
    const plain = await get('/state');
    const compressed = await get('/state', { 'accept-encoding': 'br;q=1.0, gzip' });

    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(compressed.body).equals(plain.body)).toBe(true);
    const refused = await get('/state', { 'accept-encoding': 'gzip;q=0' });
    expect(refused.headers['content-encoding']).toBeUndefined();
  });

  it('call back with ?jsonp=, for pages of the same site only', async () => {
    const script = await get('/version?jsonp=angular.callbacks._0');
    expect(script.headers['content-type']).toMatch(/^text\/javascript/);
    expect(script.body.toString()).toBe('/**/angular.callbacks._0({"version":"1.11.0"});');
    const state = await get('/state?jsonp=show');
    expect(state.body.toString()).toMatch(/^\/\*\*\/show\(\{.*\}\);$/s);

    expect((await get('/state?jsonp=show', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    for (const name of ['alert(1)//', 'a;b', 'x'.repeat(129)]) {
      expect((await get(`/state?jsonp=${encodeURIComponent(name)}`)).status).toBe(400);
    }
  });

  it('answer HEAD with the length and no body', async () => {
    const whole = await get('/slaves');
    const head = await request(`${master.url}/slaves`, { method: 'HEAD' });
    expect(head.headers['content-length']).toBe(String(whole.body.length));
    await head.body.dump();
  });

  it('page tasks by the time of their first status, newest first', async () => {
    const ids = async (query: string): Promise<readonly string[]> => {
      const { body } = await get(`/tasks${query}`);
      const { tasks } = JSON.parse(body.toString()) as { tasks: readonly { id: string }[] };
      return tasks.map(({ id }) => id);
    };
    expect(await ids('?order=asc')).toEqual(['t1', 't2', 't3']);
    expect(await ids('')).toEqual(['t3', 't2', 't1']);
    expect(await ids('?order=asc&offset=1&limit=1')).toEqual(['t2']);
    expect(await ids(`?framework_id=${framework.id}&task_id=t2`)).toEqual(['t2']);
    expect(await ids('?framework_id=unknown')).toEqual([]);
    for (const query of ['?limit=-1', '?limit=10001', '?offset=x', '?limit=1&limit=2']) {
      expect((await get(`/tasks${query}`)).status).toBe(400);
    }
  });

  it('share one writing among all who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/state')));

    expect(new Set(answers.map(({ headers }) => headers['etag'])).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.toString())).size).toBe(1);
  });

  it('tell of one framework or agent when asked for it, and of none under an unknown id', async () => {
    const read = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
      JSON.parse((await get(path)).body.toString()) as Readonly<Record<string, unknown>>;

    expect(await read(`/frameworks?framework_id=${framework.id}`)).toEqual(
      await read('/frameworks'),
    );
    expect(await read(`/slaves?slave_id=${agent.id}`)).toEqual(await read('/slaves'));
    expect(await read('/frameworks?framework_id=x')).toEqual({
      frameworks: [],
      completed_frameworks: [],
    });
    expect(await read('/slaves?slave_id=x')).toEqual({ slaves: [], recovered_slaves: [] });
  });

  it('tell in the summary, too, that an agent was taken out of use', async () => {
    const operate = async (type: string, content: string): Promise<void> => {
      const body = JSON.stringify({ type, [content]: { agent_id: { value: agent.id } } });
      const headers = { 'content-type': 'application/json' };
      const answer = await request(`${master.url}/api/v1`, { method: 'POST', headers, body });
      expect(answer.statusCode).toBe(200);
      await answer.body.dump();
    };
    const activity = async (): Promise<unknown> => {
      const { slaves } = JSON.parse((await get('/state-summary')).body.toString()) as {
        slaves: readonly { active: boolean; deactivated: boolean }[];
      };
      return slaves.map(({ active, deactivated }) => ({ active, deactivated }));
    };
    expect(await activity()).toEqual([{ active: true, deactivated: false }]);

    await operate('DEACTIVATE_AGENT', 'deactivate_agent');
    expect(await activity()).toEqual([{ active: false, deactivated: true }]);
    await operate('REACTIVATE_AGENT', 'reactivate_agent');
    expect(await activity()).toEqual([{ active: true, deactivated: false }]);
  });

  it('explain why a framework got no more, in counts', async () => {
    const { body } = await get(`/explain?framework_id=${framework.id}`);
    const { frameworks } = JSON.parse(body.toString()) as {
      frameworks: readonly { id: string; roles: readonly Record<string, unknown>[] }[];
    };
    expect(frameworks).toHaveLength(1);
    expect(frameworks[0]).toMatchObject({ id: framework.id, name: 'web', connected: true });
    expect(frameworks[0]?.roles).toMatchObject([
      {
        role: '*',
        suppressed: true,
        weight: 1,
        dominant_share: 0.25,
        held: { cpus: 1, mem: 64 },
        offered: { offers: 0, resources: {} },
        agents: 1,
        waits_for: { suppressed: 1 },
      },
    ]);
    const none = await get('/explain?role=other');
    expect(JSON.parse(none.body.toString())).toEqual({ frameworks: [] });
  });

  it('give collectors the metrics they know by name', async () => {
    const { body } = await get('/metrics/snapshot?timeout=5secs');
    const metrics = JSON.parse(body.toString()) as Readonly<Record<string, number>>;
    const base = `master/frameworks/web/${framework.id}`;

    expect(metrics).toMatchObject({
      'master/elected': 1,
      'master/slaves_active': 1,
      'master/cpus_total': 4,
      'master/cpus_used': 1,
      'master/cpus_percent': 0.25,
      'master/tasks_running': 2,
      'master/tasks_finished': 1,
      'master/task_finished/source_unknown': 1,
      'master/operator_event_stream_subscribers': 0,
      'master/slow_streams_cut_off/framework': 0,
      'registrar/queued_operations': 0,
      'allocator/mesos/resources/cpus/offered_or_allocated': 1,
      'allocator/mesos/roles/*/shares/dominant': 0.25,
      [`${base}/subscribed`]: 1,
      [`${base}/calls/accept`]: 1,
      [`${base}/offers/accepted`]: 1,
      [`${base}/tasks/active/task_running`]: 2,
      [`${base}/tasks/terminal/task_finished`]: 1,
      [`${base}/roles/*/suppressed`]: 1,
    });
    for (const name of ['allocation_run_ms', 'allocation_run_latency_ms']) {
      for (const part of ['', '/count', '/min', '/max', '/p50', '/p99', '/p9999']) {
        expect(metrics).toHaveProperty([`allocator/mesos/${name}${part}`]);
      }
    }
    expect(metrics['registrar/state_store_ms/count']).toBeGreaterThan(0);
    expect((await get('/metrics/snapshot?timeout=soon')).status).toBe(400);
  });
});
