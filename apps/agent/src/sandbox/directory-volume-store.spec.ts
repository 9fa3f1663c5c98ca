import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TaskVolume } from '#cluster';
import { runKeyOfTask } from '#core';
import { DirectorySandboxStore } from './directory-sandbox-store.js';
import { DirectoryVolumeStore } from './directory-volume-store.js';

let root = '';
let store: DirectoryVolumeStore;
let sandbox = '';
const lines: string[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-volumes-'));
  sandbox = join(root, 'sandboxes/web.1');
  await mkdir(sandbox, { recursive: true });
  lines.length = 0;
  store = new DirectoryVolumeStore(root, (_level, line) => void lines.push(line));
});
afterEach(async () => await rm(root, { recursive: true }));

const data = (fields: Partial<TaskVolume> = {}): TaskVolume => ({
  ...{ role: 'db', id: 'web#data#1', containerPath: 'data', mode: 'RW', limitBytes: 1_024 },
  ...fields,
});
const inSandbox = { isMounted: false };

describe('the directory of a volume', () => {
  test('is linked into the sandbox of a process, and what is written stays for the next task', async () => {
    await store.make([data()]);
    await store.attach([data()], { sandbox, ...inSandbox });
    await store.attach([data()], { sandbox, ...inSandbox });
    await writeFile(join(sandbox, 'data/file'), 'kept');

    const next = join(root, 'sandboxes/web.2');
    await mkdir(next);
    await store.make([data()]);
    await store.attach([data({ containerPath: 'deep/er' })], { sandbox: next, ...inSandbox });

    expect(await readlink(join(sandbox, 'data'))).toBe(join(root, 'volumes/roles/db/web#data#1'));
    expect(await readFile(join(next, 'deep/er/file'), 'utf8')).toBe('kept');
    expect((await stat(join(root, 'volumes/roles/db'))).mode & 0o777).toBe(0o755);
  });

  test('is mounted on a folder for a container', async () => {
    await store.make([data()]);

    await store.attach([data()], { sandbox, isMounted: true });

    expect((await lstat(join(sandbox, 'data'))).isDirectory()).toBe(true);
  });

  test.runIf(process.getuid?.() === 0)('belongs to the user of the task', async () => {
    await store.make([data()]);

    await store.attach([data()], { sandbox, ...inSandbox, user: 'nobody' });

    expect((await stat(store.directoryOf(data()))).uid).toBeGreaterThan(0);
  });

  test('is gone with what is in it when the volume is destroyed, others stay', async () => {
    const other = data({ id: 'web#data#2' });
    await store.make([data(), other]);
    await writeFile(join(store.directoryOf(data()), 'file'), 'x');

    await store.remove([data()]);
    await store.remove([data()]);
    await store.emptied();

    expect(await readdir(join(root, 'volumes/roles/db'))).toEqual(['web#data#2']);
    expect(await readdir(join(root, 'volumes/removed'))).toEqual([]);
  });

  test('is not swept with the sandboxes', async () => {
    await store.make([data()]);
    await store.attach([data()], { sandbox, ...inSandbox });
    await writeFile(join(sandbox, 'data/file'), 'kept');
    const sandboxes = new DirectorySandboxStore(root);

    await sandboxes.retire(runKeyOfTask('web.1'));
    await sandboxes.sweep(() => false, Date.now() + 1_000, { maxAgeMs: 0, maxKept: 0 });

    expect(await readdir(join(root, 'sandboxes'))).toEqual([]);
    expect(await readFile(join(store.directoryOf(data()), 'file'), 'utf8')).toBe('kept');
  });
});

describe('a volume is refused', () => {
  test('when its directory is missing, and it is not made anew', async () => {
    expect(await store.open([data()])).toEqual([data()]);

    await expect(store.attach([data()], { sandbox, ...inSandbox })).rejects.toThrow(
      /persistent volume web#data#1: its directory .*web#data#1 is missing/,
    );
  });

  test('when something else is in its place in the sandbox', async () => {
    await store.make([data()]);
    await writeFile(join(sandbox, 'data'), 'fetched');

    await expect(store.attach([data()], { sandbox, ...inSandbox })).rejects.toThrow(
      'there is something else at data in the sandbox already',
    );
  });

  test('where a link would take it out of the sandbox', async () => {
    await store.make([data()]);
    await symlink(tmpdir(), join(sandbox, 'out'));

    const attached = store.attach([data({ containerPath: 'out/data' })], { sandbox, ...inSandbox });

    await expect(attached).rejects.toThrow('leads out of the sandbox');
  });

  test.each([
    [{ id: '..' }],
    [{ id: '../../escape' }],
    [{ role: '..' }],
    [{ containerPath: '../data' }],
    [{ containerPath: '/data' }],
    [{ containerPath: 'a/../../b' }],
    [{ containerPath: '.' }],
  ])('with %o', async (fields) => {
    await store.make([data(fields)]);

    await expect(store.attach([data(fields)], { sandbox, ...inSandbox })).rejects.toThrow(
      /cannot be the name of a directory|is not a path inside the sandbox/,
    );
    expect(await readdir(sandbox)).toEqual([]);
  });
});
