import { describe, expect, test } from 'vitest';
import type { AgentState } from '#cluster';
import { type RunKey, runKey, runKeyOfTask } from '#core';
import { findRun } from './find-run.js';
import { parseSandboxPath } from './sandbox-path.js';

type Tasks = AgentState['tasks'];
type State = Parameters<typeof findRun>[0];

/** A state with runs, oldest first, of frameworks and task ids; of each task the last one is current while it lives. */
function stateOf(
  given: readonly (readonly [
    framework: string,
    task: string,
    key: string,
    how: 'live' | 'ended',
  ])[],
): State {
  const tasks: Tasks = new Map();
  const current: AgentState['current'] = new Map();
  const completed: AgentState['completed'] = new Map();
  for (const [frameworkId, taskId, unique, how] of given) {
    const run = runKey(taskId, unique);
    if (how === 'ended') {
      const status = { task_id: { value: taskId }, state: 'TASK_FINISHED' };
      completed.set(run, { run, taskId, frameworkId, status });
      continue;
    }
    const framework = { user: 'root', name: frameworkId, id: { value: frameworkId } };
    tasks.set(run, { run, id: taskId, framework } as never);
    current.set(frameworkId, new Map([...(current.get(frameworkId) ?? []), [taskId, run]]));
  }
  const none = { executors: new Map(), executorRuns: new Map(), completedExecutors: new Map() };
  return { tasks, current, completed, ...none };
}

const find = (state: State, path: string): RunKey => findRun(state, parseSandboxPath(path));

const STATE = stateOf([
  ['f1', '1', 'a', 'ended'],
  ['f1', '1', 'b', 'live'],
  ['f2', '1', 'c', 'ended'],
  ['f2', '1', 'd', 'ended'],
  ['f2', 'web', 'e', 'live'],
]);

describe('a path', () => {
  test.each([
    ['/frameworks/f1/executors/1/runs/latest/stdout', '1.b'],
    ['frameworks/f2/executors/1/runs/latest', '1.d'],
    ['/frameworks/f1/executors/1/runs/1.a/', '1.a'],
    ['/var/lib/pacer/slaves/a1/frameworks/f2/executors/1/runs/1.c/stdout', '1.c'],
    ['/tasks/web/stdout', 'web.e'],
    ['web', 'web.e'],
  ])('%s means the run %s', (path, run) => {
    expect(find(STATE, path)).toBe(run);
  });

  test('of an id alone that two frameworks use is 400 and names them and the whole path', () => {
    expect(() => find(STATE, '/tasks/1/stdout')).toThrow(
      /several frameworks here \(f1, f2\).*\/frameworks\/<framework id>\/executors\/1\/runs\/latest/,
    );
  });

  test('of a run or a task another framework has is 404', () => {
    for (const path of [
      '/frameworks/f1/executors/1/runs/1.c/stdout',
      '/frameworks/f1/executors/web/runs/latest',
      '/frameworks/f3/executors/1/runs/latest',
    ]) {
      expect(() => find(STATE, path), path).toThrow(/has no run/);
    }
  });

  test('of a custom executor is that of its sandbox, which all its tasks have; also when it has ended', () => {
    const running = { run: runKey('cron', 'b'), id: 'cron' };
    const ended = { run: runKey('cron', 'a'), executorId: 'cron', frameworkId: 'f1' };
    const state = stateOf([['f1', 'job', 'x', 'live']]);
    for (const task of state.tasks.values()) Object.assign(task, { executorRun: running.run });
    state.executors.set(running.run, running as never);
    state.executorRuns.set('f1\ncron', running.run);
    state.completedExecutors.set(ended.run, ended);

    expect(find(state, '/frameworks/f1/executors/cron/runs/latest/stdout')).toBe('cron.b');
    expect(find(state, '/frameworks/f1/executors/cron/runs/cron.a/stdout')).toBe('cron.a');
    expect(find(state, '/tasks/job/stdout')).toBe('cron.b');
    expect(find(state, '/frameworks/f1/executors/job/runs/job.x/stdout')).toBe('cron.b');
  });

  test('of a name no task has is that of a folder: an older run, or one of before there were keys', () => {
    expect(find(STATE, '/tasks/old 1/stdout')).toBe(runKeyOfTask('old 1'));
    const owned = '/frameworks/f1/executors/old 1/runs/';
    expect(find(STATE, `${owned}latest/stdout`)).toBe(runKeyOfTask('old 1'));
    expect(() => find(STATE, `${owned}old.a/stdout`)).toThrow(/has no run/);
  });

  test('that leads out of the sandbox is refused in its long form too', () => {
    for (const path of [
      '/frameworks/../executors/1/runs/latest/x',
      '/frameworks/f1/executors/1/runs/../x',
      '/frameworks/f1/executors/1/runs/latest/../../x',
    ]) {
      expect(() => parseSandboxPath(path), path).toThrow(/not inside a sandbox/);
    }
  });
});
