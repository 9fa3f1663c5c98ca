import { describe, expect, it } from 'vitest';
import {
  agentId,
  formatResources,
  frameworkId,
  type Resources,
  resourceKey,
  resources,
  roleName,
} from '#core';
import { Allocator } from './allocator.js';
import type { Allocation, AllocatorOptions, Quota } from './traits.js';

const FOREVER = Number.MAX_SAFE_INTEGER;
const A1 = agentId('a1');
const A2 = agentId('a2');

function clusterOf(frameworks: Readonly<Record<string, string>>, options?: AllocatorOptions) {
  const allocator = new Allocator(options);
  for (const [id, role] of Object.entries(frameworks)) {
    allocator.addFramework(frameworkId(id), { roles: [roleName(role)], suppressedRoles: [] });
  }
  return allocator;
}

const units = (amounts: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * 1000]));

const quota = (given: {
  readonly guarantees?: Readonly<Record<string, number>>;
  readonly limits?: Readonly<Record<string, number>>;
}): Quota => ({ guarantees: units(given.guarantees ?? {}), limits: units(given.limits ?? {}) });

const shape = (allocations: readonly Allocation[]): string[] =>
  allocations.map((one) => `${one.frameworkId}@${one.agentId} ${formatResources(one.resources)}`);

const reserved = (role: string, cpus: number, mem: number): Resources => {
  const key = (name: string) =>
    resourceKey(name, { reservations: [{ type: 'DYNAMIC', role }], isRevocable: false });
  return { scalars: { [key('cpus')]: cpus * 1000, [key('mem')]: mem * 1000 }, ranges: {} };
};

