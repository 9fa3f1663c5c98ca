import { link, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runKeyOfTask } from '#core';
import { DirectorySandboxStore } from './directory-sandbox-store.js';
import { filesystemUsage, measureFolder } from './disk-usage.js';
import { type LimitedFolder, watchDisk } from './disk-watch.js';
import { sandboxAgeLimitMs } from './sandbox-age.js';

const KIB = 1024;
const HOUR_MS = 3_600_000;
const NOW_MS = Date.now();
const NEVER_MS = 2 ** 31 - 1;

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-sandbox-'));
});
afterEach(async () => await rm(root, { recursive: true }));

describe('sandboxes of completed tasks', () => {
  const names = ['web.1', 'web.2', 'web.3', 'web.4'];
  /** One sandbox for each name; the n-th is n hours old. */
  const arrange = async () => {
    const store = new DirectorySandboxStore(root);
    for (const [index, name] of names.entries()) {
      const { sandbox } = await store.prepare(runKeyOfTask(name), {});
      const at = new Date(NOW_MS - (index + 1) * HOUR_MS);
      await utimes(sandbox, at, at);
    }
    return store;
  };

  test('go when they are too old or too many, those of running tasks never', async () => {
    const store = await arrange();
    const live = (run: string) => run === 'web.4';

    const old = await store.sweep(live, NOW_MS, { maxAgeMs: 2.5 * HOUR_MS, maxKept: 10 });
    expect([old, (await readdir(store.root)).sort()]).toEqual([1, ['web.1', 'web.2', 'web.4']]);

    const surplus = await store.sweep(live, NOW_MS, { maxAgeMs: 2.5 * HOUR_MS, maxKept: 1 });
    expect([surplus, (await readdir(store.root)).sort()]).toEqual([1, ['web.1', 'web.4']]);
  });

  test('are as old as their end, however long their tasks ran', async () => {
    const store = await arrange();
    await store.retire(runKeyOfTask('web.4'));

    await store.sweep(() => false, Date.now(), { maxAgeMs: 0.5 * HOUR_MS, maxKept: 10 });

    expect(await readdir(store.root)).toEqual(['web.4']);
  });

  test.each([
    [0, 0.9],
    [0.4, 0.5],
    [0.9, 0],
    [1, 0],
  ])('of a disk used to %d are kept for %d of the delay', (usage, part) => {
    const limitMs = sandboxAgeLimitMs(usage, { delayMs: 1_000, headroom: 0.1 });

    expect(limitMs).toBeCloseTo(part * 1_000);
  });
});

describe('the disk a sandbox takes', () => {
  const measure = async (enoughBytes = Number.MAX_SAFE_INTEGER) =>
    await measureFolder(root, { enoughBytes, signal: new AbortController().signal });

  test('is that of its files, once each, and of nothing behind a link', async () => {
    const empty = await measure();
    await mkdir(join(root, 'deep/er'), { recursive: true });
    await writeFile(join(root, 'deep/er/file'), Buffer.alloc(64 * KIB, 'x'));
    await link(join(root, 'deep/er/file'), join(root, 'same'));
    await symlink('/usr', join(root, 'elsewhere'));

    const used = (await measure()) - empty;

    expect(used).toBeGreaterThanOrEqual(64 * KIB);
    expect(used).toBeLessThan(128 * KIB);
  });

  test('is not looked at further once it is more than allowed', async () => {
    for (let index = 0; index < 200; index += 1) {
      await writeFile(join(root, String(index)), Buffer.alloc(4 * KIB, 'x'));
    }

    const used = await measure(16 * KIB);

    expect(used).toBeGreaterThan(16 * KIB);
    expect(used).toBeLessThan(200 * 4 * KIB);
  });

  test('is told of where it is above the limit', async () => {
    const [large, small] = [join(root, 'large'), join(root, 'small')];
    await Promise.all([mkdir(large), mkdir(small)]);
    await writeFile(join(large, 'file'), Buffer.alloc(64 * KIB, 'x'));
    const limitBytes = 32 * KIB;
    const told: LimitedFolder[] = [];
    const tasks = [
      { run: runKeyOfTask('gone'), folder: join(root, 'missing'), limitBytes },
      { run: runKeyOfTask('large'), folder: large, limitBytes },
      { run: runKeyOfTask('small'), folder: small, limitBytes },
    ];
    const exceeded = (task: LimitedFolder) => void told.push(task);
    const watch = watchDisk({ tasks: () => tasks, exceeded, intervalMs: NEVER_MS });

    await watch.pass();
    watch.close();

    expect(told.map(({ run }) => run)).toEqual(['large']);
  });

  test('of a whole filesystem is a part of it', async () => {
    const usage = await filesystemUsage(root);

    expect(usage).toBeGreaterThan(0);
    expect(usage).toBeLessThanOrEqual(1);
  });
});
