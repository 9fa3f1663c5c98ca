import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileFollower } from './file-follower.js';

const WAIT_MS = 20_000;
let folder = '';
let path = '';
let stopAll: (() => void)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-follow-'));
  path = join(folder, 'stdout');
  await writeFile(path, 'first\n');
});
afterEach(async () => {
  for (const stop of stopAll) stop();
  stopAll = [];
  await rm(folder, { recursive: true, force: true });
});

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('not reached in time');
    await sleep(5);
  }
}

async function follow(
  from: number,
  options: { readonly watch?: ConstructorParameters<typeof FileFollower>[3] } = {},
) {
  const seen = {
    events: [] as { readonly offset: number; readonly data: string }[],
    ends: [] as string[],
    hasBegun: false,
  };
  const state = { isOver: false, hold: undefined as Promise<void> | undefined };
  const follower = new FileFollower(
    await open(path),
    { again: () => open(path), isOver: () => state.isOver },
    {
      send: async (text) => {
        seen.hasBegun = true;
        const data = /^data: (.*)$/m.exec(text)?.[1];
        if (data !== undefined && text.startsWith('event: end')) {
          seen.ends.push(JSON.parse(data).reason);
        } else if (data !== undefined) seen.events.push(JSON.parse(data));
        await state.hold;
      },
    },
    ...(options.watch === undefined ? [] : [options.watch]),
  );
  const ended = follower.run(from);
  stopAll.push(() => follower.stop());
  const text = () => seen.events.map(({ data }) => data).join('');
  return { follower, seen, state, ended, text };
}

describe('a file that is followed', () => {
  it('is sent from an offset, and then what is added', async () => {
    const { seen, text } = await follow(2);
    await until(() => text() === 'rst\n');

    await appendFile(path, 'second\n');
    await until(() => text() === 'rst\nsecond\n');

    expect(seen.events.map(({ offset }) => offset)).toEqual([2, 6]);
  });

  it('is sent from its end for -1', async () => {
    const { seen, text } = await follow(-1);
    await until(() => seen.hasBegun);
    await appendFile(path, 'a');

    await until(() => text().includes('a'));

    expect(seen.events[0]?.data.includes('first')).toBe(false);
  });

  it('is looked at now and then where it cannot be watched', async () => {
    const watch = () => {
      throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
    };
    const { text } = await follow(6, { watch: watch as never });

    await appendFile(path, 'later');

    await until(() => text() === 'later');
  });

  it('keeps its offsets over holes at its head', async () => {
    await writeFile(path, `${'x'.repeat(1024 * 1024)}\nend`);
    execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', '524288', path]);
    expect((await stat(path)).blocks * 512).toBeLessThan(1024 * 1024);

    const { seen, text } = await follow(0);
    await until(() => text().endsWith('end'));

    expect(seen.events[0]?.offset).toBe(524_288);
    expect(text().length).toBe(524_288 + 4);
  });

  it('begins anew when it was emptied, and when another took its name', async () => {
    const { seen, text } = await follow(0);
    await until(() => text() === 'first\n');

    await truncate(path);
    await appendFile(path, 'two');
    await until(() => text() === 'first\ntwo');
    await rename(path, `${path}.1`);
    await writeFile(path, 'three');
    await until(() => text() === 'first\ntwothree');

    expect(seen.events.map(({ offset }) => offset)).toEqual([0, 0, 0]);
  });

  it('is never sent with half a character', async () => {
    const { seen, text } = await follow(6);
    const bytes = Buffer.from('ä€😀');

    for (const byte of bytes) {
      await appendFile(path, Buffer.of(byte));
      await sleep(30);
    }
    await until(() => text() === 'ä€😀');

    expect(seen.events.every(({ data }) => !data.includes('\uFFFD'))).toBe(true);
  });

  it('is sent to the end when its run is over, half characters included', async () => {
    const { follower, seen, state, ended, text } = await follow(0);
    await until(() => text() === 'first\n');

    await appendFile(path, Buffer.concat([Buffer.from('last'), Buffer.of(0xe2)]));
    state.isOver = true;
    follower.wake();
    await ended;

    expect(text()).toBe('first\nlast\uFFFD');
    expect(seen.ends).toEqual(['the run is over']);
  });

  it('ends when it is removed', async () => {
    const { seen, ended, text } = await follow(0);
    await until(() => text() === 'first\n');

    await rm(path);
    await ended;

    expect(seen.ends).toEqual(['the file was removed']);
  });

  it('is read no faster than it is taken', async () => {
    await writeFile(path, 'x'.repeat(1024 * 1024));
    let release = (): void => undefined;
    const { seen, state, text } = await follow(0);
    state.hold = new Promise((resolve) => {
      release = resolve;
    });
    await until(() => seen.events.length > 0);
    await sleep(100);
    expect(seen.events.length).toBeLessThan(3);

    state.hold = undefined;
    release();
    await until(() => text().length === 1024 * 1024);
  });
});
