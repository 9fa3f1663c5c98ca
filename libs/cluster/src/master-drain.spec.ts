import { describe, expect, it } from 'vitest';
import { agentId } from '#core';
import { commandTask, MasterHarness } from './master.test-support.js';

const PARTITION_AWARE = { capabilities: [{ type: 'PARTITION_AWARE' }] };

/** One framework with the task `t` running on one agent. */
function running() {
  const master = new MasterHarness();
  const framework = master.subscribe('F', PARTITION_AWARE);
  const agent = master.addAgent('A');
  master.allocate();
  const [offer] = master.offersOf('F');
  if (offer === undefined) throw new Error('no offer');
  master.launch(framework, 'F', offer, [commandTask('t', agent)]);
  master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
  // The rest of the accepted offer is refused for 5 s.
  master.call(framework, 'F', { type: 'REVIVE' });
  master.allocate();
  const drain = (more: { readonly mark_gone?: boolean; readonly nanoseconds?: number } = {}) =>
    master.operate({
      type: 'DRAIN_AGENT',
      drain_agent: {
        agent_id: { value: agent },
        ...(more.mark_gone === undefined ? {} : { mark_gone: more.mark_gone }),
        ...(more.nanoseconds === undefined
          ? {}
          : { max_grace_period: { nanoseconds: more.nanoseconds } }),
      },
    });
  const reactivate = () =>
    master.operate({
      type: 'REACTIVATE_AGENT',
      reactivate_agent: { agent_id: { value: agent } },
    });
  const endTask = (state: string) => {
    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state, uuid: 'u' });
    master.call(framework, 'F', {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: 'u' },
    });
  };
  const stateOf = () => master.state.agents.get(agentId(agent))?.activation?.drain?.state;
  return { master, framework, agent, drain, reactivate, endTask, stateOf };
}

/** Ticks on, with the agent answering. */
const wait = (master: MasterHarness, agent: string, streamId = 'A') => {
  master.advance(1_000);
  master.pong(agent, streamId);
};

