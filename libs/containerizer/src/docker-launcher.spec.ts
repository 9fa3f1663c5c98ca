import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerSpec,
  frameworkId,
  type LaunchSpec,
  type RunKey,
  runKeyOfTask,
  type TaskExit,
  taskId,
} from '#core';
import {
  BUSYBOX_IMAGE,
  ensureBusyboxImage,
  hasDocker,
} from '../../../test/support/busybox-image.js';
import { type ContractTask, launcherContract } from '../../../test/support/launcher.contract.js';
import { createDockerLauncher } from './docker-launcher.js';
import type { DockerLauncherOptions } from './docker-launcher-options.js';

const run = promisify(execFile);

const ENGINE_SOCKET = '/var/run/docker.sock';
const WAIT_MS = 60_000;
const PAUSE_MS = 20;

const isPresent = await hasDocker();
let count = 0;

async function prepare(extra: Partial<DockerLauncherOptions> = {}) {
  count += 1;
  const scope = `spec-${process.pid}-${count}`;
  const root = await mkdtemp(join(tmpdir(), 'pacer-docker-'));
  const create = () => createDockerLauncher({ scope, ...extra });
  const launchers = [create()];
  const spec = async (
    id: string,
    command: string,
    docker: Partial<DockerSpec> = {},
  ): Promise<LaunchSpec> => {
    const [sandbox, runtimeDirectory] = [join(root, id, 'sandbox'), join(root, id, 'runtime')];
    await mkdir(sandbox, { recursive: true });
    await mkdir(runtimeDirectory, { recursive: true });
    return {
      ...{ run: runKeyOfTask(id), taskId: taskId(id), frameworkId: frameworkId('f1') },
      ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 32 },
      command: { kind: 'shell', value: command },
      environment: { GREETING: 'hello' },
      docker: {
        ...{ image: BUSYBOX_IMAGE, forcePull: false, privileged: false, network: 'HOST' },
        ...{ portMappings: [], volumes: [], parameters: [] },
        sandboxMount: '/mnt/mesos/sandbox',
        ...docker,
      },
    };
  };
  const restart = () => {
    const launcher = create();
    launchers.push(launcher);
    return launcher;
  };
  const dispose = async (): Promise<void> => {
    for (const launcher of launchers) await launcher.close();
    const sweeper = createDockerLauncher({ scope });
    await sweeper.removeStrays(new Set());
    await sweeper.close();
    await rm(root, { recursive: true });
  };
  const [launcher = restart()] = launchers;
  return { launcher, restart, spec, dispose };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A way to the engine that can be cut. */
async function startProxy() {
  const folder = await mkdtemp(join(tmpdir(), 'pacer-proxy-'));
  const socketPath = join(folder, 'engine.sock');
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    keep(socket);
    if (isCut) {
      socket.destroy();
      return;
    }
    const engine = connect(ENGINE_SOCKET);
    keep(engine);
    socket.pipe(engine).pipe(socket);
    engine.on('close', () => socket.destroy());
    socket.on('close', () => engine.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const mend = (): void => {
    isCut = false;
  };
  const close = async (): Promise<void> => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await rm(folder, { recursive: true, force: true });
  };
  return { socketPath, cut, mend, close };
}

const read = async ({ sandbox }: LaunchSpec, name = 'stdout'): Promise<string> =>
  await readFile(join(sandbox, name), 'utf8').catch(() => '');

