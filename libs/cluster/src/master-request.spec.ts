import { describe, expect, it } from 'vitest';
import { resources } from '#core';
import type { WireOffer, WireResource } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

/** One agent of 4 cpus full of tasks of 1 cpu, and a framework `BIG` that declines what it is offered. */
function crowdedAgent() {
  const master = new MasterHarness({ config: { allocator: { starvingAfterLosses: 2 } } });
  const small = master.subscribe('SMALL');
  const big = master.subscribe('BIG');
  const agent = master.addAgent('A', { total: resources({ cpus: 4, mem: 4_096 }) });
  const cpusOf = (offer: WireOffer): number =>
    offer.resources.find(({ name }) => name === 'cpus')?.scalar?.value ?? 0;
  const seen = new Set<string>();
  const fresh = (stream: string) => {
    const offers = master.offersOf(stream).filter(({ id }) => !seen.has(id.value));
    for (const { id } of offers) seen.add(id.value);
    return offers;
  };
  const running: string[] = [];
  const sizes: number[] = [];
  let made = 0;
  const task = () => {
    made += 1;
    running.push(`t${made}`);
    return commandTask(`t${made}`, agent);
  };
  const answer = (): void => {
    for (let round = 0; round < 4; round += 1) {
      master.allocate();
      for (const offer of fresh('BIG')) {
        sizes.push(cpusOf(offer));
        const filters = { refuse_seconds: 0 };
        master.call(big, 'BIG', { type: 'DECLINE', decline: { offer_ids: [offer.id], filters } });
      }
      for (const offer of fresh('SMALL')) {
        const tasks = Array.from({ length: Math.floor(cpusOf(offer)) }, task);
        master.launch(small, 'SMALL', offer, tasks);
      }
    }
  };
  answer();
  return {
    /** One task of `BIG` needs so many cpus. */
    ask: (value: number) => {
      const need: WireResource = { name: 'cpus', type: 'SCALAR', scalar: { value } };
      const requests = [{ resources: [need] }];
      master.call(big, 'BIG', { type: 'REQUEST', request: { requests } });
    },
    /** Ends one small task after the other; returns the cpus of what `BIG` was offered meanwhile. */
    turnOver: (times: number): readonly number[] => {
      sizes.length = 0;
      for (let time = 0; time < times; time += 1) {
        const taskId = running.shift();
        if (taskId !== undefined) {
          const where = { agent, streamId: 'A', framework: small };
          master.update(where, { taskId, state: 'TASK_FINISHED', uuid: `${taskId}-end` });
        }
        master.pong(agent, 'A');
        master.advance(1_000);
        answer();
      }
      return [...sizes];
    },
  };
}

describe('REQUEST', () => {
  it.each([
    ['is offered an agent with so much free, once that can be', true],
    ['is offered slices for ever without it', false],
  ])('who needs most of an agent among small tasks %s', (_what, asks) => {
    const crowd = crowdedAgent();
    if (asks) crowd.ask(4);

    const sizes = crowd.turnOver(40);

    expect(sizes.includes(4)).toBe(asks);
    if (!asks) expect(new Set(sizes)).toEqual(new Set([1]));
  });

  it('who asks for less again is offered slices again', () => {
    const crowd = crowdedAgent();
    crowd.ask(4);
    crowd.turnOver(8);

    crowd.ask(1);

    expect(crowd.turnOver(4)).toContain(1);
  });
});
