import type { WireApp, WireTask } from '#marathon-v2';
import { pause } from '../e2e/support/http.js';
import {
  addressOf,
  benchApp,
  benchFleet,
  benchTask,
  type FleetSize,
  hostOf,
} from './edge-fleet.js';
import type { EdgeProbe } from './edge-probe.js';
import { describeLoadAverage, type EdgeRig, type PrintRow, scaled, withEdge } from './edge-rig.js';
import { formatMs, percentile } from './statistics.js';

/** How soon a change at the controller shows at the edge. */

const CHANGES = 300;
const NEW_APPS = 60;
const PROBED_APPS = 20;
const LIMIT_MS = 30_000;
/** Changes come at every phase of what the router does in between: up to this much apart. */
const GAP_MS = 300;
/** An instance comes, another one drains, and is gone. */
const EVENTS_A_ROUND = 3;
/** So many answers of others in a row: it gets no new request. */
const OTHERS_IN_A_ROW = 10;

interface Size extends FleetSize {
  readonly what: string;
}

const SMALL: Size = { apps: 10, instances: 10, what: '100 endpoints (10 apps)' };
const LARGE: Size = { apps: 1_000, instances: 10, what: '10,000 endpoints (1,000 apps)' };
const WITH_PORTS: Size = {
  ...LARGE,
  hasServicePorts: true,
  what: '10,000 endpoints (1,000 apps, each with a service port too)',
};

/** Served by one instance at first, so that the next answer tells which. */
const probedId = (number: number): string => `/probed/app-${number}`;

const fleetWithProbed =
  (size: Size) =>
  (port: number): readonly WireApp[] => [
    ...benchFleet(size, port),
    ...Array.from({ length: PROBED_APPS }, (_, number) => {
      const id = probedId(number);
      return benchApp(id, [benchTask(id, { host: `127.70.0.${number}`, port })]);
    }),
  ];

export async function benchEdgeChange(row: PrintRow): Promise<void> {
  for (const size of [SMALL, LARGE, WITH_PORTS]) {
    await withEdge(fleetWithProbed(size), (rig) => changeEndpoints(row, rig, size));
  }
}

async function changeEndpoints(row: PrintRow, rig: EdgeRig, { what }: Size): Promise<void> {
  const count = scaled(CHANGES);
  const before = await rig.status();
  const processorBefore = rig.processorMs();
  const arrivals: number[] = [];
  const departures: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const id = probedId(round % PROBED_APPS);
    const probe = rig.probe(hostOf(id));
    const [old] = rig.controller.app(id).tasks ?? [];
    if (old === undefined) throw new Error(`${id} has no task`);
    const host = `127.${71 + (round >> 16)}.${(round >> 8) & 255}.${round & 255}`;
    const next = benchTask(id, { host, port: rig.upstream.port });
    arrivals.push(await timeArrival(probe, rig.controller.setTasks(id, [old, next]), host));
    await pause(Math.random() * GAP_MS);
    const leaving = { ...old, draining: { since: old.version, deadline: old.version } };
    const toldMs = rig.controller.setTasks(id, [leaving, next]);
    departures.push(await timeDeparture(probe, toldMs, old.host));
    rig.controller.setTasks(id, [next]);
    probe.close();
    await pause(Math.random() * GAP_MS);
  }
  const { reloads } = await rig.status();
  const after = rig.processorMs();
  const each = (total: number): string => formatMs(total / (EVENTS_A_ROUND * count));
  const processor = `processor time an event: router ${each(after.router - processorBefore.router)}, HAProxy ${each(after.worker - processorBefore.worker)}`;
  const work = `${what}; ${count} times, up to ${GAP_MS} ms apart; ${reloads - before.reloads} reloads; ${processor}; ${describeLoadAverage()}`;
  row(
    'edge: event to the first request at a new endpoint',
    spread(arrivals),
    `${work}; goal: p99 100 ms`,
  );
  row(
    'edge: event of draining to the last new request there',
    spread(departures),
    `${work}; goal: p99 250 ms`,
  );
}

/** From the event to the end of the first answer of `host`. */
async function timeArrival(probe: EdgeProbe, toldMs: number, host: string): Promise<number> {
  while (performance.now() - toldMs < LIMIT_MS) {
    const answer = await probe.ask();
    if (answer.status === 200 && answer.body === host) return answer.answeredMs - toldMs;
    await pause(1);
  }
  return Number.NaN;
}

/** From the event to the sending of the last request that `host` answers. */
async function timeDeparture(probe: EdgeProbe, toldMs: number, host: string): Promise<number> {
  let lastMs = toldMs;
  for (let others = 0; others < OTHERS_IN_A_ROW; ) {
    if (performance.now() - toldMs > LIMIT_MS) return Number.NaN;
    const answer = await probe.ask();
    others = answer.body === host ? 0 : others + 1;
    if (answer.body === host) lastMs = answer.sentMs;
    await pause(1);
  }
  return lastMs - toldMs;
}

/** `p50 .., p99 .., most ..`. */
export const spread = (samplesMs: readonly number[]): string =>
  `p50 ${formatMs(percentile(samplesMs, 0.5))}, p99 ${formatMs(percentile(samplesMs, 0.99))}, most ${formatMs(Math.max(...samplesMs))}`;

export async function benchEdgeNewApp(row: PrintRow): Promise<void> {
  for (const size of [LARGE, WITH_PORTS]) {
    await withEdge(
      (port) => benchFleet(size, port),
      (rig) => addApps(row, rig, size),
    );
  }
}

async function addApps(row: PrintRow, rig: EdgeRig, size: Size): Promise<void> {
  const count = scaled(NEW_APPS);
  const before = await rig.status();
  const samplesMs: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const id = `/new/app-${number}`;
    const tasks: readonly WireTask[] = [
      benchTask(id, { host: addressOf(100_000 + number), port: rig.upstream.port }),
    ];
    const probe = rig.probe(hostOf(id));
    const servicePort = size.hasServicePorts === true ? 18_000 + number : 0;
    const toldMs = rig.controller.put(benchApp(id, tasks, { servicePort }));
    samplesMs.push(await timeArrival(probe, toldMs, tasks[0]?.host ?? ''));
    probe.close();
    await pause(Math.random() * 1_500);
  }
  const { reloads } = await rig.status();
  row(
    'edge: event of a new app to its first request',
    spread(samplesMs),
    `${size.what}; ${count} apps, up to 1.5 s apart; ${reloads - before.reloads} reloads; ${describeLoadAverage()}; goal: p99 2.5 s`,
  );
}
