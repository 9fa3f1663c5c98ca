import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentId,
  frameworkId,
  type Resources,
  resourceKey,
  resources,
  roleName,
  subtractResources,
} from '#core';
import { Allocator } from './allocator.js';
import type { Explanation } from './explanation.js';
import type { Allocation } from './traits.js';

const F1 = frameworkId('fw1');
const ROLE = roleName('*');
const AGENT = resources({ cpus: 4, mem: 512 });
const FOREVER = Number.MAX_SAFE_INTEGER;

function clusterOf(...frameworks: readonly string[]): Allocator {
  const allocator = new Allocator();
  for (const id of frameworks) {
    allocator.addFramework(frameworkId(id), { roles: [ROLE], suppressedRoles: [] });
  }
  return allocator;
}

/** Part of an agent reserved to a role. */
const reserved = (role: string, cpus: number, mem: number): Resources => {
  const key = (name: string) =>
    resourceKey(name, { reservations: [{ type: 'DYNAMIC', role }], isRevocable: false });
  return { scalars: { [key('cpus')]: cpus * 1000, [key('mem')]: mem * 1000 }, ranges: {} };
};

const both = (left: Resources, right: Resources): Resources => ({
  scalars: { ...left.scalars, ...right.scalars },
  ranges: {},
});

/** Why, by framework, while `offers` are outstanding. */
function reasonsOf(
  allocator: Allocator,
  offers: readonly Allocation[] = [],
): Readonly<Record<string, Explanation['reasons']>> {
  const explained = allocator.explain({
    offeredOn: (id) => offers.filter((offer) => offer.agentId === id),
  });
  return Object.fromEntries(
    explained.map(({ frameworkId, role, reasons }) => [
      role === ROLE ? frameworkId : `${frameworkId} ${role}`,
      reasons,
    ]),
  );
}

const sumOf = (reasons: Explanation['reasons']): number =>
  Object.values(reasons).reduce((sum, count) => sum + count, 0);

