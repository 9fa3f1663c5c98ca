import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Vitest } from 'vitest/node';
import { RunFiles } from './run-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-run-files-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** A folder of a run, noted under its process. */
function aRun(name: string, pid: number): string {
  const files = join(folder, name);
  mkdirSync(join(files, 'ssr'), { recursive: true });
  mkdirSync(join(folder, 'notes'), { recursive: true });
  writeFileSync(join(folder, 'notes', String(pid)), files);
  return files;
}

it('removes what it keeps when it ends, and before what runs that were killed left behind', () => {
  // Nothing of this test may end the process that runs it.
  vi.spyOn(process, 'once').mockReturnValue(process);
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const [dead, alive, own] = [aRun('dead', gone), aRun('alive', process.ppid), join(folder, 'own')];
  mkdirSync(own);
  const files = new RunFiles(join(folder, 'notes'));

  files.onInit({ projects: [{ tmpDir: own }, { tmpDir: own }] } as unknown as Vitest);
  expect([dead, alive, own].map((path) => existsSync(path))).toEqual([false, true, true]);
  files.end();

  expect([alive, own].map((path) => existsSync(path))).toEqual([true, false]);
  expect(readdirSync(join(folder, 'notes'))).toEqual([String(process.ppid)]);
});
