import { describe, expect, it } from 'vitest';
import { agentId, formatResources } from '#core';
import type { FrameworkInfo, OfferOperation, WireOffer, WireResource } from '#mesos-v1';
import { MasterHarness } from './master.test-support.js';
import { MAX_OPERATIONS_PER_FRAMEWORK } from './master-state.js';

const INFO: Partial<FrameworkInfo> = {
  role: 'db',
  capabilities: [{ type: 'RESERVATION_REFINEMENT' }],
};
const cpus = (value: number): WireResource => ({
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value },
});
const reservedCpus = (value: number): WireResource => ({
  ...cpus(value),
  reservations: [{ type: 'DYNAMIC', role: 'db' }],
});
const reserve = (id: string, value: number): OfferOperation => ({
  type: 'RESERVE',
  id: { value: id },
  reserve: { resources: [reservedCpus(value)] },
});
const AGENT = { resources: [cpus(4), { ...cpus(1024), name: 'mem' }] };

function cluster() {
  const master = new MasterHarness();
  const framework = master.subscribe('F', INFO);
  const agent = master.addAgent('A', AGENT);
  master.allocate();
  const apply = (...operations: OfferOperation[]) => {
    const offer = master.offersOf('F').at(-1) as WireOffer;
    master.accept(framework, 'F', offer, operations, { refuse_seconds: 0 });
    master.allocate();
  };
  const confirm = (streamId: string, sequence: number) =>
    master.agentCall(agent, streamId, { type: 'CHECKPOINTED', checkpointed: { sequence } });
  const reconcile = (...operations: { id: string; agent?: string }[]) => {
    master.call(framework, 'F', {
      type: 'RECONCILE_OPERATIONS',
      reconcile_operations: {
        operations: operations.map(({ id, agent: at }) => ({
          operation_id: { value: id },
          ...(at === undefined ? {} : { agent_id: { value: at } }),
        })),
      },
    });
    return master.operationsOf('F').at(-1);
  };
  const total = () =>
    formatResources(master.state.agents.get(agentId(agent))?.total ?? { scalars: {}, ranges: {} });
  return { master, framework, agent, apply, confirm, reconcile, total };
}

