import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { AcceptedCredentials } from './accepted-credentials.js';
import { ownAuthorization } from './own-authorization.js';

/** A busy machine takes its time to tell of a change. */
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-accepted-'));
  file = join(folder, 'credentials');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const write = (content: string) => writeFileSync(file, content, { mode: 0o600 });

it('lets in whom the file held when it could last be used', async () => {
  const lines: string[] = [];
  write('ops s3cret\n');
  const accepted = new AcceptedCredentials((_level, message) => lines.push(message), {
    PACER_CREDENTIALS_FILE: file,
  });
  const names = () => accepted.current.map(({ principal }) => principal);

  write('# nobody\n');
  await vi.waitFor(() => expect(lines.at(-1)).toMatch(/the former go on/), 30_000);
  const kept = names();
  write('ops other\nolga pw read\n');
  await vi.waitFor(() => expect(lines.at(-1)).toMatch(/2 are accepted/), 30_000);
  accepted.close();

  expect(kept).toEqual(['ops']);
  expect(names()).toEqual(['ops', 'olga']);
  expect(lines.join()).not.toContain('s3cret');
});

it('speaks with what the file holds at each call, and with the former while that fails', () => {
  const lines: string[] = [];
  write('ops one operator');
  vi.stubEnv('PACER_CREDENTIAL_FILE', file);
  const headers = ownAuthorization('operator', (_level, message) => lines.push(message));
  const shown = () =>
    Buffer.from(headers()['authorization']?.slice('Basic '.length) ?? '', 'base64').toString();

  const first = shown();
  write('ops two operator');
  const second = shown();
  write('');
  const third = [shown(), shown()];

  expect([first, second, ...third]).toEqual(['ops:one', 'ops:two', 'ops:two', 'ops:two']);
  expect(lines).toEqual([expect.stringContaining('the former credential goes on')]);
});
