import { describe, expect, it } from 'vitest';
import { agentId } from '#core';
import type { AgentTask, TaskInfo, WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const PARTITION_AWARE = { capabilities: [{ type: 'PARTITION_AWARE' }] };

function running(info: Parameters<MasterHarness['subscribe']>[1] = {}) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', info);
  const agent = master.addAgent('A');
  master.allocate();
  const task = commandTask('t', agent);
  master.launch(framework, 'F', master.offersOf('F')[0] as WireOffer, [task]);
  return { master, framework, agent, task };
}

function reported(framework: string, task: TaskInfo, state: string): AgentTask {
  return {
    framework_id: { value: framework },
    task,
    state,
    latest_status: { task_id: task.task_id, state },
  };
}

describe('agents', () => {
  it('numbers every message on a stream from 1, with the epoch and the stream', () => {
    const { master } = running();

    expect(master.messagesOf('A')).toMatchObject([
      { type: 'SUBSCRIBED', epoch: 1, stream_id: 'A', sequence: 1 },
      { type: 'LAUNCH', epoch: 1, stream_id: 'A', sequence: 2 },
    ]);
  });

  it('takes the updates of one call in their order', () => {
    const { master, framework, agent } = running();
    const update = (state: string, uuid: string) => ({
      framework_id: { value: framework },
      status: { task_id: { value: 't' }, state, uuid },
      latest_state: 'TASK_FINISHED',
    });

    master.dispatch({
      kind: 'agent-call',
      callId: 'many',
      call: {
        type: 'UPDATES',
        agent_id: { value: agent },
        stream_id: 'A',
        updates: [
          update('TASK_RUNNING', UUID),
          update('TASK_FINISHED', 'BBBBBBBBBBBBBBBBBBBBBB=='),
        ],
      },
      isWritable: true,
    });

    expect(master.answers.get('many')?.status).toBe(202);
    expect(master.statusesOf('F').map(({ state }) => state)).toEqual([
      'TASK_RUNNING',
      'TASK_FINISHED',
    ]);
  });

  it('stores an agent that comes back unchanged no second time, wherever its id stands', () => {
    const master = new MasterHarness();
    const agent = master.addAgent('A');
    const commits = master.committed.length;
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });

    master.addAgent('B', { id: agent });

    expect(master.committed).toHaveLength(commits);
    expect(master.messagesOf('B')[0]).toMatchObject({ type: 'SUBSCRIBED' });
  });

  it('believes no SUBSCRIBE that was long under way: what it brought is dropped in silence', () => {
    const master = new MasterHarness();
    const framework = master.subscribe('F', PARTITION_AWARE);
    const frameworks = [{ user: 'root', name: 'f', id: { value: framework } }];
    const task = commandTask('t', 'm-S9');
    const tasks = [reported(framework, task, 'TASK_RUNNING')];
    master.addAgent('old', { id: 'm-S9', tasks, frameworks });

    master.addAgent('A', { id: 'm-S9' });

    expect(master.hasTask(framework, 't')).toBe(false);
    expect(master.statusesOf('F')).toEqual([]);
    master.addAgent('B', { id: 'm-S9', tasks, frameworks });
    master.pong('m-S9', 'B');
    master.addAgent('C', { id: 'm-S9' });
    expect(master.statusesOf('F').map(({ state }) => state)).toEqual(['TASK_DROPPED']);
  });

  it('does not answer an agent that has seen a higher epoch', () => {
    const master = new MasterHarness();

    master.addAgent('A', { highestEpoch: 2 });

    expect(master.refused.get('A')).toBe(503);
    expect(master.messagesOf('A')).toEqual([]);
  });

  it('answers 403 to an update on a stream that is not current', () => {
    const { master, framework, agent } = running();
    master.addAgent('B', { id: agent });

    const where = { agent, streamId: 'A', framework };
    expect(master.update(where, { taskId: 't', state: 'TASK_RUNNING' })).toBe(403);
  });

  it('sends a LAUNCH again to an agent that did not apply it', () => {
    const { master, agent } = running();
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });

    master.addAgent('B', {
      id: agent,
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 1 },
    });

    expect(master.messagesOf('B').map(({ type }) => type)).toEqual(['SUBSCRIBED', 'LAUNCH']);
    expect(master.statusesOf('F')).toEqual([]);
  });

  it('does not send a LAUNCH again that was applied: the task is lost if the agent does not have it', () => {
    const { master, framework, agent } = running();
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });

    master.addAgent('B', {
      id: agent,
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 2 },
    });

    expect(master.messagesOf('B').map(({ type }) => type)).toEqual(['SUBSCRIBED']);
    expect(master.statusesOf('F')).toMatchObject([{ state: 'TASK_LOST' }]);
    expect(master.hasTask(framework, 't')).toBe(false);
    expect(master.usedOn(agent).scalars).toEqual({ cpus: 4000, mem: 1_024_000 });
  });

  it('remembers a KILL for an agent that is away', () => {
    const { master, framework, agent, task } = running();
    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });
    expect(
      master.call(framework, 'F', { type: 'KILL', kill: { task_id: { value: 't' } } }).status,
    ).toBe(202);

    master.addAgent('B', {
      id: agent,
      tasks: [reported(framework, task, 'TASK_RUNNING')],
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 2 },
    });

    expect(master.messagesOf('B').map(({ type }) => type)).toEqual(['SUBSCRIBED', 'KILL']);
  });

  it('takes over tasks it does not know, with their framework as recovered', () => {
    const master = new MasterHarness({ epoch: 2 });
    const task = commandTask('t', 'S1');

    master.addAgent('A', {
      id: 'S1',
      tasks: [reported('f1', task, 'TASK_RUNNING')],
      frameworks: [{ user: 'root', name: 'f', id: { value: 'f1' }, failover_timeout: 60 }],
    });
    master.subscribe('F', {}, { id: 'f1' });
    master.call('f1', 'F', { type: 'RECONCILE', reconcile: { tasks: [] } });

    expect(master.usedOn('S1').scalars).toEqual({ cpus: 3000, mem: 896_000 });
    expect(master.statusesOf('F')).toMatchObject([
      { task_id: { value: 't' }, state: 'TASK_RUNNING', reason: 'REASON_RECONCILIATION' },
    ]);
  });

  it('tells an agent to shut a completed framework down', () => {
    const { master, framework, agent, task } = running();
    master.call(framework, 'F', { type: 'TEARDOWN' });

    master.addAgent('B', { id: agent, tasks: [reported(framework, task, 'TASK_RUNNING')] });

    expect(master.messagesOf('B').at(-1)?.type).toBe('SHUTDOWN_FRAMEWORK');
  });

  it('makes an agent that is not heard for 10 s unreachable: TASK_UNREACHABLE and FAILURE', () => {
    const { master, agent } = running(PARTITION_AWARE);

    master.advance(9_000);
    expect(master.messagesOf('A').some(({ type }) => type === 'PING')).toBe(true);
    expect(master.statusesOf('F')).toEqual([]);
    master.advance(2_000);

    expect(master.statusesOf('F')).toMatchObject([{ state: 'TASK_UNREACHABLE' }]);
    expect(master.statusesOf('F')[0]?.unreachable_time).toBeDefined();
    expect(master.eventsOf('F', 'FAILURE')[0]?.failure.agent_id?.value).toBe(agent);
    expect(master.closed.has('A')).toBe(true);
  });

  it('tells a framework without PARTITION_AWARE that the tasks of an unreachable agent are lost', () => {
    const { master } = running();

    master.advance(12_000);

    expect(master.statusesOf('F')).toMatchObject([{ state: 'TASK_LOST' }]);
  });

  it('brings the tasks of an unreachable agent back when it returns', () => {
    const { master, framework, agent, task } = running(PARTITION_AWARE);
    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
    master.advance(12_000);

    master.addAgent('B', { id: agent, tasks: [reported(framework, task, 'TASK_RUNNING')] });

    expect(master.statusesOf('F').at(-1)).toMatchObject({
      state: 'TASK_RUNNING',
      reason: 'REASON_AGENT_REREGISTERED',
    });
    expect(master.usedOn(agent).scalars).toEqual({ cpus: 3000, mem: 896_000 });
  });

  it('does not blame agents for a pause of its own', () => {
    const { master, agent } = running();
    master.advance(1_000);

    master.advance(60_000, 60_000);
    master.advance(1_000);

    expect(master.state.agents.get(agentId(agent))?.condition).toBe('connected');
  });

  it('turns an agent away that was marked gone', () => {
    const { master, framework, agent } = running(PARTITION_AWARE);

    const answer = master.markGone(agent);
    master.addAgent('B', { id: agent });

    expect(answer.status).toBe(200);
    expect(master.statusesOf('F')).toMatchObject([{ state: 'TASK_GONE_BY_OPERATOR' }]);
    expect(master.hasTask(framework, 't')).toBe(false);
    expect(master.messagesOf('B').map(({ type }) => type)).toEqual(['SUBSCRIBED', 'SHUTDOWN']);
  });

  it('forgets a task once its terminal status is acknowledged, and forwards the acknowledgement', () => {
    const { master, framework, agent } = running();
    const where = { agent, streamId: 'A', framework };
    master.update(where, { taskId: 't', state: 'TASK_FINISHED', uuid: UUID });
    expect(master.hasTask(framework, 't')).toBe(true);

    master.call(framework, 'F', {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: UUID },
    });

    expect(master.hasTask(framework, 't')).toBe(false);
    expect(master.messagesOf('A').at(-1)).toMatchObject({
      type: 'ACKNOWLEDGE',
      acknowledge: { uuid: UUID },
    });
  });
});

