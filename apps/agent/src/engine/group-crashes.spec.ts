import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTerminalTaskState, type TaskState } from '#core';
import {
  CRASH_FATES,
  type CrashFate,
  isPowerCut,
  rebuild,
} from '../../../../test/support/recorded-disk.js';
import { task } from './agent-engine.test-support.js';
import { hostAfter, live, type Step } from './crash-matrix.test-support.js';

/**
 * A group of two whose first member ends, by an agent that dies at every point in between and in every way, or whose log
 * is damaged anywhere: never is one member launched twice, and none goes on without the other.
 */

type Life = Awaited<ReturnType<typeof live>>;

const MEMBERS = ['a', 'b'] as const;
const LINE_FEED = 0x0a;

let root = '';
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-group-crash-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

const newFolder = (): string => {
  count += 1;
  return join(root, String(count));
};
const diskOf = (steps: readonly Step[]) =>
  steps.flatMap((step) => (step.kind === 'disk' ? [step.step] : []));
const startsIn = (steps: readonly Step[], id: string): number =>
  steps.filter((step) => step.kind === 'started' && step.id === id).length;
const endsIn = (steps: readonly Step[], id: string) => {
  const ends = steps.flatMap((step) =>
    step.kind === 'told' &&
    step.status.task_id.value === id &&
    isTerminalTaskState(step.status.state as TaskState)
      ? [step.status]
      : [],
  );
  return new Map(ends.map((status) => [status.uuid, status.state]));
};
const endA = ({ launchers }: Life): void => launchers.process.end('a', { kind: 'exited', code: 3 });

/** The group runs; with `toEnd` it ends too. */
async function record({ toEnd }: { readonly toEnd: boolean }): Promise<readonly Step[]> {
  const life = await live({
    ...{ root: newFolder(), bootId: 'boot-1', seed: 1, compactFromBytes: 3_000 },
  });
  life.link.admit();
  life.askGroup(MEMBERS.map((id) => task(id)));
  await life.acknowledgeAll();
  if (toEnd) endA(life);
  await life.acknowledgeAll();
  await life.engine.stop();
  expect(life.engine.state.tasks.size).toBe(toEnd ? 0 : 2);
  return life.steps;
}

/** A life after `before` was cut off; the master and the framework go on as they were. */
async function goOn(before: readonly Step[], fate: CrashFate) {
  const folder = newFolder();
  await rebuild(folder, diskOf(before), fate);
  const host = hostAfter(before, { isPowerCut: isPowerCut(fate) });
  const bootId = isPowerCut(fate) ? 'boot-2' : 'boot-1';
  const life = await live({ root: folder, bootId, host, seed: 2 });
  const { tasks: known, executors } = life.link.admit().subscribe;
  const steps = () => [...before, ...life.steps];
  const isOver = (id: string) => endsIn(steps(), id).size > 0;
  const wasAsked = before.some(({ kind }) => kind === 'asked');
  const isKnown = (id: string) => known.some((one) => one.task.task_id.value === id);
  expect(MEMBERS.every(isKnown) || MEMBERS.every((id) => !isKnown(id) || isOver('a'))).toBe(true);
  // As the master does with a launch of which it does not know that it was applied.
  if (wasAsked && !MEMBERS.some((id) => isKnown(id) || isOver(id))) {
    life.askGroup(MEMBERS.map((id) => task(id)));
  }
  await life.acknowledgeAll();
  if (host.runningTasks().includes('a')) endA(life);
  await life.acknowledgeAll();
  await life.engine.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  const isExecutorTold =
    (executors?.length ?? 0) === 0 ||
    life.link.calls.some(({ type }) => type === 'EXITED_EXECUTOR');
  return { life, all: steps(), wasAsked, isExecutorTold };
}

describe('a group of two', () => {
  test('is launched once and ends as one, wherever its agent dies', {
    timeout: 120_000,
  }, async () => {
    const steps = await record({ toEnd: true });
    const cuts = steps.flatMap((step, index) => (step.kind === 'disk' ? [index + 1] : []));
    expect(cuts.length).toBeGreaterThan(20);

    for (const cut of [0, ...cuts, steps.length]) {
      for (const fate of CRASH_FATES) {
        const before = steps.slice(0, cut);
        const { life, all, wasAsked, isExecutorTold } = await goOn(before, fate);

        const where = `${fate} after step ${cut} of ${steps.length}`;
        expect(life.failures, where).toEqual([]);
        expect(life.host.runningTasks(), where).toEqual([]);
        expect(life.engine.state.tasks.size, where).toBe(0);
        expect(isExecutorTold, where).toBe(true);
        for (const id of MEMBERS) {
          expect(startsIn(all, id), `${id}: ${where}`).toBeLessThanOrEqual(1);
          expect(endsIn(all, id).size, `${id}: ${where}`).toBe(wasAsked ? 1 : 0);
        }
        if (!wasAsked || isPowerCut(fate)) continue;
        const [a, b] = MEMBERS.map((id) => endsIn(all, id).values().next().value);
        const haveStarted = MEMBERS.every((id) => startsIn(all, id) === 1);
        if (haveStarted) expect([a, b], where).toEqual(['TASK_FAILED', 'TASK_KILLED']);
        // One was handed to its launcher and is not found again.
        else expect([a, b], where).toContain('TASK_LOST');
      }
    }
  });

  test.each([
    ['as it was written', false],
    ['after it was compacted', true],
  ])(
    'runs as a whole or not at all, whatever byte or line of its log is damaged, %s',
    {
      timeout: 120_000,
    },
    async (_how, isCompacted) => {
      const steps = await record({ toEnd: false });
      const folder = newFolder();
      const path = join(folder, 'journal', 'tasks.log');
      await rebuild(folder, diskOf(steps), 'killed');
      if (isCompacted) {
        const host = hostAfter(steps, { isPowerCut: false });
        const life = await live({
          root: folder,
          bootId: 'boot-1',
          host,
          seed: 3,
          compactFromBytes: 1,
        });
        life.link.admit();
        for (let other = 1; other <= 8; other += 1) life.ask(task(`other.${other}`));
        await life.acknowledgeAll();
        await life.engine.stop();
      }
      const whole = await readFile(path);
      expect(whole.includes('accepted-group')).toBe(!isCompacted);
      const ends = [...whole.keys()].filter((at) => whole[at] === LINE_FEED);
      const lines = ends.map((end, index) => [(ends[index - 1] ?? -1) + 1, end] as const);
      const bytes = [...whole.keys()]
        .filter((at) => at % 17 === 0)
        .map((at) => [at, at + 1] as const);
      let ended = 0;

      for (const [from, to] of [...lines, ...bytes]) {
        const damaged = Buffer.from(whole);
        for (let at = from; at < to; at += 1) damaged[at] = (damaged[at] ?? 0) ^ 0x02;
        await writeFile(path, damaged);
        const host = hostAfter(steps, { isPowerCut: false });
        const life = await live({ root: folder, bootId: 'boot-1', host, seed: 2 });
        life.link.admit();
        await life.acknowledgeAll();
        await life.engine.stop();

        const running = life.host.runningTasks().filter((id) => !id.startsWith('other'));
        expect([[], ['a', 'b']], `bytes ${from} to ${to}`).toContainEqual([...running].sort());
        expect(life.host.starts, `bytes ${from} to ${to}`).toEqual([]);
        expect(life.failures).toEqual([]);
        ended += running.length === 0 ? 1 : 0;
      }
      expect(ended).toBeGreaterThan(0);
    },
  );
});
