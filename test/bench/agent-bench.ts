import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { resources } from '#core';
import { toWireResources } from '#mesos-v1';
import { BUSYBOX_IMAGE, ensureBusyboxImage } from '../support/busybox-image.js';
import { BenchFramework, type BenchTask } from './bench-framework.js';
import { clusterPssKib } from './memory.js';
import { StandaloneAgent } from './standalone-agent.js';
import { StandaloneMaster } from './standalone-master.js';
import { formatMs, median } from './statistics.js';

/** Figures of one agent: the real daemon beside a master and a framework, with real tasks. */

type PrintRow = (name: string, figure: string, work: string) => void;

const RUNS = 5;
const TASK_MARK = 'sleep 7';
const CONTAINERS = 50;
/** As the agent's own bound on Docker launches. */
const DOCKER_STARTS_AT_ONCE = 4;
const IDLE_MS = 20_000;

const SLEEPER: BenchTask = {
  name: 'sleeper',
  command: { value: 'exec sleep 7777' },
  resources: toWireResources(resources({ cpus: 0.01, mem: 16 })),
};

interface Bench {
  readonly agent: StandaloneAgent;
  readonly framework: BenchFramework;
}

async function withAgent(work: (bench: Bench) => Promise<void>): Promise<void> {
  const master = await StandaloneMaster.create();
  let agent: StandaloneAgent | undefined;
  let framework: BenchFramework | undefined;
  try {
    await master.start();
    agent = await StandaloneAgent.create(master.url);
    await agent.start();
    framework = new BenchFramework(master.url);
    await work({ agent, framework });
  } finally {
    await framework?.stop();
    await agent?.destroy();
    await master.destroy();
  }
}

/** Process tasks: launches, memory, processor time without and with checks, and finding them again. */
export async function benchAgent(row: PrintRow): Promise<void> {
  for (const count of [500, 1_000]) await withAgent((bench) => benchProcesses(row, bench, count));
  await withAgent((bench) => benchChecks(row, bench));
}

async function benchProcesses(row: PrintRow, bench: Bench, count: number): Promise<void> {
  const { agent, framework } = bench;
  const measure = (): number =>
    clusterPssKib({ rootPids: [agent.pid], dataDirectory: agent.directory, taskMark: TASK_MARK });
  const launchesMs: number[] = [];
  const memories: number[] = [];
  let idlePercent = 0;
  for (let run = 0; run < RUNS; run += 1) {
    if (run > 0) await framework.killAll();
    const idleKib = measure();
    launchesMs.push(await framework.launch(count, SLEEPER));
    memories.push((measure() - idleKib) / count);
    // Later the agent also removes the sandboxes of the tasks that were killed.
    if (run === 0) idlePercent = await processorShare(agent);
  }
  row(
    `${count} process tasks on one agent`,
    `${((count / median(launchesMs)) * 1_000).toFixed(0)} launches/s (${launchesMs.map(formatMs).join(', ')})`,
    'one ACCEPT to the last TASK_RUNNING at the framework; cgroups and a supervisor each',
  );
  row(
    `memory per task, ${count} tasks`,
    `${median(memories).toFixed(0)} KiB (${memories.map((kib) => kib.toFixed(0)).join(', ')})`,
    'PSS of agent and supervisors, less the idle agent; without the tasks themselves',
  );
  row(
    `agent with ${count} idle tasks`,
    `${idlePercent.toFixed(2)} % of a core`,
    `user and system, over ${IDLE_MS / 1_000} s after the first launch`,
  );
  if (count === 500) await benchReattach(row, agent, count);
}

async function benchReattach(row: PrintRow, agent: StandaloneAgent, count: number): Promise<void> {
  const samples: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    await agent.kill();
    const startedMs = performance.now();
    await agent.start();
    while ((await agent.runningTasks()) < count) await pause(10);
    samples.push(performance.now() - startedMs);
  }
  row(
    `agent kill -9 to ${count} tasks found again`,
    `${formatMs(median(samples))} (${samples.map(formatMs).join(', ')})`,
    'from the start of the new process until it is a member again and has all of them',
  );
}

async function benchChecks(row: PrintRow, { agent, framework }: Bench): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => undefined).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await framework.launch(1_000, {
    ...SLEEPER,
    health_check: {
      type: 'TCP',
      tcp: { port },
      delay_seconds: 0,
      interval_seconds: 1,
      timeout_seconds: 5,
      grace_period_seconds: 10,
      consecutive_failures: 3,
    },
  });
  await pause(5_000);
  row(
    'agent with 1,000 tasks and 1,000 TCP checks a second',
    `${(await processorShare(agent)).toFixed(1)} % of a core`,
    `over ${IDLE_MS / 1_000} s; all against one server of the load`,
  );
  server.close();
}

async function processorShare(agent: StandaloneAgent): Promise<number> {
  const beforeMs = agent.processorMs();
  const startedMs = performance.now();
  await pause(IDLE_MS);
  return ((agent.processorMs() - beforeMs) / (performance.now() - startedMs)) * 100;
}

/** Containers launched and destroyed by the agent, beside the same by the engine's client alone. */
export async function benchDocker(row: PrintRow): Promise<void> {
  await ensureBusyboxImage();
  const alone: number[] = [];
  const through: number[] = [];
  await withAgent(async ({ framework }) => {
    for (let run = 0; run < RUNS; run += 1) {
      alone.push(await runAlone());
      const launchMs = await framework.launch(CONTAINERS, {
        ...SLEEPER,
        container: { type: 'DOCKER', docker: { image: BUSYBOX_IMAGE, network: 'HOST' } },
      });
      through.push(launchMs + (await framework.killAll()));
    }
  });
  row(
    `${CONTAINERS} containers launched and destroyed`,
    `${(median(through) / median(alone)).toFixed(2)} x: ${formatMs(median(through))} (${through.map(formatMs).join(', ')}) against ${formatMs(median(alone))} (${alone.map(formatMs).join(', ')})`,
    `through master and agent, against the engine's client alone; ${DOCKER_STARTS_AT_ONCE} starts at once, all destroyed at once`,
  );
}

async function runAlone(): Promise<number> {
  const docker = new Dockerode();
  const startedMs = performance.now();
  const waiting = Array.from({ length: CONTAINERS }, (_, index) => index);
  const containers: Dockerode.Container[] = [];
  const start = async (): Promise<void> => {
    while (waiting.pop() !== undefined) {
      const container = await docker.createContainer({
        Image: BUSYBOX_IMAGE,
        Cmd: ['/bin/sh', '-c', 'exec sleep 7777'],
        HostConfig: { NetworkMode: 'host', Memory: 32 * 1024 * 1024, CpuShares: 10 },
      });
      await container.start();
      containers.push(container);
    }
  };
  await Promise.all(Array.from({ length: DOCKER_STARTS_AT_ONCE }, start));
  await Promise.all(
    containers.map(async (container) => {
      await container.stop({ t: 3 });
      await container.remove({ force: true });
    }),
  );
  return performance.now() - startedMs;
}
