import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { AgentTask } from '#cluster';
import type { MeasuredTask, TaskUsage } from '#containerizer';
import { type RunKey, runKeyOfTask } from '#core';
import { metricsRegistry } from '#platform';
import { createSandboxSizes } from './sandbox-sizes.js';
import { registerTaskMetrics } from './task-metrics.js';
import { type TaskSample, TaskStatistics } from './task-statistics.js';

const scalar = (name: string, value: number) => ({
  name,
  type: 'SCALAR' as const,
  scalar: { value },
});

const task = (id: string, more: Partial<AgentTask> = {}): AgentTask => ({
  run: runKeyOfTask(id),
  id,
  framework: { user: 'root', name: 'f', id: { value: 'f1' } },
  definition: {
    name: `name of ${id}`,
    task_id: { value: id },
    agent_id: { value: 'a1' },
    resources: [scalar('cpus', 0.5), scalar('mem', 64), scalar('disk', 2)],
  },
  launcher: 'process',
  phase: { kind: 'running' },
  stream: { connected: true, pending: [] },
  launched: { pid: 7 },
  acceptedAtMs: 0,
  ...more,
});

const USAGE: TaskUsage = {
  ...{ cpuUserSeconds: 1.5, cpuSystemSeconds: 0.5, cpuPeriods: 10, cpuThrottledPeriods: 3 },
  ...{ cpuThrottledSeconds: 0.25, memRssBytes: 4096 },
  network: {
    ...{ rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4 },
    ...{ txBytes: 5, txPackets: 6, txErrors: 7, txDropped: 8 },
  },
};

/** Statistics of these tasks; passes wait until they are let through. */
function arrange(tasks: readonly AgentTask[], sizes: ReadonlyMap<RunKey, number> = new Map()) {
  let monoMs = 0;
  const passes: (readonly MeasuredTask[])[] = [];
  const statistics = new TaskStatistics({
    tasks: () => tasks,
    sandboxOf: (run) => `/w/${run}`,
    measure: async (all) => {
      passes.push(all);
      return new Map(all.map(({ run }) => [run, USAGE]));
    },
    sizes: { read: () => sizes },
    now: () => ({ epochMs: 5_000, monoMs }),
  });
  return { statistics, passes, wait: (ms: number) => (monoMs += ms) };
}

test('a running task has the figures of Mesos', async () => {
  const { statistics } = arrange([task('web')], new Map([[runKeyOfTask('web'), 8192]]));

  expect(await statistics.read()).toEqual([
    {
      executor_id: 'web',
      executor_name: 'name of web',
      framework_id: 'f1',
      source: 'web',
      statistics: {
        timestamp: 5,
        ...{ cpus_limit: 0.5, cpus_user_time_secs: 1.5, cpus_system_time_secs: 0.5 },
        ...{ cpus_nr_periods: 10, cpus_nr_throttled: 3, cpus_throttled_time_secs: 0.25 },
        ...{ mem_rss_bytes: 4096, mem_anon_bytes: 4096, mem_limit_bytes: 64 * 2 ** 20 },
        ...{ disk_used_bytes: 8192, disk_limit_bytes: 2 * 2 ** 20 },
        ...{ net_rx_bytes: 1, net_rx_packets: 2, net_rx_errors: 3, net_rx_dropped: 4 },
        ...{ net_tx_bytes: 5, net_tx_packets: 6, net_tx_errors: 7, net_tx_dropped: 8 },
      },
    },
  ]);
});

test('all who read at once share one pass over all tasks, and so do those of the next second', async () => {
  const { statistics, passes, wait } = arrange([task('a'), task('b')]);

  await Promise.all(Array.from({ length: 20 }, () => statistics.read()));
  wait(999);
  await statistics.read();
  expect(passes.map((all) => all.length)).toEqual([2]);
  wait(1);
  await statistics.read();

  expect(passes).toHaveLength(2);
});

