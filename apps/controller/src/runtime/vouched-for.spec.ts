import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { processTls } from '#platform';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { type SecureServer, startSecureServer } from '../../../../test/support/secure-server.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let ca: CertificateAuthority;
let leader: SecureServer;
let standby: ApiUnderTest;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-vouched-'));
  ca = new CertificateAuthority(join(folder, 'ca'));
  const files = ca.issue('standby', { kinds: ['operator', 'controller'] });
  vi.stubEnv('PACER_TLS_CERT_FILE', files.cert);
  vi.stubEnv('PACER_TLS_KEY_FILE', files.key);
  vi.stubEnv('PACER_TLS_CA_FILE', ca.cert);
  vi.stubEnv('PACER_TLS_CLIENT_CERTS', 'request');
  leader = await startSecureServer(ca, ca.issue('leader'), ({ headers }, response) => {
    response.end(String(headers['x-pacer-on-behalf-of']));
  });
  standby = await startApi({ isLoaded: false, leaderUrl: () => leader.url });
});
afterAll(async () => {
  leader.close();
  await standby.daemon.close();
  processTls()?.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('tells the leader whose certificate it saw, whatever the client says of that', async () => {
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
