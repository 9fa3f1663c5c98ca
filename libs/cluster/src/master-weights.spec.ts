import { describe, expect, it } from 'vitest';
import { roleName } from '#core';
import type { WireWeightInfo } from '#mesos-v1';
import { MasterHarness } from './master.test-support.js';

const update = (master: MasterHarness, ...weight_infos: readonly WireWeightInfo[]) =>
  master.operate({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });

describe('UPDATE_WEIGHTS', () => {
  it('rescinds outstanding offers when a role with frameworks is concerned', () => {
    const master = new MasterHarness();
    master.subscribe('F', { role: 'eng/dev' });
    master.addAgent('A');
    master.allocate();

    update(master, { role: 'ads', weight: 2 });
    const before = master.eventsOf('F', 'RESCIND').length;
    update(master, { role: 'eng', weight: 2 });
    master.allocate();

    expect([before, master.eventsOf('F', 'RESCIND').length]).toEqual([0, 1]);
    expect(master.offersOf('F')).toHaveLength(2);
  });

  it('is durable before it is answered, and changes nothing when the registry is away', () => {
    const master = new MasterHarness();
    master.registryIsAway = true;
    expect(update(master, { role: 'eng', weight: 2 }).status).toBe(503);
    expect(master.state.operator.weights.size).toBe(0);

    master.registryReturns();

    expect(update(master, { role: 'eng', weight: 2 }).status).toBe(200);
    expect(master.committed.at(-1)?.changes).toEqual([
      { kind: 'put-weight', role: 'eng', weight: 2 },
    ]);
  });

  it('writes nothing for a weight that is so already, and 1 as none', () => {
    const master = new MasterHarness();
    update(master, { role: 'eng', weight: 2 });
    const before = master.committed.length;

    update(master, { role: 'eng', weight: 2 }, { role: 'ads', weight: 1 });
    expect(master.committed).toHaveLength(before);
    update(master, { role: 'eng', weight: 1 });

    expect(master.committed.at(-1)?.changes).toEqual([{ kind: 'put-weight', role: 'eng' }]);
    expect(master.state.operator.weights.size).toBe(0);
  });

  it.each([0, -1, 1e-320, 1e-10, 1e10, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses the weight %s',
    (weight) => {
      const master = new MasterHarness();

      expect(update(master, { role: 'ads', weight: 2 }, { role: 'eng', weight })).toMatchObject({
        status: 400,
        message: `weight of role eng is ${weight}; it must be from 1e-9 to 1000000000`,
      });
      expect(master.state.operator.weights.size).toBe(0);
    },
  );

  it('refuses a role that is given twice', () => {
    const answer = update(
      new MasterHarness(),
      { role: 'eng', weight: 2 },
      { role: 'eng', weight: 3 },
    );

    expect(answer).toMatchObject({ status: 400, message: 'weight of role eng is given twice' });
  });

  it.each(['', '/eng', 'eng/', 'a b', '-x', 'a/../b'])('refuses the role %j', (role) => {
    expect(update(new MasterHarness(), { role, weight: 2 })).toMatchObject({ status: 400 });
  });

  it('is restored at recovery: weights decide who is offered first', () => {
    const master = new MasterHarness();
    master.recover({ weights: new Map([[roleName('eng'), 3]]) });

    expect([...master.state.operator.weights]).toEqual([['eng', 3]]);
  });
});
