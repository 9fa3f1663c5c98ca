import { type ChildProcess, fork } from 'node:child_process';
import { StandaloneMaster } from './standalone-master.js';
import type { StateLoadJob, StateLoadReport } from './state-load.js';
import { formatMs, percentile } from './statistics.js';

/** Figures of reading a master's state: 100 agents, 20 frameworks each, 10 tasks each of those: 20,000 tasks. */

type PrintRow = (name: string, figure: string, work: string) => void;

/** Of Mesos 1.7, by number of clients, milliseconds on average. */
const PUBLISHED_MS: Readonly<Record<number, number>> = { 1: 100, 5: 240, 10: 420, 20: 970 };
const READS = 20;
const LAUNCHES = 3_000;
/** Not counted: until then the launcher's own code is cold. */
const WARM_UP_LAUNCHES = 300;
const LAUNCH_EVERY_MS = 10;
const READERS = 50;

/** A process of load. */
class StateLoad {
  private readonly child: ChildProcess = fork(new URL('./state-load.js', import.meta.url), {
    stdio: 'inherit',
  });

  ask<Kind extends StateLoadReport['kind']>(
    job: StateLoadJob,
    answer: Kind,
  ): Promise<Extract<StateLoadReport, { readonly kind: Kind }>> {
    const next = this.next(answer);
    this.send(job);
    return next;
  }

  next<Kind extends StateLoadReport['kind']>(
    answer: Kind,
  ): Promise<Extract<StateLoadReport, { readonly kind: Kind }>> {
    return new Promise((resolve, reject) => {
      this.child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
      const listen = (message: StateLoadReport): void => {
        if (message.kind !== answer) return;
        this.child.off('message', listen);
        // Narrowed by its tag.
        resolve(message as Extract<StateLoadReport, { kind: Kind }>);
      };
      this.child.on('message', listen);
    });
  }

  send(job: StateLoadJob): void {
    this.child.send(job);
  }

  end(): void {
    this.child.removeAllListeners();
    this.child.kill('SIGKILL');
  }
}

const mean = (samples: readonly number[]): number =>
  samples.reduce((sum, sample) => sum + sample, 0) / samples.length;

const describe = (samples: readonly number[]): string =>
  `p50 ${formatMs(percentile(samples, 0.5))}, p99 ${formatMs(percentile(samples, 0.99))}`;

/** Reads of /state by ever more clients at a time, then launches and /health without and with readers. */
export async function benchMasterState(row: PrintRow): Promise<void> {
  const master = await StandaloneMaster.create();
  const agents = new StateLoad();
  try {
    await master.start();
    await agents.ask(
      {
        kind: 'agents',
        masterUrl: master.url,
        agents: 100,
        frameworksEach: 20,
        tasksPerFramework: 10,
      },
      'subscribed',
    );
    // They bring their tasks when they come back.
    const returned = agents.next('subscribed');
    await master.kill();
    await master.start();
    await returned;
    await benchReads(row, master);
    await benchLaunches(row, master);
  } finally {
    agents.end();
    await master.destroy();
  }
}

async function benchReads(row: PrintRow, master: StandaloneMaster): Promise<void> {
  const readers = new StateLoad();
  const url = `${master.url}/state`;
  try {
    const first = await readers.ask({ kind: 'read', url, clients: 1, reads: 1 }, 'read');
    row(
      'first /state of a new master',
      formatMs(first.latenciesMs[0] ?? Number.NaN),
      `${(first.bytes / 2 ** 20).toFixed(1)} MiB, nothing written before`,
    );
    for (const [clients, publishedMs] of Object.entries(PUBLISHED_MS)) {
      const beforeMs = master.processorMs();
      const { latenciesMs } = await readers.ask(
        { kind: 'read', url, clients: Number(clients), reads: READS },
        'read',
      );
      const processorMs = (master.processorMs() - beforeMs) / latenciesMs.length;
      row(
        `/state with 20,000 tasks, ${clients} clients (Mesos 1.7: ${formatMs(publishedMs)})`,
        `mean ${formatMs(mean(latenciesMs))}, ${describe(latenciesMs)}; ${formatMs(processorMs)} of the master's processor a read`,
        `${READS} reads each, one after the other, whole body read`,
      );
    }
  } finally {
    readers.end();
  }
}

async function benchLaunches(row: PrintRow, master: StandaloneMaster): Promise<void> {
  for (const clients of [0, READERS]) {
    const readers = new StateLoad();
    const framework = new StateLoad();
    try {
      if (clients > 0) {
        readers.send({ kind: 'keep-reading', url: `${master.url}/state`, clients });
      }
      const { healthMs, ...launched } = await framework.ask(
        {
          kind: 'launch',
          masterUrl: master.url,
          tasks: WARM_UP_LAUNCHES + LAUNCHES,
          everyMs: LAUNCH_EVERY_MS,
        },
        'launched',
      );
      const latenciesMs = launched.latenciesMs.slice(WARM_UP_LAUNCHES);
      const read = clients > 0 ? await readers.ask({ kind: 'tell' }, 'read') : undefined;
      const meanwhile =
        read === undefined
          ? ''
          : `; /state meanwhile: ${read.latenciesMs.length} reads, ${describe(read.latenciesMs)}`;
      row(
        `launches beside ${clients} clients that read /state all the time`,
        `accept to running ${describe(latenciesMs)}; /health ${describe(healthMs)}${meanwhile}`,
        `${LAUNCHES} launches after ${WARM_UP_LAUNCHES}, one each ${LAUNCH_EVERY_MS} ms, on 100 simulated agents with 20,000 tasks`,
      );
    } finally {
      readers.end();
      framework.end();
    }
  }
}