describe('explain', () => {
  it('says what a framework has and why it is not offered the rest, in counts', () => {
    const allocator = clusterOf('fw1');
    for (let index = 0; index < 4; index += 1) allocator.addAgent(agentId(`a${index}`), AGENT);
    allocator.addAgent(agentId('gpu'), resources({ cpus: 4, mem: 512, gpus: 1 }));
    allocator.addAgent(agentId('crumbs'), resources({ cpus: 0.001 }));
    for (const one of allocator.allocate(0).slice(1)) {
      allocator.release(one, { untilMonoMs: 60_000 });
    }
    allocator.allocate(0);

    expect(allocator.explain()).toEqual([
      {
        frameworkId: 'fw1',
        role: '*',
        dominantShare: 0.2,
        roleShare: 0.2,
        weight: 1,
        held: { cpus: 4_000, mem: 512_000 },
        refusedAgents: 3,
        agents: 6,
        sampled: 4,
        reasons: { 'nothing-free': 2, filtered: 3, capability: 1 },
        passedOver: { filtered: 3, capability: 1 },
      },
    ]);
  });

  it('names suppression and inactivity for all agents', () => {
    const allocator = clusterOf('fw1', 'fw2');
    for (let index = 0; index < 4; index += 1) allocator.addAgent(agentId(`a${index}`), AGENT);
    allocator.suppress(F1);
    allocator.deactivateFramework(frameworkId('fw2'));

    expect(reasonsOf(allocator)).toEqual({ fw1: { suppressed: 4 }, fw2: { inactive: 4 } });
  });

  it('tells agents that are not offered at all from those with nothing free', () => {
    const allocator = clusterOf('fw1');
    for (const id of ['used', 'drained', 'away']) allocator.addAgent(agentId(id), AGENT);
    for (const id of ['drained', 'away']) {
      allocator.setAgentActive(agentId(id), { isActive: false });
    }
    allocator.allocate(0);

    expect(reasonsOf(allocator)).toEqual({ fw1: { 'agent-inactive': 2, 'nothing-free': 1 } });
  });

  it('tells what is only offered to others from what is used', () => {
    const allocator = clusterOf('fw1', 'fw2');
    for (const id of ['used', 'offered']) allocator.addAgent(agentId(id), AGENT);
    const [used, offered] = allocator.allocate(0) as [Allocation, Allocation];
    allocator.release(used);
    const mine = { ...used, frameworkId: offered.frameworkId };
    allocator.adopt(mine);

    expect(reasonsOf(allocator, [offered])).toEqual({
      [used.frameworkId]: { 'offered-to-others': 1, 'nothing-free': 1 },
      [offered.frameworkId]: { 'nothing-free': 2 },
    });
  });

  it('does not say reserved when only the rest of an agent is, and the part it could have is offered', () => {
    const allocator = clusterOf('fw1', 'fw2');
    allocator.addAgent(agentId('a1'), both(AGENT, reserved('db', 2, 64)));
    allocator.addAgent(agentId('a2'), reserved('db', 2, 64));
    const offers = allocator.allocate(0);
    const waiting = offers[0]?.frameworkId === F1 ? 'fw2' : 'fw1';

    expect(offers).toHaveLength(1);
    expect(reasonsOf(allocator, offers)[waiting]).toEqual({ 'offered-to-others': 1, reserved: 1 });
  });

  it('names what would keep it from an agent when others gave their offers back', () => {
    const allocator = clusterOf('fw1');
    allocator.addFramework(frameworkId('gpus'), {
      roles: [ROLE],
      suppressedRoles: [],
      capabilities: new Set(['GPU_RESOURCES']),
    });
    allocator.addAgent(agentId('gpu'), resources({ cpus: 4, mem: 512, gpus: 1 }));
    allocator.addAgent(agentId('refused'), AGENT);
    const offers = [...allocator.allocate(0)];
    for (const one of offers.splice(0)) {
      const refusal = one.frameworkId === F1 ? { untilMonoMs: FOREVER } : undefined;
      allocator.release(one, refusal);
    }
    offers.push(...allocator.allocate(0));
    for (const one of offers.filter(({ frameworkId }) => frameworkId === F1)) {
      allocator.release(one, { untilMonoMs: FOREVER });
    }
    offers.push(...allocator.allocate(0));
    const theirs = offers.filter(({ frameworkId }) => frameworkId !== F1);

    expect(theirs.map(({ agentId: id }) => id).sort()).toEqual(['gpu', 'refused']);
    expect(reasonsOf(allocator, theirs)['fw1']).toEqual({ capability: 1, filtered: 1 });
  });

  it('does not blame quota while what is missing for it is only offered to others', () => {
    const allocator = clusterOf('fw1', 'fw2');
    allocator.addAgent(agentId('a1'), AGENT);
    allocator.setQuota(roleName('vip'), { guarantees: {}, limits: { cpus: 1_000 } });
    const offers = allocator.allocate(0);
    const waiting = offers[0]?.frameworkId === F1 ? 'fw2' : 'fw1';

    expect(reasonsOf(allocator, offers)[waiting]).toEqual({ 'offered-to-others': 1 });
  });

  it('explaining changes nothing: no round is due because of it', () => {
    const allocator = clusterOf('fw1', 'fw2');
    allocator.addAgent(agentId('a1'), AGENT);
    allocator.setQuota(roleName('vip'), { guarantees: { cpus: 3_000 }, limits: {} });
    const offers = allocator.allocate(0);
    const before = allocator.hasWork;

    for (let time = 0; time < 3; time += 1) reasonsOf(allocator, offers);

    expect(allocator.hasWork).toBe(before);
    expect(allocator.allocate(1)).toEqual([]);
  });

  it('counts a sampled cluster to the agent', () => {
    const allocator = new Allocator();
    for (let index = 0; index < 70; index += 1) {
      allocator.addFramework(frameworkId(`f${index}`), { roles: [ROLE], suppressedRoles: [] });
    }
    for (let index = 0; index < 1_000; index += 1) {
      const gpus = index % 3 === 0 ? { gpus: 1 } : {};
      allocator.addAgent(agentId(`a${index}`), resources({ cpus: 4, mem: 512, ...gpus }));
    }

    const [first] = allocator.explain();

    // Those without GPUs are going to be offered; nobody may have the others.
    expect(first?.sampled).toBeLessThan(1_000);
    expect(first?.reasons.capability).toBeGreaterThan(320);
    expect(first?.reasons.capability).toBeLessThan(347);
    expect(Object.keys(first?.reasons ?? {})).toEqual(['capability']);
  });
});

interface Step {
  readonly agent: number;
  readonly what: 'decline' | 'refuse' | 'use' | 'deactivate' | 'activate' | 'round';
}

