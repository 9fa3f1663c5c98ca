import { describe, expect, it } from 'vitest';
import { formatResources, resources } from '#core';
import { fromWireResources, type WireOffer } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const YEAR_SECONDS = 365 * 24 * 3600;

function cluster(agentTotal = resources({ cpus: 4, mem: 1024 })) {
  const master = new MasterHarness();
  const framework = master.subscribe('F');
  const agent = master.addAgent('A', { total: agentTotal });
  master.allocate();
  const offer = master.offersOf('F')[0] as WireOffer;
  const wait = (ms: number) => {
    for (let waited = 0; waited < ms; waited += 1_000) {
      master.pong(agent, 'A');
      master.advance(1_000);
    }
  };
  const accept = (refuseSeconds: number | undefined, ...tasks: string[]) =>
    master.accept(
      framework,
      'F',
      offer,
      [{ type: 'LAUNCH', launch: { task_infos: tasks.map((id) => commandTask(id, agent)) } }],
      refuseSeconds === undefined ? {} : { refuse_seconds: refuseSeconds },
    );
  const lastOffered = () =>
    formatResources(fromWireResources(master.offersOf('F').at(-1)?.resources ?? []));
  return { master, framework, agent, offer, wait, accept, lastOffered };
}

describe('ACCEPT', () => {
  it('refuses only the unused part of the offers: what a task frees gets through', () => {
    const { master, framework, agent, wait, accept, lastOffered } = cluster();
    accept(3_600, 't');
    wait(2_000);
    expect(master.offersOf('F')).toHaveLength(1);

    master.update({ agent, streamId: 'A', framework }, { taskId: 't', state: 'TASK_FINISHED' });
    master.allocate();

    expect(lastOffered()).toBe('cpus:4;mem:1024');
  });

  it('with refuse_seconds 0 leaves no filter on the rest', () => {
    const { master, accept, lastOffered } = cluster();

    accept(0, 't');
    master.allocate();

    expect(lastOffered()).toBe('cpus:3;mem:896');
  });

  it('refuses the rest for 5 s when refuse_seconds is absent or negative', () => {
    for (const refuse of [undefined, -1]) {
      const { master, wait, accept } = cluster();
      accept(refuse, 't');

      wait(4_000);
      expect(master.offersOf('F')).toHaveLength(1);
      wait(2_000);

      expect(master.offersOf('F')).toHaveLength(2);
    }
  });

  it('caps refuse_seconds of 4294967295 at 365 days', () => {
    const { master, accept, agent } = cluster();
    accept(4_294_967_295, 't');

    expect(master.state.allocator.nextExpiryMonoMs()).toBe(master.now.monoMs + YEAR_SECONDS * 1000);
    expect(agent).not.toBe('');
  });

  it('with a refuse_seconds shorter than a round lasts the round', () => {
    const { master, framework, offer } = cluster();
    master.call(framework, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: [offer.id], filters: { refuse_seconds: 0.001 } },
    });

    expect(master.state.allocator.nextExpiryMonoMs()).toBe(
      master.now.monoMs + master.state.config.minRefuseMs,
    );
  });

  it('without operations, or with a LAUNCH of no tasks, is a DECLINE', () => {
    for (const operations of [[], [{ type: 'LAUNCH', launch: { task_infos: [] } }] as const]) {
      const { master, framework, offer, wait } = cluster();

      expect(master.accept(framework, 'F', offer, operations)).toBe(202);

      expect(master.state.counters).toMatchObject({ offersAccepted: 0, offersDeclined: 1 });
      wait(4_000);
      expect(master.offersOf('F')).toHaveLength(1);
      wait(2_000);
      expect(master.offersOf('F')).toHaveLength(2);
    }
  });

  it('LaunchAcrossSlavesLost: offers of two agents, or one given twice, lose the whole call', () => {
    const { master, framework, agent, offer } = cluster();

    master.call(framework, 'F', {
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id, offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [commandTask('t', agent)] } }],
      },
    });

    expect(master.statusesOf('F')).toMatchObject([
      { state: 'TASK_LOST', reason: 'REASON_INVALID_OFFERS', source: 'SOURCE_MASTER' },
    ]);
    expect(master.statusesOf('F')[0]?.message).toContain('twice');
  });

  it('tells a later, longer offer.id only in part', () => {
    const { master, framework } = cluster();

    master.call(framework, 'F', {
      type: 'ACCEPT',
      accept: {
        offer_ids: [{ value: 'x'.repeat(10_000) }],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [commandTask('t', 'a')] } }],
      },
    });

    expect(master.statusesOf('F')[0]?.message?.length).toBeLessThan(300);
  });
});

describe('offers that nobody answers', () => {
  it('OfferTimeout: are rescinded after two minutes, and offered again to who asks', () => {
    const { master, framework, offer, wait } = cluster();

    wait(121_000);

    expect(master.eventsOf('F', 'RESCIND').map((event) => event.rescind.offer_id)).toEqual([
      offer.id,
    ]);
    expect(master.offersOf('F')).toHaveLength(1);
    master.call(framework, 'F', { type: 'REVIVE' });
    master.allocate();
    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('OfferNotRescindedOnceUsed: one that was used is not', () => {
    const { master, offer, wait, accept } = cluster();
    accept(3_600, 't');

    wait(121_000);

    const rescinded = master.eventsOf('F', 'RESCIND').map((event) => event.rescind.offer_id.value);
    expect(rescinded).not.toContain(offer.id.value);
  });
});

describe('REQUEST', () => {
  it('is accepted: what one task needs is told to the allocator', () => {
    const { master, framework } = cluster();

    const answer = master.call(framework, 'F', {
      type: 'REQUEST',
      request: {
        requests: [{ resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 3 } }] }],
      },
    });

    expect(answer.status).toBe(202);
  });
});
