import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#platform';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { type RunningMaster, startMaster } from '../master.test-support.js';

const LEADER = 'http://10.0.0.1:5050';

let leases: FakeLeaseKeeper;
let follower: RunningMaster;

const lead = (url: string) => leases.acquire({ scope: 'master', holder: 'another', url });
const get = async (path: string) => {
  const answer = await request(`${follower.url}${path}`);
  await answer.body.dump();
  return { status: answer.statusCode, location: answer.headers['location'] };
};
const until = (path: string, status: number) =>
  expect.poll(async () => (await get(path)).status, { timeout: 5_000 }).toBe(status);

beforeEach(async () => {
  leases = new FakeLeaseKeeper(() => systemClock.now());
  await lead(LEADER);
  follower = await startMaster({ leases, flags: { agent_timeout: '10secs' } });
  await until('/state', 307);
});
afterEach(() => follower.daemon.close());

describe('a master that does not lead', () => {
  it.each([
    '/state',
    '/master/slaves',
    '/tasks?limit=1',
    '/weights',
    '/quota',
    '/maintenance/status',
  ])('sends readers of %s to the leader, with path and query', async (path) => {
    expect(await get(path)).toEqual({ status: 307, location: `//10.0.0.1:5050${path}` });
  });

  it.each(['/health', '/version', '/metrics', '/metrics/snapshot', '/flags'])(
    'answers %s itself',
    async (path) => {
      expect((await get(path)).status).toBe(200);
    },
  );

  it('sends operators’ calls and changes to the leader too', async () => {
    const post = async (path: string, body: string, type: string) => {
      const answer = await request(`${follower.url}${path}`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      return [answer.statusCode, answer.headers['location']];
    };

    expect(await post('/api/v1', '{"type":"GET_WEIGHTS"}', 'application/json')).toEqual([
      307,
      '//10.0.0.1:5050/api/v1',
    ]);
    expect(await post('/teardown', 'frameworkId=x', 'application/x-www-form-urlencoded')).toEqual([
      307,
      '//10.0.0.1:5050/teardown',
    ]);
  });

  it('names the leader without a path at /redirect', async () => {
    expect(await get('/redirect')).toEqual({ status: 307, location: '//10.0.0.1:5050' });
  });

  it('sends nobody to itself when the lease still has its own address', async () => {
    await lead(follower.url);

    await until('/state', 503);

    expect((await get('/redirect')).status).toBe(503);
    expect((await get('/weights')).status).toBe(503);
  });
});
