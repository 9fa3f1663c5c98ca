import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTerminalTaskState, type TaskState } from '#core';
import type { TaskStatus } from '#mesos-v1';
import {
  CRASH_FATES,
  type CrashFate,
  isPowerCut,
  rebuild,
} from '../../../../test/support/recorded-disk.js';
import { task } from './agent-engine.test-support.js';
import { DEFINITIONS, hostAfter, live, type Step } from './crash-matrix.test-support.js';

/**
 * Records everything an agent does to its work directory while it launches a task and ends it, beside one that runs on;
 * then, for every point in between and every way to die there, makes the directory as it is left and starts an agent.
 */

type Kind = 'process' | 'docker';
type End = 'killed' | 'exits';

let root = '';
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-crash-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

const newFolder = (): string => {
  count += 1;
  return join(root, String(count));
};

/** A whole life of `web`, by an agent that nothing happens to. */
async function record(kind: Kind, end: End): Promise<readonly Step[]> {
  const life = await live({
    root: newFolder(),
    bootId: 'boot-1',
    seed: 1,
    compactFromBytes: 3_000,
  });
  life.link.admit();
  life.ask(task('other'));
  await life.acknowledgeAll();
  life.ask(DEFINITIONS[kind]);
  await life.acknowledgeAll();
  if (end === 'killed') life.kill('web');
  else life.launchers[kind].end('web', { kind: 'exited', code: 3 });
  await life.acknowledgeAll();
  await life.engine.stop();
  expect(life.engine.state.tasks.size).toBe(1);
  return life.steps;
}

const toldIn = (steps: readonly Step[], id: string): readonly TaskStatus[] =>
  steps.flatMap((step) =>
    step.kind === 'told' && step.status.task_id.value === id ? [step.status] : [],
  );
const isTerminal = ({ state }: { readonly state: string }): boolean =>
  isTerminalTaskState(state as TaskState);
const startsIn = (steps: readonly Step[], id: string): number =>
  steps.filter((step) => step.kind === 'started' && step.id === id).length;

/** A life after `before` was cut off; the master and the framework go on as they were. */
async function goOn(
  before: readonly Step[],
  given: { readonly kind: Kind; readonly end: End; readonly fate: CrashFate },
) {
  const folder = newFolder();
  const { kind, end, fate } = given;
  const disk = before.flatMap((step) => (step.kind === 'disk' ? [step.step] : []));
  await rebuild(folder, disk, fate);
  const host = hostAfter(before, { isPowerCut: isPowerCut(fate) });
  const bootId = isPowerCut(fate) ? 'boot-2' : 'boot-1';
  const life = await live({ root: folder, bootId, host, seed: 2 });
  const known = life.link.admit().subscribe.tasks;
  const wasAsked = (id: string) => before.some((step) => step.kind === 'asked' && step.id === id);
  const isKnown = (id: string) => known.some((one) => one.task.task_id.value === id);
  const isOver = (id: string) => toldIn([...before, ...life.steps], id).some(isTerminal);
  // As the master does with a launch of which it does not know that it was applied.
  for (const definition of [task('other'), DEFINITIONS[kind]]) {
    const id = definition.task_id.value;
    if (wasAsked(id) && !isKnown(id) && !isOver(id)) life.ask(definition);
  }
  await life.acknowledgeAll();
  if (wasAsked('web') && !isOver('web')) {
    if (end === 'killed') life.kill('web');
    else if (host.runningTasks().includes('web')) {
      life.launchers[kind].end('web', { kind: 'exited', code: 3 });
    }
    await life.acknowledgeAll();
  }
  await life.engine.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  return { ...life, known, wasAsked };
}

type After = Awaited<ReturnType<typeof goOn>>;

function checkWeb(before: readonly Step[], after: After): void {
  const all = [...before, ...after.steps];
  expect(startsIn(all, 'web')).toBeLessThanOrEqual(1);
  const ends = toldIn(all, 'web').filter(isTerminal);
  expect(new Set(ends.map(({ uuid }) => uuid)).size).toBe(after.wasAsked('web') ? 1 : 0);
  for (const { state, reason, message } of ends) {
    expect(state === 'TASK_KILLED' || (reason ?? message)).toBeTruthy();
  }
  const subscribed = after.known.filter((one) => one.task.task_id.value === 'web');
  const [end] = ends;
  for (const one of subscribed) if (isTerminal(one)) expect(one.state).toBe(end?.state);
  const left = [...after.engine.state.tasks.values()].map(({ id }) => id);
  expect(left.filter((id) => id !== 'other')).toEqual([]);
}

function checkOther(before: readonly Step[], after: After, fate: CrashFate): void {
  if (!after.wasAsked('other')) return;
  const all = [...before, ...after.steps];
  expect(startsIn(all, 'other')).toBeLessThanOrEqual(1);
  const ends = toldIn(all, 'other').filter(isTerminal);
  const hadStarted = startsIn(before, 'other') > 0;
  if (!isPowerCut(fate) && hadStarted) {
    expect(after.host.runningTasks()).toEqual(['other']);
    expect(ends).toEqual([]);
    return;
  }
  if (!hadStarted) return;
  expect(ends.map(({ state, message }) => [state, message])).toEqual([
    ['TASK_GONE', 'the host was restarted'],
  ]);
}

/** What a master was told and has not acknowledged is told again, and first. */
function checkUpdates(before: readonly Step[], after: After): void {
  const acknowledged = new Set(
    before.flatMap((step) => (step.kind === 'acknowledged' ? [step.uuid] : [])),
  );
  for (const id of ['web', 'other']) {
    const open = toldIn(before, id).filter(({ uuid = '' }) => !acknowledged.has(uuid));
    const again = toldIn(after.steps, id).map(({ uuid }) => uuid);
    for (const { uuid } of open) expect(again).toContain(uuid);
  }
}

describe.each<[Kind, End]>([
  ['process', 'killed'],
  ['process', 'exits'],
  ['docker', 'killed'],
  ['docker', 'exits'],
])('a %s task that is %s', (kind, end) => {
  test('has one start at most and one end, wherever its agent dies', {
    timeout: 120_000,
  }, async () => {
    const steps = await record(kind, end);
    const cuts = steps.flatMap((step, index) => (step.kind === 'disk' ? [index + 1] : []));
    expect(cuts.length).toBeGreaterThan(20);

    for (const cut of [0, ...cuts, steps.length]) {
      for (const fate of CRASH_FATES) {
        const before = steps.slice(0, cut);
        const after = await goOn(before, { kind, end, fate });
        const where = `${fate} after step ${cut} of ${steps.length}`;
        try {
          expect(after.failures).toEqual([]);
          checkWeb(before, after);
          checkOther(before, after, fate);
          checkUpdates(before, after);
        } catch (error) {
          throw new Error(`${where}: ${(error as Error).message}\n${describeSteps(before)}`);
        }
      }
    }
  });
});

const describeSteps = (steps: readonly Step[]): string =>
  steps
    .slice(-4)
    .map((step) => JSON.stringify(step.kind === 'disk' ? { ...step.step, bytes: 0 } : step))
    .join('\n');
