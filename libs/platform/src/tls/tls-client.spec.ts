import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { type SecureServer, startSecureServer } from '../../../../test/support/secure-server.js';
import { metricsRegistry } from '../metrics.js';
import { processTls } from './process-tls.js';
import { describeConnectionError, fetchDaemon } from './tls-client.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let ca: CertificateAuthority;
let server: SecureServer;
let foreign: SecureServer;
let plain: Server;
const files = { cert: '', key: '' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-tls-client-'));
  ca = new CertificateAuthority(join(folder, 'ca'));
  const other = new CertificateAuthority(join(folder, 'other'));
  Object.assign(files, ca.issue('first'));
  vi.stubEnv('PACER_TLS_CERT_FILE', files.cert);
  vi.stubEnv('PACER_TLS_KEY_FILE', files.key);
  vi.stubEnv('PACER_TLS_CA_FILE', ca.cert);
  server = await startSecureServer(ca, ca.issue('server'), (_request, response) => {
    response.setHeader('connection', 'close').end('hello');
  });
  foreign = await startSecureServer(other, other.issue('server'), (_request, response) =>
    response.end(),
  );
  plain = createServer((_request, response) => response.end('plain'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  processTls()?.close();
  server.close();
  foreign.close();
  plain.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const plainUrl = () => `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
const refusal = async (url: string) =>
  describeConnectionError(await fetchDaemon(url).catch((error: unknown) => error));

it('asks as who the files say, also once they have changed', async () => {
  const answer = await fetchDaemon(server.url);

  ca.issue('second', { files });
  await vi.waitFor(async () => {
    await fetchDaemon(server.url);
    expect(server.clients).toContain('second');
  }, 30_000);

  expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
  expect(server.clients[0]).toBe('first');
});

it('asks those without TLS too', async () => {
  expect(await (await fetchDaemon(plainUrl())).text()).toBe('plain');
});

it('says which setting a failed connection has to do with', async () => {
  expect(await refusal(foreign.url)).toContain('is not signed by PACER_TLS_CA_FILE');
  expect(await refusal(plainUrl().replace('http:', 'https:'))).toContain('does not speak TLS');
  expect(await refusal(server.url.replace('https:', 'http:'))).toContain('is the URL https://?');
  expect(await refusal(server.url.replace('127.0.0.1', '127.0.0.2'))).toContain('ECONNREFUSED');
});

it('tells Prometheus when the certificate expires, and of changes', async () => {
  const text = await metricsRegistry.metrics();

  expect(text).toMatch(/^pacer_tls_certificate_not_after_seconds \d{10}$/m);
  expect(text).toMatch(/^pacer_tls_reloads_total\{outcome="taken"\} [1-9]/m);
});
