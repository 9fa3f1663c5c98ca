import { describe, expect, test } from 'vitest';
import { settle } from '../../../../test/support/virtual-clock.js';
import {
  createExecutorWorld,
  EXECUTOR,
  executorTask,
  exitsOf,
  FakeExecutor,
  FRAMEWORK,
  lastStatusOf,
  launchTasks,
  nextUuid,
  startAgent,
  statesOf,
  statusOf,
} from './executors.test-support.js';

/** An agent with tasks in one subscribed executor that runs them. */
async function startWith(...ids: readonly string[]) {
  const agent = await startAgent();
  const executor = new FakeExecutor(agent.engine);
  await launchTasks(
    agent,
    ids.map((id) => executorTask(id)),
  );
  await executor.subscribe();
  return { ...agent, executor };
}

describe('an executor', () => {
  test('is started once for its tasks, which wait until it subscribes', async () => {
    const agent = await startAgent();
    const executor = new FakeExecutor(agent.engine);
    expect(await executor.subscribe()).toBe(400);

    await launchTasks(agent, [executorTask('a'), executorTask('b')]);
    expect(agent.host.startsOf('E')).toBe(1);
    expect(agent.host.starts).toEqual(['E']);
    expect(await executor.update('a', 'TASK_RUNNING')).toBe(403);
    await executor.subscribe();

    expect(executor.events.map(({ type }) => type)).toEqual(['SUBSCRIBED', 'LAUNCH', 'LAUNCH']);
    expect(executor.launched()).toEqual(['a', 'b']);
  });

  test('is told what it is in words clients compare as a whole', async () => {
    const { executor } = await startWith('a');

    const [{ subscribed } = { subscribed: undefined }] = executor.heard('SUBSCRIBED');

    expect(subscribed?.executor_info.executor_id).toEqual({ value: 'E' });
    expect(subscribed?.framework_info.id).toEqual({ value: 'F' });
    expect(subscribed?.agent_info.id).toEqual({ value: 'agent-1' });
    expect(subscribed?.container_id.value).toMatch(/^E\./);
  });

  test('gets a task that comes while it runs, and is resized for it; memory is never lowered', async () => {
    const agent = await startWith('a');
    const { executor, launcher, link } = agent;

    await launchTasks(agent, [executorTask('b')]);
    await executor.update('b', 'TASK_FINISHED');
    link.acknowledge('b');
    await settle();

    expect(executor.launched()).toEqual(['a', 'b']);
    expect(agent.host.starts).toEqual(['E']);
    expect(launcher.resizes.map(({ cpuMillis, memMib }) => [cpuMillis, memMib])).toEqual([
      [1_100, 160],
      [600, 160],
    ]);
  });

  test('that does not subscribe in time is killed and fails its tasks', async () => {
    const agent = await startAgent();
    await launchTasks(agent, [executorTask('a')]);

    await agent.clock.advance(60_000);
    await settle();

    expect(agent.host.running.size).toBe(0);
    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
      executor_id: { value: 'E' },
    });
    expect(exitsOf(agent)).toMatchObject([{ executor_id: { value: 'E' }, status: 15 }]);
  });

  test('that exits fails the tasks it leaves, and the master hears its status', async () => {
    const agent = await startWith('a', 'b');
    await agent.executor.update('b', 'TASK_FINISHED');

    agent.launcher.end('E', { kind: 'exited', code: 3 });
    await settle();

    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: 'its executor E exited with code 3',
    });
    expect(statesOf(agent, 'b')).toEqual(['TASK_FINISHED']);
    expect(exitsOf(agent)).toEqual([
      {
        framework_id: { value: 'F' },
        executor_id: { value: 'E' },
        status: 3 * 256,
        launch_id: expect.anything(),
      },
    ]);
    expect(agent.executor.isOpen).toBe(false);
  });

  test('that cannot be launched fails its tasks, and is told as ended', async () => {
    const agent = await startAgent();
    agent.launcher.failure = 'no such file';

    await launchTasks(agent, [executorTask('a')]);

    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    });
    expect(exitsOf(agent)).toHaveLength(1);
  });

  test('stays without tasks until it is shut down: SHUTDOWN, its own grace, then a kill', async () => {
    const agent = await startAgent();
    const executor = new FakeExecutor(agent.engine);
    const info = { ...EXECUTOR, shutdown_grace_period: { nanoseconds: 1e9 } };
    await launchTasks(agent, [executorTask('a', { executor: info })]);
    await executor.subscribe();
    await executor.update('a', 'TASK_FINISHED');
    agent.link.acknowledge('a');
    await agent.clock.advance(60_000);
    expect(agent.host.running.size).toBe(1);

    const about = { framework_id: { value: 'F' }, executor_id: { value: 'E' } };
    agent.link.deliver({ type: 'SHUTDOWN_EXECUTOR', shutdown_executor: about });
    await settle();
    expect(executor.heard('SHUTDOWN')).toHaveLength(1);
    await agent.clock.advance(999);
    expect(agent.host.running.size).toBe(1);
    await agent.clock.advance(1);
    await settle();

    expect(agent.host.running.size).toBe(0);
    expect(exitsOf(agent)).toHaveLength(1);
    expect(agent.engine.state.executors.size).toBe(0);
  });

  test('that exits while no master listens is told to the next: its SUBSCRIBE may be older than that', async () => {
    const agent = await startWith('a');
    agent.link.breakStream();
    agent.launcher.end('E', { kind: 'exited', code: 3 });
    await settle();
    expect(exitsOf(agent)).toEqual([]);

    agent.link.admit();
    await settle();

    expect(exitsOf(agent)).toMatchObject([{ executor_id: { value: 'E' }, status: 768 }]);
  });

  test('another one than the master means is no place for its task, and the master hears that its own is none', async () => {
    const agent = await startWith('a');
    const executor_launch_id = { epoch: 1, number: 8_000 };

    agent.link.deliver({
      type: 'LAUNCH',
      launch: {
        ...{ framework: FRAMEWORK, task: executorTask('b'), executor_launch_id },
        launch_id: executor_launch_id,
      },
    });
    await settle();

    expect(lastStatusOf(agent, 'b')).toMatchObject({ reason: 'REASON_EXECUTOR_TERMINATED' });
    expect(exitsOf(agent)).toMatchObject([{ launch_id: executor_launch_id }]);
    expect(agent.engine.state.executors.size).toBe(1);
  });

  test('a task for one that is terminating is dropped, and so is one for one that is over', async () => {
    const agent = await startWith('a');
    const about = { framework_id: { value: 'F' }, executor_id: { value: 'E' } };
    agent.link.deliver({ type: 'SHUTDOWN_EXECUTOR', shutdown_executor: about });
    await launchTasks(agent, [executorTask('b')]);
    agent.launcher.end('E', { kind: 'exited', code: 0 });

    agent.link.deliver({
      type: 'LAUNCH',
      launch: {
        framework: FRAMEWORK,
        task: executorTask('c'),
        launch_id: { epoch: 1, number: 9_000 },
        executor_launch_id: { epoch: 1, number: 8_000 },
      },
    });
    await settle();

    for (const id of ['b', 'c']) {
      expect(lastStatusOf(agent, id)).toMatchObject({
        state: 'TASK_LOST',
        reason: 'REASON_EXECUTOR_TERMINATED',
      });
    }
    expect(agent.host.starts).toEqual(['E']);
  });

  test('is shut down with its framework, whose tasks nobody acknowledges any more', async () => {
    const agent = await startWith('a');

    agent.link.deliver({
      type: 'SHUTDOWN_FRAMEWORK',
      shutdown_framework: { framework_id: { value: 'F' } },
    });
    await settle();
    expect(agent.executor.heard('SHUTDOWN')).toHaveLength(1);
    agent.launcher.end('E', { kind: 'exited', code: 0 });
    await settle();

    expect(agent.engine.state.tasks.size).toBe(0);
    expect(agent.engine.state.executors.size).toBe(0);
  });

  test('messages go both ways', async () => {
    const { executor, link } = await startWith('a');

    expect(await executor.message('aGk=')).toBe(202);
    link.deliver({
      type: 'MESSAGE',
      message: { framework_id: { value: 'F' }, executor_id: { value: 'E' }, data: 'eW8=' },
    });
    await settle();

    expect(executor.heard('MESSAGE')).toEqual([{ type: 'MESSAGE', message: { data: 'eW8=' } }]);
    expect(link.calls.find(({ type }) => type === 'MESSAGE')).toMatchObject({
      message: { framework_id: { value: 'F' }, executor_id: { value: 'E' }, data: 'aGk=' },
    });
  });
});

