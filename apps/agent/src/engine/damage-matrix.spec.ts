import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DiskStep, rebuild, replay } from '../../../../test/support/recorded-disk.js';
import { task } from './agent-engine.test-support.js';
import { hostAfter, live, type Step } from './crash-matrix.test-support.js';

/** Recovery where more than one thing goes wrong: damage to the log, and deaths while the agent recovers. */

const LINE_FEED = 0x0a;

let root = '';
let count = 0;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-damage-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

const newFolder = (): string => {
  count += 1;
  return join(root, String(count));
};
const diskOf = (steps: readonly Step[]): readonly DiskStep[] =>
  steps.flatMap((step) => (step.kind === 'disk' ? [step.step] : []));

/** Every third byte, and every end of a line. */
const positionsIn = (bytes: Buffer): readonly number[] =>
  [...bytes.keys()].filter((at) => at % 3 === 0 || bytes[at] === LINE_FEED);

/** Every line without its end, and parts of 90 bytes anywhere. */
function rangesIn(bytes: Buffer): readonly (readonly [number, number])[] {
  const ends = [...bytes.keys()].filter((at) => bytes[at] === LINE_FEED);
  const lines = ends.map((end, index) => [(ends[index - 1] ?? -1) + 1, end] as const);
  const parts = [...bytes.keys()]
    .filter((at) => at % 29 === 0)
    .map((at) => [at, Math.min(bytes.length, at + 90)] as const);
  return [...lines, ...parts];
}

/** Two tasks that run, `web` with an update that nobody has acknowledged, and one that was only accepted. */
async function record(): Promise<readonly Step[]> {
  const life = await live({ root: newFolder(), bootId: 'boot-1', seed: 1 });
  life.link.admit();
  life.ask(task('other'));
  await life.acknowledgeAll();
  life.ask(task('web'));
  await life.rest();
  await life.engine.stop();
  return life.steps;
}

test('whatever byte of the log is damaged, that costs one task at most, and says so', {
  timeout: 120_000,
}, async () => {
  const steps = await record();
  const folder = newFolder();
  const path = join(folder, 'journal', 'tasks.log');
  await rebuild(folder, diskOf(steps), 'killed');
  const whole = await readFile(path);
  let lost = 0;

  for (const at of positionsIn(whole)) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x02;
    await writeFile(path, damaged);
    const host = hostAfter(steps, { isPowerCut: false });
    const life = await live({ root: folder, bootId: 'boot-1', host, seed: 2 });
    const known = life.link.admit().subscribe.tasks;
    await life.rest();
    await life.engine.stop();

    const running = life.host.runningTasks();
    const ended = known.filter(({ state }) => state === 'TASK_GONE' || state === 'TASK_LOST');
    expect(life.host.starts, `byte ${at}`).toEqual([]);
    expect(running.length, `byte ${at}`).toBeGreaterThanOrEqual(1);
    expect(life.failures).toEqual([]);
    for (const { latest_status } of ended) {
      expect(latest_status.message, `byte ${at}`).toContain('damaged');
    }
    // One whose definition cannot be read at all is not told by the agent: its master reports it.
    expect(running.length + ended.length, `byte ${at}`).toBeGreaterThanOrEqual(known.length);
    lost += 2 - running.length;
  }
  expect(lost).toBeGreaterThan(10);
});

test('garbage in the middle of the log launches nothing twice', { timeout: 60_000 }, async () => {
  const steps = await record();
  const folder = newFolder();
  const path = join(folder, 'journal', 'tasks.log');
  await rebuild(folder, diskOf(steps), 'killed');
  const whole = await readFile(path);

  for (const [from, to] of rangesIn(whole)) {
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, from, to);
    await writeFile(path, damaged);
    const host = hostAfter(steps, { isPowerCut: false });
    const life = await live({ root: folder, bootId: 'boot-1', host, seed: 2 });
    life.link.admit();
    await life.rest();
    await life.engine.stop();

    expect(life.host.starts, `bytes ${from} to ${to}`).toEqual([]);
    expect(life.failures).toEqual([]);
  }
});

test('an agent that dies again while it recovers from a reboot still loses every task, once', {
  timeout: 60_000,
}, async () => {
  const steps = await record();
  const accepted = steps.findLastIndex(
    (step) =>
      step.kind === 'disk' && step.step.kind === 'sync' && step.step.path.endsWith('tasks.log'),
  );
  const first = newFolder();
  await rebuild(first, diskOf(steps.slice(0, accepted + 1)), 'power');
  const powerless = () => hostAfter(steps, { isPowerCut: true });
  const second = await live({ root: first, bootId: 'boot-2', host: powerless(), seed: 2 });
  await second.engine.stop();
  const recovery = diskOf(second.steps);
  expect(recovery.length).toBeGreaterThan(5);

  for (let cut = 0; cut <= recovery.length; cut += 1) {
    const folder = newFolder();
    await rebuild(folder, diskOf(steps.slice(0, accepted + 1)), 'power');
    await replay(folder, recovery.slice(0, cut));
    const third = await live({ root: folder, bootId: 'boot-2', host: powerless(), seed: 3 });
    const known = third.link.admit().subscribe.tasks;
    await third.acknowledgeAll();
    await third.engine.stop();

    expect(third.host.starts, `cut ${cut}`).toEqual([]);
    expect(
      known.map(({ state, latest_status }) => [state, latest_status.message]),
      `cut ${cut}`,
    ).toEqual([
      ['TASK_GONE', 'the host was restarted'],
      ['TASK_GONE', 'the host was restarted'],
    ]);
    const ids = new Set(third.link.updates.map(({ status }) => status.uuid));
    expect(ids.size, `cut ${cut}`).toBe(third.link.updates.length);
    expect(third.engine.state.tasks.size).toBe(0);
  }
});
