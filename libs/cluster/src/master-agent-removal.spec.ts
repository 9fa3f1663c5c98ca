import { describe, expect, it } from 'vitest';
import { type AgentRecord, agentId, roleName } from '#core';
import { MasterHarness } from './master.test-support.js';

const record = (id: string, more: Partial<AgentRecord> = {}): AgentRecord => ({
  id: agentId(id),
  state: 'admitted',
  hostname: id,
  info: { hostname: id, port: 1, resources: [], attributes: [] },
  sinceEpochMs: 1_000_000,
  ...more,
});
const conditions = (master: MasterHarness) =>
  [...master.state.agents.values()].map(({ condition }) => condition);

describe('the removal rate limit', () => {
  const limited = () => {
    const master = new MasterHarness({
      config: { agentRemovalRateLimit: { count: 1, perMs: 20_000 } },
    });
    const ids = ['A', 'B', 'C'].map((stream) => master.addAgent(stream));
    return { master, ids };
  };

  it('spaces removals out, the agent that was silent longest first', () => {
    const { master } = limited();

    master.advance(11_000);
    const first = conditions(master);
    master.advance(20_000);

    expect(first).toEqual(['unreachable', 'connected', 'connected']);
    expect(conditions(master)).toEqual(['unreachable', 'unreachable', 'connected']);
  });

  it('calls a removal off when the agent is heard while it waits', () => {
    const { master, ids } = limited();
    master.advance(11_000);

    for (let seconds = 0; seconds < 60; seconds += 1) {
      master.pong(ids[1] ?? '', 'B');
      master.advance(1_000);
    }

    expect(conditions(master)).toEqual(['unreachable', 'connected', 'unreachable']);
    expect(master.state.counters.agentRemovalsCanceled).toBe(1);
  });

  it('offers nothing of an agent that waits, and offers it again when it is heard', () => {
    const { master, ids } = limited();
    master.advance(11_000);
    master.subscribe('F');
    master.allocate();
    expect(master.offersOf('F')).toEqual([]);

    master.pong(ids[2] ?? '', 'C');
    master.advance(1_000);
    master.allocate();

    expect(master.offersOf('F').map(({ agent_id }) => agent_id.value)).toEqual([ids[2]]);
  });
});