describe('updates that overtake each other', () => {
  it.each(['before', 'after'])(
    'nothing is told once the end was, %s it is acknowledged',
    (when) => {
      const { master, framework, agent } = running(PARTITION_AWARE);
      const from = { agent, streamId: 'A', framework };
      master.update(from, { taskId: 't', state: 'TASK_FAILED', uuid: UUID });
      if (when === 'after') {
        master.call(framework, 'F', {
          type: 'ACKNOWLEDGE',
          acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: UUID },
        });
      }

      master.update(from, {
        taskId: 't',
        state: 'TASK_STARTING',
        uuid: 'CCCCCCCCCCCCCCCCCCCCCA==',
      });

      expect(master.statusesOf('F').map(({ state }) => state)).toEqual(['TASK_FAILED']);
    },
  );
});

describe('an update that was acknowledged', () => {
  it('is not told again after a later one, and the agent hears of the acknowledgement again', () => {
    const { master, framework, agent } = running(PARTITION_AWARE);
    const from = { agent, streamId: 'A', framework };
    const starting = { taskId: 't', state: 'TASK_STARTING', uuid: UUID };
    master.update(from, starting);
    master.call(framework, 'F', {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: UUID },
    });
    master.update(from, { taskId: 't', state: 'TASK_RUNNING', uuid: 'CCCCCCCCCCCCCCCCCCCCCA==' });

    master.update(from, starting);

    const states = master.statusesOf('F').map(({ state }) => state);
    expect(states).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
    expect(master.messagesOf('A').at(-1)).toMatchObject({
      type: 'ACKNOWLEDGE',
      acknowledge: { task_id: { value: 't' }, uuid: UUID },
    });
  });
});

