import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { haproxyEnvironment } from '../../apps/router/src/haproxy/haproxy-command.js';
import { childrenOf } from '../../apps/router/src/haproxy/process-facts.js';
import { killQuietly } from '../e2e/support/cluster.js';
import { pause } from '../e2e/support/http.js';
import { benchApp, benchFleet, benchTask, hostOf } from './edge-fleet.js';
import type { EdgeProbe } from './edge-probe.js';
import { describeLoadAverage, EdgeRig, type PrintRow, scaled, withEdge } from './edge-rig.js';
import { formatMs, median } from './statistics.js';

/** What goes wrong: somebody changes HAProxy by hand, it is killed, an app asks for what it refuses. */

const APPS = 1_000;
const ROUNDS = 5;
const LIMIT_MS = 60_000;
const LOOK_INTERVAL_MS = 50;
/** How often the router looks: what is done by hand comes at every phase of it. */
const ROUTER_LOOKS_MS = 10_000;

const describeRuns = (samplesMs: readonly number[]): string =>
  `${formatMs(median(samplesMs))} (${samplesMs.map(formatMs).join(', ')})`;

export async function benchEdgeDrift(row: PrintRow): Promise<void> {
  await withEdge(
    (port) => benchFleet({ apps: APPS, instances: 10 }, port),
    async (rig) => {
      await repairServers(row, rig);
      await repairMap(row, rig);
      await killHaproxy(row, rig);
    },
  );
}

/** The name of a backend and its first server, by the app's host. */
async function firstServer(rig: EdgeRig): Promise<string> {
  const state = await rig.ask('show servers state');
  const words = state
    .split('\n')
    .map((line) => line.split(' '))
    .find((line) => line[1]?.startsWith('bench_app-7_'));
  if (words === undefined) throw new Error('HAProxy has no backend of app-7');
  return `${words[1]}/${words[3]}`;
}

async function timeUntil(isTrue: () => Promise<boolean>): Promise<number> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < LIMIT_MS) {
    if (await isTrue()) return performance.now() - startedMs;
    await pause(LOOK_INTERVAL_MS);
  }
  return Number.NaN;
}

async function repairServers(row: PrintRow, rig: EdgeRig): Promise<void> {
  const server = await firstServer(rig);
  const before = await rig.status();
  const samplesMs: number[] = [];
  for (let round = 0; round < scaled(ROUNDS); round += 1) {
    const refusal = (await rig.ask(`set server ${server} state maint`)).trim();
    if (refusal !== '') throw new Error(`set server ${server}: ${refusal}`);
    samplesMs.push(
      await timeUntil(async () => {
        const line = (await rig.ask(`show stat ${server.split('/')[0]} 4 -1`))
          .split('\n')
          .find((one) => one.includes(`,${server.split('/')[1]},`));
        if (line === undefined) throw new Error(`HAProxy has no server ${server}`);
        return line.split(',')[17] !== 'MAINT';
      }),
    );
    await pause(Math.random() * ROUTER_LOOKS_MS);
  }
  const { driftRepairs } = await rig.status();
  row(
    'edge: a server put to maintenance by hand, until it serves again',
    `${describeRuns(samplesMs)}; ${driftRepairs - before.driftRepairs} counted`,
    `10,000 endpoints, ${samplesMs.length} times, at any time; ${describeLoadAverage()}; goal: 15 s`,
  );
}

async function repairMap(row: PrintRow, rig: EdgeRig): Promise<void> {
  const probe = rig.probe(hostOf('/bench/app-0'));
  const before = await rig.status();
  const samplesMs: number[] = [];
  for (let round = 0; round < scaled(ROUNDS); round += 1) {
    await rig.ask(`del map ${rig.files.maps.hosts} ${hostOf('/bench/app-0')}/`);
    if ((await probe.ask()).status === 200) throw new Error('the edit of the map has no effect');
    samplesMs.push(await timeUntil(async () => (await probe.ask()).status === 200));
    await pause(Math.random() * ROUTER_LOOKS_MS);
  }
  const { driftRepairs } = await rig.status();
  row(
    'edge: a host taken from the map by hand, until it has its route again',
    `${describeRuns(samplesMs)}; ${driftRepairs - before.driftRepairs} counted`,
    `10,000 endpoints, ${samplesMs.length} times, at any time; ${describeLoadAverage()}; goal: 15 s`,
  );
}

