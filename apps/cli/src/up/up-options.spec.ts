import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { readUpOptions } from './up-options.js';

afterEach(() => vi.unstubAllEnvs());

it('refuses to be reachable from other machines without credentials, before anything starts', () => {
  vi.stubEnv('PACER_HOST', '0.0.0.0');
  vi.stubEnv('PACER_CREDENTIALS', '');

  expect(() => readUpOptions({})).toThrow(/PACER_HOST: "0.0.0.0" .* PACER_ALLOW_OPEN_BIND=true/);
});

it('takes any address with credentials and TLS, or with the word of who accepts to go without', () => {
  vi.stubEnv('PACER_HOST', '0.0.0.0');
  vi.stubEnv('PACER_CREDENTIALS', 'pacer:secret');

  expect(() => readUpOptions({})).toThrow(/without TLS.* PACER_ALLOW_PLAIN_BIND=true/);
  vi.stubEnv('PACER_ALLOW_PLAIN_BIND', 'true');
  expect(readUpOptions({})).toMatchObject({ host: '0.0.0.0', scheme: 'http' });
  vi.stubEnv('PACER_ALLOW_PLAIN_BIND', '');
  vi.stubEnv('PACER_TLS_CERT_FILE', '/etc/pacer/pacer.crt');
  vi.stubEnv('PACER_TLS_KEY_FILE', '/etc/pacer/pacer.key');
  expect(readUpOptions({})).toMatchObject({ host: '0.0.0.0', scheme: 'https' });
  expect(readUpOptions({ agents: '2' })).toMatchObject({ host: '0.0.0.0', agents: 2 });
});

it('refuses a file of credentials others can read, before anything starts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-up-'));
  const path = join(folder, 'credentials');
  writeFileSync(path, 'ops secret\n', { mode: 0o600 });
  vi.stubEnv('PACER_CREDENTIALS_FILE', path);

  expect(() => readUpOptions({})).not.toThrow();
  chmodSync(path, 0o644);

  expect(() => readUpOptions({})).toThrow(/has mode 0644/);
  rmSync(folder, { recursive: true });
});

it('moves all ports by the offset but those set on their own', () => {
  vi.stubEnv('PACER_EDGE_HTTP_PORT', '80');

  expect(readUpOptions({ portOffset: '100' }).ports).toMatchObject({ api: 8180, edgeHttp: 80 });
});
