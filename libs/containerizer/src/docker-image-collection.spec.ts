import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  frameworkId,
  type Launcher,
  type LaunchSpec,
  runKeyOfTask,
  type TaskExit,
  taskId,
} from '#core';
import {
  hasRegistry,
  REGISTRY_ACCOUNT,
  type Registry,
  startRegistry,
} from '../../../test/e2e/support/docker.js';
import {
  BUSYBOX_IMAGE,
  ensureBusyboxImage,
  hasDocker,
} from '../../../test/support/busybox-image.js';
import { connectEngine } from './docker-connection.js';
import { createImagePuller, findImageId } from './docker-images.js';
import { createDockerLauncher } from './docker-launcher.js';
import { createImageCollector } from './image-collector.js';
import { type ImageRecord, openImageRecords } from './image-records.js';

const run = promisify(execFile);
const WAIT_MS = 60_000;
const HOUR_MS = 3_600_000;
const BOUNDS = { maxUnusedMs: HOUR_MS, maxDiskPercent: 100 };
/** Any disk is fuller than this. */
const FULL = { maxUnusedMs: 0, maxDiskPercent: 0 };
const canRun = (await hasDocker()) && hasRegistry();
/** Where `docker login` puts it below a home, and what is fetched for an app below its sandbox. */
async function writeConfig(home: string, config: string): Promise<void> {
  await mkdir(join(home, '.docker'), { recursive: true });
  await writeFile(join(home, '.docker/config.json'), config);
}
const docker = async (...args: readonly string[]): Promise<string> =>
  (await run('docker', args)).stdout.trim();

