import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { type SecureServer, startSecureServer } from '../../../../test/support/secure-server.js';
import { defaultUrl, sendRequest } from './send-request.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let ca: CertificateAuthority;
let server: SecureServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-cli-tls-'));
  ca = new CertificateAuthority(join(folder, 'ca'));
  server = await startSecureServer(ca, ca.issue('controller'), (request, response) => {
    request.pipe(response.writeHead(201));
  });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const post = (environment: Readonly<Record<string, string>>) =>
  sendRequest(
    new URL('/v2/apps', server.url),
    { method: 'POST', headers: {}, body: '{"id":"/ä"}', limitMs: 10_000 },
    environment,
  );

it('speaks TLS by the settings of the environment', async () => {
  const files = ca.issue('olga');
  const own = { PACER_TLS_CERT_FILE: files.cert, PACER_TLS_KEY_FILE: files.key };

  expect(await post({ ...own, PACER_TLS_CA_FILE: ca.cert })).toEqual({
    status: 201,
    text: '{"id":"/ä"}',
  });
  expect(server.clients).toEqual(['olga']);
  await expect(post(own)).rejects.toThrow(/PACER_TLS_CA_FILE says whom to trust/);
  await expect(post({ PACER_TLS_CA_FILE: ca.cert })).rejects.toThrow(/set PACER_TLS_CERT_FILE/);
});

it('asks the controller of this machine, which speaks TLS where we are told to', () => {
  expect(defaultUrl({})).toBe('http://localhost:8080');
  expect(defaultUrl({ PACER_TLS_CERT_FILE: '/c' })).toBe('https://localhost:8080');
  expect(defaultUrl({ PACER_TLS_CERT_FILE: '/c', PACER_URL: 'http://h' })).toBe('http://h');
});
