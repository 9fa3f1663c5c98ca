import { fork } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { Cluster, findProcesses, killQuietly } from '../e2e/support/cluster.js';
import { eventually } from '../e2e/support/http.js';
import { benchAgent, benchDocker } from './agent-bench.js';
import { benchAllocation } from './allocation.js';
import { benchDeploy, benchHeld, benchListeners, benchSubmits } from './controller-bench.js';
import { benchDns } from './dns-bench.js';
import { benchEdgeChange, benchEdgeNewApp } from './edge-change-bench.js';
import { benchEdgeChurn } from './edge-churn-bench.js';
import { benchEdgeDeploy, benchEdgeReload } from './edge-deploy-bench.js';
import { benchEdgeDrift, benchEdgeIsolation } from './edge-drift-bench.js';
import { benchEdgeRender } from './edge-render-bench.js';
import type { LoadJob, LoadResult } from './load.js';
import { benchFailover, benchMasterLaunch, benchRounds } from './master-bench.js';
import { benchMasterState } from './master-state.js';
import { clusterPssKib } from './memory.js';
import { formatMs, median, percentile } from './statistics.js';

/**
 * Prints the figures: `npm run bench`, or `npm run bench -- launch memory` for some of them. The cluster is the real
 * one under `pacer up`; the load comes from a process of its own. Nothing is asserted here.
 */
const RUNS = Number(process.env['PACER_BENCH_RUNS'] ?? 5);
const TASK_MARK = 'sleep 7';

const row = (name: string, figure: string, work: string): void => {
  process.stdout.write(`| ${name} | ${figure} | ${work} |\n`);
};

/** Runs one job in the load generator and waits for its answer. */
function load(job: LoadJob): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./load.js', import.meta.url), { stdio: 'inherit' });
    child.once('message', (result) => resolve(result as LoadResult));
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`the load generator ended with ${code}`));
    });
    child.send(job);
  });
}

async function repeat(job: () => Promise<number>): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let run = 0; run < RUNS; run += 1) samples.push(await job());
  return samples;
}

const describeRuns = (samples: readonly number[]): string =>
  `${formatMs(median(samples))} (${samples.map(formatMs).join(', ')})`;

async function remove(cluster: Cluster, id: string): Promise<void> {
  await cluster.api.send('DELETE', `/v2/apps${id}`);
  await eventually(`${id} is gone`, async () => (await cluster.api.app(id)) === undefined, 120_000);
  await eventually('its tasks are gone', async () => findProcesses(TASK_MARK).length === 0, 60_000);
  // Until its deployment has ended, the id is locked.
  await cluster.api.settled(id);
}

async function benchLaunch(cluster: Cluster): Promise<void> {
  for (const instances of [100, 500]) {
    const samples = await repeat(async () => {
      const result = await load({ kind: 'launch', url: cluster.api.url, id: '/bench', instances });
      await remove(cluster, '/bench');
      return result.samplesMs[0] ?? Number.NaN;
    });
    row('submit to all running', describeRuns(samples), `1 app x ${instances} \`sleep\` processes`);
  }
}

async function benchStart(cluster: Cluster): Promise<void> {
  const samples = await repeat(async () => {
    await cluster.stop();
    const startedMs = performance.now();
    await cluster.start();
    return performance.now() - startedMs;
  });
  row('start of a stopped cluster', describeRuns(samples), '`pacer up` to all daemons ready');
}

async function benchWarmStart(cluster: Cluster): Promise<void> {
  const { samplesMs } = await load({ kind: 'warm', url: cluster.api.url, count: 100 });
  row(
    'warm submit to RUNNING',
    `p50 ${formatMs(percentile(samplesMs, 0.5))}, p99 ${formatMs(percentile(samplesMs, 0.99))}`,
    '100 apps of 1 task, one after the other',
  );
  await cluster.api.send('DELETE', '/v2/groups/warm?force=true');
  await eventually('no task is left', async () => findProcesses(TASK_MARK).length === 0, 60_000);
}

async function benchMemory(cluster: Cluster): Promise<void> {
  const instances = 500;
  const measure = (): number =>
    clusterPssKib({
      rootPids: [...Object.values(cluster.pids()), cluster.haproxyPid()],
      dataDirectory: cluster.dataDirectory,
      taskMark: TASK_MARK,
    });
  const samples = await repeat(async () => {
    const idleKib = measure();
    await load({ kind: 'launch', url: cluster.api.url, id: '/bench', instances });
    const busyKib = measure();
    await remove(cluster, '/bench');
    return (busyKib - idleKib) / instances;
  });
  const kib = samples.map((sample) => `${sample.toFixed(0)} KiB`).join(', ');
  row(
    'memory per running task',
    `${median(samples).toFixed(0)} KiB (${kib})`,
    `${instances} tasks, PSS of our processes less idle`,
  );
}

