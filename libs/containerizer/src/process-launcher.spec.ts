import { execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { frameworkId, type LaunchSpec, runKey, runKeyOfTask, type TaskExit, taskId } from '#core';
import { type ContractTask, launcherContract } from '../../../test/support/launcher.contract.js';
import { findOwnHierarchies } from './cgroup-hierarchies.js';
import { createProcessLauncher } from './process-launcher.js';
import type { ProcessLauncherOptions } from './process-launcher-options.js';
import { isAlive, readStat } from './process-table.js';

const WAIT_MS = 20_000;
const PAUSE_MS = 10;

const IS_ROOT = process.getuid?.() === 0;
const USERS = IS_ROOT ? ['own', 'nobody'] : ['own'];
const NOBODY = 65534;

const ID = taskId('1');

const SCRIPTS = {
  runs: 'echo ready; sleep 1000; true',
  'ignores-term': 'trap "" TERM; echo ready; while true; do sleep 1000; done',
} as const;

let count = 0;

async function prepare(extra: Partial<ProcessLauncherOptions> = {}) {
  count += 1;
  const scope = `spec-${process.pid}-${count}`;
  const root = await mkdtemp(join(tmpdir(), 'pacer-launcher-'));
  const create = () => createProcessLauncher({ scope, ...extra });
  const launchers = [create()];
  const spec = async (id: string, command: string): Promise<LaunchSpec> => {
    const [sandbox, runtimeDirectory] = [join(root, id, 'sandbox'), join(root, id, 'runtime')];
    await mkdir(sandbox, { recursive: true });
    await mkdir(runtimeDirectory, { recursive: true });
    return {
      ...{ run: runKeyOfTask(id), taskId: taskId(id), frameworkId: frameworkId('f1') },
      ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 64 },
      command: { kind: 'shell', value: command },
      environment: { GREETING: 'hello' },
    };
  };
  const restart = () => {
    const launcher = create();
    launchers.push(launcher);
    return launcher;
  };
  const dispose = async (): Promise<void> => {
    for (const launcher of launchers) await launcher.close();
    const sweeper = create();
    await sweeper.removeStrays(new Set());
    await sweeper.close();
    const folders = await findOwnHierarchies(`pacer/${scope}`);
    for (const { directory } of folders) await rmdir(directory);
    await rm(root, { recursive: true });
  };
  const [launcher = restart()] = launchers;
  return { launcher, restart, spec, dispose, root, scope };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

/** Children of this process whose command line contains `mark`. */
async function findChildren(mark: string): Promise<readonly number[]> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const pids = children.trim().split(' ').filter(Boolean).map(Number);
  const lines = await Promise.all(
    pids.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => lines[index]?.includes(mark));
}

for (const [name, options] of [
  ['the process launcher with cgroups', {}],
  ['the process launcher without cgroups', { withoutCgroups: true }],
] as const) {
  launcherContract(name, async () => {
    const { launcher, restart, spec, dispose } = await prepare(options);
    return {
      ...{ launcher, restart, until, dispose },
      during: async (work) => await work,
      ready: async ({ sandbox }) =>
        await until(async () => (await readFile(join(sandbox, 'stdout'), 'utf8')) !== ''),
      async spec(id: string, task: ContractTask) {
        if (task.does === 'exits') return await spec(id, `exit ${task.code}`);
        if (task.does !== 'cannot-start') return await spec(id, SCRIPTS[task.does]);
        const wanted = await spec(id, 'true');
        return { ...wanted, sandbox: join(wanted.sandbox, 'missing') };
      },
    };
  });
}

