import { describe, expect, it } from 'vitest';
import { agentId, frameworkId, resources, scalarMilli, taskId } from '#core';
import type { AgentTask, LaunchId, TaskStatus, WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const uuidOf = (number: number) => `${String(number).padStart(22, 'A')}==`;

/** A framework with the task `1` on agent `A`. */
function launched(options: { readonly epoch?: number; readonly aware?: boolean } = {}) {
  const master = new MasterHarness(options.epoch === undefined ? {} : { epoch: options.epoch });
  const capabilities = options.aware === true ? [{ type: 'PARTITION_AWARE' }] : [];
  const framework = master.subscribe('F', { capabilities });
  const agent = master.addAgent('A');
  const launch = (on = agent) => {
    master.call(framework, 'F', { type: 'REVIVE' });
    master.allocate();
    const offer = master.offersOf('F').findLast((one) => one.agent_id.value === on) as WireOffer;
    master.launch(framework, 'F', offer, [commandTask('1', on)]);
    return launchIdOf(master, 'A');
  };
  const first = launch();
  const update = (state: string, uuid: string, launchId?: LaunchId, streamId = 'A') =>
    master.update({ agent, streamId, framework }, { taskId: '1', state, uuid, launchId });
  const acknowledge = (uuid: string) =>
    master.call(framework, 'F', {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent }, task_id: { value: '1' }, uuid },
    });
  const task = () => master.state.frameworks.get(frameworkId(framework))?.tasks.get(taskId('1'));
  return { master, framework, agent, launch, first, update, acknowledge, task };
}

/** Of the last LAUNCH an agent was sent. */
function launchIdOf(master: MasterHarness, streamId: string): LaunchId | undefined {
  const last = master.messagesOf(streamId).findLast(({ type }) => type === 'LAUNCH');
  return last?.type === 'LAUNCH' ? last.launch.launch_id : undefined;
}

const statusOf = (state: string, uuid?: string): TaskStatus => ({
  task_id: { value: '1' },
  state,
  source: 'SOURCE_EXECUTOR',
  ...(uuid === undefined ? {} : { uuid }),
});

const reported = (
  framework: string,
  agent: string,
  given: { readonly state: string; readonly launchId?: LaunchId | undefined },
): AgentTask => ({
  framework_id: { value: framework },
  task: commandTask('1', agent),
  state: given.state,
  latest_status: statusOf(given.state, uuidOf(9)),
  ...(given.launchId === undefined ? {} : { launch_id: given.launchId }),
});

describe('an end that nobody acknowledges', () => {
  it('is the last of its task: told, completed, and in the way of nothing', () => {
    const { master, framework, agent, update, task, first } = launched();

    master.update(
      { agent, streamId: 'A', framework },
      { taskId: '1', state: 'TASK_ERROR', launchId: first },
    );

    expect(master.statusesOf('F').at(-1)).toMatchObject({ state: 'TASK_ERROR' });
    expect(task()).toBeUndefined();
    const { completedTasks } = master.state.frameworks.get(frameworkId(framework)) ?? {};
    expect(completedTasks?.get(taskId('1'))).toMatchObject({ state: 'TASK_ERROR' });
    expect(master.state.agents.get(agentId(agent))?.tasks.size).toBe(0);
    update('TASK_ERROR', uuidOf(1), first);
    expect(task()).toBeUndefined();
  });
});

