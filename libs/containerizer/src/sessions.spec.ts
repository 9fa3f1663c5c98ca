import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ExecRequest,
  type ExecSession,
  frameworkId,
  type Launcher,
  type LaunchSpec,
  runKeyOfTask,
  type SessionHost,
  taskId,
} from '#core';
import {
  BUSYBOX_IMAGE,
  ensureBusyboxImage,
  hasDocker,
} from '../../../test/support/busybox-image.js';
import { createDockerLauncher } from './docker-launcher.js';
import { createProcessLauncher } from './process-launcher.js';
import { createProcessScanner } from './process-table.js';

const WAIT_MS = 60_000;
const PAUSE_MS = 20;
const IS_ROOT = process.getuid?.() === 0;
const TERMINAL = { columns: 101, rows: 33, term: 'xterm' };
/** The engine sets the size once the command has begun. */
const UNTIL_33_ROWS = 'until [ "$(stty size 2>/dev/null)" = "33 101" ]; do sleep 0.1; done;';
const UNTIL_40_ROWS =
  'until [ "$(stty size 2>/dev/null)" = "40 120" ]; do sleep 0.1; done; echo resized';
const scan = createProcessScanner({
  run: 'PACER_EXEC',
  earlierRun: 'PACER_EXEC',
  scope: 'PACER_AGENT_SCOPE',
});

type Host = Launcher & SessionHost;
let count = 0;
let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const work of cleanUp.reverse()) await work();
  cleanUp = [];
}, WAIT_MS);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS / 2;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error('not reached in time');
    await sleep(PAUSE_MS);
  }
}

/** A task that runs, on a host of its own. */
async function arrange(create: (scope: string) => Host, given: Partial<LaunchSpec> = {}) {
  count += 1;
  const scope = `exec-spec-${process.pid}-${count}`;
  const root = await mkdtemp(join(tmpdir(), 'pacer-exec-'));
  const launcher = create(scope);
  cleanUp.push(
    () => rm(root, { recursive: true, force: true }),
    async () => {
      const sweeper = create(scope);
      await sweeper.removeStrays(new Set());
      await sweeper.close();
    },
    () => launcher.close(),
  );
  const spec: LaunchSpec = {
    ...{ run: runKeyOfTask('t1'), taskId: taskId('t1'), frameworkId: frameworkId('f1') },
    ...{ sandbox: join(root, 'sandbox'), runtimeDirectory: join(root, 'runtime') },
    ...{ cpuMillis: 100, memMib: 64 },
    command: { kind: 'shell', value: 'sleep 1000; true' },
    environment: { GREETING: 'it\'s "quoted"' },
    ...given,
  };
  await mkdir(spec.sandbox);
  await mkdir(spec.runtimeDirectory);
  await launcher.launch(spec);
  const open = async (request: ExecRequest) => {
    const seen = { stdout: '', stderr: '', code: undefined as number | undefined };
    const session: ExecSession = await launcher.openSession(spec.run, request, {
      output: (stream, data) => {
        seen[stream] += Buffer.from(data).toString();
      },
      ended: (code) => {
        seen.code = code;
      },
    });
    return { session, seen, end: () => until(() => seen.code !== undefined) };
  };
  /** Processes of any session of this host. */
  const left = async (): Promise<number> =>
    [...(await scan()).byMark.values()].flat().filter((one) => one.scope === scope).length;
  return { launcher, create: () => create(scope), spec, open, left, root };
}

type Arranged = Awaited<ReturnType<typeof arrange>>;