async function benchRecovery(cluster: Cluster): Promise<void> {
  const instances = 500;
  await load({ kind: 'launch', url: cluster.api.url, id: '/bench', instances });
  const samples = await repeat(async () => {
    const watching = load({ kind: 'recovery', url: cluster.api.url, id: '/bench', instances });
    const pid = cluster.pid('controller');
    await new Promise((resolve) => setTimeout(resolve, 500));
    killQuietly(pid);
    const result = await watching;
    return result.samplesMs[0] ?? Number.NaN;
  });
  row(
    'controller kill -9 to serving, all tasks confirmed',
    describeRuns(samples),
    `${instances} running tasks`,
  );
  await remove(cluster, '/bench');
}

async function benchEdge(cluster: Cluster): Promise<void> {
  const { samplesMs } = await load({
    kind: 'edge',
    url: cluster.api.url,
    edgeUrl: cluster.edgeUrl,
    count: 30,
  });
  row(
    'endpoint change to first request served',
    `p50 ${formatMs(percentile(samplesMs, 0.5))}, p99 ${formatMs(percentile(samplesMs, 0.99))}`,
    `${samplesMs.length} times a second instance became healthy: event to its first answer at the edge`,
  );
}

async function benchList(cluster: Cluster): Promise<void> {
  const { samplesMs } = await load({ kind: 'list', url: cluster.api.url, apps: 1_000, count: 300 });
  row(
    'GET /v2/apps',
    `p50 ${formatMs(percentile(samplesMs, 0.5))}, p99 ${formatMs(percentile(samplesMs, 0.99))}`,
    '1,000 defined apps, 300 requests one after the other, whole body read',
  );
  await cluster.api.send('DELETE', '/v2/groups/listed?force=true');
}

/** All tasks are killed at once, and each end goes through agent, master and controller, written down by the first and the last. */
async function benchUpdates(cluster: Cluster): Promise<void> {
  const instances = 500;
  const samples: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    await load({ kind: 'launch', url: cluster.api.url, id: '/bench', instances });
    const watching = load({ kind: 'ends', url: cluster.api.url, instances });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const pid of findProcesses(TASK_MARK)) killQuietly(pid);
    const [elapsedMs = Number.NaN] = (await watching).samplesMs;
    samples.push((instances / elapsedMs) * 1_000);
    await remove(cluster, '/bench');
  }
  row(
    'status updates through agent, master and controller',
    `${median(samples).toFixed(0)}/s (${samples.map((sample) => sample.toFixed(0)).join(', ')})`,
    `${instances} tasks killed at once: first to last TASK_FAILED event, each durable`,
  );
}

/** Of parts alone: they start what they need. */
const ALONE: Readonly<Record<string, (print: typeof row) => Promise<void>>> = {
  allocation: (print) => benchAllocation(print, RUNS),
  rounds: benchRounds,
  failover: benchFailover,
  'master-launch': benchMasterLaunch,
  'master-state': benchMasterState,
  agent: benchAgent,
  docker: benchDocker,
  deploy: benchDeploy,
  held: benchHeld,
  submits: benchSubmits,
  listeners: benchListeners,
  dns: benchDns,
  'edge-change': benchEdgeChange,
  'edge-app': benchEdgeNewApp,
  'edge-deploy': benchEdgeDeploy,
  'edge-reload': benchEdgeReload,
  'edge-render': benchEdgeRender,
  'edge-churn': benchEdgeChurn,
  'edge-drift': benchEdgeDrift,
  'edge-isolation': benchEdgeIsolation,
};
const BENCHES: Readonly<Record<string, (cluster: Cluster) => Promise<void>>> = {
  start: benchStart,
  launch: benchLaunch,
  warm: benchWarmStart,
  memory: benchMemory,
  recovery: benchRecovery,
  edge: benchEdge,
  list: benchList,
  updates: benchUpdates,
};

const wanted = process.argv.slice(2);
const names = [...Object.keys(ALONE), ...Object.keys(BENCHES)];
/** `edge` is `edge` and all `edge-...`. */
const isMeantBy = (name: string, asked: string): boolean =>
  name === asked || name.startsWith(`${asked}-`);
const unknown = wanted.filter((asked) => !names.some((name) => isMeantBy(name, asked)));
if (unknown.length > 0) {
  process.stderr.write(`no bench ${unknown.join(', ')}; there are ${names.join(', ')}\n`);
  process.exit(2);
}
const processor = cpus()[0]?.model ?? 'unknown processor';
process.stdout.write(
  `${cpus().length} x ${processor}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; median of ${RUNS} runs\n\n`,
);
process.stdout.write('| figure | measured | work |\n|---|---|---|\n');
const isWanted = (name: string): boolean =>
  wanted.length === 0 || wanted.some((asked) => isMeantBy(name, asked));
const failed = (name: string, error: unknown): void => {
  row(name, 'failed', String(error).split('\n')[0] ?? '');
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
};
for (const [name, bench] of Object.entries(ALONE)) {
  if (isWanted(name)) await bench(row).catch((error: unknown) => failed(name, error));
}
for (const [name, bench] of Object.entries(BENCHES)) {
  if (!isWanted(name)) continue;
  const cluster = new Cluster();
  try {
    await cluster.start();
    await bench(cluster);
  } catch (error) {
    failed(name, error);
  } finally {
    await cluster.destroy();
  }
}
