import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  frameworkId,
  type LaunchSpec,
  runKeyOfTask,
  type SharedNetwork,
  type TaskExit,
  taskId,
} from '#core';
import {
  BUSYBOX_IMAGE,
  ensureBusyboxImage,
  hasDocker,
} from '../../../test/support/busybox-image.js';
import { createDockerLauncher } from './docker-launcher.js';

const run = promisify(execFile);

const WAIT_MS = 60_000;
const PAUSE_MS = 20;
const KEY = runKeyOfTask('pod.1');
/** One of a user's; that of the host itself is tried end to end. */
const NETWORK = `pacer-spec-${process.pid}`;

const isPresent = await hasDocker();
const disposals: (() => Promise<void>)[] = [];
let count = 0;

async function prepare() {
  count += 1;
  const scope = `spec-net-${process.pid}-${count}`;
  const root = await mkdtemp(join(tmpdir(), 'pacer-docker-'));
  const create = () => {
    const launcher = createDockerLauncher({ scope, publishAddress: '127.0.0.1' });
    disposals.unshift(() => launcher.close());
    return launcher;
  };
  disposals.push(async () => {
    const sweeper = createDockerLauncher({ scope });
    await sweeper.removeStrays(new Set());
    await sweeper.close();
    await rm(root, { recursive: true });
  });
  const spec = async (
    id: string,
    command: string,
    network: Partial<SharedNetwork> = {},
  ): Promise<LaunchSpec> => {
    const [sandbox, runtimeDirectory] = [join(root, id, 'sandbox'), join(root, id, 'runtime')];
    await mkdir(sandbox, { recursive: true });
    await mkdir(runtimeDirectory, { recursive: true });
    await mkdir(join(root, 'shared'), { recursive: true });
    return {
      ...{ run: runKeyOfTask(id), taskId: taskId(id), frameworkId: frameworkId('f1') },
      ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 32 },
      command: { kind: 'shell', value: command },
      environment: {},
      docker: {
        ...{ image: BUSYBOX_IMAGE, forcePull: false, privileged: false },
        network: { shared: { key: KEY, network: { user: NETWORK }, portMappings: [], ...network } },
        ...{ portMappings: [], volumes: [], parameters: [] },
        mounts: [{ hostPath: join(root, 'shared'), containerPath: '/shared', mode: 'RW' }],
        sandboxMount: '/mnt/mesos/sandbox',
      },
    };
  };
  const containers = async (): Promise<readonly string[]> => {
    const filter = ['--filter', `label=pacer.agent=${scope}`, '--format', '{{.Label "pacer.run"}}'];
    const { stdout } = await run('docker', ['ps', '--all', ...filter]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  };
  const holder = `pacer.${scope}.${KEY}`;
  return { launcher: create(), restart: create, spec, containers, holder };
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

const read = async ({ sandbox }: LaunchSpec): Promise<string> =>
  await readFile(join(sandbox, 'stdout'), 'utf8').catch(() => '');

const serve = 'mkdir -p /www && echo hello > /www/index.html && exec httpd -f -p 8080 -h /www';

describe.skipIf(!isPresent)('a network that containers share', { timeout: 2 * WAIT_MS }, () => {
  beforeAll(async () => {
    await ensureBusyboxImage();
    await run('docker', ['network', 'create', NETWORK]);
  }, WAIT_MS);
  afterAll(async () => void (await run('docker', ['network', 'rm', NETWORK])), WAIT_MS);
  afterEach(async () => {
    for (const dispose of disposals.splice(0)) await dispose();
  }, WAIT_MS);

  it('has one address and localhost, publishes its ports, and outlives the member it was made for', async () => {
    const { launcher, spec } = await prepare();
    const hostPort = await findFreePort();
    const exits: TaskExit[] = [];
    launcher.onExit((exit) => exits.push(exit));
    const portMappings = [{ hostPort, containerPort: 8080, protocol: 'tcp' as const }];
    const first = await launcher.launch(
      await spec('first', 'echo from first > /shared/file; sleep 1', { portMappings }),
    );
    const [second, asker] = [
      await spec('second', serve, { portMappings }),
      await spec(
        'asker',
        'until wget -q -O - http://localhost:8080/; do sleep 0.1; done; cat /shared/file; echo $MESOS_CONTAINER_IP',
        { portMappings },
      ),
    ];

    const server = await launcher.launch(second);
    await until(() => exits.some((exit) => exit.run === 'first'));
    await launcher.launch(asker);
    await until(async () => (await read(asker)).split('\n').length > 3);

    expect(first.ipAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(server.ipAddress).toBe(first.ipAddress);
    expect(await read(asker)).toBe(`hello\nfrom first\n${first.ipAddress}\n`);
    const answer = await fetch(`http://127.0.0.1:${hostPort}/`);
    expect(await answer.text()).toBe('hello\n');
  });

  it('stays over a restart of the agent while its key is known, and goes with its release', async () => {
    const { launcher, restart, spec, containers } = await prepare();
    const member = await spec('member', 'exec sleep 600');
    const { ipAddress } = await launcher.launch(member);
    await launcher.close();
    const again = restart();

    const found = await again.reattach(member);
    const strays = await again.removeStrays(new Set([member.run, KEY]));
    const before = await containers();
    await again.kill(member.run, { graceMs: 0 });
    await until(async () => (await again.reattach(member)).kind === 'exited');
    await again.release(member.run);
    await again.release(KEY);

    expect(found).toMatchObject({ kind: 'running', task: { ipAddress } });
    expect(strays).toEqual([]);
    expect(before).toEqual(['member', KEY]);
    expect(await containers()).toEqual([]);
  });

  it('is a stray when nobody knows its key, and its loss is reported under the key', async () => {
    const { launcher, restart, spec, containers, holder } = await prepare();
    const member = await spec('member', 'exec sleep 600');
    const exits: TaskExit[] = [];
    launcher.onExit((exit) => exits.push(exit));
    await launcher.launch(member);

    await run('docker', ['kill', holder]);
    await until(() => exits.length > 0);
    const refused = await launcher.launch(await spec('late', 'exec sleep 600')).catch(String);
    await launcher.close();
    const strays = await restart().removeStrays(new Set());

    expect(exits).toEqual([
      { run: KEY, status: { kind: 'unknown', reason: 'its network is gone' }, oomKilled: false },
    ]);
    expect(refused).toContain('the network of its group is gone');
    expect([...strays].sort()).toEqual(['member', KEY]);
    expect(await containers()).toEqual([]);
  });
});
