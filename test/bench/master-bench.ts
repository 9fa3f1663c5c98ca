import { Load } from './load-process.js';
import { StandaloneMaster } from './standalone-master.js';
import { formatMs, median, percentile } from './statistics.js';

/** Figures of the master alone: no cluster but simulated agents and frameworks over real connections. */

type PrintRow = (name: string, figure: string, work: string) => void;

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Many agents come back to a new master, with their tasks. */
export async function benchFailover(row: PrintRow): Promise<void> {
  const count = Number(process.env['PACER_BENCH_AGENTS'] ?? 10_000);
  const tasksEach = 10;
  const processes = 2;
  const runs = 3;
  const master = await StandaloneMaster.create();
  const loads = Array.from({ length: processes }, () => new Load());
  const frameworks = Array.from({ length: 5 }, (_, index) => ({
    user: 'root',
    name: `framework-${index}`,
    id: { value: `bench-${index}` },
    failover_timeout: 36_000,
  }));
  try {
    await master.start();
    let all = Promise.all(loads.map((load) => load.next('subscribed')));
    for (const load of loads) {
      load.send({
        kind: 'agents',
        masterUrl: master.url,
        count: count / processes,
        tasksEach,
        frameworks,
      });
    }
    await all;
    const samples: number[] = [];
    let peakKib = 0;
    let processorMs = 0;
    let loadMs = 0;
    for (let run = 0; run < runs; run += 1) {
      for (const load of loads) load.send({ kind: 'hold' });
      await master.kill();
      await master.start();
      all = Promise.all(loads.map((load) => load.next('subscribed')));
      const startedMs = Date.now();
      const beforeMs = master.processorMs();
      const loadBeforeMs = sum(loads.map((load) => load.processorMs()));
      for (const load of loads) load.send({ kind: 'connect' });
      const reports = await all;
      samples.push(Math.max(...reports.map((report) => report.atEpochMs)) - startedMs);
      processorMs = master.processorMs() - beforeMs;
      loadMs = sum(loads.map((load) => load.processorMs())) - loadBeforeMs;
      peakKib = Math.max(peakKib, master.residentKib('peak'));
    }
    row(
      'fail-over: a new master knows all agents and tasks (Mesos 1.5.0: 4.3 s in one process)',
      `${formatMs(median(samples))} (${samples.map(formatMs).join(', ')}), peak ${Math.round(peakKib / 1024)} MiB, ${formatMs(processorMs)} of the master's processor, ${formatMs(loadMs)} of the simulated agents'`,
      `${count} agents x ${tasksEach} tasks, ${processes} processes, one connection each`,
    );
  } finally {
    for (const load of loads) load.end();
    await master.destroy();
  }
}

/** Offer, accept, launch, running, acknowledged. */
export async function benchMasterLaunch(row: PrintRow): Promise<void> {
  const tasks = Number(process.env['PACER_BENCH_TASKS'] ?? 100_000);
  const agents = 1_000;
  const master = await StandaloneMaster.create();
  const agentLoad = new Load();
  const frameworkLoad = new Load();
  try {
    await master.start();
    const subscribed = agentLoad.next('subscribed');
    agentLoad.send({
      kind: 'agents',
      masterUrl: master.url,
      count: agents,
      tasksEach: 0,
      frameworks: [],
    });
    await subscribed;
    const processorMs = (): readonly [number, number, number] => [
      master.processorMs(),
      agentLoad.processorMs(),
      frameworkLoad.processorMs(),
    ];
    const before = processorMs();
    const beforeKib = master.residentKib('now');
    const launched = frameworkLoad.next('launched');
    frameworkLoad.send({ kind: 'launch', masterUrl: master.url, tasks, perOffer: 10 });
    const { elapsedMs, latenciesMs } = await launched;
    const after = processorMs();
    const perTask = (process: 0 | 1 | 2): string =>
      `${(((after[process] - before[process]) / tasks) * 1000).toFixed(0)} µs`;
    const perTaskKib = (master.residentKib('now') - beforeKib) / tasks;
    row(
      'launches end to end on one master',
      `${Math.round(tasks / (elapsedMs / 1000))} tasks/s; accept to running p50 ${formatMs(percentile(latenciesMs, 0.5))}, p99 ${formatMs(percentile(latenciesMs, 0.99))}; ${perTaskKib.toFixed(1)} KiB a task; processor time a task: master ${perTask(0)}, agents ${perTask(1)}, framework ${perTask(2)}`,
      `${tasks} tasks on ${agents} simulated agents, all kept running`,
    );
  } finally {
    frameworkLoad.end();
    agentLoad.end();
    await master.destroy();
  }
}

const PROBE_EVERY_MS = 5;
const PROBED_MS = 20_000;

/** Whether the master answers while it offers everything to everybody, over and over. */
export async function benchRounds(row: PrintRow): Promise<void> {
  const count = Number(process.env['PACER_BENCH_AGENTS'] ?? 10_000);
  const frameworks = count / 10;
  const master = await StandaloneMaster.create();
  const agents = new Load();
  const decliners = new Load();
  const { url: masterUrl } = master;
  try {
    await master.start();
    let subscribed = agents.next('subscribed');
    agents.send({ kind: 'agents', masterUrl, count, tasksEach: 0, frameworks: [] });
    await subscribed;
    subscribed = decliners.next('subscribed');
    decliners.send({ kind: 'decliners', masterUrl, count: frameworks, refuseSeconds: 1 });
    await subscribed;
    const before = await master.metrics();
    const beforeMs = master.processorMs();
    const samplesMs = await probeHealth(masterUrl);
    const busy = (master.processorMs() - beforeMs) / PROBED_MS;
    const after = await master.metrics();
    const grown = (name: string) => (after?.[name] ?? 0) - (before?.[name] ?? 0);
    row(
      '`/health` during full rounds',
      `p50 ${formatMs(percentile(samplesMs, 0.5))}, p99 ${formatMs(percentile(samplesMs, 0.99))}, max ${formatMs(Math.max(...samplesMs))}`,
      `${count} agents, ${frameworks} frameworks that decline everything for 1 s; ${grown('master/offers_sent')} offers in ${PROBED_MS / 1000} s, the master ${Math.round(busy * 100)} % busy`,
    );
  } finally {
    decliners.end();
    agents.end();
    await master.destroy();
  }
}

async function probeHealth(masterUrl: string): Promise<readonly number[]> {
  const samplesMs: number[] = [];
  const endMs = performance.now() + PROBED_MS;
  while (performance.now() < endMs) {
    const startedMs = performance.now();
    await (await fetch(`${masterUrl}/health`)).arrayBuffer();
    samplesMs.push(performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  return samplesMs;
}
