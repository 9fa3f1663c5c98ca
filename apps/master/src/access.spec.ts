import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SchedulerEvent } from '#mesos-v1';
import { basicAuthorization } from '#platform';
import { post, type RunningMaster, StreamClient, startMaster } from './master.test-support.js';

const who = {
  framework: { principal: 'fw', secret: 'fw-secret' },
  other: { principal: 'other-fw', secret: 'other-secret' },
  agent: { principal: 'ag', secret: 'ag-secret' },
  operator: { principal: 'ops', secret: 'ops-secret' },
  wrong: { principal: 'fw', secret: 'ops-secret' },
} as const;
type Who = keyof typeof who;

const FILE = Object.entries({
  fw: 'framework',
  'other-fw': 'framework',
  ag: 'agent',
  ops: 'operator',
})
  .map(([principal, kind]) => {
    const { secret } = Object.values(who).find((one) => one.principal === principal) ?? {
      secret: '',
    };
    return `${principal} ${secret} ${kind}`;
  })
  .join('\n');

const folder = mkdtempSync(join(tmpdir(), 'pacer-access-'));
let master: RunningMaster;

beforeEach(async () => {
  const path = join(folder, 'credentials');
  writeFileSync(path, FILE, { mode: 0o600 });
  vi.stubEnv('PACER_CREDENTIALS_FILE', path);
  master = await startMaster();
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  vi.unstubAllEnvs();
  await master.daemon.close();
});

const headersOf = (one?: Who): Readonly<Record<string, string>> =>
  one === undefined ? {} : basicAuthorization(who[one]);
const get = async (path: string, one?: Who) => {
  const { statusCode, headers, body } = await request(`${master.url}${path}`, {
    headers: headersOf(one),
  });
  await body.dump();
  return { status: statusCode, realm: headers['www-authenticate'] };
};
const call = async (path: string, body: unknown, one?: Who) => {
  const { status, headers, body: text } = await post(`${master.url}${path}`, body, headersOf(one));
  return { status, realm: headers['www-authenticate'], text };
};
const subscribe = (info: object, one: Who) =>
  StreamClient.open<SchedulerEvent>(
    `${master.url}/api/v1/scheduler`,
    { type: 'SUBSCRIBE', ...info },
    headersOf(one),
  );
const infoOf = (more: object) => ({
  subscribe: { framework_info: { user: 'root', name: 'n', failover_timeout: 60, ...more } },
});

describe('a master with credentials', () => {
  it.each([
    ['/api/v1/scheduler', 'framework', 'mesos-master-scheduler'],
    ['/master/api/v1/scheduler', 'framework', 'mesos-master-scheduler'],
    ['/api/v1//scheduler/', 'framework', 'mesos-master-scheduler'],
    ['/api/v1/%73cheduler', 'framework', 'mesos-master-scheduler'],
    ['/api/v1/agent', 'agent', 'mesos-master-agent'],
    ['/api/v1', 'operator', 'mesos-master-readwrite'],
  ] as const)(
    'POST %s is for %s only, 401 in its realm and 403 to others',
    async (path, kind, realm) => {
      for (const one of [undefined, 'wrong'] as const) {
        const answer = await call(path, { type: 'X' }, one);
        expect([answer.status, answer.realm]).toEqual([401, `Basic realm="${realm}"`]);
        expect(answer.text).not.toContain('secret');
      }
      for (const one of ['framework', 'agent', 'operator'] as const) {
        const { status } = await call(path, { type: 'X' }, one);
        expect(status === 403).toBe(one !== kind);
        expect(status).not.toBe(401);
      }
    },
  );

  it('reads are for operators', async () => {
    expect(await get('/state')).toEqual({
      status: 401,
      realm: 'Basic realm="mesos-master-readonly"',
    });
    expect((await get('/master/state.json', 'framework')).status).toBe(403);
    expect((await get('/state', 'operator')).status).toBe(200);
    expect((await get('/metrics', 'operator')).status).toBe(200);
  });

  it('says to everybody that it lives, its version, and who leads', async () => {
    for (const path of ['/ping', '/health', '/master/health', '/version', '/version.json']) {
      expect((await get(path)).status).toBe(200);
    }
    expect((await get('/redirect')).status).toBe(307);
  });

  it('FrameworkInfo.principal must be that of the credentials', async () => {
    const stream = await subscribe(infoOf({ principal: 'other-fw' }), 'framework');

    const event = await stream.next();
    expect(event).toMatchObject({
      type: 'ERROR',
      error: { message: expect.stringContaining('rincipal') },
    });
  });

  it('a framework that names no principal cannot be taken over, or called for, by another one', async () => {
    const stream = await subscribe(infoOf({}), 'framework');
    const subscribed = await stream.next(({ type }) => type === 'SUBSCRIBED');
    const id =
      subscribed.type === 'SUBSCRIBED' ? subscribed.subscribed.framework_id : { value: '' };
    const streamId = { 'mesos-stream-id': String(stream.headers['mesos-stream-id']) };

    const revive = { type: 'REVIVE', framework_id: id };
    const own = await post(`${master.url}/api/v1/scheduler`, revive, {
      ...headersOf('framework'),
      ...streamId,
    });
    const foreign = await post(`${master.url}/api/v1/scheduler`, revive, {
      ...headersOf('other'),
      ...streamId,
    });
    expect([own.status, foreign.status]).toEqual([202, 400]);
    const update = await post(
      `${master.url}/api/v1/scheduler`,
      {
        type: 'UPDATE_FRAMEWORK',
        framework_id: id,
        update_framework: {
          framework_info: { user: 'root', name: 'n', id, webui_url: 'http://x' },
        },
      },
      { ...headersOf('framework'), ...streamId },
    );
    expect([update.status, update.body]).toEqual([200, '']);
    const thief = await subscribe({ framework_id: id, ...infoOf({ id }) }, 'other');
    expect(await thief.next()).toMatchObject({ type: 'ERROR' });
    expect(stream.isEnded).toBe(false);
    stream.close();
  });
});

it('without credentials an authorization header proves nothing', async () => {
  vi.unstubAllEnvs();
  const open = await startMaster();

  const stream = await StreamClient.open<SchedulerEvent>(
    `${open.url}/api/v1/scheduler`,
    { type: 'SUBSCRIBE', ...infoOf({ principal: 'somebody' }) },
    headersOf('framework'),
  );

  expect((await stream.next()).type).toBe('SUBSCRIBED');
  stream.close();
  await open.daemon.close();
});
