import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  frameworkId,
  type Launcher,
  type LaunchSpec,
  type RunKey,
  runKey,
  type TaskExit,
  taskId,
} from '#core';
import { createProcessLauncher } from './process-launcher.js';

/** What a later launcher makes of the files of a launch or an end that was cut off at any of them. */

const WAIT_MS = 20_000;
/** As they are written by a launch, all but the supervisor's. */
const FILES = ['launch.json', 'environment', 'start'] as const;

let root = '';
let launcher: Launcher;
let complete: LaunchSpec;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-cuts-'));
  launcher = createProcessLauncher({ scope: `cuts-${process.pid}` });
  const exits: TaskExit[] = [];
  launcher.onExit((exit) => exits.push(exit));
  complete = await prepare('complete');
  await launcher.launch(complete);
  const deadlineMs = performance.now() + WAIT_MS;
  while (exits.length === 0) {
    if (performance.now() > deadlineMs) throw new Error('the task does not end');
    await sleep(10);
  }
});

afterAll(async () => {
  await launcher.removeStrays(new Set());
  await launcher.close();
  await rm(root, { recursive: true, force: true });
});

async function prepare(name: string): Promise<LaunchSpec> {
  count += 1;
  const sandbox = join(root, `${name}-${count}`, 'sandbox');
  const runtimeDirectory = join(root, `${name}-${count}`, 'runtime');
  await mkdir(sandbox, { recursive: true });
  await mkdir(runtimeDirectory, { recursive: true });
  return {
    ...{ run: runKey(name, String(count)), taskId: taskId(name), frameworkId: frameworkId('f1') },
    ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 64 },
    command: { kind: 'shell', value: 'exit 3' },
    environment: {},
  };
}

/** A launch of which these files are there; of the last one only a part, if it is torn. */
async function cutOff(files: readonly string[], options: { readonly isTorn: boolean }) {
  const spec = await prepare('cut');
  for (const [index, name] of files.entries()) {
    const to = join(spec.runtimeDirectory, name);
    await copyFile(join(complete.runtimeDirectory, name), to);
    if (!options.isTorn || index < files.length - 1) continue;
    const bytes = await readFile(to);
    await writeFile(to, bytes.subarray(0, Math.floor(bytes.length / 2)));
  }
  return spec;
}

const reattach = (spec: LaunchSpec) => launcher.reattach(spec);
const cuts = [0, 1, 2, 3].flatMap((length) => [
  { files: FILES.slice(0, length), isTorn: false },
  { files: FILES.slice(0, length), isTorn: true },
]);

describe('a launch that was cut off before its supervisor started', () => {
  test.each(cuts)('after $files (torn: $isTorn) is gone, and can never be made', async (cut) => {
    const spec = await cutOff(cut.files, cut);

    const found = await reattach(spec);
    const again = await reattach(spec);

    expect(found).toMatchObject({ kind: 'gone', reason: expect.stringMatching(/./) });
    expect(again).toMatchObject({ kind: 'gone' });
    if (cut.files.length > 0) await expect(launcher.launch(spec)).rejects.toThrow('exists already');
    expect(await launcher.removeStrays(new Set<RunKey>())).toEqual([]);
  });
});

describe('an end of which the supervisor had written', () => {
  const whole = [...FILES, 'pid'];

  test.each<[string, Readonly<Record<string, string>>, object]>([
    ['nothing', {}, { kind: 'unknown' }],
    ['the place of its status', { 'exit.new': '000\n' }, { kind: 'unknown' }],
    ['its status, but not its name', { 'exit.new': '3\n0\n' }, { kind: 'unknown' }],
    ['its status', { exit: '3\n0\n' }, { kind: 'exited', code: 3 }],
    ['an empty status', { exit: '' }, { kind: 'unknown' }],
  ])('%s is known as far as it goes', async (_, files, status) => {
    const spec = await cutOff(whole, { isTorn: false });
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(spec.runtimeDirectory, name), text);
    }

    expect(await reattach(spec)).toMatchObject({ kind: 'exited', exit: { status } });
  });

  test('its status, where there was no room for it, has the place it was given before', async () => {
    const text = await readFile(join(complete.runtimeDirectory, 'exit'), 'utf8');

    expect(text).toBe('3\n0\n');
  });
});