describe.skipIf(!isPresent)('with a Docker engine', { timeout: 2 * WAIT_MS }, () => {
  beforeAll(async () => void (await ensureBusyboxImage()), WAIT_MS);

  launcherContract('the Docker launcher', async () => {
    const { launcher, restart, spec, dispose } = await prepare();
    return {
      ...{ launcher, restart, until, dispose },
      during: async (work) => await work,
      ready: async (wanted) => await until(async () => (await read(wanted)) !== ''),
      async spec(id: string, task: ContractTask) {
        if (task.does === 'exits') return await spec(id, `exit ${task.code}`);
        // The first process of a container ignores signals it has no handler for.
        const trap = task.does === 'runs' ? 'trap "exit 143" TERM;' : '';
        const docker = task.does === 'cannot-start' ? { network: { user: 'no-such-network' } } : {};
        return await spec(id, `${trap} echo ready; while true; do sleep 0.1; done`, docker);
      },
    };
  });

  let dispose = async (): Promise<void> => undefined;
  const arrange = async (options: Partial<DockerLauncherOptions> = {}) => {
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

  it('gives the container its environment, sandbox, volumes, parameters, rlimits and log files', async () => {
    const { launcher, spec, exits } = await arrange();
    const command =
      'echo $GREETING $EXTRA; hostname; echo >/extra/x; ls -d /extra; echo no >&2; ulimit -n; ulimit -Hn';
    const rlimits = [{ name: 'nofile', soft: 100, hard: 200 }] as const;
    const wanted = await spec('a', command, {
      network: 'NONE',
      parameters: [
        { key: 'env', value: 'EXTRA=more' },
        { key: 'hostname', value: 'inside' },
      ],
    });
    const volume = { hostPath: wanted.sandbox, containerPath: '/extra', mode: 'RO' } as const;
    const docker = { ...(wanted.docker as DockerSpec), volumes: [volume] };

    await launcher.launch({ ...wanted, docker, rlimits });
    await until(() => exits.length === 1);

    expect(await read(wanted)).toBe('hello more\ninside\n/extra\n100\n200\n');
    const refusal = "/bin/sh: can't create /extra/x: Read-only file system\n";
    expect(await read(wanted, 'stderr')).toBe(`${refusal}no\n`);
  });

  it('gives it a terminal whose output is stdout, and memory and system calls as asked', async () => {
    const { launcher, spec, exits } = await arrange();
    const look = 'for n in 0 1 2; do test -t $n && echo "$n is one"; done';
    const memory = 'df -m /dev/shm | tail -1 | tr -s " " | cut -d" " -f2';
    const confined = "grep Seccomp: /proc/self/status | tr -d '\\t'";
    const isolation = { seccomp: 'unconfined', ipc: { shmMib: 7 } } as const;
    const command = `${look}; ${memory}; ${confined}; printf prompt`;
    const wanted = await spec('a', command, isolation);

    await launcher.launch({ ...wanted, hasTerminal: true });
    await until(() => exits.length === 1);

    const text = (await read(wanted)).replaceAll('\r', '');
    expect(text).toBe('0 is one\n1 is one\n2 is one\n7\nSeccomp:0\nprompt');
  });

  it('publishes ports of a bridge container and tells its address', async () => {
    const { launcher, spec } = await arrange();
    const hostPort = await findFreePort();
    const wanted = await spec('a', 'echo page >/www/index.html; exec httpd -f -p 80 -h /www', {
      network: 'BRIDGE',
      portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }],
    });

    const { ipAddress, pid } = await launcher.launch(wanted);
    const get = async (host: string) => {
      const response = await fetch(`http://${host}/index.html`).catch(() => undefined);
      return await response?.text();
    };
    await until(async () => (await get(ipAddress ?? '')) === 'page\n');
    const published = await get(`127.0.0.1:${hostPort}`);

    expect(pid).toBeGreaterThan(0);
    expect(published).toBe('page\n');
  });

  it('connects from inside the network of a container, to what listens on its loopback only', async () => {
    const { launcher, spec } = await arrange();
    const server = 'echo page >/www/index.html; exec httpd -f -p 127.0.0.1:80 -h /www';
    const dial = async (run: RunKey, port: number) =>
      await launcher.dial?.(run, { host: '127.0.0.1', port }, AbortSignal.timeout(WAIT_MS));
    for (const network of ['BRIDGE', 'NONE'] as const) {
      const wanted = await spec(network, server, { network });
      await launcher.launch(wanted);
      await until(async () => {
        const stream = await dial(wanted.run, 80).catch(() => undefined);
        stream?.destroy();
        return stream !== undefined;
      });

      const stream = (await dial(wanted.run, 80)) as Duplex;
      stream.end('GET /index.html HTTP/1.0\r\n\r\n');
      expect(await text(stream)).toMatch(/^HTTP\/1.\d 200 OK\r\n.*\npage\n$/s);
      await expect(dial(wanted.run, 81)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }

    await expect(dial(runKeyOfTask('none'), 80)).rejects.toMatchObject({ code: 'ESRCH' });
  });

  it('copies logs without a gap or repetition when agents come and go', async () => {
    const { launcher, restart, spec } = await arrange();
    const script = 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; usleep 5000; done';
    const wanted = await spec('a', `${script}; sleep 1000`);
    await launcher.launch(wanted);

    let current = launcher;
    for (const lines of [50, 120, 200]) {
      await until(async () => (await read(wanted)).split('\n').length > lines);
      await current.close();
      await sleep(200);
      current = restart();
      await current.reattach(wanted);
    }
    await until(async () => (await read(wanted)).includes('line 400\n'));

    const expected = Array.from({ length: 400 }, (_, index) => `line ${index + 1}\n`).join('');
    expect(await read(wanted)).toBe(expected);
  });

  it('reports a container that was killed at its memory limit', async () => {
    const { launcher, spec, exits } = await arrange();
    // tail keeps a line without an end in memory.
    const wanted = await spec('a', 'exec tail /dev/zero');

    await launcher.launch({ ...wanted, memMib: 8 });
    await until(() => exits.length === 1);

    expect(exits[0]).toMatchObject({ oomKilled: true, status: { code: 137 } });
  });

  it('names the phase, the image and the reason when an image cannot be had', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'true', { image: 'localhost:1/no/such:image' });

    await expect(launcher.launch(wanted)).rejects.toMatchObject({
      phase: 'pull',
      message: expect.stringMatching(/^pull: image localhost:1\/no\/such:image: Get .*refused$/),
    });
  });

  it('refuses a pipe in the place of a log file', async () => {
    const { launcher, spec } = await arrange();
    const wanted = await spec('a', 'true');
    await run('mkfifo', [join(wanted.sandbox, 'stderr')]);

    await expect(launcher.launch(wanted)).rejects.toMatchObject({
      phase: 'prepare',
      message: expect.stringContaining('stderr is not a regular file'),
    });
  });

  it('gives up a phase at its deadline', async () => {
    const { launcher, spec } = await arrange({ startTimeoutMs: 1 });

    const launch = launcher.launch(await spec('a', 'sleep 1000'));

    await expect(launch).rejects.toMatchObject({
      phase: 'start',
      message: 'start took longer than 1 ms',
    });
  });

  it('reports a container that somebody else removed', async () => {
    const { launcher, spec, exits } = await arrange();
    const { containerId = '' } = await launcher.launch(await spec('a', 'sleep 1000'));

    await run('docker', ['rm', '-f', containerId]);
    await until(() => exits.length === 1);

    expect(exits).toHaveLength(1);
  });

  it('learns what happened while the engine could not be reached', async () => {
    const engine = await startProxy();
    const { launcher, spec, exits } = await arrange({ socketPath: engine.socketPath });
    const wanted = await spec('a', 'echo before; sleep 1000');
    const { containerId = '' } = await launcher.launch(wanted);
    await until(async () => (await read(wanted)) === 'before\n');

    engine.cut();
    await run('docker', ['kill', containerId]);
    await sleep(100);
    expect(exits).toEqual([]);
    engine.mend();
    await until(() => exits.length === 1);

    expect(exits[0]?.status).toMatchObject({ code: 137 });
    expect(await read(wanted)).toBe('before\n');
    await engine.close();
  });

  it('runs a program in the container with more variables, and ends all of a command at its deadline', async () => {
    const { launcher, spec } = await arrange();
    const { run: key } = await spec('a', 'sleep 1000');
    await launcher.launch(await spec('a', 'sleep 1000'));
    const environment = { MORE: 'a b' };

    const argv = ['sh', '-c', 'echo "$MORE $1"', 'name', 'two words'];
    const told = await launcher.execute(key, argv, { timeoutMs: WAIT_MS, environment });
    const escaping = 'setsid sh -c "sleep 1077 & sleep 1078" & sleep 1079; true';
    const slow = launcher.execute(key, escaping, { timeoutMs: 500 });

    expect(told).toEqual({ exitCode: 0, output: 'a b two words\n' });
    await expect(slow).rejects.toThrow('500 ms');
    const left = await launcher.execute(key, 'ps', { timeoutMs: WAIT_MS });
    expect(left.output).toContain('sleep 1000');
    expect(left.output).not.toMatch(/sleep 107[789]/);
  });
});