describe('updates of an executor', () => {
  test('are on the disk before they are accepted or sent, with the fields it leaves out', async () => {
    const { executor, journal, link } = await startWith('a');
    journal.freeze();
    let isAccepted = false;

    const answer = executor.update('a', 'TASK_RUNNING').then((status) => {
      isAccepted = true;
      return status;
    });
    await settle();
    expect([isAccepted, link.updates.length]).toEqual([false, 0]);
    journal.thaw();

    expect(await answer).toBe(202);
    expect(link.updates.at(-1)?.status).toMatchObject({
      agent_id: { value: 'agent-1' },
      executor_id: { value: 'E' },
      timestamp: 1_700_000_000,
      container_status: {
        container_id: { value: expect.stringMatching(/^E\./) },
        executor_pid: 1001,
        network_infos: [{ ip_addresses: [{ ip_address: '10.0.0.1' }] }],
      },
    });
  });

  test('are acknowledged to it when the framework has, and repeated ones are not sent again', async () => {
    const agent = await startWith('a');
    const { executor, link } = agent;
    const uuid = nextUuid();
    await executor.update('a', 'TASK_RUNNING', uuid);
    await executor.update('a', 'TASK_RUNNING', uuid);
    expect(executor.heard('ACKNOWLEDGED')).toHaveLength(0);

    link.acknowledge('a');
    await settle();
    await executor.update('a', 'TASK_RUNNING', uuid);

    const acknowledged = { task_id: { value: 'a' }, uuid };
    expect(executor.heard('ACKNOWLEDGED').map((event) => event.acknowledged)).toEqual([
      acknowledged,
      acknowledged,
    ]);
    expect(statesOf(agent, 'a')).toEqual(['TASK_RUNNING']);
  });

  test('after a terminal one change nothing, and are acknowledged at once', async () => {
    const agent = await startWith('a');
    await agent.executor.update('a', 'TASK_FINISHED');

    await agent.executor.update('a', 'TASK_RUNNING');

    expect(statesOf(agent, 'a')).toEqual(['TASK_FINISHED']);
    expect(agent.executor.heard('ACKNOWLEDGED')).toHaveLength(1);
  });

  test('of a task that is not its own, or long over, are acknowledged and dropped', async () => {
    const agent = await startWith('a');
    await agent.executor.update('a', 'TASK_FINISHED');
    agent.link.acknowledge('a');
    await settle();

    await agent.executor.update('a', 'TASK_FINISHED');
    await agent.executor.update('x', 'TASK_RUNNING');

    expect(agent.executor.heard('ACKNOWLEDGED')).toHaveLength(3);
    expect(agent.link.updates).toHaveLength(1);
  });
});

