import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
import { createProcessLauncher } from './process-launcher.js';

const PAUSE_MS = 20;
const USERS = process.getuid?.() === 0 ? [undefined, 'nobody'] : [undefined];

let root = '';
let count = 0;
const launchers: Launcher[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-terminal-'));
});

afterEach(async () => {
  for (const launcher of launchers.splice(0)) {
    await launcher.removeStrays(new Set());
    await launcher.close();
  }
  await rm(root, { recursive: true });
});

const newLauncher = (scope: string, withoutCgroups = false): Launcher => {
  const launcher = createProcessLauncher({ scope, withoutCgroups });
  launchers.push(launcher);
  return launcher;
};

async function aTask(command: string, more: Partial<LaunchSpec> = {}, withoutCgroups = false) {
  count += 1;
  const id = `terminal-${process.pid}-${count}`;
  const [sandbox, runtimeDirectory] = [join(root, id), join(root, `${id}-runtime`)];
  await mkdir(sandbox);
  await mkdir(runtimeDirectory);
  const spec: LaunchSpec = {
    ...{ run: runKeyOfTask(id), taskId: taskId(id), frameworkId: frameworkId('f1') },
    ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 64, hasTerminal: true },
    command: { kind: 'shell', value: command },
    environment: { GREETING: "it's me" },
    ...more,
  };
  const launcher = newLauncher(id, withoutCgroups);
  const end = new Promise<TaskExit>((resolve) => void launcher.onExit(resolve));
  const says = async (word: string): Promise<string> => {
    for (;;) {
      const text = await readFile(join(sandbox, 'stdout'), 'utf8').catch(() => '');
      if (text.includes(word)) return text;
      await sleep(PAUSE_MS);
    }
  };
  return { launcher, spec, end, says };
}

describe('a process with a terminal', () => {
  it.each(USERS)('has it at all three descriptors and as its user (%s)', async (user) => {
    const look = 'for n in 0 1 2; do test -t $n && echo "$n is one"; done';
    const { launcher, spec, end, says } = await aTask(
      `${look}; stty size; echo "$GREETING $TERM \${SHELL-none}"; ls -A | grep terminal; exit 7`,
      user === undefined ? {} : { user },
    );

    await launcher.launch(spec);

    expect((await end).status).toEqual({ kind: 'exited', code: 7 });
    const text = (await says('me')).replaceAll('\r', '');
    expect(text).toBe("0 is one\n1 is one\n2 is one\n24 80\nit's me xterm none\n");
    expect(await readdir(spec.sandbox)).toEqual(expect.not.arrayContaining(['.terminal']));
  });

  it('waits when it reads, as nobody types and nobody has ended the input', async () => {
    const { launcher, spec, end, says } = await aTask('echo reads; read line; echo "got $line"');
    await launcher.launch(spec);
    await says('reads');
    let isOver = false;
    void end.then(() => (isOver = true));

    await launcher.execute(spec.run, 'true', { timeoutMs: 10_000 });

    expect(isOver).toBe(false);
    await launcher.kill(spec.run, { graceMs: 0 });
    await end;
    expect(await says('reads')).not.toContain('got');
  });

  it.each([
    ['with cgroups', false],
    ['without cgroups', true],
  ])(
    'gets its SIGTERM itself and all of its grace period, from a later agent too (%s)',
    async (_, without) => {
      const { launcher, spec, says } = await aTask(
        `trap 'echo asked; i=0; while [ $i -lt 30 ]; do sleep 0.1; i=$((i+1)); done; echo done; exit 9' TERM; echo ready; while :; do sleep 0.1; done`,
        {},
        without,
      );
      await launcher.launch(spec);
      await says('ready');
      await launcher.close();
      launchers.splice(0);
      const later = newLauncher(spec.taskId, without);
      const end = new Promise<TaskExit>((resolve) => void later.onExit(resolve));
      await later.reattach(spec);

      await later.kill(spec.run, { graceMs: 60_000 });

      expect((await end).status).toEqual({ kind: 'exited', code: 9 });
      expect(await says('done')).not.toContain('Session terminated');
    },
  );

  it('ends as its signal says', async () => {
    const { launcher, spec, end } = await aTask('kill -KILL $$');

    await launcher.launch(spec);

    expect((await end).status).toMatchObject({ signal: 9 });
  });
});
