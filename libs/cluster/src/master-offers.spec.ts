import { describe, expect, it } from 'vitest';
import { formatResources, resources } from '#core';
import { fromWireResources, type WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

function cluster() {
  const master = new MasterHarness();
  const framework = master.subscribe('F');
  const agent = master.addAgent('A');
  master.allocate();
  const offer = master.offersOf('F')[0] as WireOffer;
  return { master, framework, agent, offer };
}

describe('offers', () => {
  it('offers everything an agent has to the only framework, without allocation_info', () => {
    const { offer, agent } = cluster();

    expect(offer.agent_id.value).toBe(agent);
    expect(formatResources(fromWireResources(offer.resources))).toBe(
      'cpus:4;mem:1024;ports:[31000-31009]',
    );
    expect(offer.allocation_info).toBeUndefined();
    expect(offer.resources.every((resource) => resource.allocation_info === undefined)).toBe(true);
  });

  it('gives MULTI_ROLE frameworks the role an offer is for', () => {
    const master = new MasterHarness();
    master.subscribe('F', { roles: ['web'], capabilities: [{ type: 'MULTI_ROLE' }] });
    master.addAgent('A');
    master.allocate();

    expect(master.offersOf('F')[0]?.allocation_info).toEqual({ role: 'web' });
  });

  it('launches on an offer once: the second ACCEPT of it is told TASK_LOST with REASON_INVALID_OFFERS', () => {
    const { master, framework, agent, offer } = cluster();

    expect(master.launch(framework, 'F', offer, [commandTask('t1', agent)])).toBe(202);
    expect(master.launch(framework, 'F', offer, [commandTask('t2', agent)])).toBe(202);

    expect(master.messagesOf('A').filter(({ type }) => type === 'LAUNCH')).toHaveLength(1);
    expect(master.statusesOf('F')).toMatchObject([
      { task_id: { value: 't2' }, state: 'TASK_LOST', reason: 'REASON_INVALID_OFFERS' },
    ]);
    expect(master.statusesOf('F')[0]?.uuid).toBeUndefined();
  });

  it('tells PARTITION_AWARE frameworks TASK_DROPPED instead', () => {
    const master = new MasterHarness();
    const framework = master.subscribe('F', { capabilities: [{ type: 'PARTITION_AWARE' }] });

    master.call(framework, 'F', {
      type: 'ACCEPT',
      accept: {
        offer_ids: [{ value: 'M-1-O99' }],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [commandTask('t', 'x')] } }],
      },
    });

    expect(master.statusesOf('F')[0]?.state).toBe('TASK_DROPPED');
  });

  it('discards the valid offers of a call that also names an invalid one', () => {
    const { master, framework, agent, offer } = cluster();

    master.call(framework, 'F', {
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id, { value: 'nope' }],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [commandTask('t', agent)] } }],
      },
    });

    expect(master.state.offers.size).toBe(0);
    expect(master.statusesOf('F')[0]?.reason).toBe('REASON_INVALID_OFFERS');
    master.allocate();
    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('does not combine offers of different agents', () => {
    const { master, framework, agent, offer } = cluster();
    master.addAgent('B');
    master.allocate();
    const other = master.offersOf('F')[1] as WireOffer;

    master.call(framework, 'F', {
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id, other.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [commandTask('t', agent)] } }],
      },
    });

    expect(master.statusesOf('F')[0]?.message).toContain('different agents');
  });

  it('launches on two offers of one agent together', () => {
    const { master, framework, agent, offer } = cluster();
    master.launch(framework, 'F', offer, [commandTask('t1', agent, { cpus: 2 })]);
    master.advance(6_000);
    const [, rest] = master.offersOf('F');
    master.update({ agent, streamId: 'A', framework }, { taskId: 't1', state: 'TASK_FINISHED' });
    master.allocate();
    const freed = master.offersOf('F')[2] as WireOffer;

    master.call(framework, 'F', {
      type: 'ACCEPT',
      accept: {
        offer_ids: [(rest as WireOffer).id, freed.id],
        operations: [
          { type: 'LAUNCH', launch: { task_infos: [commandTask('t2', agent, { cpus: 4 })] } },
        ],
      },
    });

    expect(master.messagesOf('A').filter(({ type }) => type === 'LAUNCH')).toHaveLength(2);
  });

  it('answers a task that does not fit with TASK_ERROR and launches the others', () => {
    const { master, framework, agent, offer } = cluster();

    master.launch(framework, 'F', offer, [
      commandTask('big', agent, { cpus: 5 }),
      commandTask('small', agent),
    ]);

    expect(master.statusesOf('F')).toMatchObject([
      { task_id: { value: 'big' }, state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID' },
    ]);
    expect(master.messagesOf('A').filter(({ type }) => type === 'LAUNCH')).toHaveLength(1);
  });

  it('refuses a task id that is in use', () => {
    const { master, framework, agent, offer } = cluster();

    master.launch(framework, 'F', offer, [commandTask('t', agent), commandTask('t', agent)]);

    expect(master.statusesOf('F')[0]?.message).toContain('exists already');
  });

  it('offers the rest of an accepted offer again only after the filter', () => {
    const { master, framework, agent, offer } = cluster();
    master.launch(framework, 'F', offer, [commandTask('t', agent)]);

    master.advance(4_000);
    expect(master.offersOf('F')).toHaveLength(1);
    master.advance(2_000);

    expect(formatResources(fromWireResources(master.offersOf('F')[1]?.resources ?? []))).toBe(
      'cpus:3;mem:896;ports:[31000-31009]',
    );
  });

  it('keeps a declined offer away for 5 s unless told otherwise, and forgets it on REVIVE', () => {
    const { master, framework, offer } = cluster();
    master.call(framework, 'F', { type: 'DECLINE', decline: { offer_ids: [offer.id] } });

    master.advance(4_000);
    expect(master.offersOf('F')).toHaveLength(1);
    master.call(framework, 'F', { type: 'REVIVE' });
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('offers nothing to a framework that suppressed offers, until it revives', () => {
    const { master, framework, offer } = cluster();
    master.call(framework, 'F', { type: 'SUPPRESS' });
    master.call(framework, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: [offer.id], filters: { refuse_seconds: 0 } },
    });

    master.advance(5_000);
    expect(master.offersOf('F')).toHaveLength(1);
    master.call(framework, 'F', { type: 'REVIVE' });
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('lets a bigger offer through a filter', () => {
    const { master, framework, agent, offer } = cluster();
    master.launch(framework, 'F', offer, [commandTask('t', agent)]);
    master.advance(1_000);

    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_FINISHED' });
    master.allocate();

    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('ignores ids it does not know in DECLINE', () => {
    const { master, framework } = cluster();

    const answer = master.call(framework, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: [{ value: 'nope' }] },
    });

    expect(answer.status).toBe(202);
  });

  it('takes an offer nobody answered as refused, so that others come to it', () => {
    const master = new MasterHarness();
    const hoarder = master.subscribe('H');
    const agent = master.addAgent('A');
    master.allocate();
    expect(master.offersOf('H')).toHaveLength(1);
    master.subscribe('F');

    for (let second = 0; second < 121; second += 1) {
      master.pong(agent, 'A');
      master.advance(1_000);
    }

    expect(master.eventsOf('H', 'RESCIND')).toHaveLength(1);
    expect(master.offersOf('F')).toHaveLength(1);
    expect(master.offersOf('H')).toHaveLength(1);
    const offer = master.offersOf('F')[0] as WireOffer;
    const framework = offer.framework_id.value;
    master.call(framework, 'F', { type: 'DECLINE', decline: { offer_ids: [offer.id] } });
    master.call(hoarder, 'H', { type: 'REVIVE' });
    master.allocate();
    expect(master.offersOf('H')).toHaveLength(2);
  });

  it('rescinds an offer nobody answers after the offer timeout', () => {
    const { master, agent, offer } = cluster();

    for (let second = 0; second < 121; second += 1) {
      master.pong(agent, 'A');
      master.advance(1_000);
    }

    expect(master.eventsOf('F', 'RESCIND')[0]?.rescind.offer_id).toEqual(offer.id);
  });

  it('rescinds an offer when its agent is lost', () => {
    const { master, offer } = cluster();

    master.dispatch({ kind: 'agent-stream-closed', streamId: 'A' });

    expect(master.eventsOf('F', 'RESCIND')[0]?.rescind.offer_id).toEqual(offer.id);
    expect(master.state.offers.size).toBe(0);
  });

  it('gives the offers of a framework that left to the next one', () => {
    const { master } = cluster();
    master.subscribe('G');

    master.dispatch({ kind: 'framework-stream-closed', streamId: 'F' });
    master.allocate();

    expect(master.offersOf('G')).toHaveLength(1);
  });

  it('frees the resources at the newest state, before older updates are acknowledged', () => {
    const { master, framework, agent, offer } = cluster();
    master.launch(framework, 'F', offer, [commandTask('t', agent, { cpus: 4 })]);
    expect(master.usedOn(agent)).toEqual(
      resources({ mem: 896, ports: [{ begin: 31_000, end: 31_009 }] }),
    );

    const where = { agent, streamId: 'A', framework };
    master.update(where, {
      taskId: 't',
      state: 'TASK_RUNNING',
      latest: 'TASK_FINISHED',
      uuid: 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    master.allocate();

    expect(formatResources(fromWireResources(master.offersOf('F').at(-1)?.resources ?? []))).toBe(
      'cpus:4;mem:1024;ports:[31000-31009]',
    );
    expect(master.hasTask(framework, 't')).toBe(true);
  });
});
