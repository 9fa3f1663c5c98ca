import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeWorkDirectory } from './work-directory.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-work-directory-'));
});
afterEach(async () => await rm(root, { recursive: true }));

describe('the work directory', () => {
  test('is made with all that is above it, and taken', async () => {
    const path = join(root, 'a', 'b');

    await takeWorkDirectory(path, () => undefined);

    expect(existsSync(join(path, 'agent.pid'))).toBe(true);
  });

  test('that cannot be is refused by name', async () => {
    const path = join(root, 'file', 'data');
    await writeFile(join(root, 'file'), '');

    const taken = takeWorkDirectory(path, () => undefined);

    await expect(taken).rejects.toThrow(`cannot make the work directory ${path}: ENOTDIR`);
    await expect(taken).rejects.toThrow('set PACER_DATA to another folder');
  });

  test('that is missing on a read-only disk is waited for, and the reason told', async (context) => {
    const disk = join(root, 'disk');
    await mkdir(disk);
    if (!mount('-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', disk)) context.skip('needs mount');
    try {
      const problems: string[] = [];
      const path = join(disk, 'pacer', 'agent');

      await takeWorkDirectory(
        path,
        (problem) => {
          problems.push(problem);
          mount('-o', 'remount,rw', disk);
        },
        1,
      );

      expect(problems).toEqual([`EROFS: read-only file system, mkdir '${join(disk, 'pacer')}'`]);
      expect(existsSync(join(path, 'agent.pid'))).toBe(true);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});

function mount(...args: readonly string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