describe('after a fail-over', () => {
  it('ends the process when more agents stay away than the recovery limit allows', () => {
    const master = new MasterHarness({ config: { recoveryAgentRemovalLimitPercent: 50 } });
    master.recover({ agents: ['a', 'b', 'c'].map((id) => record(id)) });
    const agent = master.addAgent('A', { id: 'a' });

    for (let seconds = 0; seconds < 61; seconds += 1) {
      master.pong(agent, 'A');
      master.advance(1_000);
    }

    expect(master.aborted).toMatch(/^2 of 3 agents have not come back within 60000 ms/);
    expect(conditions(master).filter((one) => one === 'unreachable')).toEqual([]);
  });

  it('gives agents up that stay away, as far as the recovery limit allows', () => {
    const master = new MasterHarness({ config: { recoveryAgentRemovalLimitPercent: 70 } });
    master.recover({ agents: ['a', 'b', 'c'].map((id) => record(id)) });
    const agent = master.addAgent('A', { id: 'a' });

    for (let seconds = 0; seconds < 61; seconds += 1) {
      master.pong(agent, 'A');
      master.advance(1_000);
    }

    expect(master.aborted).toBeUndefined();
    expect(conditions(master)).toEqual(['connected', 'unreachable', 'unreachable']);
  });

  it('pauses offers while a quota is set, until four in five agents are back', () => {
    const master = new MasterHarness();
    const agents = ['a', 'b', 'c', 'd', 'e'];
    const quotas = [{ role: roleName('eng'), guarantees: { cpus: 1 }, limits: {} }];
    master.recover({ agents: agents.map((id) => record(id)), quotas });
    master.subscribe('F');

    for (const id of agents.slice(0, 3)) master.addAgent(id, { id });
    master.allocate();
    const early = master.offersOf('F').length;
    master.addAgent('d', { id: 'd' });
    master.allocate();

    expect([early, master.offersOf('F').length]).toEqual([0, 4]);
  });

  it('pauses offers for ten minutes at most', () => {
    const master = new MasterHarness();
    const quotas = [{ role: roleName('eng'), guarantees: { cpus: 1 }, limits: {} }];
    master.recover({ agents: [record('a'), record('b')], quotas });
    master.subscribe('F');
    master.addAgent('a', { id: 'a' });
    const wait = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        master.pong('a', 'a');
        master.advance(1_000);
      }
    };

    wait(599_000);
    const early = master.offersOf('F').length;
    wait(2_000);

    expect([early, master.offersOf('F').length]).toEqual([0, 1]);
  });

  it('ends the pause when the last quota is removed, and not before', () => {
    const master = new MasterHarness();
    const quotas = ['ads', 'eng'].map((role) => ({
      role: roleName(role),
      guarantees: { cpus: 1 },
      limits: {},
    }));
    master.recover({ agents: ['a', 'b', 'c'].map((id) => record(id)), quotas });
    master.subscribe('F');
    master.addAgent('a', { id: 'a' });
    const offersWithout = (role: string): number => {
      const answer = master.operate({ type: 'REMOVE_QUOTA', remove_quota: { role } });
      expect(answer.status).toBe(200);
      master.allocate();
      return master.offersOf('F').length;
    };

    expect(offersWithout('ads')).toBe(0);
    expect(offersWithout('eng')).toBe(1);
    master.addAgent('b', { id: 'b' });
    master.allocate();
    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('offers at once without a quota', () => {
    const master = new MasterHarness();
    master.recover({ agents: [record('a'), record('b')] });
    master.subscribe('F');
    master.addAgent('a', { id: 'a' });
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(1);
  });
});

describe('agents that are gone or unreachable', () => {
  it('are forgotten by age, two weeks after', () => {
    const master = new MasterHarness();
    master.recover({
      agents: [
        record('a', { state: 'unreachable' }),
        record('b', { state: 'gone' }),
        record('c', { state: 'gone', sinceEpochMs: 1_000_000 + 86_400_000 }),
      ],
    });

    master.advance(14 * 86_400_000 + 900_000, 900_000);

    expect([...master.state.agents.keys(), ...master.state.goneAgents.keys()]).toEqual(['c']);
    expect(master.committed.at(-1)?.changes).toEqual([
      { kind: 'remove-agent', id: 'a' },
      { kind: 'remove-agent', id: 'b' },
    ]);
  });

  it('are forgotten by number, the oldest first', () => {
    const master = new MasterHarness({ config: { maxForgottenAgents: 2 } });
    const at = (sinceEpochMs: number) => ({ state: 'unreachable', sinceEpochMs }) as const;
    master.recover({
      agents: [record('a', at(2)), record('b', at(1)), record('c', at(3))].map(recent),
    });

    master.advance(1_000);

    expect([...master.state.agents.keys()]).toEqual(['a', 'c']);
  });
});

const recent = (one: AgentRecord): AgentRecord => ({
  ...one,
  sinceEpochMs: 1_000_000 + one.sinceEpochMs,
});

describe('a new agent at the address of one that is away', () => {
  it('takes its place: the old one is removed, its tasks are gone', () => {
    const master = new MasterHarness();
    const old = master.addAgent('A');
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });

    const young = master.addAgent('B');

    expect([...master.state.agents.keys()]).toEqual([young]);
    expect(young).not.toBe(old);
    expect(master.committed.at(-2)?.changes).toMatchObject([
      { kind: 'remove-agent', id: old },
      { kind: 'put-agent', agent: { id: young } },
    ]);
  });

  it('leaves one alone that is connected', () => {
    const master = new MasterHarness();
    const old = master.addAgent('A');

    const young = master.addAgent('B');

    expect([...master.state.agents.keys()]).toEqual([old, young]);
  });
});