describe.runIf(canRun)('images that were pulled', { timeout: 2 * WAIT_MS }, () => {
  let [root, file] = ['', ''];
  let registry: Registry;
  let launcher: Launcher;
  let exits: TaskExit[] = [];
  const engine = connectEngine();
  let launched = 0;
  beforeAll(async () => {
    await ensureBusyboxImage();
    registry = await startRegistry();
  }, WAIT_MS);
  afterAll(async () => await registry.stop());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pacer-images-'));
    file = join(root, 'images.json');
    launcher = createDockerLauncher({ scope: `images-${process.pid}`, imageRecords: file });
    exits = [];
    launcher.onExit((exit) => exits.push(exit));
  });
  afterEach(async () => {
    await launcher.removeStrays(new Set());
    await launcher.close();
    await rm(root, { recursive: true });
  });

  /** Makes an image that nothing else has, puts it into the registry, and forgets it here. */
  const publish = async (name: string, content: string, to = registry): Promise<string> => {
    const image = `${to.name}/images/${name}:1`;
    const container = await docker(
      'create',
      '--network=none',
      BUSYBOX_IMAGE,
      'sh',
      '-c',
      `echo ${content} >/made`,
    );
    await docker('start', '--attach', container);
    await docker('commit', container, image);
    await docker('rm', container);
    await docker('push', '--quiet', image);
    await docker('rmi', image);
    return image;
  };
  const launch = async (
    image: string,
    command: string,
    { forcePull = false, config }: { readonly forcePull?: boolean; readonly config?: string } = {},
  ) => {
    launched += 1;
    const id = `image-${launched}`;
    const [sandbox, runtimeDirectory] = [join(root, id, 'sandbox'), join(root, id, 'runtime')];
    await mkdir(sandbox, { recursive: true });
    await mkdir(runtimeDirectory, { recursive: true });
    const spec: LaunchSpec = {
      ...{ run: runKeyOfTask(id), taskId: taskId(id), frameworkId: frameworkId('f1') },
      ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: 32, environment: {} },
      command: { kind: 'shell', value: command },
      docker: {
        ...{ image, forcePull, privileged: false, network: 'HOST' },
        ...{ portMappings: [], volumes: [], parameters: [] },
        sandboxMount: '/mnt/mesos/sandbox',
      },
    };
    await writeFile(join(sandbox, 'stderr'), 'fetched before\n');
    if (config !== undefined) await writeConfig(sandbox, config);
    const told: string[] = [];
    await launcher.launch(spec, (progress) => told.push(progress));
    return { spec, told };
  };
  const end = async ({ run: key }: LaunchSpec): Promise<void> => {
    const before = exits.length;
    await launcher.kill(key, { graceMs: 0 });
    while (exits.length === before) await new Promise((resolve) => setTimeout(resolve, 20));
    await launcher.release(key);
  };
  const read = async (): Promise<ImageRecord[]> =>
    JSON.parse(await readFile(file, 'utf8').catch(() => '[]')) as ImageRecord[];
  /** One pass of a next agent, to which all records are that old. */
  const collect = async (ageMs: number, bounds = BOUNDS): Promise<readonly string[]> => {
    const records = await read();
    const aged = records.map((one) => ({ ...one, usedAtMs: one.usedAtMs - ageMs }));
    await writeFile(file, JSON.stringify(aged));
    const kept = openImageRecords(file);
    const collector = createImageCollector({
      ...{ docker: engine, images: createImagePuller(engine, kept), records: kept },
      bounds,
      log: () => undefined,
    });
    collector.close();
    return await collector.collect();
  };

  it('tell how far the pull is, in the stderr of the task too, which loses nothing by it', async () => {
    const image = await publish('told', 'told');

    const { spec, told } = await launch(image, 'echo own words >&2; sleep 1000');
    const stderr = async () => await readFile(join(spec.sandbox, 'stderr'), 'utf8');
    const deadlineMs = performance.now() + WAIT_MS / 2;
    while (!(await stderr()).includes('words') && performance.now() < deadlineMs) {
      await new Promise((go) => setTimeout(go, 20));
    }

    expect(told[0]).toBe(`pulling ${image}`);
    expect(await stderr()).toBe(`fetched before\nlaunch: pulling ${image}\nown words\n`);
    await end(spec);
    await docker('rmi', image);
  });

  it('go when nobody has used them for too long, and not before', async () => {
    const image = await publish('unused', 'unused');
    const { spec } = await launch(image, 'sleep 1000');

    const whileUsed = await collect(2 * HOUR_MS);
    await end(spec);
    const soon = await collect(0.5 * HOUR_MS);
    const present = await findImageId(engine, image);
    const late = await collect(2 * HOUR_MS);

    expect([whileUsed, soon, late]).toEqual([[], [], [image]]);
    expect(present).toMatch(/^sha256:/);
    expect(await findImageId(engine, image)).toBeUndefined();
    expect(await read()).toEqual([]);
  });

  it('stay when they were here before, and what replaces them by force goes', async () => {
    const image = await publish('moving', 'first');
    await docker('pull', '--quiet', image);
    const first = await findImageId(engine, image);
    const { spec: one } = await launch(image, 'sleep 1000', { forcePull: true });
    expect(await read()).toEqual([]);
    await end(one);
    await publish('moving', 'second');
    await docker('tag', first ?? '', `${image}-kept`);
    const { spec: two } = await launch(image, 'sleep 1000', { forcePull: true });
    await end(two);

    const removed = await collect(2 * HOUR_MS);

    expect(removed).toEqual([image]);
    expect(await findImageId(engine, `${image}-kept`)).toBe(first);
    expect(await findImageId(engine, image)).toBeUndefined();
    await docker('rmi', `${image}-kept`);
  });

  it('are known to be ours when the agent ended before the pull did, and go when the disk is full', async () => {
    const image = await publish('unseen', 'unseen');
    await writeFile(file, JSON.stringify([{ reference: image, usedAtMs: Date.now() }]));
    await docker('pull', '--quiet', image);

    const first = await collect(0);
    const later = await collect(0.1 * HOUR_MS, FULL);

    expect([first, later]).toEqual([[], [image]]);
  });

  it('of a private registry are had with the credentials of the app or of the agent only', async () => {
    const { name, password } = REGISTRY_ACCOUNT;
    const shop = await startRegistry({ isPrivate: true });
    const auth = Buffer.from(`${name}:${password}`).toString('base64');
    const config = JSON.stringify({ auths: { [shop.name]: { auth } } });
    const [home, stranger] = [join(root, 'home'), join(root, 'stranger')];
    await writeConfig(home, config);
    await mkdir(stranger);
    vi.stubEnv('DOCKER_CONFIG', join(home, '.docker'));
    const image = await publish('private', 'private', shop);
    vi.unstubAllEnvs();

    vi.stubEnv('HOME', stranger);
    const refused = await launch(image, 'true').catch((error: unknown) => error);
    const { spec: ofApp } = await launch(image, 'sleep 1000', { config });
    await end(ofApp);
    vi.stubEnv('HOME', home);
    const { spec: ofAgent } = await launch(image, 'sleep 1000', { forcePull: true });
    await end(ofAgent);
    vi.unstubAllEnvs();

    expect(refused).toMatchObject({
      phase: 'pull',
      message: expect.stringMatching(/^pull: image .*private:1: .*(no basic auth|unauthorized)/),
    });
    await docker('rmi', image);
    await shop.stop();
  });
});
