import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBoundedLogs } from './bounded-logs.js';

const MIB = 1024 * 1024;
const MAX_BYTES = 8 * MIB;
const NEVER_MS = 3_600_000;
const WAIT_MS = 20_000;

describe('bounded logs', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pacer-flood-'));
  });
  afterEach(async () => await rm(root, { recursive: true }));

  it('notice a flood while no sweep is due', { timeout: 2 * WAIT_MS }, async () => {
    const sandbox = join(root, 'one');
    await mkdir(sandbox);
    const file = join(sandbox, 'stdout');
    const logs = createBoundedLogs({ maxBytes: MAX_BYTES, intervalMs: NEVER_MS });
    logs.add(sandbox);

    // 16 MiB, again and again, with time in between to notice each.
    const script = 'while sleep 0.1; do head -c 16777216 /dev/zero; done >>"$1"';
    const flood = spawn('sh', ['-c', script, 'flood', file], { detached: true });
    const deadlineMs = performance.now() + WAIT_MS;
    const isFreed = async (): Promise<boolean> => {
      const found = await stat(file).catch(() => undefined);
      return found !== undefined && found.size - found.blocks * 512 >= 10 * MAX_BYTES;
    };
    while (!(await isFreed()) && performance.now() < deadlineMs) await sleep(20);
    process.kill(-(flood.pid ?? 0), 'SIGKILL');

    expect(await isFreed()).toBe(true);
    logs.close();
  });
});
