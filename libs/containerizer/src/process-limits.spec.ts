import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  frameworkId,
  type Launcher,
  type LaunchSpec,
  runKeyOfTask,
  type TaskExit,
  taskId,
} from '#core';
import { type Controller, findOwnHierarchies, type Hierarchy } from './cgroup-hierarchies.js';
import { createProcessLauncher } from './process-launcher.js';

const WAIT_MS = 20_000;
const PAUSE_MS = 10;
const MIB = 1024 * 1024;
const IS_ROOT = process.getuid?.() === 0;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

describe('what a process may take', { timeout: 2 * WAIT_MS }, () => {
  let [root, scope] = ['', ''];
  let launcher: Launcher;
  let hierarchies: readonly Hierarchy[] = [];
  let exits: TaskExit[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pacer-limits-'));
    // Where other users may enter.
    await chmod(root, 0o755);
    scope = `limits-${process.pid}`;
    launcher = createProcessLauncher({ scope });
    hierarchies = await findOwnHierarchies(`pacer/${scope}`);
    exits = [];
    launcher.onExit((exit) => exits.push(exit));
  });
  afterEach(async () => {
    await launcher.close();
    const sweeper = createProcessLauncher({ scope });
    await sweeper.removeStrays(new Set());
    await sweeper.close();
    for (const { directory } of hierarchies) await rmdir(directory).catch(() => undefined);
    await rm(root, { recursive: true });
  });

  const spec = async (command: string, more: Partial<LaunchSpec> = {}): Promise<LaunchSpec> => {
    const [sandbox, runtimeDirectory] = [join(root, 'sandbox'), join(root, 'runtime')];
    await mkdir(sandbox, { recursive: true });
    await mkdir(runtimeDirectory, { recursive: true });
    return {
      ...{ run: runKeyOfTask('a'), taskId: taskId('a'), frameworkId: frameworkId('f1') },
      ...{ sandbox, runtimeDirectory, cpuMillis: 500, memMib: 64, environment: {} },
      command: { kind: 'shell', value: command },
      ...more,
    };
  };
  const outputOf = async (wanted: LaunchSpec): Promise<string> => {
    await launcher.launch(wanted);
    await until(() => exits.length === 1);
    return await readFile(join(wanted.sandbox, 'stdout'), 'utf8');
  };
  const setting = async (controller: Controller, files: Readonly<Record<1 | 2, string>>) => {
    const found = hierarchies.find(({ controllers }) => controllers.includes(controller));
    if (found === undefined) return undefined;
    return (await readFile(join(found.directory, 'a', files[found.version]), 'utf8')).trim();
  };

  it.each(IS_ROOT ? ['own', 'nobody'] : ['own'])(
    'are its rlimits, soft and hard (user %s)',
    async (user) => {
      const output = await outputOf(
        await spec('cat /proc/self/limits', {
          ...(user === 'own' ? {} : { user }),
          rlimits: [
            { name: 'nofile', soft: 100, hard: 200 },
            { name: 'core', soft: 0, hard: 0 },
            { name: 'fsize', soft: 4096 * 1024, hard: 'unlimited' },
          ],
        }),
      );

      expect(output).toMatch(/^Max open files +100 +200 /m);
      expect(output).toMatch(/^Max core file size +0 +0 /m);
      expect(output).toMatch(/^Max file size +4194304 +unlimited /m);
    },
  );

  it('does not start with limits the system refuses, and says which', async () => {
    // Above fs.nr_open, which binds root too.
    const wanted = await spec('touch ran', {
      rlimits: [{ name: 'nofile', soft: 1, hard: 2 ** 52 }],
    });

    await expect(launcher.launch(wanted)).rejects.toMatchObject({
      phase: 'start',
      message: expect.stringMatching(/^cannot set its rlimits: .*NOFILE/),
    });
    await expect(readFile(join(wanted.sandbox, 'ran'))).rejects.toThrow('ENOENT');
  });

  it('are limits above its requests, which keep their weight', async (context) => {
    if (hierarchies.length === 0) context.skip('needs the right to make cgroups');
    await launcher.launch(
      await spec('exec sleep 1000', { limits: { cpuMillis: 750, memMib: 96 } }),
    );

    const weight = await setting('cpu', { 1: 'cpu.shares', 2: 'cpu.weight' });
    const cap = await setting('cpu', { 1: 'cpu.cfs_quota_us', 2: 'cpu.max' });
    const memory = await setting('memory', { 1: 'memory.limit_in_bytes', 2: 'memory.max' });
    const reserved = await setting('memory', { 1: 'memory.soft_limit_in_bytes', 2: 'memory.low' });

    expect(['512', '20', undefined]).toContain(weight);
    expect(['75000', '75000 100000', undefined]).toContain(cap);
    expect([String(96 * MIB), undefined]).toContain(memory);
    expect([String(64 * MIB), undefined]).toContain(reserved);
  });

  it('are nothing where its limit is Infinity', async (context) => {
    if (hierarchies.length === 0) context.skip('needs the right to make cgroups');
    const unlimited = { cpuMillis: 'unlimited', memMib: 'unlimited' } as const;

    // tail keeps a line without an end in memory.
    const output = await outputOf(
      await spec('head -c 60000000 /dev/zero | tail | wc -c', { memMib: 16, limits: unlimited }),
    );

    expect(output).toBe('60000000\n');
  });

  it.skipIf(!IS_ROOT)('are all the groups of its user', async () => {
    const groups = execFileSync('id', ['-G', 'nobody'], { encoding: 'utf8' });

    const output = await outputOf(await spec('id -u; id -G', { user: 'nobody' }));

    expect(output).toBe(`65534\n${groups}`);
  });

  it('is its time to end: then everything it started goes, whatever session it is in', async () => {
    const daemon = 'setsid sh -c \'setsid sh -c "trap \\"\\" TERM; echo up; sleep 1000; true" &\'';
    const wanted = await spec(`${daemon}; trap '' TERM; while true; do sleep 1000; done`);
    await launcher.launch(wanted);
    const stdout = join(wanted.sandbox, 'stdout');
    await until(async () => (await readFile(stdout, 'utf8')) === 'up\n');
    const sleeping = () =>
      execFileSync('sh', ['-c', `grep -lz PACER_AGENT_SCOPE=${scope} /proc/*/environ 2>&1 || true`])
        .toString()
        .split('\n')
        .filter((line) => line.endsWith('/environ'));
    expect(sleeping().length).toBeGreaterThan(2);

    await launcher.kill(wanted.run, { graceMs: 50 });
    await until(() => exits.length === 1);

    expect(exits[0]?.status).toMatchObject({ signal: 9 });
    // The supervisor itself may take a moment to go.
    await until(() => sleeping().length === 0);
  });
});
