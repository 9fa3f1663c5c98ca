import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findEdgeProblem } from './edge-problem.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-edge-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const find = (isPortOurs: boolean) =>
  findEdgeProblem({ folders: [folder], port: 8000, isPortOurs });

it('says that HAProxy is missing', () => {
  expect(find(true)).toMatch(/^HAProxy is missing/);
});

it('names the port another program has', () => {
  writeFileSync(join(folder, 'haproxy'), '', { mode: 0o755 });

  expect(find(false)).toMatch(/^port 8000 cannot be opened/);
});

it('finds nothing wrong where HAProxy can serve', () => {
  writeFileSync(join(folder, 'haproxy'), '', { mode: 0o755 });

  expect(find(true)).toBeUndefined();
});
