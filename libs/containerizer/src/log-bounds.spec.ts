import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogBounds } from './log-bounds.js';

const MAX_BYTES = 64 * 1024;
const NEVER_MS = 3_600_000;

describe('the bounds of log files', () => {
  let sandbox = '';
  beforeEach(async () => {
    sandbox = await mkdtemp(join(tmpdir(), 'pacer-logs-'));
  });
  afterEach(async () => {
    vi.useRealTimers();
    await rm(sandbox, { recursive: true });
  });

  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');

  it('frees the head, keeps size and offsets, and loses no line of the tail', async () => {
    const file = join(sandbox, 'stdout');
    await writeFile(file, lines);
    const bounds = createLogBounds({ maxBytes: MAX_BYTES, intervalMs: NEVER_MS });
    bounds.add(sandbox);

    await bounds.sweep();

    const info = await stat(file);
    expect(info.size).toBe(lines.length);
    expect(info.blocks * 512).toBeLessThanOrEqual(MAX_BYTES + 4096);
    expect((await readFile(file, 'utf8')).slice(-MAX_BYTES)).toBe(lines.slice(-MAX_BYTES));
    bounds.close();
  });

  it('moves the tail aside where there are no holes', async () => {
    const file = join(sandbox, 'stderr');
    await writeFile(file, lines);
    const options = { maxBytes: MAX_BYTES, intervalMs: NEVER_MS, canPunchHoles: false };
    const bounds = createLogBounds(options);
    bounds.add(sandbox);

    await bounds.sweep();

    expect((await stat(file)).size).toBe(0);
    expect(await readFile(`${file}.1`, 'utf8')).toBe(lines.slice(-MAX_BYTES / 2));
    bounds.close();
  });

  /** Puts a program of that name before all others. */
  const replaceFallocate = async (script: string): Promise<() => void> => {
    const folder = join(sandbox, 'bin');
    await mkdir(folder);
    await writeFile(join(folder, 'fallocate'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${folder}:${before}`;
    return () => {
      process.env['PATH'] = before;
    };
  };

  it('tries again in the next sweep when a hole could not be made this time', async () => {
    const file = join(sandbox, 'stdout');
    await writeFile(file, lines);
    const bounds = createLogBounds({ maxBytes: MAX_BYTES, intervalMs: NEVER_MS });
    bounds.add(sandbox);

    const restore = await replaceFallocate(
      'echo "fallocate: fallocate failed: Input/output error" >&2; exit 1',
    );
    await bounds.sweep();
    restore();
    expect(await readFile(file, 'utf8')).toBe(lines);
    await bounds.sweep();

    const info = await stat(file);
    expect(info.size).toBe(lines.length);
    expect(info.blocks * 512).toBeLessThanOrEqual(MAX_BYTES + 4096);
    bounds.close();
  });

  it('moves the tail aside once the system says that it has no holes', async () => {
    const file = join(sandbox, 'stdout');
    await writeFile(file, lines);
    const bounds = createLogBounds({ maxBytes: MAX_BYTES, intervalMs: NEVER_MS });
    bounds.add(sandbox);

    const restore = await replaceFallocate(
      'echo "fallocate: fallocate failed: Operation not supported" >&2; exit 1',
    );
    await bounds.sweep();
    restore();

    expect((await stat(file)).size).toBe(0);
    expect(await readFile(`${file}.1`, 'utf8')).toBe(lines.slice(-MAX_BYTES / 2));
    bounds.close();
  });

  it('comes again after a quarter of a second as long as a file had grown beyond twice the bound', async () => {
    const file = join(sandbox, 'stdout');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const bounds = createLogBounds({ maxBytes: MAX_BYTES, intervalMs: 10_000 });
    bounds.add(sandbox);
    /** How long the timer waited for its next sweep, which finds `written` more bytes. */
    const nextSweep = async (written: number): Promise<number> => {
      await appendFile(file, Buffer.alloc(written, 'x'));
      const beforeMs = Date.now();
      vi.advanceTimersToNextTimer();
      // Its end sets the timer again.
      while (vi.getTimerCount() === 0) await turn();
      return Date.now() - beforeMs;
    };

    const waits: number[] = [];
    for (const written of [3, 3, 0.5, 3, 0.5, 0.5])
      waits.push(await nextSweep(written * MAX_BYTES));
    bounds.close();

    expect(waits).toEqual([10_000, 250, 250, 10_000, 250, 10_000]);
    expect((await stat(file)).blocks * 512).toBeLessThanOrEqual(MAX_BYTES + 4096);
  });

  it('leaves files alone that are within the bound or no longer kept', async () => {
    const file = join(sandbox, 'stdout');
    await writeFile(file, lines);
    const bounds = createLogBounds({ maxBytes: MAX_BYTES, intervalMs: NEVER_MS });
    bounds.add(sandbox);
    bounds.remove(sandbox);

    await bounds.sweep();

    expect(await readFile(file, 'utf8')).toBe(lines);
    bounds.close();
  });
});
