import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { frameworkId, type LaunchSpec, runKeyOfTask, type TaskExit, taskId } from '#core';
import {
  BUSYBOX_IMAGE,
  ensureBusyboxImage,
  hasDocker,
} from '../../../test/support/busybox-image.js';
import { createDockerLauncher } from './docker-launcher.js';

const run = promisify(execFile);

const WAIT_MS = 60_000;
const PAUSE_MS = 50;
const canRun = process.getuid?.() === 0 && (await hasDocker());

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

/** An engine of our own, beside that of the host, with the one image tests use. */
class OwnEngine {
  private daemon: ChildProcess | undefined;

  private constructor(
    readonly folder: string,
    private readonly flags: readonly string[],
  ) {}

  static async start(...flags: readonly string[]): Promise<OwnEngine> {
    const engine = new OwnEngine(await mkdtemp(join(tmpdir(), 'pacer-dockerd-')), flags);
    await engine.start();
    const host = `unix://${engine.socketPath}`;
    await run('sh', ['-c', `docker save "$1" | docker -H "$2" load`, 'copy', BUSYBOX_IMAGE, host]);
    return engine;
  }

  get socketPath(): string {
    return join(this.folder, 'engine.sock');
  }

  async start(): Promise<void> {
    const { folder, flags } = this;
    const places = ['--data-root', 'data', '--exec-root', 'exec', '--pidfile', 'pid'].map((word) =>
      word.startsWith('--') ? word : join(folder, word),
    );
    // In a network namespace of its own: an engine without a bridge removes that of the host.
    const network = ['--bridge=none', '--iptables=false', '--ip-forward=false'];
    this.daemon = spawn(
      'unshare',
      ['--net', 'dockerd', '-H', `unix://${this.socketPath}`, ...places, ...network, ...flags],
      {
        stdio: 'ignore',
      },
    );
    await until(
      async () =>
        await this.docker('version').then(
          () => true,
          () => false,
        ),
    );
  }

  async docker(...args: readonly string[]): Promise<string> {
    return (await run('docker', ['-H', `unix://${this.socketPath}`, ...args])).stdout;
  }

  async stop(): Promise<void> {
    this.daemon?.kill('SIGTERM');
    await until(() => this.daemon?.exitCode !== null || this.daemon.signalCode !== null);
  }

  async destroy(): Promise<void> {
    const containers = (await this.docker('ps', '-aq')).split('\n').filter((id) => id !== '');
    if (containers.length > 0) await this.docker('rm', '--force', ...containers);
    await this.stop();
    // What it has left mounted.
    const mounts = await readFile('/proc/self/mounts', 'utf8');
    const own = mounts.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
    for (const path of own.filter((one) => one.startsWith(`${this.folder}/`)).reverse()) {
      await run('umount', [path]).catch(() => undefined);
    }
    await rm(this.folder, { recursive: true });
  }
}

describe.skipIf(!canRun)('a restart of the Docker engine', { timeout: 4 * WAIT_MS }, () => {
  let engine: OwnEngine;
  let close = async (): Promise<void> => undefined;
  let exits: TaskExit[] = [];
  beforeAll(async () => void (await ensureBusyboxImage()), WAIT_MS);
  afterEach(async () => {
    await close();
    await engine.destroy();
  }, 2 * WAIT_MS);

  const arrange = async (...flags: readonly string[]) => {
    engine = await OwnEngine.start(...flags);
    const launcher = createDockerLauncher({ scope: 'restart', socketPath: engine.socketPath });
    close = async () => await launcher.close();
    exits = [];
    launcher.onExit((exit) => exits.push(exit));
    const launch = async (id: string, command: string): Promise<LaunchSpec> => {
      const [sandbox, runtimeDirectory] = [
        join(engine.folder, 'tasks', id, 'sandbox'),
        join(engine.folder, 'tasks', id, 'runtime'),
      ];
      await mkdir(sandbox, { recursive: true });
      await mkdir(runtimeDirectory, { recursive: true });
      const spec: LaunchSpec = {
        ...{ run: runKeyOfTask(id), taskId: taskId(id), frameworkId: frameworkId('f1') },
        ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 32, environment: {} },
        command: { kind: 'shell', value: `echo up; ${command}` },
        docker: {
          ...{ image: BUSYBOX_IMAGE, forcePull: false, privileged: false, network: 'HOST' },
          ...{ portMappings: [], volumes: [], parameters: [] },
          sandboxMount: '/mnt/mesos/sandbox',
        },
      };
      await launcher.launch(spec);
      const stdout = join(sandbox, 'stdout');
      await until(async () => (await readFile(stdout, 'utf8')).startsWith('up\n'));
      return spec;
    };
    return { launcher, launch };
  };
  const LOOP = 'while true; do sleep 0.1; done';
  const cause = expect.stringContaining('the Docker engine was stopped');

  it('ends containers without live-restore, which is told as the reason, also of those that end well', async () => {
    const { launch } = await arrange();
    await launch('fails', `trap "exit 143" TERM; ${LOOP}`);
    await launch('obeys', `trap "exit 0" TERM; ${LOOP}`);
    await launch('done', 'exit 0');
    await until(() => exits.length === 1);

    await engine.stop();
    await engine.start();
    await until(() => exits.length === 3);

    expect(exits).toEqual(
      expect.arrayContaining([
        { run: 'done', status: { kind: 'exited', code: 0 }, oomKilled: false },
        expect.objectContaining({
          run: 'fails',
          status: expect.objectContaining({ code: 143 }),
          cause,
        }),
        expect.objectContaining({ run: 'obeys', status: { kind: 'exited', code: 0 }, cause }),
      ]),
    );
  });

  it('is survived by containers with live-restore, their output and their ends', async () => {
    const { launcher, launch } = await arrange('--live-restore');
    const count = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.1; done; exit 7';
    const spec = await launch('counts', count);
    const detected = await launcher.detect();

    await engine.stop();
    await engine.start();
    await until(() => exits.length === 1);

    expect(detected).toEqual({ available: true, notes: [] });
    expect(exits).toEqual([
      { run: 'counts', status: { kind: 'exited', code: 7 }, oomKilled: false },
    ]);
    const numbers = Array.from({ length: 60 }, (_, index) => `${index + 1}\n`).join('');
    expect(await readFile(join(spec.sandbox, 'stdout'), 'utf8')).toBe(`up\n${numbers}`);
  });
});
