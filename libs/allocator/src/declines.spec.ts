import { describe, expect, it } from 'vitest';
import { agentId, formatResources, frameworkId, resources, roleName } from '#core';
import { Allocator } from './allocator.js';
import { MAX_BACKOFF_MS, PATIENCE_ROUNDS } from './decline-backoff.js';
import { OfferFilters } from './offer-filters.js';
import type { Allocation } from './traits.js';

const F1 = frameworkId('fw1');
const A1 = agentId('a1');
const ROLE = roleName('*');
const FOREVER = Number.MAX_SAFE_INTEGER;
const AGENT = resources({ cpus: 4, mem: 512 });

function clusterOf(...frameworks: readonly string[]): Allocator {
  const allocator = new Allocator();
  for (const id of frameworks) {
    allocator.addFramework(frameworkId(id), { roles: [ROLE], suppressedRoles: [] });
  }
  return allocator;
}

const shape = (allocations: readonly Allocation[]): string[] =>
  allocations.map((one) => `${one.frameworkId}@${one.agentId} ${formatResources(one.resources)}`);

/** Refuses all it is offered for `refuseMs`, again and again; returns when it was offered something. */
function declineUntil(allocator: Allocator, untilMs: number, refuseMs: number): readonly number[] {
  const offeredAtMs: number[] = [];
  let nowMs = 0;
  while (nowMs < untilMs) {
    for (const one of allocator.allocate(nowMs)) {
      offeredAtMs.push(nowMs);
      allocator.release(one, { untilMonoMs: nowMs + refuseMs });
    }
    nowMs = Math.max(nowMs + 1, allocator.nextExpiryMonoMs() ?? untilMs);
  }
  return offeredAtMs;
}

describe('refusals', () => {
  it('a refused sliver does not filter more than was refused (MESOS-9616)', () => {
    const allocator = clusterOf('fw1');
    allocator.addAgent(A1, AGENT);
    const [offer] = allocator.allocate(0);
    const sliver = resources({ cpus: 1, mem: 64 });

    // It used the rest of the offer, and refuses the sliver; then its task ends.
    allocator.release({ ...(offer as Allocation), resources: sliver }, { untilMonoMs: FOREVER });
    expect(allocator.allocate(0)).toEqual([]);
    allocator.release({ ...(offer as Allocation), resources: resources({ cpus: 3, mem: 448 }) });

    expect(shape(allocator.allocate(0))).toEqual(['fw1@a1 cpus:4;mem:512']);
  });

  it('a filter with more of one resource and less of another does not cover the offer', () => {
    const allocator = clusterOf('fw1');
    allocator.addAgent(A1, AGENT);
    const [offer] = allocator.allocate(0);
    const part = (cpus: number, mem: number): Allocation => ({
      ...(offer as Allocation),
      resources: resources({ cpus, mem }),
    });

    allocator.release(part(3, 100), { untilMonoMs: FOREVER });
    allocator.release(part(0, 412), undefined);

    expect(shape(allocator.allocate(0))).toEqual(['fw1@a1 cpus:3;mem:512']);
  });

  it('reviving one role keeps what was refused in the other (MESOS-9124)', () => {
    const allocator = new Allocator();
    const [x, y] = [roleName('x'), roleName('y')];
    allocator.addFramework(F1, { roles: [x, y], suppressedRoles: [] });
    allocator.addAgent(A1, AGENT);
    for (let round = 0; round < 2; round += 1) {
      for (const one of allocator.allocate(0)) allocator.release(one, { untilMonoMs: FOREVER });
    }
    expect(allocator.allocate(0)).toEqual([]);

    allocator.revive(F1, [y]);

    expect(allocator.allocate(0).map((one) => one.role)).toEqual(['y']);
  });

  it('reviving a role that is not subscribed does nothing', () => {
    const allocator = clusterOf('fw1');
    allocator.addFramework(F1, { roles: [roleName('x')], suppressedRoles: [] });
    allocator.addAgent(A1, AGENT);

    allocator.revive(F1, [ROLE]);

    expect(allocator.allocate(0).map((one) => one.role)).toEqual(['x']);
  });

  it('UPDATE_FRAMEWORK keeps refusals, but in newly unsuppressed roles, and ends left roles', () => {
    const allocator = new Allocator();
    const [x, y, z] = [roleName('x'), roleName('y'), roleName('z')];
    allocator.addFramework(F1, { roles: [x, y, z], suppressedRoles: [] });
    allocator.addAgent(A1, AGENT);
    for (let round = 0; round < 3; round += 1) {
      for (const one of allocator.allocate(0)) allocator.release(one, { untilMonoMs: FOREVER });
    }
    allocator.suppress(F1, [y]);
    allocator.revive(F1, [z]);

    allocator.updateFramework(F1, { roles: [x, y], suppressedRoles: [] });

    expect(allocator.allocate(0).map((one) => one.role)).toEqual(['y']);
    expect(allocator.suppressedRoles(F1)).toEqual(['z']);
  });

  it('are counted by role while they are in force', () => {
    const [x, y] = [roleName('x'), roleName('y')];
    const allocator = new Allocator();
    allocator.addFramework(F1, { roles: [x, y], suppressedRoles: [] });
    for (const id of ['a1', 'a2', 'a3']) allocator.addAgent(agentId(id), AGENT);
    const counts = () => Object.fromEntries(allocator.activeFilters());
    const refuse = (nowMs: number, untilMonoMs: number) => {
      for (const one of allocator.allocate(nowMs)) allocator.release(one, { untilMonoMs });
    };
    expect(counts()).toEqual({ x: 0, y: 0 });

    refuse(0, 1_000);
    refuse(1, 2_000);
    const [before, sum] = [counts(), (counts()['x'] ?? 0) + (counts()['y'] ?? 0)];
    allocator.allocate(1_000);
    const afterExpiry = (counts()['x'] ?? 0) + (counts()['y'] ?? 0);
    allocator.revive(F1, [x]);

    expect(before).toEqual({ x: expect.any(Number), y: expect.any(Number) });
    expect([sum, afterExpiry]).toEqual([6, 3]);
    expect(counts()).toMatchObject({ x: 0 });
    allocator.removeFramework(F1);
    expect(counts()).toEqual({});
  });

  it('end in pieces when many end at once', () => {
    const filters = new OfferFilters<object>();
    for (let index = 0; index < 5; index += 1) {
      filters.add({ owner: {}, agentId: A1, resources: AGENT, expiresAtMonoMs: 10 });
    }

    expect(filters.expire(9, 2)).toEqual([]);
    expect(filters.expire(10, 2)).toHaveLength(2);
    expect(filters.nextExpiryMonoMs()).toBe(10);
    expect(filters.expire(10)).toHaveLength(3);
    expect([filters.size, filters.nextExpiryMonoMs()]).toEqual([0, undefined]);
  });

  it('a framework whose suppressed roles are left out of a new subscription is offered again (MESOS-7015)', () => {
    const allocator = new Allocator();
    allocator.addFramework(F1, { roles: [ROLE], suppressedRoles: [ROLE] });
    allocator.addAgent(A1, AGENT);
    expect(allocator.allocate(0)).toEqual([]);

    allocator.addFramework(F1, { roles: [ROLE], suppressedRoles: [] });

    expect(allocator.allocate(0)).toHaveLength(1);
  });
});

