import { describe, expect, it } from 'vitest';
import type { FrameworkInfo, WireResource } from '#mesos-v1';
import { MasterHarness } from './master.test-support.js';

const scalar = (name: string, value: number, more: Partial<WireResource> = {}): WireResource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
});
const able = (...types: string[]): Partial<FrameworkInfo> => ({
  capabilities: types.map((type) => ({ type })),
});

/** Names of the resources that are offered to a framework on an agent with these. */
function offeredTo(info: Partial<FrameworkInfo>, ...resources: WireResource[]): readonly string[] {
  const master = new MasterHarness();
  master.subscribe('F', info);
  master.addAgent('A', { resources: [scalar('cpus', 1), scalar('mem', 64), ...resources] });
  master.allocate();
  return master
    .offersOf('F')
    .flatMap((offer) => offer.resources.map((one) => `${one.name}${one.revocable ? '*' : ''}`));
}

describe('capabilities of frameworks', () => {
  it('GPU_RESOURCES: agents with GPUs are kept for those who have it', () => {
    expect(offeredTo({}, scalar('gpus', 1))).toEqual([]);
    expect(offeredTo(able('GPU_RESOURCES'), scalar('gpus', 1))).toEqual(['cpus', 'mem', 'gpus']);
  });

  it('REVOCABLE_RESOURCES: others are offered what is not revocable only', () => {
    const revocable = scalar('cpus', 2, { revocable: {} });

    expect(offeredTo({}, revocable)).toEqual(['cpus', 'mem']);
    expect(offeredTo(able('REVOCABLE_RESOURCES'), revocable)).toEqual(['cpus', 'mem', 'cpus*']);
  });

  it('RESERVATION_REFINEMENT: others are not offered what is refined, and get the old form', () => {
    const stack = (...roles: string[]) => ({
      reservations: roles.map((role) => ({ type: 'STATIC' as const, role })),
    });
    const role = { role: 'a/b' };
    const simple = scalar('disk', 1, stack('a/b'));
    const refined = scalar('gold', 1, stack('a', 'a/b'));
    const refiner = { ...role, ...able('RESERVATION_REFINEMENT') };

    expect(offeredTo(role, simple, refined)).toEqual(['cpus', 'mem', 'disk']);
    expect(offeredTo(refiner, simple, refined)).toEqual(['cpus', 'mem', 'disk', 'gold']);
  });

  it('REGION_AWARE: agents of another region than the master are kept for those who have it', () => {
    const domain = {
      fault_domain: { region: { name: 'far' }, zone: { name: 'z' } },
    };
    for (const [info, offers] of [
      [{}, 0],
      [able('REGION_AWARE'), 1],
    ] as const) {
      const master = new MasterHarness({ config: { allocator: { region: 'near' } } });
      master.subscribe('F', info);
      master.addAgent('A', { domain });
      master.allocate();

      expect(master.offersOf('F')).toHaveLength(offers);
      if (offers > 0) expect(master.offersOf('F')[0]?.domain).toEqual(domain);
    }
  });

  it('MULTI_ROLE: others get offers without allocation_info', () => {
    const master = new MasterHarness();
    master.subscribe('F', { role: 'a' });
    master.addAgent('A');
    master.allocate();

    expect(JSON.stringify(master.offersOf('F'))).not.toContain('allocation_info');
  });

  it('offer_filters: the least a role wants instead of the cluster’s', () => {
    const least = (cpus: number): Partial<FrameworkInfo> => ({
      offer_filters: {
        '*': {
          min_allocatable_resources: { quantities: [{ quantities: { cpus: { value: cpus } } }] },
        },
      },
    });

    expect(offeredTo(least(2))).toEqual([]);
    expect(offeredTo(least(1))).toEqual(['cpus', 'mem']);
  });

  it('offer_constraints: agents whose attributes do not fit are not offered', () => {
    const constraints = (value: string) => ({
      role_constraints: {
        '*': {
          groups: [
            {
              attribute_constraints: [
                { selector: { attribute_name: 'rack' }, predicate: { text_equals: { value } } },
              ],
            },
          ],
        },
      },
    });
    const master = new MasterHarness();
    master.subscribe('F', {}, { constraints: constraints('b') });
    master.subscribe('G', {}, { constraints: constraints('a') });
    master.addAgent('A', { attributes: [{ name: 'rack', type: 'TEXT', text: { value: 'a' } }] });

    master.allocate();

    expect([master.offersOf('F').length, master.offersOf('G').length]).toEqual([0, 1]);
  });
});

describe('roles', () => {
  it('SUPPRESS and REVIVE of a role leave the others alone', () => {
    const master = new MasterHarness();
    const roles = { roles: ['a', 'b'], ...able('MULTI_ROLE') };
    const framework = master.subscribe('F', roles);
    master.call(framework, 'F', { type: 'SUPPRESS', suppress: { roles: ['a'] } });
    for (const stream of ['A', 'B', 'C']) master.addAgent(stream);

    master.allocate();

    const offered = () => master.offersOf('F').map((offer) => offer.allocation_info?.role);
    expect(offered()).toEqual(['b', 'b', 'b']);
    master.call(framework, 'F', { type: 'REVIVE', revive: { roles: ['a'] } });
    master.call(framework, 'F', { type: 'SUPPRESS', suppress: { roles: ['b'] } });
    master.call(framework, 'F', {
      type: 'DECLINE',
      decline: { offer_ids: master.offersOf('F').map(({ id }) => id) },
    });
    master.allocate();
    expect(offered().slice(3)).toEqual(['a', 'a', 'a']);
  });
});