describe('quota', () => {
  it('provides the guarantee: others get only what is not held back for it (QuotaProvidesGuarantee)', () => {
    const allocator = clusterOf({ other: 'other' });
    allocator.setQuota(roleName('vip'), quota({ guarantees: { cpus: 2, mem: 2048 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 2048 }));
    expect(allocator.allocate(0)).toEqual([]);

    allocator.addAgent(A2, resources({ cpus: 1, mem: 512 }));
    expect(shape(allocator.allocate(0))).toEqual(['other@a2 cpus:1;mem:512']);

    allocator.addFramework(frameworkId('late'), { roles: [roleName('vip')], suppressedRoles: [] });
    const toVip = allocator.allocate(0);
    const sum = (name: string) =>
      toVip.reduce((total, one) => total + (one.resources.scalars[name] ?? 0), 0);

    expect(toVip.every((one) => one.frameworkId === 'late')).toBe(true);
    expect([sum('cpus'), sum('mem')]).toEqual([2_000, 2_048_000]);
  });

  it('serves unmet guarantees first, whatever the shares', () => {
    const allocator = clusterOf({ vip: 'vip', other: 'other' });
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    allocator.adopt({
      frameworkId: frameworkId('vip'),
      role: roleName('vip'),
      agentId: A1,
      resources: resources({ cpus: 2, mem: 1024 }),
    });
    allocator.setQuota(roleName('vip'), quota({ guarantees: { cpus: 4, mem: 2048 } }));
    allocator.addAgent(A2, resources({ cpus: 2, mem: 1024 }));

    expect(shape(allocator.allocate(0))).toEqual(['vip@a2 cpus:2;mem:1024']);
  });

  it('never gives a role more than its limit, and cuts offers to it (QuotaProvidesLimit)', () => {
    const allocator = clusterOf({ small: 'small', big: 'big' });
    allocator.suppress(frameworkId('big'));
    allocator.setQuota(roleName('small'), quota({ limits: { cpus: 3 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    allocator.addAgent(A2, resources({ cpus: 2, mem: 1024 }));

    expect(shape(allocator.allocate(0))).toEqual([
      'small@a1 cpus:2;mem:1024',
      'small@a2 cpus:1;mem:1024',
    ]);
    expect(allocator.allocate(0)).toEqual([]);
  });

  it('offers a role more again when it gives something back', () => {
    const allocator = clusterOf({ small: 'small' });
    allocator.setQuota(roleName('small'), quota({ limits: { cpus: 2 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    allocator.addAgent(A2, resources({ cpus: 2, mem: 1024 }));
    const [first] = allocator.allocate(0);

    allocator.release(first as Allocation, { untilMonoMs: FOREVER });

    expect(shape(allocator.allocate(0))).toEqual(['small@a2 cpus:2;mem:1024']);
  });

  it('counts roles below the top-level one against its quota', () => {
    const allocator = clusterOf({ dev: 'eng/dev', ops: 'eng/ops' });
    allocator.setQuota(roleName('eng'), quota({ limits: { cpus: 3 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    allocator.addAgent(A2, resources({ cpus: 2, mem: 1024 }));
    allocator.allocate(0);

    expect(allocator.roleUsage(roleName('eng')).consumed).toEqual(units({ cpus: 3, mem: 2048 }));
  });

  it('counts reservations of a role and of those below, allocated or not (QuotaHeadroom)', () => {
    const allocator = clusterOf({ other: 'other', dev: 'eng/dev' });
    allocator.suppress(frameworkId('dev'));
    allocator.setQuota(roleName('eng'), quota({ guarantees: { cpus: 3, mem: 1024 } }));
    allocator.addAgent(A1, {
      scalars: {
        ...resources({ cpus: 2, mem: 1024 }).scalars,
        ...reserved('eng/dev', 2, 1024).scalars,
      },
      ranges: {},
    });

    // 1 cpu is missing to the guarantee; the rest of the unreserved may go.
    expect(shape(allocator.allocate(0))).toEqual(['other@a1 cpus:1;mem:1024']);
    expect(allocator.roleUsage(roleName('eng'))).toMatchObject({
      consumed: units({ cpus: 2, mem: 1024 }),
      reserved: units({ cpus: 2, mem: 1024 }),
      allocated: {},
    });
  });

  it('lets a role have its reservations though its limit is reached', () => {
    const allocator = clusterOf({ db: 'db' });
    allocator.setQuota(roleName('db'), quota({ limits: { cpus: 2, mem: 1024 } }));
    allocator.addAgent(A1, {
      scalars: { ...resources({ cpus: 2, mem: 1024 }).scalars, ...reserved('db', 2, 1024).scalars },
      ranges: {},
    });

    expect(shape(allocator.allocate(0))).toEqual(['db@a1 cpus(db):2;mem(db):1024']);
  });

  it('rescues a role from decliners that cycle: its guarantee is kept from them (QuotaAgainstStarvation)', () => {
    const allocator = clusterOf({ greedy: 'greedy', starved: 'starved' });
    allocator.setQuota(roleName('starved'), quota({ guarantees: { cpus: 1, mem: 512 } }));
    allocator.addAgent(A1, resources({ cpus: 1, mem: 512 }));
    const winners: string[] = [];

    for (let round = 0; round < 5; round += 1) {
      const [won] = allocator.allocate(round);
      winners.push(won?.frameworkId ?? 'nobody');
      if (won !== undefined) allocator.release(won, { untilMonoMs: round + 1 });
    }

    expect(winners).toEqual(['starved', 'starved', 'starved', 'starved', 'starved']);
  });

  it('does not offer slivers of one resource that a limit leaves (MESOS-8935)', () => {
    const allocator = clusterOf({ small: 'small' });
    allocator.setQuota(roleName('small'), quota({ limits: { cpus: 2 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    allocator.addAgent(A2, resources({ cpus: 2, mem: 1024 }));

    expect(shape(allocator.allocate(0))).toEqual(['small@a1 cpus:2;mem:1024']);
    allocator.setQuota(roleName('small'), undefined);
    expect(shape(allocator.allocate(0))).toEqual(['small@a2 cpus:2;mem:1024']);
  });

  it('gives everybody what is free when a quota is taken away', () => {
    const allocator = clusterOf({ other: 'other' });
    allocator.setQuota(roleName('vip'), quota({ guarantees: { cpus: 2, mem: 1024 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    expect(allocator.allocate(0)).toEqual([]);

    allocator.setQuota(roleName('vip'), undefined);

    expect(allocator.hasWork).toBe(true);
    expect(allocator.allocate(0)).toHaveLength(1);
  });

  it('gives headroom that an agent freed to agents that were held back', () => {
    const allocator = clusterOf({ other: 'other' });
    allocator.setQuota(roleName('vip'), quota({ guarantees: { cpus: 2, mem: 1024 } }));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 1024 }));
    expect(allocator.allocate(0)).toEqual([]);

    // A2 cannot go to `other`, which has no GPU_RESOURCES; but it may serve the guarantee, so A1 need not.
    allocator.addAgent(A2, resources({ cpus: 2, mem: 1024, gpus: 1 }));

    expect(shape(allocator.allocate(0))).toEqual(['other@a1 cpus:2;mem:1024']);
  });

  it('uses a minimum of the framework role instead of the cluster one (FrameworkMinAllocatable)', () => {
    const allocator = new Allocator();
    const join = (id: string, minAllocatable: readonly Readonly<Record<string, number>>[]) =>
      allocator.addFramework(frameworkId(id), {
        roles: [roleName('*')],
        suppressedRoles: [],
        minAllocatable: new Map([[roleName('*'), minAllocatable]]),
      });
    join('big', [units({ cpus: 4, mem: 1024 })]);
    allocator.addAgent(A1, resources({ cpus: 2, mem: 2048 }));
    expect(allocator.allocate(0)).toEqual([]);
    allocator.addAgent(A2, resources({ cpus: 4, mem: 2048 }));
    expect(shape(allocator.allocate(0))).toEqual(['big@a2 cpus:4;mem:2048']);

    join('any', []);
    allocator.addAgent(agentId('crumbs'), resources({ cpus: 0.001 }));

    expect(shape(allocator.allocate(0))).toEqual([
      'any@crumbs cpus:0.001',
      'any@a1 cpus:2;mem:2048',
    ]);
  });
});
