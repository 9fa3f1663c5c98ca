import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { createFileStore, createTaskRunner, type RunnerTask, readCredential } from '#framework';
import { RANK_PROGRAM } from './rank-program.js';

// Starts all ranks of a parallel program or none, tells each its peers, and starts all of them again when one fails.

const { values } = parseArgs({
  options: {
    master: { type: 'string', multiple: true, default: ['127.0.0.1:5050'] },
    ranks: { type: 'string', default: '4' },
    command: { type: 'string', default: 'exec python3 -u -c "$RANK_PROGRAM"' },
    credential: { type: 'string' },
    state: { type: 'string', default: '/tmp/pacer-gang-launcher' },
  },
});
const size = Number(values.ranks);
if (!Number.isInteger(size) || size < 1 || size > 1_000) {
  console.error(
    'usage: gang-launcher [--master HOST:PORT]... [--ranks 1..1000] [--command CMD] [--credential FILE] [--state FOLDER]',
  );
  process.exit(2);
}

const ranks = Array.from(
  { length: size },
  (_, rank): RunnerTask => ({
    name: `rank-${rank}`,
    command: values.command,
    cpus: 0.1,
    memMib: 64,
    ports: 1,
    environment: (_place, gang) => ({
      RANK: String(rank),
      RANKS: String(size),
      PEERS: gang.map(({ hostname, ports }) => `${hostname}:${ports[0]}`).join(','),
      RANK_PROGRAM,
    }),
  }),
);
const finished = new Set<string>();

// Only where the master asks for one.
const access =
  values.credential === undefined ? {} : { credential: await readCredential(values.credential) };
await mkdir(values.state, { recursive: true });
const runner = createTaskRunner({
  ...access,
  masters: values.master,
  frameworkInfo: { name: 'gang-launcher', user: userInfo().username },
  store: createFileStore(`${values.state}/framework.json`),
  log: (message) => console.error(message),
  onStatus: ({ place, status, isEnded }) => {
    console.log(`${place.taskId} at ${place.hostname}:${place.ports[0]}: ${status.state}`);
    if (!isEnded) return;
    if (status.state === 'TASK_FINISHED') finished.add(place.name);
    else killAll();
    if (runner.running().length === 0 && finished.size < size) startAll();
  },
});
process.once('SIGINT', () => void runner.stop().then(() => process.exit(130)));
process.once('SIGTERM', () => void runner.teardown().then(() => process.exit(0)));
await runner.start();
const left = runner.running().length;
if (left === 0) startAll();
// Of a gang that lost a rank while nobody watched. It is started again once these are gone.
else if (left < size) killAll();
await runner.idle();
console.log(`all ${size} ranks have finished`);
await runner.teardown();
process.exit(0);

function startAll(): void {
  console.log(`starting ${size} ranks`);
  finished.clear();
  runner.submit(...ranks);
}

function killAll(): void {
  for (const { name } of runner.running()) runner.kill(name);
}
