import { describe, expect, test } from 'vitest';
import type { LaunchId } from '#mesos-v1';
import { settle } from '../../../../test/support/virtual-clock.js';
import {
  executorTask,
  exitsOf,
  FRAMEWORK,
  lastStatusOf,
  type StartedAgent,
  startAgent,
} from './executors.test-support.js';

const REFUSED = {
  state: 'TASK_FAILED',
  source: 'SOURCE_AGENT',
  reason: 'REASON_CONTAINER_LAUNCH_FAILED',
};
const POD = { executor_id: { value: 'pod' }, type: 'DEFAULT' as const, resources: [] };
const FIRST: LaunchId = { epoch: 1, number: 1 };
const member = (id: string) => {
  const { executor: _, ...task } = executorTask(id);
  return { ...task, command: { value: 'sleep 100' } };
};

async function launchGroup(
  { link }: StartedAgent,
  ids: readonly string[],
  launch: { readonly launch_id: LaunchId; readonly executor_launch_id?: LaunchId } = {
    launch_id: FIRST,
  },
): Promise<void> {
  const given = { executor_launch_id: launch.launch_id, ...launch };
  const tasks = ids.map(member);
  link.deliver({
    type: 'LAUNCH_GROUP',
    launch_group: { framework: FRAMEWORK, executor: POD, tasks, ...given },
  });
  await settle();
}

const exits = (agent: StartedAgent) =>
  exitsOf(agent).map(({ executor_id, launch_id }) => [executor_id.value, launch_id]);
const kill = async ({ link }: StartedAgent, id: string): Promise<void> => {
  link.deliver({
    type: 'KILL',
    kill: { framework_id: { value: 'F' }, task_id: { value: id } },
  });
  await settle();
};

describe('a group while the disk is full', () => {
  test('is refused as a whole, nothing of it starts, and its master hears that it has no executor', async () => {
    const agent = await startAgent();
    agent.journal.fill();

    // The first finds out, the second is refused at once.
    await launchGroup(agent, ['a', 'b']);
    await launchGroup(agent, ['c', 'd'], { launch_id: { epoch: 1, number: 2 } });

    for (const id of ['a', 'b', 'c', 'd']) {
      expect(lastStatusOf(agent, id)).toMatchObject(REFUSED);
    }
    expect(agent.host.starts).toEqual([]);
    expect(exits(agent)).toEqual([
      ['pod', FIRST],
      ['pod', { epoch: 1, number: 2 }],
    ]);
    agent.journal.clear();
    await settle();
    for (const id of ['a', 'b', 'c', 'd']) agent.link.acknowledge(id);
    await settle();
    expect(agent.engine.state.tasks.size).toBe(0);
    expect(agent.journal.records).toEqual([]);

    await launchGroup(agent, ['e'], { launch_id: { epoch: 1, number: 3 } });
    expect(agent.host.starts).toEqual(['e']);
  });

  test('that was killed before its acceptance was refused is told of too', async () => {
    const agent = await startAgent();
    agent.journal.freeze();
    await launchGroup(agent, ['a', 'b']);
    await kill(agent, 'a');

    agent.journal.fill();
    agent.journal.thaw();
    await settle();

    expect(agent.host.starts).toEqual([]);
    for (const id of ['a', 'b']) {
      expect(lastStatusOf(agent, id)?.state).toMatch(/TASK_(KILLED|FAILED)/);
    }
    expect(exits(agent)).toContainEqual(['pod', FIRST]);
  });

  test('that runs goes on, and its members are killed without waiting for the disk', async () => {
    const agent = await startAgent();
    await launchGroup(agent, ['a', 'b']);
    for (const id of ['a', 'b']) agent.link.acknowledge(id);
    await settle();
    agent.journal.fill();
    // What is waited for is what shows that the disk is full; from then on kills do not wait.
    await launchGroup(agent, ['c'], { launch_id: { epoch: 1, number: 2 } });
    const before = agent.host.runningTasks();

    await kill(agent, 'a');
    await settle();

    expect(before).toEqual(['a', 'b']);
    expect(agent.host.runningTasks()).toEqual([]);
    agent.journal.clear();
    await settle();
    for (const id of ['a', 'b']) {
      expect(lastStatusOf(agent, id)).toMatchObject({ state: 'TASK_KILLED' });
    }
  });
});

test('nothing of a group is launched before all of it is written down', async () => {
  const agent = await startAgent();
  agent.journal.freeze();

  await launchGroup(agent, ['a', 'b']);
  const before = [...agent.host.starts];
  agent.journal.thaw();
  await settle();

  expect(before).toEqual([]);
  expect([...agent.host.starts].sort()).toEqual(['a', 'b']);
});

describe('a group under an executor that its master believes in', () => {
  const second = { epoch: 1, number: 2 };

  test('and that is over is dropped, and the master hears which one', async () => {
    const agent = await startAgent();

    await launchGroup(agent, ['a'], { launch_id: second, executor_launch_id: FIRST });

    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_LOST',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
    expect(exits(agent)).toEqual([['pod', FIRST]]);
    expect(agent.host.starts).toEqual([]);
  });

  test('and that was shut down is dropped; one that was not joins it', async () => {
    const agent = await startAgent();
    await launchGroup(agent, ['a']);
    await launchGroup(agent, ['b'], { launch_id: second, executor_launch_id: FIRST });
    agent.launcher.kill = async () => undefined;

    agent.link.deliver({
      type: 'SHUTDOWN_EXECUTOR',
      shutdown_executor: { framework_id: { value: 'F' }, executor_id: { value: 'pod' } },
    });
    await launchGroup(agent, ['c'], {
      launch_id: { epoch: 1, number: 3 },
      executor_launch_id: FIRST,
    });

    expect(agent.host.starts).toEqual(['a', 'b']);
    expect(lastStatusOf(agent, 'c')).toMatchObject({ reason: 'REASON_EXECUTOR_TERMINATED' });
    expect(exits(agent)).toEqual([]);
    for (const id of ['a', 'b']) agent.launcher.end(id, { kind: 'signalled', signal: 15 });
    await settle();
    expect(exits(agent)).toEqual([['pod', FIRST]]);
  });
});