/** What a command inside a task can rely on, whoever runs the task. */
function describeSessions(prepare: () => Promise<Arranged>, untilSized = ''): void {
  it('has separate outputs, the input and the exit code', async () => {
    const { open } = await prepare();

    const { session, seen, end } = await open({
      argv: ['sh', '-c', 'read line; echo "got $line $GREETING"; echo oops >&2; cat; exit 7'],
    });
    await session.write(Buffer.from('ä\nrest'));
    session.endInput();
    await end();

    expect(seen).toEqual({ stdout: 'got ä it\'s "quoted"\nrest', stderr: 'oops\n', code: 7 });
  });

  it('has a terminal of the size asked for, which changes', async () => {
    const { open } = await prepare();

    const { session, seen, end } = await open({
      argv: [
        ...['sh', '-c'],
        `echo "$TERM"; ${untilSized} stty size; ${UNTIL_40_ROWS}; read go; stty size; exit 3`,
      ],
      terminal: TERMINAL,
    });
    await until(() => seen.stdout.includes('33 101'));
    session.resize({ columns: 80, rows: 24 });
    session.resize({ columns: 120, rows: 40 });
    await until(() => seen.stdout.includes('resized'));
    await session.write(Buffer.from('go\r'));
    await end();

    expect(seen.stdout.split(/\r\n/).slice(0, 2)).toEqual(['xterm', '33 101']);
    expect(seen.stdout).toContain('\r\n40 120\r\n');
    expect(seen).toMatchObject({ stderr: '', code: 3 });
  });

  it('ends what a command left in the background with it', async () => {
    const { open, left } = await prepare();

    const { seen, end } = await open({ argv: ['sh', '-c', 'sleep 1000 & exit 0'] });
    await end();

    expect(seen.code).toBe(0);
    expect(await left()).toBe(0);
  });

  it.each(['pipes', 'terminal'])('is killed whole, with %s', async (kind) => {
    const { open, left } = await prepare();
    const { session, seen, end } = await open({
      argv: ['sh', '-c', 'trap "" TERM HUP INT; setsid sleep 1000 & sleep 1000; sleep 1000'],
      ...(kind === 'terminal' ? { terminal: TERMINAL } : {}),
    });
    await until(async () => (await left()) >= 3);

    await session.kill();
    await end();

    expect(seen.code).toBe(137);
    expect(await left()).toBe(0);
  });

  it('ends with its task', async () => {
    const { launcher, spec, open, left } = await prepare();
    const { end } = await open({ argv: ['sleep', '1000'] });
    let hasEnded = false;
    launcher.onExit(() => {
      hasEnded = true;
    });

    await launcher.kill(spec.run, { graceMs: 0 });
    await end();
    await until(() => hasEnded);

    expect(await left()).toBe(0);
    await expect(open({ argv: ['true'] })).rejects.toThrow('does not run');
  });

  it('left by an agent that was killed is ended by the next one', async () => {
    const { create, spec, open, left } = await prepare();
    await open({ argv: ['sleep', '1000'] });
    await until(async () => (await left()) >= 1);

    const next = create();
    await next.reattach(spec);
    await next.removeStrays(new Set([spec.run]));

    expect(await left()).toBe(0);
    await next.close();
  });

  it('waits for who reads slowly, and loses nothing', async () => {
    const { open } = await prepare();
    const { session, seen, end } = await open({
      argv: ['sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" x'],
    });
    session.pauseOutput();
    await (await open({ argv: ['true'] })).end();
    expect(seen.stdout.length).toBeLessThan(1_000_000);

    session.resumeOutput();
    await end();

    expect(seen.stdout.length).toBe(3_000_000);
  });
}

describe('a command in a task without an image', { timeout: WAIT_MS }, () => {
  const own = (scope: string): Host => createProcessLauncher({ scope });
  describeSessions(() => arrange(own));

  describe('without cgroups', () => {
    describeSessions(() =>
      arrange((scope) => createProcessLauncher({ scope, withoutCgroups: true })),
    );
  });

  it('starts in the sandbox, in the cgroups of the task, and leaves none behind', async () => {
    const { launcher, open, spec } = await arrange(own);
    const exits: unknown[] = [];
    launcher.onExit((exit) => exits.push(exit));

    const { seen, end } = await open({ argv: ['sh', '-c', 'pwd; cat /proc/self/cgroup'] });
    await end();

    const [folder, ...cgroups] = seen.stdout.trim().split('\n');
    expect(folder).toBe(spec.sandbox);
    const joined = cgroups.filter((line) => line.includes(`/${spec.run}`));
    const nested = joined.filter((line) => line.includes('exec-process-'));
    expect(nested).toHaveLength(Math.min(1, joined.length));
    await launcher.kill(spec.run, { graceMs: 0 });
    await until(() => exits.length > 0);
    await launcher.release(spec.run);
  });

  it.runIf(IS_ROOT)('is of the user of the task, whose the terminal is', async () => {
    const { open } = await arrange(own, { user: 'nobody' });

    const { seen, end } = await open({
      argv: ['sh', '-c', 'id -un; echo "$GREETING"; : >"$(tty)" && echo mine'],
      terminal: TERMINAL,
    });
    await end();

    expect(seen.stdout.split('\r\n').slice(0, 3)).toEqual(['nobody', 'it\'s "quoted"', 'mine']);
  });

  it('reports what cannot be found as a shell does', async () => {
    const { open } = await arrange(own);

    const { seen, end } = await open({ argv: ['no-such-program'] });
    await end();

    expect(seen).toMatchObject({ code: 127, stderr: expect.stringContaining('no-such-program') });
  });

  it('keeps no descriptor of ours', async () => {
    const { open } = await arrange(own);

    const { seen, end } = await open({ argv: ['ls', '/proc/self/fd'] });
    await end();

    // The third is the folder ls reads.
    expect(seen.stdout.trim().split('\n')).toEqual(expect.not.arrayContaining(['4']));
  });
});

describe.runIf(await hasDocker())('a command in a container', { timeout: WAIT_MS }, () => {
  beforeAll(ensureBusyboxImage, WAIT_MS);
  describeSessions(
    () =>
      arrange((scope) => createDockerLauncher({ scope }), {
        docker: {
          ...{ image: BUSYBOX_IMAGE, forcePull: false, privileged: false, network: 'HOST' },
          ...{ portMappings: [], volumes: [], parameters: [] },
          sandboxMount: '/mnt/mesos/sandbox',
        },
      }),
    UNTIL_33_ROWS,
  );
});
