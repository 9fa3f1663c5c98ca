import { describe, expect, it } from 'vitest';
import { agentId } from '#core';
import { commandTask, MasterHarness } from './master.test-support.js';

const NANOS = 1_000_000_000;

/** A framework with a task on one agent, which is drained. */
function draining(graceSeconds?: number) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', { capabilities: [{ type: 'PARTITION_AWARE' }] });
  const agent = master.addAgent('A');
  master.allocate();
  const [offer] = master.offersOf('F');
  if (offer === undefined) throw new Error('no offer');
  master.launch(framework, 'F', offer, [commandTask('t', agent)]);
  master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_RUNNING' });
  const drain = (seconds?: number) =>
    master.operate({
      type: 'DRAIN_AGENT',
      drain_agent: {
        agent_id: { value: agent },
        ...(seconds === undefined ? {} : { max_grace_period: { nanoseconds: seconds * NANOS } }),
      },
    });
  drain(graceSeconds);
  const wait = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      master.advance(1_000);
      master.pong(agent, 'A');
    }
  };
  const asked = () =>
    master
      .eventsOf('F', 'INVERSE_OFFERS')
      .flatMap((event) =>
        event.type === 'INVERSE_OFFERS' ? event.inverse_offers.inverse_offers : [],
      );
  const answer = (type: 'ACCEPT_INVERSE_OFFERS' | 'DECLINE_INVERSE_OFFERS') => {
    const given = {
      inverse_offer_ids: asked().map(({ id }) => id),
      filters: { refuse_seconds: 20 },
    };
    master.call(
      framework,
      'F',
      type === 'ACCEPT_INVERSE_OFFERS'
        ? { type, accept_inverse_offers: given }
        : { type, decline_inverse_offers: given },
    );
  };
  const isKilling = () => master.messagesOf('A').some(({ type }) => type === 'DRAIN');
  return { master, framework, agent, drain, wait, asked, answer, isKilling };
}

describe('a drain', () => {
  it('asks frameworks at once for what they have there, and says until when', () => {
    const { master, agent, asked } = draining(40);

    const [question, ...more] = asked();
    const startMs = (question?.unavailability.start.nanoseconds ?? 0) / 1_000_000;

    expect(more).toEqual([]);
    expect(question?.agent_id).toEqual({ value: agent });
    expect(Math.round(startMs - master.now.epochMs)).toBe(40_000);
  });

  it.each([
    ['is over', -120, 60, 40],
    ['has begun', -20, 60, -20],
    ['comes before', 10, 5, 10],
    ['comes after', 50, 60, 40],
  ])('tells of itself where a maintenance window %s', (_which, startSeconds, seconds, expected) => {
    const { master, drain, asked } = draining(40);
    const nanoseconds = (master.now.epochMs + startSeconds * 1_000) * 1_000_000;
    const unavailability = {
      start: { nanoseconds },
      duration: { nanoseconds: seconds * NANOS },
    };
    const windows = [{ machine_ids: [{ hostname: 'host' }], unavailability }];
    master.operate({
      type: 'UPDATE_MAINTENANCE_SCHEDULE',
      update_maintenance_schedule: { schedule: { windows } },
    });

    drain(40);

    const { start, ...rest } = asked().at(-1)?.unavailability ?? { start: { nanoseconds: 0 } };
    expect(Math.round(start.nanoseconds / 1_000_000 - master.now.epochMs)).toBe(expected * 1_000);
    expect(rest).toEqual({});
  });

  it('gives who accepts the whole time, and not a second more', () => {
    const { wait, answer, isKilling } = draining(40);

    answer('ACCEPT_INVERSE_OFFERS');
    wait(39);
    const before = isKilling();
    wait(1);

    expect([before, isKilling()]).toEqual([false, true]);
  });

  it('gives a minute where no grace period is given', () => {
    const { wait, answer, isKilling } = draining();

    answer('ACCEPT_INVERSE_OFFERS');
    wait(59);
    const before = isKilling();
    wait(1);

    expect([before, isKilling()]).toEqual([false, true]);
  });

  it('does not wait for who declines, says nothing, or has nothing there', () => {
    const declining = draining(40);
    declining.answer('DECLINE_INVERSE_OFFERS');
    declining.wait(1);
    const silent = draining(40);
    silent.wait(2);
    const early = silent.isKilling();
    silent.wait(1);
    const idle = new MasterHarness();
    idle.subscribe('F');
    const id = idle.addAgent('A');
    idle.operate({ type: 'DRAIN_AGENT', drain_agent: { agent_id: { value: id } } });

    expect([declining.isKilling(), early, silent.isKilling()]).toEqual([true, false, true]);
    expect(idle.messagesOf('A').at(-1)?.type).toBe('DRAIN');
  });

  it('is over when the last task is taken away in time', () => {
    const { master, framework, agent, wait, answer, isKilling } = draining(40);
    answer('ACCEPT_INVERSE_OFFERS');
    wait(5);
    expect(isKilling()).toBe(false);

    master.update(
      { agent, streamId: 'A', framework },
      { taskId: 't', state: 'TASK_KILLED', uuid: 'u' },
    );
    master.call(framework, 'F', {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: 'u' },
    });
    wait(1);

    expect(master.state.agents.get(agentId(agent))?.activation?.drain?.state).toBe('DRAINED');
    expect(master.state.operator.drainNotices.size).toBe(0);
  });

  it('asked for again with no grace kills at once', () => {
    const { drain, wait, answer, isKilling } = draining(40);
    answer('ACCEPT_INVERSE_OFFERS');
    wait(5);

    drain(0);

    expect(isKilling()).toBe(true);
  });

  it('goes on with the time that is left under another master', () => {
    const { master: first, agent } = draining(40);
    const changes = first.committed.flatMap((commit) => commit.changes);
    const agents = changes.flatMap((change) => (change.kind === 'put-agent' ? [change.agent] : []));
    const activations = changes.flatMap((change) =>
      change.kind === 'put-activation' && change.activation !== undefined
        ? [[change.id, change.activation] as const]
        : [],
    );

    const second = new MasterHarness({ epoch: 2 });
    second.recover({ agents, activations: new Map(activations) });

    const notice = second.state.operator.drainNotices.get(agentId(agent));
    const before = first.state.operator.drainNotices.get(agentId(agent));
    // Their clocks are a few milliseconds apart.
    expect((notice?.untilEpochMs ?? 0) / 1_000).toBeCloseTo((before?.untilEpochMs ?? 0) / 1_000, 1);
  });

  it('asks again, and waits, where the agent comes back later than it would have waited', () => {
    const { master, framework, agent, asked } = draining(60);
    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });
    master.advance(20_000);
    const before = asked().length;

    const status = { task_id: { value: 't' }, state: 'TASK_RUNNING' } as const;
    master.addAgent('B', {
      id: agent,
      tasks: [
        {
          framework_id: { value: framework },
          task: commandTask('t', agent),
          state: 'TASK_RUNNING',
          latest_status: status,
        },
      ],
      lastApplied: { epoch: 1, stream_id: 'A', sequence: 9 },
    });

    expect(asked()).toHaveLength(before + 1);
    expect(master.messagesOf('B').some(({ type }) => type === 'DRAIN')).toBe(false);
  });
});
