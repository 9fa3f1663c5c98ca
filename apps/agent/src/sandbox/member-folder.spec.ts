import { mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { SandboxVolume } from '#cluster';
import { runKeyOfTask } from '#core';
import { DirectorySandboxStore } from './directory-sandbox-store.js';

const roots: string[] = [];
async function createStore(): Promise<DirectorySandboxStore> {
  const root = await mkdtemp(join(tmpdir(), 'pacer-sandboxes-'));
  roots.push(root);
  return new DirectorySandboxStore(root);
}
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true });
});

const EXECUTOR = runKeyOfTask('pod.1');
const shared: SandboxVolume = {
  scope: 'PARENT',
  path: 'data',
  containerPath: 'in/put',
  mode: 'RW',
};
const member = (taskId: string, volumes: readonly SandboxVolume[] = [shared], isLinked = true) => ({
  member: { executor: EXECUTOR, taskId, volumes, isLinked },
});

describe('the sandboxes of a group', () => {
  test('are in one, and members without a container have its directories by links', async () => {
    const store = await createStore();
    const group = store.directories(EXECUTOR).sandbox;

    const a = await store.prepare(runKeyOfTask('a.1'), member('a'));
    const b = await store.prepare(runKeyOfTask('b.1'), member('b'));
    await store.prepare(runKeyOfTask('b.1'), member('b'));
    await writeFile(join(a.sandbox, 'in/put/x'), 'from a');

    expect(a.sandbox).toBe(join(group, 'containers', 'a.1'));
    expect(await realpath(join(group, 'tasks', 'a'))).toBe(await realpath(a.sandbox));
    expect(await readFile(join(b.sandbox, 'in/put/x'), 'utf8')).toBe('from a');
    expect(await readFile(join(group, 'data/x'), 'utf8')).toBe('from a');
    expect((await stat(join(group, 'data'))).mode & 0o777).toBe(0o777);
  });

  test('have no links for a container, which mounts the directories', async () => {
    const store = await createStore();
    const group = store.directories(EXECUTOR).sandbox;
    const self: SandboxVolume = { scope: 'SELF', path: 'own', containerPath: '/x', mode: 'RO' };

    const { sandbox } = await store.prepare(
      runKeyOfTask('a.1'),
      member('a', [shared, self], false),
    );

    await expect(stat(join(sandbox, 'in'))).rejects.toThrow('ENOENT');
    expect((await stat(join(sandbox, 'own'))).isDirectory()).toBe(true);
    expect((await stat(join(group, 'data'))).isDirectory()).toBe(true);
  });

  test('are one for each run, and the name of the task is that of its newest', async () => {
    const store = await createStore();
    const group = store.directories(EXECUTOR).sandbox;

    const first = await store.prepare(runKeyOfTask('a.1'), member('a'));
    await writeFile(join(first.sandbox, 'stdout'), 'of the first');
    const second = await store.prepare(runKeyOfTask('a.2'), member('a'));
    await store.prepare(runKeyOfTask('a.2'), member('a'));

    await expect(stat(join(second.sandbox, 'stdout'))).rejects.toThrow('ENOENT');
    expect(await realpath(join(group, 'tasks/a'))).toBe(await realpath(second.sandbox));
    expect(await readFile(join(first.sandbox, 'stdout'), 'utf8')).toBe('of the first');
  });

  test('have no name for an id that is too long for one', async () => {
    const store = await createStore();

    const { sandbox } = await store.prepare(runKeyOfTask('a.1'), member('ü'.repeat(200)));

    expect((await stat(sandbox)).isDirectory()).toBe(true);
  });

  test('are not led out of by what was in the place of a volume before', async () => {
    const store = await createStore();
    const { sandbox } = store.directories(runKeyOfTask('a.1'), EXECUTOR);
    const outside = await mkdtemp(join(tmpdir(), 'pacer-outside-'));
    roots.push(outside);
    await mkdir(sandbox, { recursive: true });
    await symlink(outside, join(sandbox, 'in'));

    const prepared = store.prepare(runKeyOfTask('a.1'), member('a'));

    await expect(prepared).rejects.toThrow('"in" leads out of the sandbox');
    await expect(stat(join(await realpath(outside), 'put'))).rejects.toThrow('ENOENT');
  });
});
