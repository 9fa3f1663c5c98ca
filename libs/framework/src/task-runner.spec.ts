import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskRunner, TaskRunnerOptions } from './runner-options.js';
import { createFileStore, type RunnerState, type RunnerStore } from './runner-store.js';
import type { RunnerTask, TaskReport } from './runner-task.js';
import { ScriptedMaster } from './scripted-master.test-support.js';
import { createTaskRunner } from './task-runner.js';

let master: ScriptedMaster;
let runners: TaskRunner[];
let reports: string[];

beforeEach(async () => {
  master = await ScriptedMaster.start();
  runners = [];
  reports = [];
});

afterEach(async () => {
  for (const runner of runners) await runner.stop();
  await master.stop();
});

/** Remembers what it was given, and when relative to the calls the master got. */
function memoryStore(initial?: RunnerState) {
  const saved: RunnerState[] = [];
  const store: RunnerStore = {
    load: async () => saved.at(-1) ?? initial,
    save: async (state) => void saved.push(state),
  };
  return { store, saved };
}

async function start(options: Partial<TaskRunnerOptions> = {}): Promise<TaskRunner> {
  const runner = createTaskRunner({
    masters: [master.address],
    frameworkInfo: { user: 'root', name: 'n' },
    backOff: { initialMs: 1, maxMs: 10 },
    onStatus: ({ place, status }) => void reports.push(`${place.name} ${status.state}`),
    ...options,
  });
  runners.push(runner);
  await runner.start();
  return runner;
}

const task = (name: string, more: Partial<RunnerTask> = {}): RunnerTask => ({
  name,
  command: 'true',
  cpus: 1,
  memMib: 32,
  ...more,
});
const launchedNames = (): readonly string[] => master.launched().map(({ name }) => name);
const idOf = (name: string): string => {
  const id = master.launched().findLast((one) => one.name === name)?.task_id.value;
  if (id === undefined) throw new Error(`${name} was not launched`);
  return id;
};