describe('KILL of a task of an executor', () => {
  const killOf = (id: string, seconds?: number) =>
    ({
      type: 'KILL',
      kill: {
        framework_id: { value: 'F' },
        task_id: { value: id },
        ...(seconds === undefined
          ? {}
          : { kill_policy: { grace_period: { nanoseconds: seconds * 1e9 } } }),
      },
    }) as const;

  test('goes to the executor, with the policy if there is one; the end is its word', async () => {
    const agent = await startWith('a');

    agent.link.deliver(killOf('a'));
    agent.link.deliver(killOf('a', 7));
    await settle();
    await agent.clock.advance(60_000);
    await agent.executor.update('a', 'TASK_KILLED');

    expect(agent.executor.heard('KILL').map(({ kill }) => kill.kill_policy)).toEqual([
      undefined,
      { grace_period: { nanoseconds: 7e9 } },
    ]);
    expect(statesOf(agent, 'a')).toEqual(['TASK_KILLED']);
    expect(agent.host.running.size).toBe(1);
  });

  test('before it was delivered ends it, and an executor that has no other task too', async () => {
    const agent = await startAgent();
    await launchTasks(agent, [executorTask('a')]);

    agent.link.deliver(killOf('a'));
    await settle();

    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_KILLED',
      reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
    });
    expect(agent.host.running.size).toBe(0);
    expect(exitsOf(agent)).toHaveLength(1);
  });
});

describe('LAUNCH_GROUP of a custom executor', () => {
  test('reaches it as one event, and again only if it did not get it', async () => {
    const agent = await startAgent();
    const executor = new FakeExecutor(agent.engine);
    const info = { ...EXECUTOR, type: 'CUSTOM' as const };
    const tasks = ['a', 'b'].map((id) => executorTask(id, { executor: info }));
    const launch_id = { epoch: 1, number: 1 };

    agent.link.deliver({
      type: 'LAUNCH_GROUP',
      launch_group: { framework: FRAMEWORK, executor: info, tasks, launch_id },
    });
    await settle();
    await executor.subscribe();
    executor.disconnect();
    await executor.subscribe({ tasks });

    expect(executor.heard('LAUNCH')).toHaveLength(0);
    expect(executor.heard('LAUNCH_GROUP').map((event) => event.launch_group)).toEqual([
      { task_group: { tasks } },
    ]);
  });
});

