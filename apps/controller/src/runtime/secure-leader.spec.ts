import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fetchDaemon, processTls } from '#platform';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { type SecureServer, startSecureServer } from '../../../../test/support/secure-server.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let leader: SecureServer;
let standby: ApiUnderTest;
let leaderUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-leader-'));
  const ca = new CertificateAuthority(join(folder, 'ca'));
  const files = ca.issue('standby');
  vi.stubEnv('PACER_TLS_CERT_FILE', files.cert);
  vi.stubEnv('PACER_TLS_KEY_FILE', files.key);
  vi.stubEnv('PACER_TLS_CA_FILE', ca.cert);
  leader = await startSecureServer(ca, ca.issue('leader'), (request, response) => {
    response.end(`${request.method} ${request.url} of ${request.headers['x-marathon-via']}`);
  });
  standby = await startApi({ isLoaded: false, leaderUrl: () => leaderUrl });
});
afterAll(async () => {
  leader.close();
  await standby.daemon.close();
  processTls()?.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('is asked over TLS by a standby, which shows its certificate', async () => {
  leaderUrl = leader.url;

  const answer = await fetchDaemon(`${standby.daemon.url}/v2/apps?a=b`);

  expect(standby.daemon.url).toMatch(/^https:/);
  expect(await answer.text()).toBe('GET /v2/apps?a=b of 127.0.0.1:8080');
  expect(leader.clients).toEqual(['standby']);
});

it('is not taken for one that speaks plain HTTP', async () => {
  leaderUrl = leader.url.replace('https:', 'http:');

  const answer = await fetchDaemon(`${standby.daemon.url}/v2/apps`);

  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('is the URL https://?');
});
