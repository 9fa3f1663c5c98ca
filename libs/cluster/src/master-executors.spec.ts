import { describe, expect, it } from 'vitest';
import { agentId, formatResources, resources } from '#core';
import { type ExecutorInfo, type TaskInfo, toWireResources, type WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const CAPABLE = { capabilities: ['EXECUTORS', 'TASK_GROUPS'] };

const executor = (more: Partial<ExecutorInfo> = {}): ExecutorInfo => ({
  executor_id: { value: 'e' },
  type: 'CUSTOM',
  command: { value: './run' },
  resources: toWireResources(resources({ cpus: 0.5, mem: 64 })),
  ...more,
});
const { command: _, type: __, ...bare } = executor();
const defaultExecutor: ExecutorInfo = { ...bare, type: 'DEFAULT' };

function taskUnder(id: string, agent: string, info: ExecutorInfo = executor()): TaskInfo {
  const { command: _command, ...task } = commandTask(id, agent);
  return { ...task, executor: info };
}

function cluster(agentOptions: { readonly capabilities?: readonly string[] } = CAPABLE) {
  const master = new MasterHarness();
  const framework = master.subscribe('F');
  const agent = master.addAgent('A', agentOptions);
  master.allocate();
  const lastOffer = () => master.offersOf('F').at(-1) as WireOffer;
  const launch = (...tasks: TaskInfo[]) => {
    master.accept(
      framework,
      'F',
      lastOffer(),
      [{ type: 'LAUNCH', launch: { task_infos: tasks } }],
      {
        refuse_seconds: 0,
      },
    );
    master.allocate();
  };
  const launchGroup = (info: ExecutorInfo, ...tasks: TaskInfo[]) => {
    master.accept(
      framework,
      'F',
      lastOffer(),
      [{ type: 'LAUNCH_GROUP', launch_group: { executor: info, task_group: { tasks } } }],
      { refuse_seconds: 0 },
    );
    master.allocate();
  };
  const update = (taskId: string, state: string) =>
    master.update({ agent, streamId: 'A', framework }, { taskId, state, uuid: UUID });
  const exit = (status: number) =>
    master.agentCall(agent, 'A', {
      type: 'EXITED_EXECUTOR',
      exited_executor: {
        framework_id: { value: framework },
        executor_id: { value: 'e' },
        status,
      },
    });
  const free = () => formatResources(master.state.allocator.availableOn(agentId(agent)));
  const offered = () =>
    [...master.state.offers.values()].map((offer) => formatResources(offer.resources)).join(' ');
  const sent = (type: string) => master.messagesOf('A').filter((message) => message.type === type);
  return {
    master,
    framework,
    agent,
    lastOffer,
    launch,
    launchGroup,
    update,
    exit,
    free,
    offered,
    sent,
  };
}

describe('custom executors', () => {
  it('are charged once per executor and agent', () => {
    const { agent, launch, offered, sent } = cluster();

    launch(taskUnder('t1', agent), taskUnder('t2', agent));
    launch(taskUnder('t3', agent));

    expect(sent('LAUNCH')).toHaveLength(3);
    expect(offered()).toBe('cpus:0.5;mem:576;ports:[31000-31009]');
  });

  it('are named in offers while they run', () => {
    const { agent, launch, lastOffer } = cluster();
    expect(lastOffer().executor_ids).toEqual([]);

    launch(taskUnder('t1', agent));

    expect(lastOffer().executor_ids).toEqual([{ value: 'e' }]);
  });

  it('carry the framework id and the role they are charged to', () => {
    const { agent, framework, launch, sent } = cluster();

    launch(taskUnder('t1', agent));

    const [message] = sent('LAUNCH');
    const info = message?.type === 'LAUNCH' ? message.launch.task.executor : undefined;
    expect(info?.framework_id).toEqual({ value: framework });
    expect(info?.resources[0]?.allocation_info).toEqual({ role: '*' });
  });

  it('hold their resources until they have exited and their tasks have ended', () => {
    const { master, agent, launch, update, exit, offered } = cluster();
    launch(taskUnder('t1', agent));

    update('t1', 'TASK_FINISHED');
    master.allocate();
    expect(offered()).toContain('cpus:2.5');
    expect(exit(0)).toBe(202);
    master.advance(1_000);

    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(0);
    expect(offered()).toContain('cpus:0.5');
  });

  it('that exit before their tasks hold their resources until those have ended', () => {
    const { master, agent, launch, update, exit } = cluster();
    launch(taskUnder('t1', agent));

    exit(9);
    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(1);
    update('t1', 'TASK_FAILED');

    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(0);
  });

  it('that exit are told as FAILURE with executor_id and status', () => {
    const { master, agent, launch, exit } = cluster();
    launch(taskUnder('t1', agent));

    exit(9);

    expect(master.eventsOf('F', 'FAILURE')[0]?.failure).toEqual({
      agent_id: { value: agent },
      executor_id: { value: 'e' },
      status: 9,
    });
  });

  it('of an id that runs already have to be identical', () => {
    const { master, agent, launch } = cluster();
    launch(taskUnder('t1', agent));

    launch(taskUnder('t2', agent, executor({ command: { value: './other' } })));

    expect(master.statusesOf('F')).toMatchObject([
      { task_id: { value: 't2' }, state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' },
    ]);
    expect(master.statusesOf('F')[0]?.message).toContain('has to be identical');
  });

  const invalid: readonly (readonly [string, ExecutorInfo, string])[] = [
    ['without a command', bare, 'command is required'],
    ['of type DEFAULT', { ...executor(), type: 'DEFAULT' }, 'DEFAULT is for LAUNCH_GROUP'],
    ['with an id that is a path', executor({ executor_id: { value: 'a/b' } }), 'executor id'],
    [
      'of another framework',
      executor({ framework_id: { value: 'other' } }),
      'framework_id is other',
    ],
    [
      'with a negative shutdown_grace_period',
      executor({ shutdown_grace_period: { nanoseconds: -1 } }),
      'shutdown_grace_period is -1 ns, not a whole number',
    ],
    [
      'that do not fit with their task',
      executor({ resources: toWireResources(resources({ cpus: 3.5 })) }),
      'more than the offered',
    ],
  ];
  it.each(invalid)('%s are refused: TASK_ERROR', (_name, info, message) => {
    const { master, agent, launch } = cluster();

    launch(taskUnder('t1', agent, info));

    expect(master.statusesOf('F')[0]).toMatchObject({ state: 'TASK_ERROR' });
    expect(master.statusesOf('F')[0]?.message).toContain(message);
  });

  it('under 0.01 cpus or 32 MB are launched all the same', () => {
    const { agent, launch, sent } = cluster();

    launch(taskUnder('t1', agent, executor({ resources: [] })));

    expect(sent('LAUNCH')).toHaveLength(1);
  });

  it('need an agent with the capability EXECUTORS, which TASK_ERROR names', () => {
    const { master, agent, launch } = cluster({});

    launch(taskUnder('t1', agent));

    expect(master.statusesOf('F')[0]?.message).toContain('capability EXECUTORS');
  });

  it('and a command are not for one task', () => {
    const { master, agent, launch } = cluster();

    launch({ ...taskUnder('t1', agent), command: { value: 'true' } });

    expect(master.statusesOf('F')[0]?.message).toContain('both a command and an executor');
  });

  it('get the MESSAGEs of their framework, and it theirs', () => {
    const { master, framework, agent, launch, sent } = cluster();
    launch(taskUnder('t1', agent));

    const answer = master.call(framework, 'F', {
      type: 'MESSAGE',
      message: { agent_id: { value: agent }, executor_id: { value: 'e' }, data: 'aGk=' },
    });
    master.agentCall(agent, 'A', {
      type: 'MESSAGE',
      message: {
        framework_id: { value: framework },
        executor_id: { value: 'e' },
        data: 'aG8=',
      },
    });

    expect(answer.status).toBe(202);
    expect(sent('MESSAGE')).toMatchObject([
      {
        message: { framework_id: { value: framework }, executor_id: { value: 'e' }, data: 'aGk=' },
      },
    ]);
    expect(master.eventsOf('F', 'MESSAGE')).toMatchObject([
      { message: { agent_id: { value: agent }, executor_id: { value: 'e' }, data: 'aG8=' } },
    ]);
  });

  it('are shut down by SHUTDOWN, again when their agent comes back with them', () => {
    const { master, framework, agent, launch, sent } = cluster();
    launch(taskUnder('t1', agent));

    const shutdown = { executor_id: { value: 'e' }, agent_id: { value: agent } };
    expect(master.call(framework, 'F', { type: 'SHUTDOWN', shutdown }).status).toBe(202);
    expect(sent('SHUTDOWN_EXECUTOR')).toHaveLength(1);
    master.addAgent('B', {
      ...CAPABLE,
      id: agent,
      executors: [{ framework_id: { value: framework }, executor: executor() }],
    });

    expect(master.messagesOf('B').map(({ type }) => type)).toContain('SHUTDOWN_EXECUTOR');
  });

  it('that a returning agent has not got, and has no tasks for, are over', () => {
    const { master, agent, launch, update } = cluster();
    launch(taskUnder('t1', agent));
    update('t1', 'TASK_FINISHED');

    master.addAgent('B', { ...CAPABLE, id: agent });

    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(0);
  });

  it('are charged by a new master to which an agent brings them, with or without tasks', () => {
    const master = new MasterHarness();
    const framework = master.subscribe('F');
    const agent = master.addAgent('A', {
      ...CAPABLE,
      id: 'old',
      executors: [{ framework_id: { value: framework }, executor: executor() }],
    });
    master.allocate();

    const [offer] = [...master.state.offers.values()];
    expect(formatResources(offer?.resources ?? { scalars: {}, ranges: {} })).toContain('cpus:3.5');
    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(1);
  });

  it('are charged again when an agent that was given up gets their launch a second time', () => {
    const { master, agent, launch } = cluster();
    launch(taskUnder('t1', agent));
    master.advance(60_000);
    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(0);

    master.addAgent('B', {
      ...CAPABLE,
      id: agent,
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 1 },
    });

    const again = master.messagesOf('B').filter(({ type }) => type === 'LAUNCH');
    expect(again).toHaveLength(1);
    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(1);
    const free = master.state.allocator.availableOn(agentId(agent));
    expect(formatResources(free)).toContain('cpus:2.5');
  });

  it('end with their framework and with their agent', () => {
    const { master, framework, agent, launch, sent, free } = cluster();
    launch(taskUnder('t1', agent));

    master.call(framework, 'F', { type: 'TEARDOWN' });

    expect(sent('SHUTDOWN_FRAMEWORK')).toHaveLength(1);
    expect(free()).toBe('cpus:4;mem:1024;ports:[31000-31009]');
  });
});

describe('LAUNCH_GROUP', () => {
  it('launches all tasks under the executor in one message, charged once', () => {
    const { agent, launchGroup, sent, offered } = cluster();

    launchGroup(defaultExecutor, commandTask('t1', agent), commandTask('t2', agent));

    const [message] = sent('LAUNCH_GROUP');
    expect(sent('LAUNCH_GROUP')).toHaveLength(1);
    expect(message?.type === 'LAUNCH_GROUP' && message.launch_group.tasks).toHaveLength(2);
    expect(offered()).toBe('cpus:1.5;mem:704;ports:[31000-31009]');
  });

  it('launches none when one of its tasks is invalid: all get REASON_TASK_GROUP_INVALID', () => {
    const { master, agent, launchGroup, sent } = cluster();

    launchGroup(defaultExecutor, commandTask('t1', agent), commandTask('t2', agent, { cpus: 9 }));

    expect(master.statusesOf('F')).toMatchObject([
      { task_id: { value: 't1' }, state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_INVALID' },
      { task_id: { value: 't2' }, state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_INVALID' },
    ]);
    expect(sent('LAUNCH_GROUP')).toHaveLength(0);
  });

  const small = toWireResources(resources({ cpus: 0.5, mem: 16 }));
  const invalid: readonly (readonly [string, ExecutorInfo, Partial<TaskInfo>, string])[] = [
    ['an executor below 32 MB', { ...defaultExecutor, resources: small }, {}, '32 MB'],
    ['an executor without a type', bare, {}, 'type has to be'],
    [
      'a DEFAULT executor with a command',
      { ...defaultExecutor, command: { value: 'x' } },
      {},
      'has no command',
    ],
    [
      'a DEFAULT executor with a Docker container',
      { ...defaultExecutor, container: { type: 'DOCKER' } },
      {},
      'container of type MESOS',
    ],
    ['a task with an executor of its own', defaultExecutor, { executor: executor() }, 'of its own'],
    [
      'a task with network_infos',
      defaultExecutor,
      { container: { type: 'MESOS', network_infos: [{ name: 'n' }] } },
      'network_infos',
    ],
    ['a task that uses nothing', defaultExecutor, { resources: [] }, 'uses no resources'],
  ];
  it.each(invalid)('refuses %s', (_name, info, more, message) => {
    const { master, agent, launchGroup } = cluster();

    launchGroup(info, { ...commandTask('t1', agent), ...more });

    expect(master.statusesOf('F')[0]).toMatchObject({ reason: 'REASON_TASK_GROUP_INVALID' });
    expect(master.statusesOf('F')[0]?.message).toContain(message);
  });

  it('needs an agent with the capability TASK_GROUPS, which TASK_ERROR names', () => {
    const { master, agent, launchGroup } = cluster({ capabilities: ['EXECUTORS'] });

    launchGroup(defaultExecutor, commandTask('t1', agent));

    expect(master.statusesOf('F')[0]).toMatchObject({ reason: 'REASON_TASK_GROUP_INVALID' });
    expect(master.statusesOf('F')[0]?.message).toContain('capability TASK_GROUPS');
  });

  it('is sent again as a whole to an agent that did not apply it', () => {
    const { master, agent, launchGroup } = cluster();
    launchGroup(defaultExecutor, commandTask('t1', agent), commandTask('t2', agent));

    master.addAgent('B', {
      ...CAPABLE,
      id: agent,
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 1 },
    });

    const again = master.messagesOf('B').filter(({ type }) => type === 'LAUNCH_GROUP');
    expect(again).toHaveLength(1);
    expect(master.state.agents.get(agentId(agent))?.executors.size).toBe(1);
  });

  it('is not sent again once any of its tasks was heard of', () => {
    const { master, framework, agent, launchGroup, update } = cluster();
    launchGroup(defaultExecutor, commandTask('t1', agent), commandTask('t2', agent));
    update('t1', 'TASK_RUNNING');

    master.addAgent('B', {
      ...CAPABLE,
      id: agent,
      tasks: [
        {
          framework_id: { value: framework },
          task: commandTask('t1', agent),
          state: 'TASK_RUNNING',
          latest_status: { task_id: { value: 't1' }, state: 'TASK_RUNNING' },
        },
      ],
    });

    expect(master.messagesOf('B').map(({ type }) => type)).toEqual(['SUBSCRIBED']);
    expect(master.statusesOf('F').at(-1)).toMatchObject({
      task_id: { value: 't2' },
      state: 'TASK_LOST',
    });
  });

  it('with the same id twice is refused', () => {
    const { master, agent, launchGroup } = cluster();

    launchGroup(defaultExecutor, commandTask('t1', agent), commandTask('t1', agent));

    expect(master.statusesOf('F')[0]?.message).toContain('twice');
  });
});