describe('createTaskRunner', () => {
  it('launches what fits, tells how it ends, and acknowledges what was taken in', async () => {
    const runner = await start();
    runner.submit(task('a', { ports: 2, environment: { MODE: 'x' } }));
    runner.submit(task('b'));
    runner.submit(task('too-large', { cpus: 64 }));
    await expect.poll(() => master.subscriptions).toBe(1);

    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(launchedNames).toEqual(['a', 'b']);
    const variables = master.launched()[0]?.command?.environment?.variables;
    expect(variables).toEqual([
      { name: 'PORT', value: '31000' },
      { name: 'PORT0', value: '31000' },
      { name: 'PORT1', value: '31001' },
      { name: 'MODE', value: 'x' },
    ]);
    master.tell(idOf('a'), 'TASK_FINISHED');

    await expect.poll(() => reports).toEqual(['a TASK_FINISHED']);
    await expect.poll(() => master.typesReceived()).toContain('ACKNOWLEDGE');
    expect(runner.running().map(({ name, agentUrl }) => [name, agentUrl])).toEqual([
      ['b', 'http://127.0.0.1:5051'],
    ]);
  });

  it('stores a task before the master hears of it', async () => {
    const { store, saved } = memoryStore();
    let sentWhenSaved: readonly string[] | undefined;
    const save = async (state: RunnerState) => {
      if (state.tasks.length > 0) sentWhenSaved ??= master.typesReceived();
      await store.save(state);
    };
    const runner = await start({ store: { ...store, save } });
    runner.submit(task('a'));
    await expect.poll(() => master.subscriptions).toBe(1);

    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(launchedNames).toEqual(['a']);

    expect(sentWhenSaved).not.toContain('ACCEPT');
    expect(saved.at(-1)).toMatchObject({ frameworkId: 'fw-1', tasks: [{ taskId: idOf('a') }] });
  });

  it('keeps its tasks over a restart, under the same framework id', async () => {
    const { store } = memoryStore();
    const first = await start({ store });
    first.submit(task('a'));
    await expect.poll(() => master.subscriptions).toBe(1);
    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(launchedNames).toEqual(['a']);
    await first.stop();

    const second = await start({ store });
    second.submit(task('a'));
    await expect.poll(() => master.subscriptions).toBe(2);
    expect(master.received.findLast(({ type }) => type === 'SUBSCRIBE')?.framework_id?.value).toBe(
      'fw-1',
    );
    await expect
      .poll(() => master.received.find(({ reconcile }) => reconcile?.tasks.length === 1))
      .toBeDefined();
    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(() => master.typesReceived()).toContain('DECLINE');

    expect(launchedNames()).toEqual(['a']);
    expect(second.running().map(({ name }) => name)).toEqual(['a']);
  });

  it('tells that a task is gone which the master does not know', async () => {
    const { store } = memoryStore({
      frameworkId: 'fw-1',
      tasks: [
        { name: 'a', taskId: 'a.1', agentId: 'a', hostname: 'h', ports: [], isKilling: false },
      ],
    });
    const runner = await start({
      store,
      onStatus: ({ place, isEnded }: TaskReport) => {
        if (isEnded) runner.submit(task(place.name));
      },
    });
    await expect.poll(() => master.subscriptions).toBe(1);

    const status = { task_id: { value: 'a.1' }, state: 'TASK_UNKNOWN' };
    master.send({ type: 'UPDATE', update: { status } });
    await expect.poll(() => runner.running()).toEqual([]);
    // What failed waits a little before it is launched again.
    await expect.poll(() => master.typesReceived(), { timeout: 5_000 }).toContain('REVIVE');
    master.offer({ id: 'agent', cpus: 4 });

    await expect.poll(launchedNames).toEqual(['a']);
    expect(idOf('a')).not.toBe('a.1');
  });

  it('launches a gang when all of it fits, and tells each member of all', async () => {
    const runner = await start();
    const peers = (
      _place: unknown,
      gang: readonly { hostname: string; ports: readonly number[] }[],
    ) => ({
      PEERS: gang.map(({ hostname, ports }) => `${hostname}:${ports[0]}`).join(),
    });
    runner.submit(
      ...['r0', 'r1'].map((name) => task(name, { cpus: 3, ports: 1, environment: peers })),
    );
    await expect.poll(() => master.subscriptions).toBe(1);

    master.offer({ id: 'x', cpus: 4 });
    master.offer({ id: 'y', cpus: 4 });
    await expect.poll(() => [...launchedNames()].sort()).toEqual(['r0', 'r1']);

    const told = master
      .launched()
      .map(({ command }) => command?.environment?.variables.find(({ name }) => name === 'PEERS'));
    expect(new Set(told.map((one) => one?.value)).size).toBe(1);
    expect(told[0]?.value).toMatch(/^host-of-[xy]:31000,host-of-[xy]:31000$/);
  });

  it('wants no offers while nothing waits, and all of them as soon as something does', async () => {
    const runner = await start();
    await expect.poll(() => master.typesReceived()).toContain('SUPPRESS');

    runner.submit(task('a'));

    await expect.poll(() => master.typesReceived()).toContain('REVIVE');
  });

  it('kills what runs under a name, and what nobody knows any more', async () => {
    const runner = await start();
    runner.submit(task('a'));
    await expect.poll(() => master.subscriptions).toBe(1);
    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(launchedNames).toEqual(['a']);
    const killed = () => master.received.flatMap(({ kill }) => kill?.task_id.value ?? []);

    runner.kill('a');
    await expect.poll(killed).toEqual([idOf('a')]);
    master.tell('stray.1', 'TASK_RUNNING');

    await expect.poll(killed).toEqual([idOf('a'), 'stray.1']);
    const idle = runner.idle();
    master.tell(idOf('a'), 'TASK_KILLED');
    await idle;
  });

  it('is told again what it failed to take in', async () => {
    let failures = 0;
    const runner = await start({
      onStatus: () => {
        failures += 1;
        if (failures === 1) throw new Error('disk full');
      },
    });
    runner.submit(task('a'));
    await expect.poll(() => master.subscriptions).toBe(1);
    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(launchedNames).toEqual(['a']);

    master.tell(idOf('a'), 'TASK_FINISHED');
    await expect.poll(() => master.subscriptions).toBe(2);
    expect(master.typesReceived()).not.toContain('ACKNOWLEDGE');
    master.tell(idOf('a'), 'TASK_FINISHED');

    await runner.idle();
    expect(failures).toBe(2);
  });

  it('tells that tasks were not launched when the master refuses the ACCEPT', async () => {
    const runner = await start();
    runner.submit(task('a'));
    await expect.poll(() => master.typesReceived().length).toBeGreaterThan(1);
    master.answers.push(400);

    master.offer({ id: 'agent', cpus: 4 });

    await expect.poll(() => reports).toEqual(['a TASK_DROPPED']);
  });

  it('gives up a task whose agent stays unreachable, and kills it should it return', async () => {
    const runner = await start({ unreachableLimitMs: 20 });
    runner.submit(task('a'));
    await expect.poll(() => master.subscriptions).toBe(1);
    master.offer({ id: 'agent', cpus: 4 });
    await expect.poll(launchedNames).toEqual(['a']);

    master.tell(idOf('a'), 'TASK_UNREACHABLE');
    await expect.poll(() => reports).toEqual(['a TASK_UNREACHABLE', 'a TASK_DROPPED']);
    master.tell(idOf('a'), 'TASK_RUNNING');

    await expect.poll(() => master.typesReceived()).toContain('KILL');
  });

  it('fails for good when its state cannot be stored', async () => {
    const runner = await start({
      store: { load: async () => undefined, save: () => Promise.reject(new Error('disk full')) },
    });
    runner.submit(task('a'));

    await expect(runner.idle()).rejects.toThrow('disk full');
  });

  it('refuses what no agent could run', async () => {
    const runner = await start();

    expect(() => runner.submit(task('a/b'))).toThrow(/slashes/);
    expect(() => runner.submit(task('a', { cpus: -1 }))).toThrow(/cpus -1/);
    expect(() => runner.submit(task('a'), task('a'))).toThrow(/twice/);
  });
});

describe('createFileStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pacer-framework-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('brings back what was saved, knows nothing at first, and refuses another file', async () => {
    const store = createFileStore(join(folder, 'state.json'));
    expect(await store.load()).toBeUndefined();

    await store.save({ frameworkId: 'f', tasks: [] });

    expect(await store.load()).toEqual({ frameworkId: 'f', tasks: [] });
    await writeFile(join(folder, 'state.json'), '{}');
    await expect(store.load()).rejects.toThrow(/no state/);
  });
});