describe('after a restart of the agent', () => {
  /** Dead without a word; its disk and processes are left. */
  const restart = async (agent: Awaited<ReturnType<typeof startWith>>, bootId?: string) => {
    agent.engine.halt();
    const world = { journal: agent.journal, host: agent.host, clock: agent.clock };
    const next = await startAgent(world, {
      isAdmitted: false,
      ...(bootId === undefined ? {} : { bootId }),
    });
    return { ...next, executor: new FakeExecutor(next.engine) };
  };

  test('an executor comes back: no task is launched twice, what was not acknowledged is sent again', async () => {
    const before = await startWith('a', 'b', 'c');
    const acknowledged = nextUuid();
    await before.executor.update('a', 'TASK_RUNNING', acknowledged);
    before.link.acknowledge('a');
    await settle();
    const lost = statusOf('b', 'TASK_RUNNING');
    await before.executor.update('a', 'TASK_FINISHED');

    const agent = await restart(before);
    const { executors } = agent.link.admit().subscribe;
    await agent.executor.subscribe({ tasks: [executorTask('b')], updates: [lost] });

    expect(executors).toMatchObject([{ executor: EXECUTOR, framework_id: { value: 'F' } }]);
    expect(agent.executor.launched()).toEqual(['c']);
    expect(agent.link.updates.map(({ status }) => [status.task_id.value, status.state])).toEqual([
      ['a', 'TASK_FINISHED'],
      ['b', 'TASK_RUNNING'],
    ]);
    expect(agent.host.starts).toEqual(['E']);
    await agent.executor.update('a', 'TASK_RUNNING', acknowledged);
    expect(agent.executor.heard('ACKNOWLEDGED')).toHaveLength(1);
  });

  test('one that does not is killed within the time for it, and fails its tasks', async () => {
    const before = await startWith('a');
    await before.executor.update('a', 'TASK_RUNNING');

    const agent = await restart(before);
    agent.link.admit();
    await agent.clock.advance(1_999);
    expect(agent.host.running.size).toBe(1);
    await agent.clock.advance(1);
    agent.link.acknowledge('a');
    await settle();

    expect(agent.host.running.size).toBe(0);
    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
    });
  });

  test('RecoverTerminatedExecutor: one that ended meanwhile fails its tasks', async () => {
    const before = await startWith('a');
    before.engine.halt();
    before.launcher.end('E', { kind: 'signalled', signal: 9 });

    const agent = await restart(before);
    agent.link.admit();
    await settle();

    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_FAILED',
      reason: 'REASON_EXECUTOR_TERMINATED',
    });
  });

  test('RecoverUnregisteredExecutor: one that had not subscribed yet may still', async () => {
    const before = await startAgent();
    await launchTasks(before, [executorTask('a')]);

    const agent = await restart({ ...before, executor: new FakeExecutor(before.engine) });
    agent.link.admit();
    await agent.clock.advance(10_000);
    await agent.executor.subscribe();

    expect(agent.executor.launched()).toEqual(['a']);
  });

  test('KillTask: a kill it may not have heard is told again, also of a task it should not have', async () => {
    const before = await startWith('a', 'b');
    await before.executor.update('a', 'TASK_RUNNING');
    before.executor.disconnect();
    before.link.deliver({
      type: 'KILL',
      kill: { framework_id: { value: 'F' }, task_id: { value: 'a' } },
    });
    await settle();

    const agent = await restart(before);
    agent.link.admit();
    await agent.executor.subscribe({
      tasks: [executorTask('a'), executorTask('b'), executorTask('x')],
    });

    const killed = agent.executor.heard('KILL').map(({ kill }) => kill.task_id.value);
    expect(killed.sort()).toEqual(['a', 'x']);
  });

  test('Reboot: its executors and tasks are over', async () => {
    const before = await startWith('a');

    const agent = await restart(before, 'boot-2');
    const { executors } = agent.link.admit().subscribe;
    await settle();

    expect(executors).toEqual([]);
    expect(lastStatusOf(agent, 'a')).toMatchObject({
      state: 'TASK_LOST',
      reason: 'REASON_AGENT_RESTARTED',
    });
    expect(await agent.executor.subscribe()).toBe(400);
  });

  test('one without tasks is still known, and the journal forgets it when it has ended', async () => {
    const before = await startWith('a');
    await before.executor.update('a', 'TASK_FINISHED');
    before.link.acknowledge('a');
    await settle();

    const agent = await restart(before);
    await agent.executor.subscribe();
    agent.launcher.end('E', { kind: 'exited', code: 0 });
    await settle();
    const last = await startAgent(
      { ...createExecutorWorld(), journal: agent.journal },
      { isAdmitted: false },
    );

    expect(agent.engine.state.completedExecutors.size).toBe(1);
    expect(last.engine.state.executors.size).toBe(0);
    expect(last.engine.state.completedExecutors.size).toBe(1);
  });
});
