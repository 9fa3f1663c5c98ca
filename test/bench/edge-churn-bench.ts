import { connect, type Socket } from 'node:net';
import { readProcesses } from '../../apps/router/src/haproxy/open-sessions.js';
import { pause } from '../e2e/support/http.js';
import { benchApp, benchFleet, benchTask, hostOf } from './edge-fleet.js';
import {
  describeLoadAverage,
  type EdgeRig,
  type PrintRow,
  rssMib,
  scaled,
  withEdge,
} from './edge-rig.js';
import { HOLD_PATH } from './edge-upstream.js';

/** Many changes: how often HAProxy is reloaded, and what its workers hold meanwhile. */

const APPS = 1_000;
const CHANGES = 1_000;
const CHURN_SECONDS = 60;
const STRUCTURE_SECONDS = 100;
const SPARES = 20;
const WATCH_INTERVAL_MS = 250;
/** A request that takes long keeps the worker that has it: one more each time. */
const HOLD_INTERVAL_MS = 2_000;

interface Watched {
  readonly mostWorkers: number;
  readonly mostMib: number;
  readonly endWorkers: number;
  readonly endMib: number;
}

/** Looks at HAProxy's workers all the time while `work` is done. */
async function watchWorkers(rig: EdgeRig, work: () => Promise<void>): Promise<Watched> {
  const watch = new WorkerWatch(rig);
  try {
    await work();
  } finally {
    await watch.end();
  }
  return watch.seen;
}

class WorkerWatch {
  private isOver = false;
  private most = { workers: 0, mib: 0 };
  private last = { workers: 0, mib: 0 };
  private readonly watching: Promise<void>;

  constructor(private readonly rig: EdgeRig) {
    this.watching = this.watch();
  }

  end(): Promise<void> {
    this.isOver = true;
    return this.watching;
  }

  get seen(): Watched {
    const { most, last } = this;
    return {
      ...{ mostWorkers: most.workers, mostMib: most.mib },
      ...{ endWorkers: last.workers, endMib: last.mib },
    };
  }

  private async watch(): Promise<void> {
    while (!this.isOver) {
      await this.look().catch(() => undefined); // The master starts itself anew at that moment.
      await pause(WATCH_INTERVAL_MS);
    }
  }

  private async look(): Promise<void> {
    const { workers } = await readProcesses(this.rig.files);
    const mib = workers.reduce((sum, { pid }) => sum + rssMib(pid), 0);
    this.last = { workers: workers.length, mib };
    this.most = {
      workers: Math.max(this.most.workers, workers.length),
      mib: Math.max(this.most.mib, mib),
    };
  }
}

async function oneWorkerMib(rig: EdgeRig): Promise<number> {
  const { workers } = await readProcesses(rig.files);
  return Math.max(...workers.map(({ pid }) => rssMib(pid)));
}

export async function benchEdgeChurn(row: PrintRow): Promise<void> {
  await withEdge(
    (port) => benchFleet({ apps: APPS, instances: 10 }, port),
    async (rig) => {
      await churnEndpoints(row, rig);
      await churnStructure(row, rig, { isHeld: false });
      await churnStructure(row, rig, { isHeld: true });
    },
  );
}

/** Calls `change` so many times, evenly over the time. */
async function spreadOver(
  count: number,
  seconds: number,
  change: (number: number) => void,
): Promise<void> {
  const startedMs = performance.now();
  for (let number = 0; number < count; number += 1) {
    change(number);
    const dueMs = startedMs + ((number + 1) / count) * seconds * 1_000;
    await pause(Math.max(0, dueMs - performance.now()));
  }
}

async function churnEndpoints(row: PrintRow, rig: EdgeRig): Promise<void> {
  const { controller, upstream } = rig;
  const count = scaled(CHANGES);
  const seconds = scaled(CHURN_SECONDS);
  const single = await oneWorkerMib(rig);
  const before = await rig.status();
  const watched = await watchWorkers(rig, async () => {
    await spreadOver(count, seconds, (number) => {
      const id = `/bench/app-${(number * 7) % APPS}`;
      const [, ...others] = controller.app(id).tasks ?? [];
      const host = `127.92.${(number >> 8) & 255}.${number & 255}`;
      controller.setTasks(id, [...others, benchTask(id, { host, port: upstream.port })]);
    });
    await controller.whenApplied();
  });
  const { reloads, runtimeChanges } = await rig.status();
  row(
    'edge: endpoint changes, reloads',
    `${reloads - before.reloads} reloads, ${runtimeChanges - before.runtimeChanges} runtime commands; ${describeWatched(watched, single)}`,
    `${count} of 10,000 endpoints replaced in ${seconds} s; router ${rig.routerRssMib().toFixed(0)} MiB; ${describeLoadAverage()}; goal: 0 reloads`,
  );
}

const describeWatched = (watched: Watched, single: number): string =>
  `workers at most ${watched.mostWorkers} with ${watched.mostMib.toFixed(0)} MiB, at the end ${watched.endWorkers} with ${watched.endMib.toFixed(0)} MiB (one at first ${single.toFixed(0)} MiB, limit ${(3 * single + 100).toFixed(0)} MiB)`;

/** Apps come and go. `isHeld`: every 2 s a request begins that takes 30 s. */
async function churnStructure(
  row: PrintRow,
  rig: EdgeRig,
  { isHeld }: { readonly isHeld: boolean },
): Promise<void> {
  const { controller, upstream } = rig;
  const count = scaled(CHANGES);
  const seconds = scaled(STRUCTURE_SECONDS);
  const single = await oneWorkerMib(rig);
  const before = await rig.status();
  const held: Socket[] = [];
  const holding = setInterval(() => {
    if (isHeld) held.push(holdOpen(rig));
  }, HOLD_INTERVAL_MS);
  try {
    const watched = await watchWorkers(rig, async () => {
      await spreadOver(count, seconds, (number) => {
        const id = `/spare/app-${number % SPARES}`;
        const isThere = number % (2 * SPARES) >= SPARES;
        const place = { host: '127.93.0.1', port: upstream.port };
        if (isThere) controller.unlist(id);
        else controller.put(benchApp(id, [benchTask(id, place)]));
      });
      await controller.whenApplied();
      await rig.settled();
    });
    const { reloads } = await rig.status();
    row(
      `edge: structural changes${isHeld ? ' with long requests' : ''}`,
      `${reloads - before.reloads} reloads; ${describeWatched(watched, single)}`,
      `${count} apps came or went in ${seconds} s beside 10,000 endpoints${isHeld ? `; ${held.length} requests that take 30 s each` : ''}; ${describeLoadAverage()}; goal: 30 reloads a minute, 6 workers, and the limit of memory`,
    );
  } finally {
    clearInterval(holding);
    for (const socket of held) socket.destroy();
  }
}

/** A request that nobody answers before the edge gives it up, after 30 s. */
function holdOpen({ edge }: EdgeRig): Socket {
  const socket = connect({ host: edge.address, port: edge.port });
  socket.on('error', () => undefined);
  socket.write(`GET ${HOLD_PATH} HTTP/1.1\r\nHost: ${hostOf('/bench/app-0')}\r\n\r\n`);
  return socket;
}
