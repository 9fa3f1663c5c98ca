import { describe, expect, it } from 'vitest';
import { agentId } from '#core';
import type { AgentTask, WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const AWARE = { capabilities: [{ type: 'PARTITION_AWARE' }] };

/** A framework with the task `t` running on one agent, which is not heard any more once `partition` was called. */
function running(info: Parameters<MasterHarness['subscribe']>[1] = AWARE) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', info);
  const agent = master.addAgent('A');
  master.allocate();
  const task = commandTask('t', agent);
  master.launch(framework, 'F', master.offersOf('F')[0] as WireOffer, [task]);
  master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
  const states = () => master.statusesOf('F').map(({ state }) => state);
  const partition = () => master.advance(11_000);
  const reported = (state: string): AgentTask => ({
    framework_id: { value: framework },
    task,
    state,
    latest_status: { task_id: task.task_id, state },
  });
  return { master, framework, agent, states, partition, reported };
}

describe('an agent that was unreachable', () => {
  it.each([
    ['TASK_UNREACHABLE', AWARE],
    ['TASK_LOST', {}],
  ])('brings its tasks back: running after %s', (lost, info) => {
    const { master, agent, states, partition, reported } = running(info);
    partition();

    master.addAgent('B', { id: agent, tasks: [reported('TASK_RUNNING')] });

    expect(states()).toEqual(['TASK_RUNNING', lost, 'TASK_RUNNING']);
    expect(master.statusesOf('F').at(-1)).toMatchObject({
      source: 'SOURCE_MASTER',
      reason: 'REASON_AGENT_REREGISTERED',
    });
    expect(master.messagesOf('B').map(({ type }) => type)).not.toContain('KILL');
  });

  it('does not say that a task runs again that ended meanwhile; its end is told by its own update', () => {
    const { master, framework, agent, states, partition, reported } = running();
    partition();

    master.addAgent('B', { id: agent, tasks: [reported('TASK_FINISHED')] });
    const where = { agent, streamId: 'B', framework };
    master.update(where, { taskId: 't', state: 'TASK_FINISHED', uuid: 'u' });

    expect(states()).toEqual(['TASK_RUNNING', 'TASK_UNREACHABLE', 'TASK_FINISHED']);
  });

  it('may be lost a second time, durably each time', () => {
    const { master, agent, states, partition, reported } = running();

    partition();
    master.addAgent('B', { id: agent, tasks: [reported('TASK_RUNNING')] });
    partition();

    expect(states()).toEqual([
      'TASK_RUNNING',
      'TASK_UNREACHABLE',
      'TASK_RUNNING',
      'TASK_UNREACHABLE',
    ]);
    const stored = master.committed.flatMap(({ changes }) =>
      changes.flatMap((change) => (change.kind === 'put-agent' ? [change.agent.state] : [])),
    );
    expect(stored).toEqual(['admitted', 'unreachable', 'admitted', 'unreachable']);
  });

  it('is unreachable to the next master too, and its tasks come back there', () => {
    const { master: first, framework, agent, partition, reported } = running();
    partition();
    const agents = first.committed
      .flatMap(({ changes }) => changes)
      .flatMap((change) => (change.kind === 'put-agent' ? [change.agent] : []));
    const last = agents.at(-1);
    if (last === undefined) throw new Error('nothing stored');

    const second = new MasterHarness({ epoch: 2 });
    second.recover({ agents: [last] });
    second.subscribe('G', AWARE, { id: framework });
    const question = { task_id: { value: 't' }, agent_id: { value: agent } };
    second.call(framework, 'G', { type: 'RECONCILE', reconcile: { tasks: [question] } });
    second.addAgent('B', { id: agent, tasks: [reported('TASK_RUNNING')] });

    expect(second.statusesOf('G')).toMatchObject([
      {
        state: 'TASK_UNREACHABLE',
        unreachable_time: { nanoseconds: last.sinceEpochMs * 1_000_000 },
      },
      { state: 'TASK_RUNNING', reason: 'REASON_AGENT_REREGISTERED' },
    ]);
  });

  it('frees what its tasks held, and holds it again when it is back', () => {
    const { master, agent, partition, reported } = running();
    partition();
    const free = master.usedOn(agent);

    master.addAgent('B', { id: agent, tasks: [reported('TASK_RUNNING')] });

    expect(free).toEqual({ scalars: {}, ranges: {} });
    expect(master.usedOn(agent).scalars['cpus']).toBe(3_000);
  });
});

describe('an agent the registry does not know', () => {
  it('is admitted under the id it brings, with its tasks', () => {
    const { framework, agent, reported } = running();
    const other = new MasterHarness({ epoch: 5 });
    other.subscribe('F', AWARE, { id: framework });

    other.addAgent('B', { id: agent, tasks: [reported('TASK_RUNNING')] });

    expect(other.state.agents.get(agentId(agent))?.condition).toBe('connected');
    expect(other.hasTask(framework, 't')).toBe(true);
    expect(other.committed.at(-1)?.changes).toMatchObject([
      { kind: 'put-agent', agent: { id: agent, state: 'admitted' } },
    ]);
  });
});
