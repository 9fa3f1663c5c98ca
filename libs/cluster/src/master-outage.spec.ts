import { describe, expect, it } from 'vitest';
import { agentId } from '#core';
import type { WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const PARTITION_AWARE = { capabilities: [{ type: 'PARTITION_AWARE' }], failover_timeout: 20 };
const SECOND_MS = 1_000;

/** One framework with one running task on one agent that answers its pings until told otherwise. */
function running() {
  const master = new MasterHarness();
  const framework = master.subscribe('F', PARTITION_AWARE);
  const agent = master.addAgent('A');
  master.allocate();
  const [offer] = master.offersOf('F');
  master.launch(framework, 'F', offer as WireOffer, [commandTask('t', agent)]);
  const where = { agent, streamId: 'A', framework };
  master.update(where, { taskId: 't', state: 'TASK_RUNNING' });
  const states = () => master.statusesOf('F').map(({ state }) => state);
  const condition = () => master.state.agents.get(agentId(agent))?.condition;
  const pass = (seconds: number, options: { readonly answers: boolean }) => {
    for (let second = 0; second < seconds; second += 1) {
      if (options.answers) master.pong(agent, 'A');
      master.advance(SECOND_MS);
    }
  };
  return { master, framework, agent, where, states, condition, pass };
}

describe('while the registry is away', () => {
  it('loses no agent that answers, nor one whose answers are not heard', () => {
    const { master, states, condition, pass } = running();
    master.registryIsAway = true;
    pass(3, { answers: true });
    master.isWritable = false;

    pass(60, { answers: false });
    master.registryReturns();
    pass(5, { answers: false });
    pass(20, { answers: true });

    expect(states()).toEqual(['TASK_RUNNING']);
    expect(condition()).toBe('connected');
  });

  it('loses an agent that is still silent for its whole timeout after it', () => {
    const { master, states, condition, pass } = running();
    master.registryIsAway = true;
    master.isWritable = false;
    pass(30, { answers: false });

    master.registryReturns();
    pass(9, { answers: false });
    expect(condition()).toBe('connected');
    pass(2, { answers: false });

    expect(states()).toEqual(['TASK_RUNNING', 'TASK_UNREACHABLE']);
  });

  it('keeps an agent that was being marked unreachable and is heard before that is stored', () => {
    const { master, agent, states, condition, pass } = running();
    pass(8, { answers: false });
    master.registryIsAway = true;
    pass(3, { answers: false });
    expect(condition()).toBe('disconnected');

    pass(30, { answers: true });
    master.registryReturns();

    expect(condition()).toBe('connected');
    expect(states()).toEqual(['TASK_RUNNING']);
    const stored = master.committed.flatMap(({ changes }) => changes).slice(-2);
    expect(stored).toMatchObject([
      { kind: 'put-agent', agent: { id: agent, state: 'unreachable' } },
      { kind: 'put-agent', agent: { id: agent, state: 'admitted' } },
    ]);
    const offers = master.offersOf('F').length;
    master.allocate();
    expect(master.offersOf('F').length).toBeGreaterThan(offers);
  });

  it('gives an agent that lost its stream while being marked its timeout to come back', () => {
    const { master, agent, states, condition, pass } = running();
    pass(8, { answers: false });
    master.registryIsAway = true;
    pass(3, { answers: false });
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });
    master.isWritable = false;
    pass(30, { answers: false });

    master.registryReturns();
    pass(5, { answers: false });
    master.addAgent('B', { id: agent, lastApplied: { epoch: 1, stream_id: 'A', sequence: 2 } });

    expect(condition()).toBe('connected');
    expect(states()).not.toContain('TASK_UNREACHABLE');
  });

  it('goes on pinging, takes no update, and counts one as a sign of life', () => {
    const { master, where, states, pass } = running();
    const pings = () => master.messagesOf('A').filter(({ type }) => type === 'PING').length;
    const before = pings();
    master.registryIsAway = true;
    master.isWritable = false;

    const status = master.update(where, { taskId: 't', state: 'TASK_FINISHED', uuid: 'u' });
    pass(30, { answers: false });

    expect(status).toBe(503);
    expect(states()).toEqual(['TASK_RUNNING']);
    expect(master.hasTask(where.framework, 't')).toBe(true);
    expect(pings() - before).toBeGreaterThanOrEqual(9);
  });

  it('tears no framework down that could not come back in time', () => {
    const { master, framework, agent } = running();
    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });
    master.registryIsAway = true;
    master.isWritable = false;
    const pass = (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        master.pong(agent, 'A');
        master.advance(SECOND_MS);
      }
    };
    pass(60);

    master.registryReturns();
    pass(10);
    expect(master.subscribe('G', PARTITION_AWARE, { id: framework })).toBe(framework);
    pass(60);

    expect(master.hasTask(framework, 't')).toBe(true);
  });
});
