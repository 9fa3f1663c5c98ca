import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

let api: ApiUnderTest;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-ui-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<title>Pacer</title>');
  writeFileSync(join(folder, 'assets', 'main-1a2b.js'), 'start()');
  api = await startApi({ uiFolder: folder });
});
afterAll(async () => {
  await api.daemon.close();
  rmSync(folder, { recursive: true });
});

it('leads from the root to the UI', async () => {
  const reply = await api.ask('GET', '/');

  expect([reply.statusCode, reply.headers['location']]).toEqual([302, '/ui/']);
});

it.each([
  '/ui/',
  '/ui/apps/%2Fshop%2Fweb',
  '/ui/apps/shop/web.v2',
  '/ui/group/example.com',
  '/ui/deployments?x=1.js',
])('serves the page for %s', async (url) => {
  const reply = await api.ask('GET', url);

  expect(reply.body).toBe('<title>Pacer</title>');
  expect(reply.headers['content-type']).toContain('text/html');
  expect(reply.headers['cache-control']).toBe('no-cache');
});

it('serves built files for browsers to keep, and no page in place of a missing one', async () => {
  const file = await api.ask('GET', '/ui/assets/main-1a2b.js');
  const missing = await api.ask('GET', '/ui/assets/main-old.js');
  const outside = await api.ask('GET', '/ui/../../etc/passwd');

  expect(file.headers['cache-control']).toContain('immutable');
  expect(missing.statusCode).toBe(404);
  expect(outside.body).not.toContain('root:');
});
