import type { WireApp, WireTask } from '#marathon-v2';
import { pause } from '../e2e/support/http.js';
import { benchApp, benchFleet, benchTask, hostOf } from './edge-fleet.js';
import { describeFailures, describeLatencies, EdgeInstances, EdgeTraffic } from './edge-load.js';
import { describeLoadAverage, type EdgeRig, type PrintRow, scaled, withEdge } from './edge-rig.js';

/** Rolling deployments, and reloads, under clients that count every failure. */

const ID = '/deployed/web';
const INSTANCES = 10;
const HANDLER_MS = 30;
/** Of each kind of client. */
const RATE = 300;
const DEPLOYMENTS = 100;
/** 600 requests a second come to more than 100,000 in that time. */
const DEPLOYING_SECONDS = 172;
const STEADY_SECONDS = 20;
const CONTROL_DEPLOYMENTS = 5;
const DRAIN_LIMIT_MS = 20_000;
/** How much later the edge hears of an instance that was killed first. */
const LATE_MS = 200;
const RELOAD_SECONDS = 60;
const RELOAD_INTERVAL_MS = 1_000;

export async function benchEdgeDeploy(row: PrintRow): Promise<void> {
  await withDeployedApp(
    () => [],
    async (rig, instances) => {
      const steady = await new EdgeTraffic(jobFor(rig, scaled(STEADY_SECONDS))).finish();
      row(
        'edge: steady state',
        `${describeFailures(steady)}; ${describeLatencies(steady)}`,
        `${INSTANCES} instances, handler ${HANDLER_MS} ms, ${2 * RATE} requests/s, half of them POST; ${describeLoadAverage()}`,
      );
      await deployAll(row, { rig, instances });
      await controlThatMustFail(row, { rig, instances });
    },
  );
}

interface Deployed {
  readonly rig: EdgeRig;
  readonly instances: EdgeInstances;
}

const jobFor = (rig: EdgeRig, seconds: number) => ({
  ...rig.edge,
  host: hostOf(ID),
  ratePerSecond: RATE,
  seconds,
  hasPosts: true,
});

/** `others`: apps beside the deployed one. */
async function withDeployedApp(
  others: (port: number) => readonly WireApp[],
  work: (rig: EdgeRig, instances: EdgeInstances) => Promise<void>,
): Promise<void> {
  const instances = new EdgeInstances();
  try {
    const tasks: WireTask[] = [];
    for (let count = 0; count < INSTANCES; count += 1) tasks.push(await startTask(instances));
    await withEdge(
      (port) => [...others(port), benchApp(ID, tasks)],
      (rig) => work(rig, instances),
    );
  } finally {
    instances.end();
  }
}

const startTask = async (instances: EdgeInstances): Promise<WireTask> =>
  benchTask(ID, { host: '127.0.0.1', port: await instances.start(HANDLER_MS) });

async function deployAll(row: PrintRow, { rig, instances }: Deployed): Promise<void> {
  const count = scaled(DEPLOYMENTS);
  const seconds = scaled(DEPLOYING_SECONDS);
  const steps = count * INSTANCES;
  const before = await rig.status();
  const cutBefore = instances.cutRequests;
  const traffic = new EdgeTraffic(jobFor(rig, seconds));
  const startedMs = performance.now();
  for (let step = 0; step < steps; step += 1) {
    const dueMs = startedMs + 500 + (step / steps) * (seconds - 1.5) * 1_000;
    await pause(Math.max(0, dueMs - performance.now()));
    await replaceWithDrain({ rig, instances });
  }
  const deployedMs = performance.now() - startedMs;
  const result = await traffic.finish();
  const { reloads } = await rig.status();
  row(
    `edge: ${count} rolling deployments`,
    `${describeFailures(result)}; ${describeLatencies(result)}`,
    `${steps} instances replaced one by one in ${(deployedMs / 1_000).toFixed(0)} s: start, drain, wait for the router, kill (${instances.cutRequests - cutBefore} requests cut); ${reloads - before.reloads} reloads; ${describeLoadAverage()}; goal: 0 failed, p99 of the steady state`,
  );
}

/** A new instance is there; the oldest drains, is killed once the router says that it is idle, and is gone. */
async function replaceWithDrain({ rig, instances }: Deployed): Promise<void> {
  const { controller } = rig;
  const next = await startTask(instances);
  controller.setTasks(ID, [...(controller.app(ID).tasks ?? []), next]);
  await controller.whenApplied();
  const [oldest] = controller.app(ID).tasks ?? [];
  if (oldest === undefined) throw new Error('nothing to replace');
  await controller.drain(ID, oldest.id, DRAIN_LIMIT_MS);
  await instances.kill(oldest.ports[0] ?? 0);
  controller.setTasks(
    ID,
    (controller.app(ID).tasks ?? []).filter(({ id }) => id !== oldest.id),
  );
}

/** What the figure above would be if nobody waited: kill first, tell later. */
async function controlThatMustFail(row: PrintRow, { rig, instances }: Deployed): Promise<void> {
  const { controller } = rig;
  const cutBefore = instances.cutRequests;
  const traffic = new EdgeTraffic(jobFor(rig, 600));
  await pause(500);
  for (let step = 0; step < CONTROL_DEPLOYMENTS * INSTANCES; step += 1) {
    const next = await startTask(instances);
    const [oldest, ...others] = controller.app(ID).tasks ?? [];
    await instances.kill(oldest?.ports[0] ?? 0);
    await pause(LATE_MS);
    controller.setTasks(ID, [...others, next]);
    await controller.whenApplied();
  }
  const result = await traffic.stop();
  row(
    `edge: ${CONTROL_DEPLOYMENTS} deployments without draining (the control, which must fail)`,
    `${describeFailures(result)}; ${describeLatencies(result)}`,
    `kill first (${instances.cutRequests - cutBefore} requests cut), tell ${LATE_MS} ms later; what HAProxy may repeat, it does; ${describeLoadAverage()}`,
  );
}

export async function benchEdgeReload(row: PrintRow): Promise<void> {
  const sizes = [
    { apps: 10, what: '100 endpoints' },
    { apps: 1_000, what: '10,000 endpoints' },
  ];
  for (const { apps, what } of sizes) {
    await withDeployedApp(
      (port) => benchFleet({ apps, instances: 10 }, port),
      (rig) => reloadEachSecond(row, rig, what),
    );
  }
}

/** A reload is asked for each second, whatever differs. */
async function reloadEachSecond(row: PrintRow, rig: EdgeRig, what: string): Promise<void> {
  const seconds = scaled(RELOAD_SECONDS);
  const steady = await new EdgeTraffic(jobFor(rig, scaled(STEADY_SECONDS))).finish();
  const before = await rig.status();
  const traffic = new EdgeTraffic(jobFor(rig, seconds + 2));
  const startedMs = performance.now();
  for (let number = 0; number < seconds; number += 1) {
    await pause(Math.max(0, startedMs + (number + 1) * RELOAD_INTERVAL_MS - performance.now()));
    await rig.forceReload();
  }
  const result = await traffic.finish();
  const { reloads } = await rig.status();
  row(
    'edge: a reload each second',
    `${describeFailures(result)}; ${describeLatencies(result)}`,
    `${what}; ${reloads - before.reloads} reloads in ${seconds} s; ${2 * RATE} requests/s, handler ${HANDLER_MS} ms; before: ${describeFailures(steady)}, ${describeLatencies(steady)}; ${describeLoadAverage()}; goal: 0 failed`,
  );
}