describe('reconciliation', () => {
  it('answers a KILL of an unknown task like a question about it', () => {
    const { master, framework } = running(PARTITION_AWARE);

    master.call(framework, 'F', { type: 'KILL', kill: { task_id: { value: 'nope' } } });

    expect(master.statusesOf('F')).toMatchObject([
      { task_id: { value: 'nope' }, state: 'TASK_UNKNOWN', reason: 'REASON_RECONCILIATION' },
    ]);
  });

  it('answers explicit questions by what is known of the agent', () => {
    const { master, framework, agent } = running(PARTITION_AWARE);
    const ask = (task: string, of?: string) =>
      master.call(framework, 'F', {
        type: 'RECONCILE',
        reconcile: {
          tasks: [
            {
              task_id: { value: task },
              ...(of === undefined ? {} : { agent_id: { value: of } }),
            },
          ],
        },
      });

    ask('t');
    ask('gone', agent);
    ask('lost', 'nowhere');
    ask('lost');

    expect(master.statusesOf('F').map(({ state }) => state)).toEqual([
      'TASK_STAGING',
      'TASK_GONE',
      'TASK_UNKNOWN',
      'TASK_UNKNOWN',
    ]);
  });

  it('does not tell an end before the updates that lead to it', () => {
    const { master, framework, agent, task } = running(PARTITION_AWARE);
    const from = { agent, streamId: 'A', framework };
    const ask = (stream: string) =>
      master.call(framework, stream, { type: 'RECONCILE', reconcile: { tasks: [] } });
    const told = (stream: string) => master.statusesOf(stream).at(-1)?.state;

    master.update(from, {
      taskId: 't',
      state: 'TASK_RUNNING',
      latest: 'TASK_KILLED',
      uuid: UUID,
    });
    ask('F');
    expect(told('F')).toBe('TASK_RUNNING');

    master.update(from, { taskId: 't', state: 'TASK_KILLED', uuid: 'CCCCCCCCCCCCCCCCCCCCCA==' });
    ask('F');
    expect(told('F')).toBe('TASK_KILLED');

    const next = new MasterHarness({ epoch: 2 });
    next.subscribe('F', PARTITION_AWARE, { id: framework });
    const ended = reported(framework, task, 'TASK_KILLED');
    const latest_status = { ...ended.latest_status, uuid: UUID };
    next.addAgent('A', { id: agent, tasks: [{ ...ended, latest_status }] });
    next.call(framework, 'F', { type: 'RECONCILE', reconcile: { tasks: [] } });
    expect(next.statusesOf('F')).toEqual([]);
  });

  it('says that a task is unreachable whose end its agent can no longer tell', () => {
    const { master, framework, agent } = running(PARTITION_AWARE);
    const from = { agent, streamId: 'A', framework };

    master.update(from, { taskId: 't', state: 'TASK_RUNNING', latest: 'TASK_FAILED', uuid: UUID });
    master.advance(11_000);
    expect(master.statusesOf('F').at(-1)?.state).toBe('TASK_UNREACHABLE');
    master.call(framework, 'F', { type: 'RECONCILE', reconcile: { tasks: [] } });

    expect(master.statusesOf('F').at(-1)).toMatchObject({
      state: 'TASK_UNREACHABLE',
      reason: 'REASON_RECONCILIATION',
    });
  });

  it('knows the health of a task again when its agent was unreachable and is back', () => {
    const { master, framework, agent, task } = running(PARTITION_AWARE);
    const back = reported(framework, task, 'TASK_RUNNING');
    const latest_status = { ...back.latest_status, healthy: true };

    master.advance(11_000);
    expect(master.statusesOf('F').at(-1)?.state).toBe('TASK_UNREACHABLE');
    master.addAgent('A2', { id: agent, tasks: [{ ...back, latest_status }] });
    master.call(framework, 'F', { type: 'RECONCILE', reconcile: { tasks: [] } });

    expect(master.statusesOf('F').at(-1)).toMatchObject({ state: 'TASK_RUNNING', healthy: true });
  });

  it('is silent about tasks of agents that may still come back after a master fail-over', () => {
    const master = new MasterHarness();
    master.recover({
      frameworks: [],
      agents: [
        {
          id: agentId('S1'),
          state: 'admitted',
          hostname: 'host',
          info: { hostname: 'host', port: 1, resources: [], attributes: [] },
          sinceEpochMs: 1,
        },
      ],
    });
    const framework = master.subscribe('F');
    const question = { task_id: { value: 't' } };

    master.call(framework, 'F', { type: 'RECONCILE', reconcile: { tasks: [question] } });
    expect(master.statusesOf('F')).toEqual([]);
    master.advance(61_000);
    master.call(framework, 'F', { type: 'RECONCILE', reconcile: { tasks: [question] } });

    expect(master.statusesOf('F')).toMatchObject([{ state: 'TASK_LOST' }]);
  });
});
