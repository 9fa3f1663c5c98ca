import { describe, expect, it } from 'vitest';
import type { FrameworkInfo, WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const grace = (nanoseconds: number) => ({ grace_period: { nanoseconds } });

function running(info: Partial<FrameworkInfo> = {}) {
  const master = new MasterHarness();
  const framework = master.subscribe('F', info);
  const agent = master.addAgent('A');
  master.allocate();
  master.launch(framework, 'F', master.offersOf('F')[0] as WireOffer, [commandTask('t', agent)]);
  const update = (state: string) =>
    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state, uuid: UUID });
  update('TASK_RUNNING');
  const kill = (more: { readonly agent_id?: string; readonly nanoseconds?: number } = {}) =>
    master.call(framework, 'F', {
      type: 'KILL',
      kill: {
        task_id: { value: 't' },
        ...(more.agent_id === undefined ? {} : { agent_id: { value: more.agent_id } }),
        ...(more.nanoseconds === undefined ? {} : { kill_policy: grace(more.nanoseconds) }),
      },
    }).status;
  const reconcile = (...tasks: { readonly task_id: { readonly value: string } }[]) =>
    master.call(framework, 'F', { type: 'RECONCILE', reconcile: { tasks } });
  const kills = () =>
    master
      .messagesOf('A')
      .flatMap((message) => (message.type === 'KILL' ? [message.kill.kill_policy] : []));
  return { master, framework, agent, update, kill, kills, reconcile };
}

describe('KILL', () => {
  it('goes to the agent with its policy, and again when it comes with another', () => {
    const { kill, kills } = running();

    kill({ nanoseconds: 5e9 });
    kill({ nanoseconds: 1e9 });

    expect(kills()).toEqual([grace(5e9), grace(1e9)]);
  });

  it('with a wrong agent_id is ignored', () => {
    const { master, kill, kills } = running();
    const before = master.statusesOf('F').length;

    expect(kill({ agent_id: 'other' })).toBe(202);

    expect(kills()).toEqual([]);
    expect(master.statusesOf('F')).toHaveLength(before);
  });

  it('of a task that has ended is ignored: its end is told already', () => {
    const { update, kill, kills } = running();
    update('TASK_FINISHED');

    kill();

    expect(kills()).toEqual([]);
  });
});

describe('RECONCILE', () => {
  it('ImplicitNonTerminalTask: an empty list asks for all, told without a uuid', () => {
    const { master, agent, reconcile } = running();

    reconcile();

    const status = master.statusesOf('F').at(-1);
    expect(status).toMatchObject({
      task_id: { value: 't' },
      agent_id: { value: agent },
      state: 'TASK_RUNNING',
      source: 'SOURCE_MASTER',
      reason: 'REASON_RECONCILIATION',
    });
    expect(status?.uuid).toBeUndefined();
  });

  it('has no answer for a task whose end was acknowledged, when all are asked for', () => {
    const { master, framework, agent, update, reconcile } = running();
    update('TASK_FINISHED');
    master.call(framework, 'F', {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agent }, task_id: { value: 't' }, uuid: UUID },
    });
    const before = master.statusesOf('F').length;

    reconcile();

    expect(master.statusesOf('F')).toHaveLength(before);
  });

  it.each([
    ['TASK_UNREACHABLE', [{ type: 'PARTITION_AWARE' }]],
    ['TASK_LOST', []],
  ])('tells a task of an unreachable agent as %s, with the time', (state, capabilities) => {
    const { master, reconcile } = running({ capabilities });
    master.advance(15_000);

    reconcile({ task_id: { value: 't' } });

    const status = master.statusesOf('F').at(-1);
    expect(status).toMatchObject({ state, reason: 'REASON_RECONCILIATION' });
    expect(status?.unreachable_time?.nanoseconds).toBeGreaterThan(0);
  });
});

describe('SchedulerFailoverStatusUpdate', () => {
  it('what was not acknowledged is told to the new instance, with its uuid', () => {
    const { master, framework } = running();

    master.subscribe('G', {}, { id: framework });

    expect(master.statusesOf('G')).toMatchObject([{ state: 'TASK_RUNNING', uuid: UUID }]);
  });

  it('the old instance’s offers are void, and its stream may call no more', () => {
    const { master, framework, agent } = running();
    master.advance(6_000);
    master.pong(agent, 'A');
    const offer = master.offersOf('F').at(-1) as WireOffer;

    master.subscribe('G', {}, { id: framework });
    const answer = master.call(framework, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: [offer.id] },
    });

    expect(answer.status).toBe(400);
    expect([...master.state.offers.keys()].some((id) => id === offer.id.value)).toBe(false);
  });
});
