import { execFileSync } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { createProcessLauncher } from '#containerizer';
import { isTerminalTaskState, type TaskState } from '#core';
import { systemClock } from '#platform';
import { FakeMasterLink } from '../../../../test/support/fake-master-link.js';
import { FakeFetcher } from '../../../../test/support/fake-sandbox-store.js';
import { FileTaskJournal } from '../journal/file-task-journal.js';
import { DirectorySandboxStore } from '../sandbox/directory-sandbox-store.js';
import { DirectoryVolumeStore } from '../sandbox/directory-volume-store.js';
import { createAgentEngine } from './agent-engine.js';
import { launch, task } from './agent-engine.test-support.js';

/** Agents with real processes on a small file system of their own, which is filled and made read-only. */

const WAIT_MS = 20_000;
let outside = '';
let disk = '';
let isMounted = false;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'pacer-real-disk-'));
  disk = join(outside, 'disk');
  await mkdir(disk);
  isMounted = mount('-t', 'tmpfs', '-o', 'size=2m,mode=0755', 'tmpfs', disk);
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  if (isMounted) execFileSync('umount', ['-l', disk]);
  await rm(outside, { recursive: true, force: true });
});

function mount(...args: readonly string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Takes all room there is; gives it back when it is called. */
async function fill(): Promise<() => Promise<void>> {
  const path = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  await writeFile(path, Buffer.alloc(bavail * bsize));
  return () => rm(path);
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(10);
  }
}

let starts = 0;

function makeAgent(name: string) {
  const root = join(disk, name);
  const launcher = createProcessLauncher({ scope: `real-disk-${process.pid}-${name}` });
  const link = new FakeMasterLink();
  const failures: unknown[] = [];
  starts += 1;
  const seed = starts;
  const journal = new FileTaskJournal(join(root, 'journal'), () => undefined, {
    retryDelaysMs: [20],
  });
  const engine = createAgentEngine(
    {
      launchers: [launcher],
      prober: { probe: async () => ({ passed: true, detail: '', durationMs: 1 }) },
      journal,
      link,
      fetcher: new FakeFetcher(),
      sandboxes: new DirectorySandboxStore(root),
      volumes: new DirectoryVolumeStore(root, () => undefined),
      clock: systemClock,
      randomBytes: (count) => Array.from({ length: count }, () => seed),
      log: () => undefined,
      fail: (error) => failures.push(error),
    },
    {
      agent: { hostname: 'host-1', port: 5051, resources: [], attributes: [] },
      version: '1.11.0',
      bootId: 'boot-1',
      hostAddress: '127.0.0.1',
      searchPath: '/usr/bin:/bin',
    },
  );
  ends.push(async () => {
    await engine.stop();
    await journal.close();
  });
  return { engine, link, launcher, failures };
}

const statesOf = (link: FakeMasterLink, id: string) =>
  link.updates.filter(({ status }) => status.task_id.value === id).map(({ status }) => status);
const endOf = (link: FakeMasterLink, id: string) =>
  statesOf(link, id).find(({ state }) => isTerminalTaskState(state as TaskState));

const needMount = (context: TestContext): void => {
  if (!isMounted && process.env['CI'] === undefined) context.skip('needs the right to mount');
  expect(isMounted, 'a tmpfs can be mounted').toBe(true);
};

describe('an agent whose work directory has no room left', () => {
  test('refuses launches, keeps what runs, and goes on by itself', {
    timeout: 60_000,
  }, async (context) => {
    needMount(context);
    const { engine, link, launcher, failures } = makeAgent('full');
    await engine.start();
    link.admit();
    const go = join(outside, 'go');
    const waits = `while [ ! -e ${go} ]; do sleep 0.05; done; exit 7`;
    launch(link, task('web', { command: { value: waits } }));
    await until(() => statesOf(link, 'web').length > 0);
    link.acknowledge('web');
    await engine.idle();
    const pid = engine.state.tasks.values().next().value?.launched?.pid ?? 0;

    const makeRoom = await fill();
    for (let count = 0; count < 30; count += 1) {
      const id = `refused-${count}`;
      launch(link, task(id));
      await until(() => endOf(link, id) !== undefined || engine.disk !== undefined);
    }
    launch(link, task('last'));
    await until(() => endOf(link, 'last') !== undefined);
    expect(endOf(link, 'last')).toMatchObject({
      state: 'TASK_FAILED',
      message: expect.stringMatching(/cannot write .*tasks\.log: ENOSPC/),
    });
    expect(engine.disk).toContain('ENOSPC');
    for (const { status } of link.updates) {
      if (status.task_id.value === 'web') continue;
      expect(status).toMatchObject({
        state: 'TASK_FAILED',
        message: expect.stringMatching(/ENOSPC|No space|cannot write/),
      });
    }
    expect(existsSync(`/proc/${pid}`)).toBe(true);

    // Its agent is gone when the task ends, and there is no room for anything.
    engine.halt();
    await launcher.close();
    await writeFile(go, '');
    await until(() => !existsSync(`/proc/${pid}`));
    const second = makeAgent('full');
    await second.engine.start();
    second.link.admit();
    await makeRoom();
    await until(() => endOf(second.link, 'web') !== undefined);
    launch(second.link, task('next'));
    await until(() => statesOf(second.link, 'next').length > 0);
    second.link.deliver({
      type: 'KILL',
      kill: { framework_id: { value: 'framework-1' }, task_id: { value: 'next' } },
    });
    second.link.acknowledge('next');
    await until(() => endOf(second.link, 'next') !== undefined);

    expect(endOf(second.link, 'web')?.message).toContain('7');
    expect([...failures, ...second.failures]).toEqual([]);
  });
});

describe('an agent that starts on a disk that is read-only', () => {
  test('waits for it and says why', { timeout: 60_000 }, async (context) => {
    needMount(context);
    await mkdir(join(disk, 'read-only', 'journal'), { recursive: true });
    expect(mount('-o', 'remount,ro', disk)).toBe(true);
    const { engine, link } = makeAgent('read-only');

    const started = engine.start();
    await until(() => engine.disk !== undefined);
    const problem = engine.disk;
    expect(mount('-o', 'remount,rw', disk)).toBe(true);
    await started;
    link.admit();

    expect(problem).toContain('EROFS');
    await until(() => engine.disk === undefined);
  });
});