describe('reasons', () => {
  it('are given once per framework, role and agent, and passing over counts once a round', () => {
    const step = fc.record({
      agent: fc.nat(5),
      what: fc.constantFrom<Step['what']>(
        'decline',
        'refuse',
        'use',
        'deactivate',
        'activate',
        'round',
      ),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        (steps, hasQuota) => {
          const cluster = new History(hasQuota);
          for (const each of steps) cluster.take(each);
        },
      ),
    );
  });

  it('passing over counts once for an agent that is looked at for guarantees and for everybody', () => {
    const allocator = clusterOf('fw1');
    allocator.setQuota(roleName('vip'), { guarantees: { cpus: 4_000, mem: 512_000 }, limits: {} });
    allocator.addAgent(agentId('a1'), AGENT);

    allocator.allocate(0);

    expect(allocator.explain()[0]?.passedOver).toEqual({ quota: 1 });
  });

  it('passing over counts once for an agent of which several get something', () => {
    const allocator = clusterOf('fw1');
    for (const role of ['db', 'web']) {
      allocator.addFramework(frameworkId(role), { roles: [roleName(role)], suppressedRoles: [] });
    }
    allocator.addAgent(agentId('a1'), both(reserved('db', 2, 64), reserved('web', 2, 64)));

    expect(allocator.allocate(0)).toHaveLength(2);

    const passedOver = allocator.explain().map((one) => [one.role, one.passedOver]);
    expect(passedOver).toContainEqual(['*', { reserved: 1 }]);
  });

  it('who is passed over since another one came first is not told that the agent is reserved', () => {
    const allocator = new Allocator();
    for (const role of ['a', 'b']) {
      allocator.addFramework(frameworkId(role), { roles: [roleName(role)], suppressedRoles: [] });
    }
    allocator.addAgent(agentId('a1'), both(AGENT, reserved('db', 2, 64)));

    const [first] = allocator.allocate(0);

    const late = allocator.explain().find(({ role }) => role !== first?.role);
    expect(late?.passedOver).toEqual({ 'offered-to-others': 1 });
  });
});

/** A small cluster with reservations, a suppressed role and perhaps a guarantee, driven at random. */
class History {
  private readonly allocator = new Allocator();
  private readonly offers: Allocation[] = [];
  private readonly counted = new Map<string, number>();
  private nowMs = 0;

  constructor(hasQuota: boolean) {
    const { allocator } = this;
    if (hasQuota) allocator.setQuota(roleName('db'), { guarantees: { cpus: 9_000 }, limits: {} });
    for (const [index, role] of ['*', 'db', 'web'].entries()) {
      allocator.addFramework(frameworkId(`f${index}`), {
        roles: [roleName(role), roleName('web/low')],
        suppressedRoles: index === 1 ? [roleName('web/low')] : [],
      });
    }
    for (let index = 0; index < 6; index += 1) {
      const part = index % 2 === 0 ? reserved('db', 1, 64) : reserved('web', 1, 64);
      allocator.addAgent(agentId(`a${index}`), index < 4 ? both(AGENT, part) : AGENT);
    }
  }

  take({ agent, what }: Step): void {
    const id = agentId(`a${agent}`);
    const index = this.offers.findIndex((offer) => offer.agentId === id);
    const offer = index < 0 ? undefined : this.offers[index];
    if (what === 'deactivate' || what === 'activate') {
      this.allocator.setAgentActive(id, { isActive: what === 'activate' });
    } else if (what !== 'round' && offer !== undefined) {
      this.offers.splice(index, 1);
      if (what === 'use') this.use(offer);
      else {
        const refusal = what === 'refuse' ? { untilMonoMs: this.nowMs + 1_000 } : undefined;
        this.allocator.release(offer, refusal);
      }
    }
    this.round();
  }

  private use(offer: Allocation): void {
    const used = { ...offer.resources, scalars: { ...offer.resources.scalars } };
    for (const key in used.scalars) used.scalars[key] = Math.ceil((used.scalars[key] ?? 0) / 2);
    this.allocator.release({ ...offer, resources: subtractResources(offer.resources, used) });
  }

  private round(): void {
    this.nowMs += 100;
    this.offers.push(...this.allocator.allocate(this.nowMs));
    const explained = this.allocator.explain({
      offeredOn: (id) => this.offers.filter((offer) => offer.agentId === id),
    });
    for (const { frameworkId, role, reasons, passedOver, agents } of explained) {
      const name = `${frameworkId} ${role}`;
      expect(sumOf(reasons), name).toBe(agents);
      const before = this.counted.get(name) ?? 0;
      const after = sumOf(passedOver);
      expect(after - before, name).toBeLessThanOrEqual(agents);
      this.counted.set(name, after);
    }
  }
}