test('a pass that failed fails those who shared it, and the next one is made anew', async () => {
  const measure = vi
    .fn<(all: readonly MeasuredTask[]) => Promise<ReadonlyMap<RunKey, TaskUsage>>>()
    .mockRejectedValueOnce(new Error('no /proc'))
    .mockResolvedValue(new Map());
  const statistics = new TaskStatistics({
    ...{ tasks: () => [], sandboxOf: (run: RunKey) => run, measure },
    ...{ sizes: { read: () => new Map() }, now: () => ({ epochMs: 0, monoMs: 0 }) },
  });

  await expect(statistics.read()).rejects.toThrow('no /proc');
  expect(await statistics.read()).toEqual([]);
});

test('a task that has no process yet, or no more, has no figures', async () => {
  const { launched: _, ...unknown } = task('c');
  const { statistics } = arrange([
    task('a', { phase: { kind: 'ended' } }),
    task('b', { launched: { pid: 0 } }),
    unknown,
  ]);

  expect(await statistics.read()).toEqual([]);
});

test('the metrics have series of a thousand tasks and count the rest', async () => {
  const statistics = { timestamp: 0, cpus_user_time_secs: 2, mem_rss_bytes: 3 };
  const samples = Array.from(
    { length: 1_003 },
    (_, n): TaskSample => ({
      ...{ executor_id: 'pod', executor_name: '', framework_id: 'f1', source: `t${n}` },
      statistics,
    }),
  );
  registerTaskMetrics(async () => samples);

  const lines = (await metricsRegistry.metrics()).split('\n');

  const of = (name: string) => lines.filter((line) => line.startsWith(name));
  const labels = '{framework_id="f1",task_id="t0"}';
  expect(lines).toContain(`pacer_agent_task_cpu_user_seconds_total${labels} 2`);
  expect(lines).toContain(`pacer_agent_task_memory_rss_bytes${labels} 3`);
  expect(of('pacer_agent_task_memory_rss_bytes{')).toHaveLength(1_000);
  expect(of('pacer_agent_task_network_receive_bytes_total{')).toEqual([]);
  expect(lines).toContain('pacer_agent_tasks_without_series 3');
});

test('a sandbox is measured by its blocks, each file once and no link followed, at most every 15 s', async () => {
  const sandbox = await mkdtemp(join(tmpdir(), 'pacer-sizes-'));
  execFileSync('sh', ['-c', 'mkdir d; head -c 65536 /dev/zero >d/a; ln d/a b; ln -s /usr c'], {
    cwd: sandbox,
  });
  let nowMs = 0;
  const sizes = createSandboxSizes({ nowMs: () => nowMs });
  const run = runKeyOfTask('web');
  const read = () => sizes.read(new Map([[run, sandbox]])).get(run);

  expect(read()).toBeUndefined();
  await vi.waitFor(() => expect(read()).toBeGreaterThanOrEqual(65_536));
  const first = read() ?? 0;
  expect(first).toBeLessThan(2 * 65_536);
  await writeFile(join(sandbox, 'more'), 'x'.repeat(200_000));
  await symlink('/usr', join(sandbox, 'd', 'usr'));
  expect(read()).toBe(first);
  nowMs += 15_000;
  read();
  await vi.waitFor(() => expect(read()).toBeGreaterThanOrEqual(first + 200_000));

  sizes.read(new Map());
  await rm(sandbox, { recursive: true });
});

test('of a sandbox with more entries than are counted, those counted are shown', async () => {
  const sandbox = await mkdtemp(join(tmpdir(), 'pacer-sizes-'));
  for (const name of ['a', 'b', 'c', 'd']) await writeFile(join(sandbox, name), 'x'.repeat(8_192));
  const run = runKeyOfTask('web');
  const sizes = createSandboxSizes({ maxEntries: 2 });

  const read = () => sizes.read(new Map([[run, sandbox]])).get(run);

  await vi.waitFor(() => expect(read()).toBeGreaterThanOrEqual(2 * 8_192));
  expect(read()).toBeLessThan(4 * 8_192);
  await rm(sandbox, { recursive: true });
});
