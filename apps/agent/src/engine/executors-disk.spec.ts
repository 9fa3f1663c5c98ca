import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/support/virtual-clock.js';
import {
  EXECUTOR,
  executorTask,
  exitsOf,
  FakeExecutor,
  FRAMEWORK,
  lastStatusOf,
  launchTasks,
  type StartedAgent,
  startAgent,
  statesOf,
} from './executors.test-support.js';

const REFUSED = {
  state: 'TASK_FAILED',
  source: 'SOURCE_AGENT',
  reason: 'REASON_CONTAINER_LAUNCH_FAILED',
};

const launchGroup = async ({ link }: StartedAgent, ids: readonly string[]) => {
  const executor = { ...EXECUTOR, type: 'CUSTOM' as const };
  const tasks = ids.map((id) => executorTask(id, { executor }));
  const launch_id = { epoch: 1, number: 77 };
  const launch_group = { framework: FRAMEWORK, executor, tasks, launch_id };
  link.deliver({ type: 'LAUNCH_GROUP', launch_group });
  await settle();
};

/** An executor that runs `a`, on a disk that is full from then on. */
async function onFullDisk() {
  const agent = await startAgent();
  const executor = new FakeExecutor(agent.engine);
  await launchTasks(agent, [executorTask('a')]);
  await executor.subscribe();
  await executor.update('a', 'TASK_RUNNING');
  agent.link.acknowledge('a');
  await settle();
  agent.journal.fill();
  return { ...agent, executor };
}

describe('while the disk is full', () => {
  test('a task is refused and no executor is started for it; the master hears that there is none', async () => {
    const agent = await startAgent();
    agent.journal.fill();

    // The first finds out, the second is refused at once.
    await launchTasks(agent, [executorTask('a')]);
    await launchTasks(agent, [executorTask('b')]);

    for (const id of ['a', 'b']) expect(lastStatusOf(agent, id)).toMatchObject(REFUSED);
    expect(agent.host.starts).toEqual([]);
    expect(exitsOf(agent).map(({ executor_id, status }) => [executor_id.value, status])).toEqual([
      ['E', -1],
      ['E', -1],
    ]);
    expect([...agent.engine.state.executors.keys()]).toEqual([]);
    agent.journal.clear();
    await settle();
    for (const id of ['a', 'b']) agent.link.acknowledge(id);
    await settle();
    expect(agent.engine.state.tasks.size).toBe(0);
    expect(agent.journal.records).toEqual([]);

    await launchTasks(agent, [executorTask('c')]);
    expect(agent.host.starts).toEqual(['E']);
  });

  test('an executor that ended before its acceptance was refused is told of too', async () => {
    const agent = await startAgent();
    agent.journal.freeze();
    const command = { value: './executor', uris: [{ value: 'http://a/b' }] };
    await launchTasks(agent, [executorTask('a', { executor: { ...EXECUTOR, command } })]);
    agent.link.deliver({
      type: 'KILL',
      kill: { framework_id: { value: 'F' }, task_id: { value: 'a' } },
    });
    await settle();
    agent.journal.fill();
    agent.journal.thaw();
    await settle();

    expect(exitsOf(agent)).toMatchObject([{ executor_id: { value: 'E' }, status: -1 }]);
    expect(lastStatusOf(agent, 'a')).toMatchObject({ state: 'TASK_KILLED' });
  });

  test('a task for an executor that runs never reaches it, nor does a part of a group', async () => {
    const agent = await onFullDisk();

    await launchGroup(agent, ['x', 'y']);
    await launchTasks(agent, [executorTask('b')]);

    for (const id of ['b', 'x', 'y']) expect(lastStatusOf(agent, id)).toMatchObject(REFUSED);
    expect(agent.executor.launched()).toEqual(['a']);
    expect(agent.executor.heard('LAUNCH_GROUP')).toEqual([]);
    agent.journal.clear();
    await settle();
    await launchTasks(agent, [executorTask('c')]);
    expect(agent.executor.launched()).toEqual(['a', 'c']);
    expect(exitsOf(agent)).toEqual([]);
  });

  test('a group reaches its executor when all of it is written down', async () => {
    const agent = await onFullDisk();
    agent.journal.clear();
    agent.journal.freeze();

    await launchGroup(agent, ['x', 'y']);
    const before = agent.executor.heard('LAUNCH_GROUP').length;
    agent.journal.thaw();
    await settle();

    expect(before).toBe(0);
    expect(agent.executor.heard('LAUNCH_GROUP')).toHaveLength(1);
    expect(agent.journal.records.filter(({ kind }) => kind === 'accepted')).toHaveLength(3);
  });

  test('an update is accepted when it is written down, and not before', async () => {
    const { executor, journal, ...agent } = await onFullDisk();
    let answer: number | undefined;

    const answered = executor.update('a', 'TASK_FINISHED').then((status) => {
      answer = status;
    });
    await settle();
    const before = [answer, statesOf(agent, 'a').at(-1)];
    journal.clear();
    await answered;

    expect(before).toEqual([undefined, 'TASK_RUNNING']);
    expect([answer, statesOf(agent, 'a').at(-1)]).toEqual([202, 'TASK_FINISHED']);
  });

  test('a task is killed by its executor, and an executor is ended by its launcher', async () => {
    const agent = await onFullDisk();
    const framework_id = { value: 'F' };

    agent.link.deliver({ type: 'KILL', kill: { framework_id, task_id: { value: 'a' } } });
    // What is waited for is what shows that the disk is full; from then on kills do not wait.
    await settle();
    const kills = agent.executor.heard('KILL').length;
    agent.link.deliver({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id, executor_id: { value: 'E' } },
    });
    await settle();
    const running = agent.host.running.size;
    agent.journal.clear();
    await settle();

    expect(kills).toBeGreaterThan(0);
    expect(running).toBe(0);
    expect(lastStatusOf(agent, 'a')).toMatchObject({ state: 'TASK_KILLED' });
    expect(exitsOf(agent)).toHaveLength(1);
  });
});