describe('chronic decliners', () => {
  it('are asked less and less often, but again and again', () => {
    const allocator = clusterOf('fw1');
    allocator.addAgent(A1, AGENT);

    const offeredAtMs = declineUntil(allocator, 600_000, 100);
    const gaps = offeredAtMs.slice(1).map((atMs, index) => atMs - (offeredAtMs[index] ?? 0));

    expect(gaps.slice(0, PATIENCE_ROUNDS)).toEqual(Array(PATIENCE_ROUNDS).fill(100));
    expect(gaps.slice(PATIENCE_ROUNDS, PATIENCE_ROUNDS + 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(Math.max(...gaps)).toBe(MAX_BACKOFF_MS);
    expect(gaps.at(-1)).toBe(MAX_BACKOFF_MS);
  });

  it.each(['revive', 'accept', 'subscribe'])('are patiently asked again after %s', (how) => {
    const allocator = clusterOf('fw1');
    allocator.addAgent(A1, AGENT);
    declineUntil(allocator, 100_000, 100);

    if (how === 'revive') allocator.revive(F1);
    else if (how === 'subscribe') {
      allocator.addFramework(F1, { roles: [ROLE], suppressedRoles: [] });
    } else allocator.accepted(F1, ROLE);
    const [offer] = allocator.allocate(200_000);
    allocator.release(offer as Allocation, { untilMonoMs: 200_100 });

    expect(allocator.nextExpiryMonoMs()).toBe(200_100);
  });

  it('who refuse many offers of one round and use one are no chronic decliners', () => {
    const allocator = clusterOf('fw1');
    for (let index = 0; index < 20; index += 1) allocator.addAgent(agentId(`a${index}`), AGENT);
    let nowMs = 0;

    for (let round = 0; round < 3 * PATIENCE_ROUNDS; round += 1) {
      const [first, ...rest] = allocator.allocate(nowMs);
      allocator.accepted(F1, ROLE);
      for (const one of rest) allocator.release(one, { untilMonoMs: nowMs + 100 });
      if (first !== undefined) allocator.release(first);
      nowMs += 100;
    }

    expect(allocator.allocate(nowMs)).toHaveLength(20);
  });

  it('are offered at once what they have not refused', () => {
    const allocator = clusterOf('fw1');
    allocator.addAgent(A1, AGENT);
    declineUntil(allocator, 300_000, 100);

    allocator.addAgent(agentId('new'), AGENT);

    expect(allocator.allocate(300_001).map((one) => one.agentId)).toContain('new');
  });
});
