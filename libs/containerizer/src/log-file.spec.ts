import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLogFile, openLogFiles } from './log-file.js';

describe('the log files of a sandbox', () => {
  let sandbox = '';
  let outside = '';
  beforeEach(async () => {
    sandbox = await mkdtemp(join(tmpdir(), 'pacer-log-file-'));
    outside = join(sandbox, 'outside');
    await writeFile(outside, '');
  });
  afterEach(async () => await rm(sandbox, { recursive: true }));

  const putPipe = (path: string) => execFileSync('mkfifo', [path]);
  const putLink = async (path: string) => await symlink(outside, path);

  it.each([
    ['a pipe', putPipe],
    ['a link', putLink],
  ])('are not opened where %s lies in their place', async (_what, put) => {
    const path = join(sandbox, 'stderr');
    await put(path);

    expect(() => openLogFiles(sandbox)).toThrow(path);
    await expect(openLogFile(path)).rejects.toThrow(path);
  });
});