describe('operation feedback', () => {
  it('an operation is OPERATION_FINISHED when its agent has it on the disk, not before', () => {
    const { master, agent, apply, confirm } = cluster();

    apply(reserve('o1', 1));
    expect(master.operationsOf('F')).toEqual([]);
    expect(confirm('A', 1)).toBe(202);
    expect(master.operationsOf('F')).toEqual([]);
    expect(confirm('A', 2)).toBe(202);

    expect(master.operationsOf('F')).toMatchObject([
      {
        operation_id: { value: 'o1' },
        state: 'OPERATION_FINISHED',
        agent_id: { value: agent },
        converted_resources: [reservedCpus(1)],
      },
    ]);
    expect(master.operationsOf('F')[0]?.uuid).toMatch(/^[A-Za-z0-9+/]{22}==$/);
  });

  it('a status is told again to a framework that comes back, until it is acknowledged', () => {
    const { master, framework, apply, confirm } = cluster();
    apply(reserve('o1', 1));
    confirm('A', 2);

    master.subscribe('G', INFO, { id: framework });
    const [status] = master.operationsOf('G');
    expect(status?.state).toBe('OPERATION_FINISHED');
    const acknowledge = (uuid: string) =>
      master.call(framework, 'G', {
        type: 'ACKNOWLEDGE_OPERATION_STATUS',
        acknowledge_operation_status: { uuid, operation_id: { value: 'o1' } },
      });
    expect(acknowledge('AAAAAAAAAAAAAAAAAAAAAA==').status).toBe(202);
    acknowledge(status?.uuid ?? '');
    master.subscribe('H', INFO, { id: framework });

    expect(master.operationsOf('H')).toEqual([]);
  });

  it('RECONCILE_OPERATIONS: known ones get their latest state, without a uuid', () => {
    const { apply, confirm, reconcile } = cluster();
    apply(reserve('o1', 1));

    expect(reconcile({ id: 'o1' })?.state).toBe('OPERATION_PENDING');
    confirm('A', 2);
    expect(reconcile({ id: 'o1' })?.state).toBe('OPERATION_FINISHED');
    expect(reconcile({ id: 'o1' })?.uuid).toBeUndefined();
    expect(reconcile()?.operation_id).toEqual({ value: 'o1' });
  });

  it('RECONCILE_OPERATIONS: unknown ones are judged by their agent', () => {
    const { master, agent, reconcile } = cluster();

    expect(reconcile({ id: 'x' })?.state).toBe('OPERATION_UNKNOWN');
    expect(reconcile({ id: 'x', agent })?.state).toBe('OPERATION_UNKNOWN');
    expect(reconcile({ id: 'x', agent: 'nobody' })?.state).toBe('OPERATION_UNKNOWN');
    master.advance(15_000);
    expect(reconcile({ id: 'x', agent })?.state).toBe('OPERATION_UNREACHABLE');
    master.markGone(agent);
    expect(reconcile({ id: 'x', agent })?.state).toBe('OPERATION_GONE_BY_OPERATOR');
    master.recover({
      agents: [
        { id: agentId('old'), state: 'admitted', hostname: 'h', info: AGENT, sinceEpochMs: 1 },
      ],
    });
    expect(reconcile({ id: 'x', agent: 'old' })?.state).toBe('OPERATION_RECOVERING');
    expect(reconcile({ id: 'x' })?.state).toBe('OPERATION_RECOVERING');
  });

  it('an operation its agent did not confirm is OPERATION_UNREACHABLE with it, and finishes when it is back', () => {
    const { master, agent, apply, total } = cluster();
    apply(reserve('o1', 1));

    master.advance(15_000);
    expect(master.operationsOf('F').at(-1)?.state).toBe('OPERATION_UNREACHABLE');
    master.addAgent('B', { ...AGENT, id: agent });
    expect(master.messagesOf('B').map(({ type }) => type)).toEqual([
      'SUBSCRIBED',
      'CHECKPOINT_RESOURCES',
    ]);
    expect(total()).toContain('cpus(db):1');
    master.agentCall(agent, 'B', { type: 'CHECKPOINTED', checkpointed: { sequence: 2 } });

    expect(master.operationsOf('F').at(-1)?.state).toBe('OPERATION_FINISHED');
  });

  it('an operation of an agent that is marked gone is OPERATION_GONE_BY_OPERATOR', () => {
    const { master, agent, apply } = cluster();
    apply(reserve('o1', 1));

    master.markGone(agent);

    expect(master.operationsOf('F').at(-1)?.state).toBe('OPERATION_GONE_BY_OPERATOR');
  });

  it('operations on offers that are not outstanding are OPERATION_DROPPED', () => {
    const { master, framework } = cluster();
    const offer = { ...(master.offersOf('F')[0] as WireOffer), id: { value: 'nope' } };

    master.accept(framework, 'F', offer, [reserve('o1', 1)]);

    expect(master.operationsOf('F')).toMatchObject([
      { operation_id: { value: 'o1' }, state: 'OPERATION_DROPPED' },
    ]);
  });

  it('an id that is in use is OPERATION_ERROR, and so is one too many', () => {
    const { master, apply, total } = cluster();
    apply(reserve('o1', 1));
    apply(reserve('o1', 1));
    expect(master.operationsOf('F').at(-1)?.message).toContain('exists already');
    expect(total()).toContain('cpus(db):1');

    apply(
      ...Array.from({ length: MAX_OPERATIONS_PER_FRAMEWORK }, (_, at) => reserve(`p${at}`, 0.001)),
    );

    expect(master.operationsOf('F').at(-1)?.message).toContain('no more are taken');
  });
});

describe('reservations and agents', () => {
  it('a living master knows them better: an agent that missed a checkpoint is sent it again', () => {
    const { master, agent, apply, total } = cluster();
    apply({ type: 'RESERVE', reserve: { resources: [reservedCpus(1)] } });

    master.addAgent('B', { ...AGENT, id: agent });
    expect(total()).toContain('cpus(db):1');
    const again = master.messagesOf('B')[1];
    expect(again).toMatchObject({ checkpoint_resources: { resources: [reservedCpus(1)] } });
    master.addAgent('C', { ...AGENT, id: agent, checkpointed: [reservedCpus(1)] });

    expect(master.messagesOf('C').map(({ type }) => type)).toEqual(['SUBSCRIBED']);
  });

  it('a new master takes them from the agent', () => {
    const master = new MasterHarness();
    master.subscribe('F', INFO);
    master.addAgent('A', { ...AGENT, id: 'old', checkpointed: [reservedCpus(1)] });
    master.allocate();

    const total = master.state.agents.get(agentId('old'))?.total;
    expect(formatResources(total ?? { scalars: {}, ranges: {} })).toBe(
      'cpus:3;cpus(db):1;mem:1024',
    );
    expect(master.offersOf('F')[0]?.resources).toContainEqual(reservedCpus(1));
  });

  it('an agent that has less than what is reserved on it is refused, not robbed', () => {
    const master = new MasterHarness();

    master.addAgent('A', { resources: [cpus(1)], id: 'old', checkpointed: [reservedCpus(2)] });

    expect(master.refused.get('A')).toBe(400);
    expect(master.state.agents.size).toBe(0);
  });

  it('static reservations come with the agent and are offered', () => {
    const master = new MasterHarness();
    master.subscribe('F', { role: 'db' });
    master.addAgent('A', { resources: [cpus(2), { ...cpus(2), role: 'db' }] });
    master.allocate();

    const [offer] = master.offersOf('F');
    expect(offer?.resources).toEqual([
      { ...cpus(2), role: '*' },
      { ...cpus(2), role: 'db' },
    ]);
  });
});