async function killHaproxy(row: PrintRow, rig: EdgeRig): Promise<void> {
  const probe = rig.probe(hostOf('/bench/app-0'));
  for (const victim of ['master', 'worker'] as const) {
    const samplesMs: number[] = [];
    for (let round = 0; round < scaled(ROUNDS); round += 1) {
      const master = rig.haproxyPid() ?? 0;
      const worker = childrenOf(master)[0] ?? 0;
      killQuietly(victim === 'master' ? master : worker);
      samplesMs.push(await timeUntilServed(rig, probe, worker));
      await pause(1_000);
    }
    row(
      `edge: SIGKILL of HAProxy's ${victim} to the first request served`,
      describeRuns(samplesMs),
      `10,000 endpoints, ${samplesMs.length} times; ${describeLoadAverage()}; goal: 3 s`,
    );
  }
}

/** By a worker that is not `former`, which may serve on for a moment after its master. */
async function timeUntilServed(rig: EdgeRig, probe: EdgeProbe, former: number): Promise<number> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < LIMIT_MS) {
    const isAlive = readAlive(former);
    const answer = await probe.ask();
    if (!isAlive && answer.status === 200 && rig.haproxyPid() !== undefined) {
      return answer.answeredMs - startedMs;
    }
    await pause(5);
  }
  return Number.NaN;
}

function readAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** HAProxy does not name the line of the second. Another text each time: what was refused before is left out at once. */
const BAD = [
  { what: 'a word it does not know', text: (mark: number) => `  no-such-keyword-${mark} at all` },
  {
    what: 'a server that is not there',
    text: (mark: number) => `  use-server nobody-${mark} if TRUE`,
  },
] as const;

export async function benchEdgeIsolation(row: PrintRow): Promise<void> {
  const rig = new EdgeRig();
  try {
    const log = countValidations(rig.directory);
    await rig.start((port) => benchFleet({ apps: APPS, instances: 10 }, port), {
      path: rig.directory,
    });
    for (const bad of BAD) await isolate(row, { rig, log, bad });
  } finally {
    await rig.stop();
  }
}

/** A `haproxy` that writes a line for each check. */
function countValidations(directory: string): string {
  const log = join(directory, 'validations');
  const program = join(directory, 'haproxy');
  mkdirSync(directory, { recursive: true });
  writeFileSync(log, '');
  const folders = (haproxyEnvironment()['PATH'] ?? '').split(':');
  const real = folders.map((folder) => join(folder, 'haproxy')).find(existsSync);
  const note = `case "$1" in -c) echo check >> '${log}' ;; esac`;
  writeFileSync(program, `#!/bin/sh\n${note}\nexec ${real} "$@"\n`);
  chmodSync(program, 0o755);
  return log;
}

const countOf = (log: string): number => readFileSync(log, 'utf8').split('\n').length - 1;

async function isolate(
  row: PrintRow,
  run: { readonly rig: EdgeRig; readonly log: string; readonly bad: (typeof BAD)[number] },
): Promise<void> {
  const { rig, log, bad } = run;
  const { controller, upstream } = rig;
  const goodMs: number[] = [];
  const endpointMs: number[] = [];
  const validations: number[] = [];
  for (let round = 0; round < scaled(ROUNDS); round += 1) {
    const number = BAD.indexOf(bad) * 100 + round;
    // Every fifth app is found without a path.
    const [badId, goodId, changedId] = [
      '/bench/bad',
      `/good/${number}`,
      `/bench/app-${number * 5}`,
    ];
    const host = `127.94.0.${number}`;
    const task = (id: string) => benchTask(id, { host, port: upstream.port });
    const before = countOf(log);
    controller.put(
      benchApp(badId, [task(badId)], {
        labels: { HAPROXY_0_BACKEND_HTTP_OPTIONS: bad.text(number) },
      }),
    );
    const toldMs = controller.put(benchApp(goodId, [task(goodId)]));
    controller.setTasks(changedId, [task(changedId)]);
    const good = timeToServe(rig, goodId, toldMs);
    endpointMs.push(await timeToServe(rig, changedId, toldMs, host));
    goodMs.push(await good);
    validations.push(countOf(log) - before);
    controller.unlist(badId);
    await controller.whenApplied();
    await rig.settled();
    await pause(Math.random() * 1_000);
  }
  row(
    `edge: a bad app among ${APPS} (${bad.what}): a new good app serves`,
    `${describeRuns(goodMs)}; checks by HAProxy ${validations.join(', ')}`,
    `both told at once, 10,000 endpoints; an endpoint changed then: ${describeRuns(endpointMs)}; ${describeLoadAverage()}; goal: 3 s, 12 checks`,
  );
}

async function timeToServe(
  rig: EdgeRig,
  id: string,
  toldMs: number,
  host?: string,
): Promise<number> {
  const probe = rig.probe(hostOf(id));
  while (performance.now() - toldMs < LIMIT_MS) {
    const answer = await probe.ask();
    if (answer.status === 200 && (host === undefined || answer.body === host)) {
      return answer.answeredMs - toldMs;
    }
    await pause(5);
  }
  return Number.NaN;
}
