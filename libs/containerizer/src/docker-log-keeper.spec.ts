import { mkdir, mkdtemp, readdir, readFile, readlink, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDockerEngine } from '../../../test/support/fake-docker-engine.js';
import { createLogKeeper, type LogKeeper } from './docker-log-keeper.js';

const WAIT_MS = 20_000;
const PAUSE_MS = 10;
const LOGS = 'GET /containers/id-web/logs';

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

function toFrame(text: string): Buffer {
  const payload = Buffer.from(`2026-11-21T09:28:10.000000001Z ${text}`);
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

describe('the copy of a container log', { timeout: 2 * WAIT_MS }, () => {
  let engine: FakeDockerEngine;
  let keeper: LogKeeper;
  let folder = '';
  beforeEach(async () => {
    engine = await FakeDockerEngine.start('spec');
    engine.log = toFrame('line\n');
    folder = await mkdtemp(join(tmpdir(), 'pacer-log-keeper-'));
    await mkdir(join(folder, 'sandbox'));
    await mkdir(join(folder, 'runtime'));
    keeper = createLogKeeper({ maxBytes: 1024 * 1024 });
  });
  afterEach(async () => {
    await keeper.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });

  const follow = () => {
    const container = engine.run('web');
    const docker = new Dockerode({ socketPath: engine.socketPath });
    const task = {
      container: docker.getContainer(container.id),
      sandbox: join(folder, 'sandbox'),
      runtimeDirectory: join(folder, 'runtime'),
    };
    keeper.follow(task);
    return task;
  };
  const stdout = async () =>
    await readFile(join(folder, 'sandbox', 'stdout'), 'utf8').catch(() => '');
  const attempts = () => engine.calls.filter((call) => call === LOGS).length;
  /** Files of the sandbox that this process has open. */
  const openFiles = async (): Promise<readonly string[]> => {
    const descriptors = await readdir('/proc/self/fd');
    const all = descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ''));
    return (await Promise.all(all)).filter((path) => path.startsWith(join(folder, 'sandbox')));
  };

  it('goes on after a file could not be opened', async () => {
    await mkdir(join(folder, 'sandbox', 'stderr'));
    follow();
    await sleep(PAUSE_MS);
    await rmdir(join(folder, 'sandbox', 'stderr'));

    await until(async () => (await stdout()) === 'line\n');

    expect((await openFiles()).length).toBe(2);
  });

  it('goes on after its position could not be written, and leaves no file open', async () => {
    await rmdir(join(folder, 'runtime'));
    const { container } = follow();
    await until(async () => (await stdout()) === 'line\n');
    engine.log = Buffer.concat([toFrame('line\n'), toFrame('next\n')]);
    engine.cutLog(container.id);
    await until(async () => (await openFiles()).length === 0);
    await mkdir(join(folder, 'runtime'));

    await until(async () => (await stdout()).includes('next'));

    expect(await stdout()).toBe('line\nnext\n');
    expect((await openFiles()).length).toBe(2);
  });

  it('goes on without a gap or a repetition after the stream broke', async () => {
    const { container } = follow();
    await until(async () => (await stdout()) === 'line\n');
    engine.log = Buffer.concat([toFrame('line\n'), toFrame('next\n')]);
    engine.cutLog(container.id);

    await until(async () => (await stdout()).includes('next'));

    expect(await stdout()).toBe('line\nnext\n');
  });

  it('is not begun again where the engine has no log, nor after the end', async () => {
    engine.fault = (call) =>
      call === LOGS ? { status: 501, message: 'cannot be read' } : undefined;
    const task = follow();
    await until(async () => attempts() === 1 && (await openFiles()).length === 0);

    await keeper.copyRest(task);
    const after = attempts();
    await sleep(1_000);

    expect(after).toBe(2);
    expect(attempts()).toBe(2);
  });
});