describe('DRAIN_AGENT', () => {
  it('rescinds the agent’s offers, offers it no more and tells it to kill its tasks', () => {
    const { master, agent, drain } = running();
    const outstanding = master.offersOf('F').length;

    const answer = drain({ nanoseconds: 2_500_000_000 });
    for (let second = 0; second < 3; second += 1) wait(master, agent);
    master.allocate();

    expect(answer.status).toBe(200);
    expect(master.eventsOf('F', 'RESCIND')).toHaveLength(1);
    expect(master.offersOf('F')).toHaveLength(outstanding);
    expect(master.messagesOf('A').find(({ type }) => type === 'DRAIN')).toMatchObject({
      drain: { max_grace_period: { nanoseconds: 2_500_000_000 }, mark_gone: false },
    });
    expect(master.state.agents.get(agentId(agent))?.condition).toBe('connected');
  });

  it('is durable before it is answered and before the agent hears of it', () => {
    const { master, agent, drain } = running();
    master.holdsCommits = true;

    const answer = drain();
    const heard = master.messagesOf('A').some(({ type }) => type === 'DRAIN');
    master.releaseCommits();
    for (let second = 0; second < 3; second += 1) wait(master, agent);

    expect([answer.status, heard]).toEqual([0, false]);
    expect(master.messagesOf('A').some(({ type }) => type === 'DRAIN')).toBe(true);
  });

  it('is refused while the registry is away, and changes nothing', () => {
    const { master, drain, stateOf } = running();
    master.registryIsAway = true;

    expect(drain().status).toBe(503);
    expect(stateOf()).toBeUndefined();
    master.registryReturns();
    expect(drain().status).toBe(200);
  });

  it('is over when the last task’s end is acknowledged', () => {
    const { master, agent, drain, endTask, stateOf } = running();
    drain();
    wait(master, agent);
    expect(stateOf()).toBe('DRAINING');

    endTask('TASK_KILLED');
    wait(master, agent);

    expect(stateOf()).toBe('DRAINED');
    expect(master.committed.at(-1)?.changes).toMatchObject([
      { kind: 'put-activation', activation: { isDeactivated: true, drain: { state: 'DRAINED' } } },
    ]);
  });

  it('is not over while the end waits for its acknowledgement', () => {
    const { master, framework, agent, drain, stateOf } = running();
    drain();

    const where = { agent, streamId: 'A', framework };
    master.update(where, { taskId: 't', state: 'TASK_KILLED', uuid: 'u' });
    wait(master, agent);

    expect(stateOf()).toBe('DRAINING');
  });

  it('marks the agent gone once it is drained, if that was asked for', () => {
    const { master, agent, drain, endTask } = running();
    drain({ mark_gone: true });

    endTask('TASK_GONE_BY_OPERATOR');
    wait(master, agent);

    expect(master.state.goneAgents.has(agentId(agent))).toBe(true);
    expect(master.messagesOf('A').at(-1)?.type).toBe('SHUTDOWN');
  });

  it('does not let the agent be reactivated before it is drained', () => {
    const { master, agent, drain, reactivate, endTask, stateOf } = running();
    drain();
    expect(reactivate()).toMatchObject({ status: 409 });

    endTask('TASK_KILLED');
    wait(master, agent);
    const before = master.offersOf('F').length;
    expect(reactivate().status).toBe(200);
    master.allocate();

    expect(stateOf()).toBeUndefined();
    expect(master.offersOf('F').length).toBe(before + 1);
  });

  it('is told again to an agent that comes back, and outlives the master', () => {
    const { agent, drain, master: first } = running();
    drain({ nanoseconds: 0 });
    const record = first.committed.flatMap((commit) => commit.changes);
    const activation = record.flatMap((change) =>
      change.kind === 'put-activation' && change.activation !== undefined
        ? [[change.id, change.activation] as const]
        : [],
    );
    const agents = record.flatMap((change) => (change.kind === 'put-agent' ? [change.agent] : []));

    const second = new MasterHarness({ epoch: 2 });
    second.recover({ agents, activations: new Map(activation) });
    second.subscribe('F', PARTITION_AWARE);
    second.addAgent('B', { id: agent });
    second.allocate();

    expect(second.messagesOf('B').at(-1)).toMatchObject({
      type: 'DRAIN',
      drain: { max_grace_period: { nanoseconds: 0 } },
    });
    expect(second.offersOf('F')).toEqual([]);
  });

  it('is not taken for over before a recovered agent has said what it runs', () => {
    const { agent, master: first } = running();
    const agents = first.committed.flatMap((commit) =>
      commit.changes.flatMap((change) => (change.kind === 'put-agent' ? [change.agent] : [])),
    );
    const second = new MasterHarness({ epoch: 2 });
    second.recover({ agents });

    const answer = second.operate({
      type: 'DRAIN_AGENT',
      drain_agent: { agent_id: { value: agent } },
    });
    second.advance(5_000);

    expect(answer.status).toBe(200);
    expect(second.state.agents.get(agentId(agent))?.activation?.drain?.state).toBe('DRAINING');
  });

  it('refuses agents it does not know and grace periods below 0', () => {
    const { master, drain } = running();
    const unknown = master.operate({
      type: 'DRAIN_AGENT',
      drain_agent: { agent_id: { value: 'nobody' } },
    });

    expect(unknown).toMatchObject({ status: 404, message: 'Agent nobody is unknown' });
    expect(drain({ nanoseconds: -1 })).toMatchObject({ status: 400 });
  });
});

describe('DEACTIVATE_AGENT', () => {
  it('ends offers and leaves tasks alone, until the agent is reactivated', () => {
    const { master, framework, agent, reactivate } = running();
    const before = master.offersOf('F').length;

    const answer = master.operate({
      type: 'DEACTIVATE_AGENT',
      deactivate_agent: { agent_id: { value: agent } },
    });
    master.allocate();

    expect(answer.status).toBe(200);
    expect(master.offersOf('F')).toHaveLength(before);
    expect(master.hasTask(framework, 't')).toBe(true);
    expect(reactivate().status).toBe(200);
    master.allocate();
    expect(master.offersOf('F')).toHaveLength(before + 1);
  });

  it('holds when the agent reconnects', () => {
    const { master, agent } = running();
    const deactivate = { agent_id: { value: agent } };
    master.operate({ type: 'DEACTIVATE_AGENT', deactivate_agent: deactivate });
    const before = master.offersOf('F').length;

    master.addAgent('B', { id: agent });
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(before);
  });
});

describe('operator calls', () => {
  it('are judged one after another, by what holds then', () => {
    const { master, agent, reactivate } = running();
    const id = { agent_id: { value: agent } };
    master.holdsCommits = true;
    master.operate({ type: 'DRAIN_AGENT', drain_agent: id });
    reactivate();

    master.releaseCommits();

    const answers = [...master.answers].filter(([callId]) => callId.startsWith('o'));
    expect(answers.map(([, { status }]) => status)).toEqual([200, 409]);
  });
});
