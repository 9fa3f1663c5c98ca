import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type DockerSpec,
  frameworkId,
  type LaunchedTask,
  type Launcher,
  runKeyOfTask,
  taskId,
} from '#core';
import {
  BUSYBOX_IMAGE,
  ensureBusyboxImage,
  hasDocker,
} from '../../../test/support/busybox-image.js';
import { findOwnHierarchies } from './cgroup-hierarchies.js';
import { createDockerLauncher } from './docker-launcher.js';
import { createProcessLauncher } from './process-launcher.js';
import { createUsageReader, parseNetworkUsage, type TaskUsage } from './task-usage.js';

const WAIT_MS = 60_000;
const RUN = runKeyOfTask('busy');
/** Some processor time, of which a tenth of a cpu takes seconds; then a child that has ended must still count. */
const BURN = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';
const MEM_MIB = 48;

const isPresent = await hasDocker();
const hasCgroups = (await findOwnHierarchies(`pacer/usage-${process.pid}`)).length > 0;
let root = '';
let launcher: Launcher | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-usage-'));
});

afterEach(async () => {
  await launcher?.removeStrays(new Set());
  await launcher?.kill(RUN, { graceMs: 0 });
  await until(async () => {
    await launcher?.release(RUN);
    return true;
  });
  await launcher?.close();
  await rm(root, { recursive: true });
});

async function launch(command: string, docker?: Partial<DockerSpec>): Promise<LaunchedTask> {
  const [sandbox, runtimeDirectory] = [join(root, 'sandbox'), join(root, 'runtime')];
  await mkdir(sandbox);
  await mkdir(runtimeDirectory);
  const spec = {
    ...{ run: RUN, taskId: taskId('busy'), frameworkId: frameworkId('f1') },
    ...{ sandbox, runtimeDirectory, cpuMillis: 100, memMib: MEM_MIB },
    command: { kind: 'shell', value: command } as const,
    environment: {},
  };
  const container: DockerSpec = {
    ...{ image: BUSYBOX_IMAGE, forcePull: false, privileged: false, network: 'BRIDGE' },
    ...{ portMappings: [], volumes: [], parameters: [] },
    sandboxMount: '/mnt/mesos/sandbox',
    ...docker,
  };
  const launched = await launcher?.launch(
    docker === undefined ? spec : { ...spec, docker: container },
  );
  if (launched === undefined) throw new Error('no launcher was made');
  return launched;
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await isDone().catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(50);
  }
}

async function usageOnce(
  { pid, containerId }: LaunchedTask,
  isEnough: (usage: TaskUsage) => boolean,
): Promise<TaskUsage | undefined> {
  const measure = createUsageReader();
  let usage: TaskUsage | undefined;
  await until(async () => {
    const task = { run: RUN, pid, ...(containerId === undefined ? {} : { containerId }) };
    usage = (await measure([task])).get(RUN);
    return usage !== undefined && isEnough(usage);
  });
  return usage;
}

it.each([
  ['in its cgroups', {}],
  ['without cgroups', { withoutCgroups: true }],
])('measures a process %s, with what its children used that have ended', async (_how, extra) => {
  launcher = createProcessLauncher({ scope: `usage-${process.pid}`, ...extra });

  const launched = await launch(`sh -c '${BURN}'; touch done; exec sleep 1000`);
  await until(async () => (await readdir(join(root, 'sandbox'))).includes('done'));
  const usage = await usageOnce(launched, () => true);

  expect(usage?.cpuUserSeconds).toBeGreaterThan(0.02);
  expect(usage?.memRssBytes).toBeGreaterThan(0);
  expect(usage?.network).toBeUndefined();
});

it.runIf(hasCgroups)('tells limits and how often a capped process is throttled', async () => {
  launcher = createProcessLauncher({ scope: `usage-${process.pid}`, capCpu: true });

  const launched = await launch('while true; do true; done');
  const usage = await usageOnce(
    launched,
    ({ cpuThrottledSeconds = 0, cpuThrottledPeriods = 0 }) =>
      cpuThrottledSeconds > 0 && cpuThrottledPeriods > 0,
  );

  expect(usage?.cpuPeriods).toBeGreaterThan(0);
  expect(usage?.memLimitBytes).toBe(MEM_MIB * 2 ** 20);
});

it.runIf(isPresent)('measures a container, and its network where that is its own', async () => {
  await ensureBusyboxImage();
  launcher = createDockerLauncher({ scope: `usage-${process.pid}` });

  // One with nothing but loopback: it is not the host's that is counted.
  const launched = await launch(`${BURN}; exec sleep 1000`, { network: 'NONE' });
  const usage = await usageOnce(launched, ({ cpuUserSeconds = 0 }) => cpuUserSeconds > 0);

  expect(usage?.network).toMatchObject({ rxBytes: 0, txBytes: 0 });
  expect(usage?.memLimitBytes).toBe(MEM_MIB * 2 ** 20);
  expect(usage?.memTotalBytes).toBeGreaterThan(0);
});

it('says nothing of a task whose process is gone, or is somebody else', async () => {
  launcher = createProcessLauncher({ scope: `usage-${process.pid}` });
  const measure = createUsageReader();

  const gone = await measure([{ run: RUN, pid: 2 ** 22 + 1 }]);
  const other = await measure([{ run: RUN, pid: process.pid, containerId: 'f00d'.repeat(16) }]);

  expect([...gone, ...other]).toEqual([]);
});

it('adds up all interfaces but loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  900 9 0 0 0 0 0 0  900 9 0 0 0 0 0 0
  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
  eth1:1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0
`;

  expect(parseNetworkUsage(text)).toEqual({
    ...{ rxBytes: 1001, rxPackets: 11, rxErrors: 1, rxDropped: 2 },
    ...{ txBytes: 2002, txPackets: 22, txErrors: 3, txDropped: 4 },
  });
});
