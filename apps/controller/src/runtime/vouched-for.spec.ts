import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type SecureStandby, startSecureStandby } from './secure-standby.test-support.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let pair: SecureStandby;

beforeAll(async () => {
  pair = await startSecureStandby(
    ({ headers }, response) => {
      response.end(String(headers['x-pacer-on-behalf-of']));
    },
    { kinds: ['operator', 'controller'], clientCerts: 'request' },
  );
});
afterAll(() => pair.close());

it('tells the leader whose certificate it saw, whatever the client says of that', async () => {
  const { ca, standby } = pair;
  const { cert, key } = ca.issue('olga k', { kinds: ['operator', 'read'] });

  const answer = await new Promise<string>((resolve, reject) => {
    const outgoing = request(
      `${standby.daemon.url}/v2/apps`,
      {
        ...{ ca: readFileSync(ca.cert), cert: readFileSync(cert), key: readFileSync(key) },
        headers: { 'x-pacer-on-behalf-of': 'full boss' },
      },
      (response) => response.toArray().then((parts) => resolve(parts.join('')), reject),
    );
    outgoing.once('error', reject).end();
  });

  expect(answer).toBe('read olga%20k');
});
