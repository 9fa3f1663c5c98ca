import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetchDaemon } from '#platform';
import { type SecureStandby, startSecureStandby } from './secure-standby.test-support.js';

let pair: SecureStandby;

beforeAll(async () => {
  pair = await startSecureStandby((request, response) => {
    response.end(`${request.method} ${request.url} of ${request.headers['x-marathon-via']}`);
  });
});
afterAll(() => pair.close());

it('is asked over TLS by a standby, which shows its certificate', async () => {
  const { leader, standby } = pair;
  pair.leaderUrl = leader.url;

  const answer = await fetchDaemon(`${standby.daemon.url}/v2/apps?a=b`);

  expect(standby.daemon.url).toMatch(/^https:/);
  expect(await answer.text()).toBe('GET /v2/apps?a=b of 127.0.0.1:8080');
  expect(leader.clients).toEqual(['standby']);
});

it('is not taken for one that speaks plain HTTP', async () => {
  const { leader, standby } = pair;
  pair.leaderUrl = leader.url.replace('https:', 'http:');

  const answer = await fetchDaemon(`${standby.daemon.url}/v2/apps`);

  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('is the URL https://?');
});