describe('an id of two frameworks', () => {
  const both = () => {
    const master = new MasterHarness();
    const [one, other] = [master.subscribe('F'), master.subscribe('G')];
    const total = resources({ cpus: 8, mem: 2048 });
    const agent = master.addAgent('A', { total });
    const launch = (framework: string, streamId: string) => {
      master.allocate();
      const offer = master.offersOf(streamId).at(-1) as WireOffer;
      master.launch(framework, streamId, offer, [commandTask('1', agent)]);
    };
    launch(one, 'F');
    master.advance(6_000);
    if (master.offersOf('G').length === 0) throw new Error('G was offered nothing');
    launch(other, 'G');
    return { master, one, other, agent, total };
  };
  const used = (master: MasterHarness, agent: string) =>
    [...(master.state.agents.get(agentId(agent))?.tasks ?? [])].map((task) => task.frameworkId);

  it('is a task of each in the ledger, charged to each, told to each', () => {
    const { master, one, other, agent } = both();

    master.update(
      { agent, streamId: 'A', framework: other },
      { taskId: '1', state: 'TASK_RUNNING', uuid: uuidOf(1) },
    );

    expect(used(master, agent)).toEqual([one, other]);
    expect(master.statusesOf('F')).toEqual([]);
    expect(master.statusesOf('G').map(({ state }) => state)).toEqual(['TASK_RUNNING']);
    expect(scalarMilli(master.usedOn(agent), 'cpus')).toBe(6_000);
  });

  it('is killed for the one that asks, and reconciled for each by its own state', () => {
    const { master, one, other, agent } = both();
    master.update(
      { agent, streamId: 'A', framework: other },
      { taskId: '1', state: 'TASK_RUNNING', uuid: uuidOf(1) },
    );

    master.call(one, 'F', { type: 'KILL', kill: { task_id: { value: '1' } } });
    for (const [framework, streamId] of [
      [one, 'F'],
      [other, 'G'],
    ] as const) {
      const tasks = [{ task_id: { value: '1' } }];
      master.call(framework, streamId, { type: 'RECONCILE', reconcile: { tasks } });
    }

    const kills = master
      .messagesOf('A')
      .flatMap((message) => (message.type === 'KILL' ? [message.kill.framework_id.value] : []));
    expect(kills).toEqual([one]);
    expect(master.statusesOf('F').at(-1)?.state).toBe('TASK_STAGING');
    expect(master.statusesOf('G').at(-1)?.state).toBe('TASK_RUNNING');
  });

  it('comes back as a task of each with the agent that reregisters, known or not', () => {
    const { master, one, other, agent, total } = both();
    const tasks = [one, other].map((framework) =>
      reported(framework, agent, { state: 'TASK_RUNNING' }),
    );
    const frameworks = [one, other].map((id) => ({ user: 'root', name: id, id: { value: id } }));

    master.addAgent('B', { id: agent, tasks, frameworks, total });
    const next = new MasterHarness({ epoch: 2 });
    next.addAgent('C', { id: agent, tasks, frameworks, total });

    for (const each of [master, next]) {
      expect(used(each, agent)).toEqual([one, other]);
      expect(scalarMilli(each.usedOn(agent), 'cpus')).toBe(6_000);
    }
  });
});

describe('an id of one framework', () => {
  it('is refused with TASK_ERROR and REASON_TASK_INVALID until its end is acknowledged', () => {
    const { master, launch, update, acknowledge, task, first } = launched();
    const refusals = () =>
      master.statusesOf('F').filter(({ reason }) => reason === 'REASON_TASK_INVALID').length;
    update('TASK_RUNNING', uuidOf(1), first);
    launch();
    const whileRunning = refusals();
    acknowledge(uuidOf(1));
    update('TASK_FINISHED', uuidOf(2), first);
    launch();
    const whileUnacknowledged = refusals();
    acknowledge(uuidOf(2));

    launch();

    expect([whileRunning, whileUnacknowledged, refusals()]).toEqual([1, 2, 2]);
    expect(task()).toMatchObject({ state: 'TASK_STAGING', launchId: { epoch: 1, number: 2 } });
  });

  it('has one launch id however often its LAUNCH is sent', () => {
    const { master, agent, first } = launched();

    master.addAgent('B', { id: agent });

    expect(first).toEqual({ epoch: 1, number: 1 });
    expect(launchIdOf(master, 'B')).toEqual(first);
  });
});