describe('the process launcher', () => {
  let dispose = async (): Promise<void> => undefined;
  const arrange = async (options: Partial<ProcessLauncherOptions> = {}) => {
    const made = await prepare(options);
    dispose = made.dispose;
    const exits: TaskExit[] = [];
    made.launcher.onExit((exit) => exits.push(exit));
    return { ...made, exits };
  };
  afterEach(async () => {
    await dispose();
    dispose = async () => undefined;
  }, WAIT_MS);

  it('gives the task its environment, folder and log files, and nothing of the agent', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'pwd; env; echo wrong >&2; exec true');

    await launcher.launch({ ...wanted, environment: { 'app.name': 'x', B: "it's\n$(date)" } });
    await until(() => exits.length === 1);

    const output = await readFile(join(wanted.sandbox, 'stdout'), 'utf8');
    expect(output).toContain(`${wanted.sandbox}\n`);
    expect(output).toContain("B=it's\n$(date)\n");
    expect(output).not.toContain('VITEST');
    expect(output).not.toContain('_pacer');
    expect(await readFile(join(wanted.sandbox, 'stderr'), 'utf8')).toBe('wrong\n');
  });

  it('passes variables on that a shell cannot name', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', '');

    await launcher.launch({
      ...wanted,
      command: { kind: 'exec', args: ['env'] },
      environment: { 'app.name': 'x y' },
    });
    await until(() => exits.length === 1);

    expect(await readFile(join(wanted.sandbox, 'stdout'), 'utf8')).toContain('app.name=x y\n');
  });

  it.each(USERS)('passes every character of a value on (user %s)', async (user) => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', '');
    const value = `${String.fromCharCode(...Array.from({ length: 255 }, (_, index) => index + 1))} Ё ā 日本 'quoted' \\`;
    const values = {
      ...{ VALUE: value, UID: 'someone', IFS: '/', EMPTY: '', 'app.name': "it's\n$(id)" },
      ...{ LC_ALL: 'ja_JP.SJIS', RANDOM: 'four', 'a;b': '"', '1': 'one' },
    };
    const names = Object.keys(values);

    await launcher.launch({
      ...wanted,
      ...(user === 'own' ? {} : { user }),
      command: { kind: 'exec', args: ['printenv', ...names] },
      environment: values,
    });
    await until(() => exits.length === 1);

    const output = await readFile(join(wanted.sandbox, 'stdout'), 'utf8');
    expect(output).toBe(`${Object.values(values).join('\n')}\n`);
    expect(exits).toMatchObject([{ status: { code: 0 } }]);
  });

  /** Whose programs ran with the task's variables: the loader of each of them leaves a file. */
  const findLoaders = async (sandbox: string): Promise<readonly number[]> => {
    const files = (await readdir(sandbox)).filter((name) => name.startsWith('loader.'));
    const found = await Promise.all(files.map(async (name) => await stat(join(sandbox, name))));
    return [...new Set(found.map(({ uid }) => uid))];
  };
  const tracing = (sandbox: string) => ({
    LD_DEBUG: 'files',
    LD_DEBUG_OUTPUT: join(sandbox, 'loader'),
  });

  it.skipIf(!IS_ROOT)('runs no program of its own with the variables of another user', async () => {
    const { launcher, spec, exits, root } = await arrange();
    const wanted = await spec('a', 'sleep 1000; true');
    // Where the other user may enter.
    await chmod(root, 0o755);

    const environment = tracing(wanted.sandbox);
    await launcher.launch({ ...wanted, user: 'nobody', environment });
    const check = await launcher.execute(wanted.run, 'id -un; echo $LD_DEBUG', {
      timeoutMs: WAIT_MS,
    });
    await launcher.kill(wanted.run, { graceMs: 0 });
    await until(() => exits.length === 1);

    expect(check).toEqual({ exitCode: 0, output: 'nobody\nfiles\n' });
    expect(await findLoaders(wanted.sandbox)).toEqual([NOBODY]);
  });

  it('records how a task ends whose variables break every program', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'exit 3');
    const name =
      (await readFile('/proc/self/maps', 'utf8')).match(/libc[^/]*so[.\d]*$/m)?.[0] ?? '';
    await writeFile(join(wanted.sandbox, name), 'no library');

    await launcher.launch({ ...wanted, environment: { LD_LIBRARY_PATH: wanted.sandbox } });
    await until(() => exits.length === 1);

    expect(exits).toMatchObject([{ status: { kind: 'exited', code: 127 } }]);
    expect(await readFile(join(wanted.runtimeDirectory, 'exit'), 'utf8')).toBe('127\n');
  });

  it('shows no value in any process list', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'sleep 1000; true');

    const environment = { PLAIN: 'first-secret', 'odd.name': 'second-secret' };
    const { pid } = await launcher.launch({ ...wanted, environment });
    const shown = async (of = pid) => await readFile(`/proc/${of}/cmdline`, 'utf8');
    const seen = [await shown(readStat(pid)?.session)];
    // Until then it may be `env`, whose arguments have the variables no shell can set.
    await until(async () => seen.push(await shown()) > 0 && /^[^\0]*sh\0/.test(`${seen.at(-1)}`));

    expect(seen.join()).not.toContain('first-secret');
    expect(`${seen[0]}${seen.at(-1)}`).not.toContain('secret');
  });

  it('goes on when the shell that starts supervisors is killed', async () => {
    const { launcher, spec, exits } = await arrange();
    const first = await spec('a', 'exec sleep 1000');
    const { pid } = await launcher.launch(first);

    const shells = await findChildren('pacer-launcher');
    for (const shell of shells) process.kill(shell, 'SIGKILL');
    await until(async () => (await findChildren('pacer-launcher')).length === 0);
    await launcher.launch(await spec('b', 'exit 3'));
    await until(() => exits.length === 1);
    process.kill(pid, 'SIGKILL');
    await until(() => exits.length === 2);

    expect(shells).toHaveLength(1);
    expect(exits.map(({ status }) => status)).toMatchObject([{ code: 3 }, { code: 137 }]);
  });

  it('refuses an environment the system cannot pass on', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'true');

    const launch = launcher.launch({ ...wanted, environment: { LARGE: 'x'.repeat(1 << 20) } });

    await expect(launch).rejects.toThrow(
      'variable "LARGE" has 1048582 bytes with its name, the system\'s limit is 131071',
    );
  });

  const tooLong = 'x'.repeat(131_072);
  it.each([
    ['cmd', { kind: 'shell', value: tooLong }],
    ['cmd', { kind: 'exec', value: tooLong, args: [] }],
    ['argument 3', { kind: 'exec', args: ['echo', 'a', tooLong] }],
  ] as const)('refuses a command the system cannot pass on: %s', async (name, command) => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', '');

    const launch = launcher.launch({ ...wanted, command });

    await expect(launch).rejects.toMatchObject({
      phase: 'prepare',
      message: `${name} has 131072 bytes, the system's limit for one argument is 131071`,
    });
  });

  it.each(USERS)('runs the longest command the system passes on (user %s)', async (user) => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'exit 3 #'.padEnd(131_071, 'x'));

    await launcher.launch({ ...wanted, ...(user === 'own' ? {} : { user }) });
    await until(() => exits.length === 1);

    expect(exits).toMatchObject([{ status: { code: 3 } }]);
  });

  it.for(['ended', 'running'])(
    'leaves no cgroup of its own but for a task that goes on: %s',
    async (state, context) => {
      const { launcher, spec, exits, scope } = await arrange();
      const folders = await findOwnHierarchies(`pacer/${scope}`);
      if (folders.length === 0) context.skip('needs the right to make cgroups');
      const present = async (folder: string): Promise<boolean> =>
        await stat(folder).then(
          () => true,
          () => false,
        );
      const wanted = await spec('a', 'exec sleep 1000');
      await launcher.launch(wanted);
      if (state === 'ended') {
        await launcher.kill(wanted.run, { graceMs: 0 });
        await until(() => exits.length === 1);
        await launcher.release(wanted.run);
      }

      await launcher.close();

      for (const { directory } of folders) {
        expect(await present(directory)).toBe(state === 'running');
        expect(await present(dirname(directory))).toBe(true);
      }
    },
  );

  it.for([false, true])(
    'tells runs of one task id apart, without cgroups: %s',
    async (withoutCgroups) => {
      const { launcher, restart, spec, exits } = await arrange({ withoutCgroups });
      const one = { ...(await spec('one', SCRIPTS.runs)), run: runKey('1', 'a'), taskId: ID };
      const other = { ...(await spec('other', SCRIPTS.runs)), run: runKey('1', 'b'), taskId: ID };
      const [, { pid }] = [await launcher.launch(one), await launcher.launch(other)];

      await launcher.kill(one.run, { graceMs: 0 });
      await until(() => exits.length === 1);
      await launcher.release(one.run);
      await launcher.close();
      const next = restart();
      const strays = await next.removeStrays(new Set([other.run]));

      expect(exits).toMatchObject([{ run: one.run }]);
      expect(strays).toEqual([]);
      expect(await next.reattach(other)).toMatchObject({ kind: 'running', task: { pid } });
      expect(await next.reattach(one)).toMatchObject({ kind: 'exited' });
    },
  );

  it.for(['ü'.repeat(255), '.', '-rf', 'a b\'"$(x)'])(
    'runs a task whatever its id is: %s',
    async (id) => {
      const { launcher, spec, exits } = await arrange();
      const run = runKey(id, 'f'.repeat(24));

      await launcher.launch({ ...(await spec(run, 'exit 3')), run, taskId: taskId(id) });
      await until(() => exits.length === 1);
      await launcher.release(run);

      expect(exits).toMatchObject([{ run, status: { code: 3 } }]);
    },
  );

  it('finds again what was started before runs had keys, by the id of its task', async () => {
    const { launcher, restart, spec } = await arrange();
    const wanted = await spec('web 1', SCRIPTS.runs);
    const { pid } = await launcher.launch(wanted);
    await launcher.close();
    const file = join(wanted.runtimeDirectory, 'launch.json');
    const { run, environment, ...record } = JSON.parse(await readFile(file, 'utf8'));
    const { PACER_RUN, ...others } = environment;
    const earlier = { ...record, environment: { ...others, PACER_TASK_ID: PACER_RUN } };
    await writeFile(file, JSON.stringify(earlier));

    const next = restart();
    const strays = await next.removeStrays(new Set([runKeyOfTask('web 1')]));
    const found = await next.reattach(wanted);
    const check = await next.execute(wanted.run, 'true', { timeoutMs: WAIT_MS });

    expect(run).toBe('web 1');
    expect(strays).toEqual([]);
    expect(found).toMatchObject({ kind: 'running', task: { pid } });
    expect(check.exitCode).toBe(0);
  });

  it('ends strays that were started before runs had keys', async () => {
    const { launcher, scope } = await arrange();
    const env = { PATH: '/bin:/usr/bin', PACER_TASK_ID: 'old', PACER_AGENT_SCOPE: scope };
    const child = spawn('sleep', ['1000'], { env, stdio: 'ignore' });
    const ended = new Promise<string | null>((resolve) => {
      child.on('exit', (_code, signal) => resolve(signal));
    });
    const stat = async () => await readFile(`/proc/${child.pid}/environ`, 'utf8');
    await until(async () => (await stat()).includes('PACER_TASK_ID=old'));

    const spared = await launcher.removeStrays(new Set([runKeyOfTask('old')]));
    const strays = await launcher.removeStrays(new Set());

    expect(spared).toEqual([]);
    expect(strays).toEqual(['old']);
    expect(await ended).toBe('SIGKILL');
  });

  it('does not disturb the signals of the task', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'cat /proc/self/status');

    await launcher.launch(wanted);
    await until(() => exits.length === 1);

    const output = await readFile(join(wanted.sandbox, 'stdout'), 'utf8');
    expect(/SigBlk:\s*(\w+)/.exec(output)?.[1]).toBe('0000000000000000');
    expect(/SigIgn:\s*(\w+)/.exec(output)?.[1]).toBe('0000000000000000');
  });

  it('kills what the main process leaves behind before it reports the end', async () => {
    const { launcher, spec, exits } = await arrange();
    const daemon = 'setsid sh -c "sleep 1000; true" </dev/null & echo $! >pid';
    const wanted = await spec('a', `${daemon}; sleep 0.2; exit 3`);

    await launcher.launch(wanted);
    await until(() => exits.length === 1);

    const pid = Number(await readFile(join(wanted.sandbox, 'pid'), 'utf8'));
    // Nobody may have taken the dead process's status yet.
    expect([undefined, 'Z']).toContain(readStat(pid)?.state);
  });

  it('keeps a task whose supervisor was killed and then does not know how it ended', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'exec sleep 1000');
    const { pid } = await launcher.launch(wanted);
    const stat = readStat(pid);

    process.kill(stat?.session ?? 0, 'SIGKILL');
    await until(async () => readStat(stat?.session ?? 0) === undefined);
    expect(exits).toEqual([]);
    expect(stat !== undefined && isAlive(stat)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await until(() => exits.length === 1);

    expect(exits[0]?.status.kind).toBe('unknown');
  });

  it('runs nothing of a launch that a later agent has revoked', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'touch ran; sleep 1000');
    await writeFile(join(wanted.runtimeDirectory, 'revoked'), 'too late\n');

    await expect(launcher.launch(wanted)).rejects.toThrow();

    await expect(readFile(join(wanted.sandbox, 'ran'))).rejects.toThrow('ENOENT');
  });

  it('refuses to start a task again in the same runtime directory', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'true');
    await launcher.launch(wanted);
    await until(() => exits.length === 1);

    await expect(launcher.launch(wanted)).rejects.toThrow('exists already');
  });

  it('does not mistake another boot for this one', async () => {
    const { launcher, restart, spec } = await arrange();
    const wanted = await spec('a', 'exec sleep 1000');
    await launcher.launch(wanted);
    await launcher.close();
    const file = join(wanted.runtimeDirectory, 'launch.json');
    const record: unknown = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...(record as object), bootId: 'earlier' }));

    const found = await restart().reattach(wanted);

    expect(found).toMatchObject({ kind: 'exited', exit: { status: { kind: 'unknown' } } });
  });

  it('runs a command in the environment and folder of the task and bounds its time', async () => {
    const { launcher, restart, spec } = await arrange();
    const wanted = await spec('a', 'exec sleep 1000');
    await launcher.launch(wanted);
    await launcher.close();
    const next = restart();
    await next.reattach(wanted);

    const command = 'echo $GREETING; pwd; exit 3';
    const result = await next.execute(wanted.run, command, { timeoutMs: WAIT_MS });
    const slow = next.execute(wanted.run, 'sleep 1000', { timeoutMs: 100 });

    expect(result).toEqual({ exitCode: 3, output: `hello\n${wanted.sandbox}\n` });
    await expect(slow).rejects.toThrow('100 ms');
  });

  it('runs a program with its arguments and more variables, and ends at the deadline what left its session', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'exec sleep 1000');
    await launcher.launch(wanted);
    const environment = { GREETING: 'hi', MORE: "it's; $HOME" };

    const argv = ['/bin/sh', '-c', 'echo "$GREETING $MORE $1"', 'name', 'two words'];
    const result = await launcher.execute(wanted.run, argv, { timeoutMs: WAIT_MS, environment });
    const escaping = 'setsid sh -c "sleep 1077 & sleep 1078" & sleep 1079';
    const slow = launcher.execute(wanted.run, escaping, { timeoutMs: 300 });

    expect(result).toEqual({ exitCode: 0, output: "hi it's; $HOME two words\n" });
    await expect(slow).rejects.toMatchObject({ code: 'COMMAND_TIMEOUT' });
    const listing =
      'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -o "sleep 10[07][0-9]"';
    const left = await launcher.execute(wanted.run, listing, { timeoutMs: WAIT_MS });
    expect(left.output).toContain('sleep 1000');
    expect(left.output).not.toMatch(/sleep 107[789]/);
  });

  it('names an argument the system cannot pass on', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'exec sleep 1000');
    await launcher.launch(wanted);

    const long = launcher.execute(wanted.run, 'x'.repeat(200_000), { timeoutMs: WAIT_MS });

    await expect(long).rejects.toThrow('200000 bytes');
  });

  it.each(['stdout', 'stderr'])('refuses a pipe in the place of %s at once', async (name) => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'true');
    execFileSync('mkfifo', [join(wanted.sandbox, name)]);

    const launch = launcher.launch(wanted);

    await expect(launch).rejects.toMatchObject({
      phase: 'prepare',
      message: expect.stringMatching(`${name} is not a regular file$`),
    });
  });

  it('refuses a pipe that somebody reads, too', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'true');
    const pipe = join(wanted.sandbox, 'stdout');
    execFileSync('mkfifo', [pipe]);
    const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK);

    const launch = launcher.launch(wanted);

    await expect(launch).rejects.toThrow('stdout is not a regular file');
    await reader.close();
  });

  it('gives the task log files that are opened for appending and wait', async () => {
    const { launcher, spec, exits } = await arrange();
    const wanted = await spec('a', 'cat /proc/self/fdinfo/1');

    await launcher.launch(wanted);
    await until(() => exits.length === 1);

    const output = await readFile(join(wanted.sandbox, 'stdout'), 'utf8');
    const flags = Number.parseInt(/flags:\s*([0-7]+)/.exec(output)?.[1] ?? '', 8);
    expect(flags & constants.O_APPEND).toBe(constants.O_APPEND);
    expect(flags & constants.O_NONBLOCK).toBe(0);
  });

  it('says that an unknown user cannot be had', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'true');

    const launch = launcher.launch({ ...wanted, user: 'nobody-of-that-name' });

    await expect(launch).rejects.toThrow('nobody-of-that-name');
  });

  it('reports a task that the kernel killed at its memory limit', async (context) => {
    const { launcher, spec, exits } = await arrange();
    const detected = await launcher.detect();
    if (!detected.available || detected.notes.length > 0) {
      context.skip('needs the right to make cgroups');
    }
    // tail keeps a line without an end in memory.
    const wanted = await spec('a', 'head -c 200000000 /dev/zero | tail >/dev/null; exit $?');

    await launcher.launch({ ...wanted, memMib: 16 });
    await until(() => exits.length === 1);

    expect(exits[0]).toMatchObject({ oomKilled: true, status: { code: 137 } });
  });

  it('gives a running task other limits', async (context) => {
    const { launcher, spec, exits } = await arrange();
    const detected = await launcher.detect();
    if (!detected.available || detected.notes.length > 0) {
      context.skip('needs the right to make cgroups');
    }
    const line =
      'until [ -e go ]; do sleep 0.05; done; head -c 40000000 /dev/zero | tail >/dev/null; exit $?';
    const wanted = await spec('a', line);
    await launcher.launch({ ...wanted, memMib: 16 });

    await launcher.resize(wanted.run, { memMib: 256, cpuMillis: 500 });
    await writeFile(join(wanted.sandbox, 'go'), '');
    await until(() => exits.length === 1);

    expect(exits[0]).toMatchObject({ oomKilled: false, status: { kind: 'exited', code: 0 } });
    await launcher.resize(wanted.run, { memMib: 16, cpuMillis: 500 });
  });
});
