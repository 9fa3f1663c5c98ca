import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, killQuietly, taskProcesses } from './support/cluster.js';
import { type RunningFramework, startFramework } from './support/examples.js';
import { eventually, request } from './support/http.js';

/** One printed line: an event of the master, or that a call was taken. */
interface Note {
  readonly event: string;
  readonly data?: {
    readonly frameworkId?: string;
    readonly message?: string;
    readonly status?: {
      readonly state: string;
      readonly task_id: { readonly value: string };
      readonly agent_id?: { readonly value: string };
      readonly reason?: string;
    };
  };
}

/**
 * Runs the package as its examples do, and passes on what it emits. Lines on stdin are calls. Its inactivity timer is set
 * above our heartbeats, else it subscribes again and again.
 */
const PROGRAM = `
const [, , packagePath, port, frameworkId, tasks] = process.argv;
const { Scheduler, Mesos } = require(packagePath);
const mesos = Mesos.getMesos();
const sleepers = {
  priority: 1,
  instances: Number(tasks),
  commandInfo: new mesos.CommandInfo(null, new mesos.Environment([]), true, 'exec sleep 100000', null, null),
  resources: { cpus: 0.1, mem: 32, ports: 1, disk: 0 },
};
const scheduler = new Scheduler({
  masterUrl: '127.0.0.1',
  port,
  frameworkName: 'from npm',
  masterConnectionTimeout: 60,
  restartStates: [],
  tasks: Number(tasks) > 0 ? { sleepers } : {},
});
if (frameworkId !== '') scheduler.frameworkId = frameworkId;
const events = ['subscribed', 'heartbeat', 'offers', 'update', 'failure', 'sent_accept', 'sent_decline',
  'sent_kill', 'sent_reconcile', 'sent_acknowledge', 'sent_revive', 'sent_teardown'];
const note = (event, data) => console.log('NOTE ' + JSON.stringify({ event, data }));
for (const event of events) scheduler.on(event, (data) => note(event, data));
scheduler.on('error', (error) => note('error', { message: error.message || String(error) }));
scheduler.on('ready', () => scheduler.subscribe());
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [call, ...args] = JSON.parse(line);
  scheduler[call](...args);
});
`;

describe('the npm package mesos-framework, unmodified', () => {
  const cluster = new Cluster();
  const folder = mkdtempSync(join(tmpdir(), 'pacer-e2e-mesos-framework-'));
  const program = join(folder, 'framework.cjs');
  const packagePath = createRequire(import.meta.url).resolve('mesos-framework');
  const running: RunningFramework[] = [];
  let frameworkId = '';

  beforeAll(async () => {
    writeFileSync(program, PROGRAM);
    // It logs there, whether the folder exists or not.
    mkdirSync(join(folder, 'logs'));
    await cluster.start();
  });
  afterEach(async () => {
    for (const framework of running.splice(0)) {
      framework.signal('SIGKILL');
      await framework.ended;
    }
  });
  afterAll(async () => {
    await cluster.destroy();
    rmSync(folder, { recursive: true });
  });

  const start = (tasks: number): RunningFramework => {
    const { port } = new URL(cluster.masterUrl);
    const args = [packagePath, port, frameworkId, String(tasks)];
    const framework = startFramework(program, args, folder);
    running.push(framework);
    return framework;
  };
  const notesOf = (framework: RunningFramework): readonly Note[] =>
    framework
      .output()
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('NOTE '))
      .map((line) => JSON.parse(line.slice('NOTE '.length)) as Note);
  const seen = (
    framework: RunningFramework,
    what: string,
    fits: (note: Note) => boolean,
    count = 1,
  ): Promise<readonly Note[]> =>
    eventually(what, async () => {
      const notes = notesOf(framework).filter(fits);
      return notes.length >= count ? notes : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${framework.output()}`);
    });
  const isIn = (state: string) => (note: Note) => note.data?.status?.state === state;
  const processes = (): string => [...taskProcesses(cluster)].sort().join();

  it('subscribes, declines, launches, acknowledges, kills, reconciles and fails over', async () => {
    const first = start(3);
    const [subscribed] = await seen(first, 'SUBSCRIBED', ({ event }) => event === 'subscribed');
    await seen(first, 'HEARTBEAT', ({ event }) => event === 'heartbeat');
    await seen(first, 'ACCEPT is taken', ({ event }) => event === 'sent_accept');
    const launched = await seen(first, 'three running tasks', isIn('TASK_RUNNING'), 3);
    await seen(first, 'acknowledgements are taken', ({ event }) => event === 'sent_acknowledge', 3);
    frameworkId = subscribed?.data?.frameworkId ?? '';
    expect(frameworkId).not.toBe('');
    const [victim] = launched;
    const taskId = victim?.data?.status?.task_id.value;
    const agentId = victim?.data?.status?.agent_id?.value;

    first.send(JSON.stringify(['kill', taskId, agentId]));
    const killed = await seen(first, 'one is killed', isIn('TASK_KILLED'));
    expect(killed[0]?.data?.status?.task_id.value).toBe(taskId);
    await seen(first, 'DECLINE is taken', ({ event }) => event === 'sent_decline');
    await eventually('two processes are left', async () => taskProcesses(cluster).length === 2);
    const before = processes();

    first.send(JSON.stringify(['reconcile']));
    await seen(
      first,
      'both tasks by implicit reconciliation',
      (note) => isIn('TASK_RUNNING')(note) && note.data?.status?.reason === 'REASON_RECONCILIATION',
      2,
    );
    first.send(JSON.stringify(['reconcile', taskId, agentId]));
    // It is not partition-aware, so gone is lost to it.
    await seen(first, 'the killed one by explicit reconciliation', isIn('TASK_LOST'));

    const second = start(0);
    await seen(second, 'the second is subscribed', ({ event }) => event === 'subscribed');
    await seen(first, 'the first is told', (note) =>
      (note.data?.message ?? '').includes('Framework failed over'),
    );
    first.signal('SIGKILL');
    second.send(JSON.stringify(['reconcile']));
    await seen(second, 'the second learns of both tasks', isIn('TASK_RUNNING'), 2);
    expect(processes()).toBe(before);
  });

  it('finds its tasks running after kill -9 of the master', async () => {
    const before = processes();
    const master = cluster.pid('master');
    killQuietly(master);
    await eventually('a new master', async () => cluster.pid('master') !== master);
    await eventually('it serves', async () => {
      return (await request(`${cluster.masterUrl}/slaves`)).status === 200;
    });

    // It does not come back from a connection that broke: its supervisor starts it again.
    const third = start(0);
    await seen(third, 'it is subscribed', ({ event }) => event === 'subscribed');
    await eventually('it learns of both tasks', async () => {
      third.send(JSON.stringify(['reconcile']));
      return notesOf(third).filter(isIn('TASK_RUNNING')).length >= 2;
    });
    expect(notesOf(third).find(({ event }) => event === 'subscribed')?.data?.frameworkId).toBe(
      frameworkId,
    );
    expect(processes()).toBe(before);

    third.send(JSON.stringify(['teardown']));
    await seen(third, 'TEARDOWN is taken', ({ event }) => event === 'sent_teardown');
    await eventually('its tasks are gone', async () => taskProcesses(cluster).length === 0);
  });
});