describe('an id that was launched anew', () => {
  const again = (aware = false) => {
    const made = launched({ aware });
    made.update('TASK_FINISHED', uuidOf(1), made.first);
    made.acknowledge(uuidOf(1));
    return { ...made, second: made.launch() };
  };

  it('hears nothing of the earlier launch: an end that comes late is acknowledged to the agent', () => {
    const { master, update, task, first } = again();
    const before = master.statusesOf('F').length;

    update('TASK_FINISHED', uuidOf(1), first);

    expect(master.statusesOf('F')).toHaveLength(before);
    expect(task()?.state).toBe('TASK_STAGING');
    expect(master.messagesOf('A').at(-1)).toMatchObject({
      type: 'ACKNOWLEDGE',
      acknowledge: { uuid: uuidOf(1) },
    });
  });

  it('and has ended too hears nothing of the earlier launch either', () => {
    const { master, update, acknowledge, first, second } = again();
    update('TASK_FAILED', uuidOf(2), second);
    acknowledge(uuidOf(2));
    const before = master.statusesOf('F').length;

    update('TASK_FINISHED', uuidOf(1), first);

    expect(master.statusesOf('F')).toHaveLength(before);
  });

  it('is sent again to an agent that comes back with the end of the earlier launch only', () => {
    const { master, agent, framework, task, first, second } = again();
    const tasks = [reported(framework, agent, { state: 'TASK_FINISHED', launchId: first })];

    master.addAgent('B', { id: agent, tasks });

    expect(task()).toMatchObject({ state: 'TASK_STAGING', launchId: second });
    expect(launchIdOf(master, 'B')).toEqual(second);
  });

  it('is killed by its own launch id', () => {
    const { master, framework, second } = again();

    master.call(framework, 'F', { type: 'KILL', kill: { task_id: { value: '1' } } });

    expect(master.messagesOf('A').at(-1)).toMatchObject({ kill: { launch_id: second } });
  });

  it('after the master gave up the earlier launch has that one ended where it still runs', () => {
    const { master, agent, framework, launch, first, update, task } = launched({ aware: true });
    update('TASK_RUNNING', uuidOf(1), first);
    // It comes back without the task, which is told as TASK_DROPPED.
    master.addAgent('A', { id: agent });
    const second = launch();

    update('TASK_RUNNING', uuidOf(2), first);
    const afterUpdate = master.messagesOf('A').slice(-2);
    const tasks = [reported(framework, agent, { state: 'TASK_RUNNING', launchId: first })];
    master.addAgent('B', { id: agent, tasks });

    expect(afterUpdate).toMatchObject([
      { type: 'KILL', kill: { launch_id: first } },
      { type: 'ACKNOWLEDGE', acknowledge: { uuid: uuidOf(2) } },
    ]);
    expect(master.messagesOf('B').filter(({ type }) => type === 'KILL')).toMatchObject([
      { kill: { launch_id: first } },
    ]);
    expect(task()).toMatchObject({ state: 'TASK_STAGING', launchId: second });
  });

  it('is the later launch to a new master, whichever agent comes first', () => {
    const early = { epoch: 1, number: 7 };
    const late = { epoch: 2, number: 1 };
    for (const isLateFirst of [false, true]) {
      const master = new MasterHarness({ epoch: 3 });
      const frameworks = [{ user: 'root', name: 'f', id: { value: 'f' } }];
      const ended = reported('f', 'a1', { state: 'TASK_FINISHED', launchId: early });
      const alive = reported('f', 'a2', { state: 'TASK_RUNNING', launchId: late });
      const come = [
        () => master.addAgent('A1', { id: 'a1', tasks: [ended], frameworks }),
        () => master.addAgent('A2', { id: 'a2', tasks: [alive], frameworks }),
      ];

      for (const arrive of isLateFirst ? come.reverse() : come) arrive();

      const [task] = [...(master.state.frameworks.get(frameworkId('f'))?.tasks.values() ?? [])];
      expect(task).toMatchObject({ agentId: 'a2', launchId: late });
      expect(master.messagesOf('A2').some(({ type }) => type === 'KILL')).toBe(false);
      expect(scalarMilli(master.usedOn('a2'), 'cpus')).toBe(3_000);
    }
  });
});
