import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addResources,
  agentId,
  containsResources,
  formatResources,
  frameworkId,
  isEmptyResources,
  noResources,
  type Resources,
  resources,
  roleName,
  subtractResources,
} from '#core';
import { Allocator } from './allocator.js';
import type { Allocation } from './traits.js';

const F1 = frameworkId('fw1');
const F2 = frameworkId('fw2');
const A1 = agentId('a1');
const ROLE = roleName('*');
const FOREVER = Number.MAX_SAFE_INTEGER;

function join(allocator: Allocator, id: string, role = '*'): void {
  allocator.addFramework(frameworkId(id), { roles: [roleName(role)], suppressedRoles: [] });
}

const shape = (allocations: readonly Allocation[]): string[] =>
  allocations.map((one) => `${one.frameworkId}@${one.agentId} ${formatResources(one.resources)}`);

describe('Allocator', () => {
  it('follows role, then framework shares over five arriving agents (oracle UnreservedDRF)', () => {
    const allocator = new Allocator();
    const winners: string[] = [];
    const arrive = (name: string, cpus: number, mem: number) => {
      allocator.addAgent(agentId(name), resources({ cpus, mem }));
      winners.push(...allocator.allocate(0).map((one) => one.frameworkId));
    };

    join(allocator, 'fw1', 'role1');
    arrive('s1', 2, 1024);
    join(allocator, 'fw2', 'role2');
    arrive('s2', 1, 512);
    arrive('s3', 3, 2048);
    join(allocator, 'fw3', 'role1');
    arrive('s4', 4, 4096);
    join(allocator, 'fw4', 'role1');
    arrive('s5', 1, 512);

    expect(winners).toEqual(['fw1', 'fw2', 'fw2', 'fw3', 'fw2']);
  });

  it('settles at 3 and 2 tasks in the example of the DRF paper, with one task per offer', () => {
    const allocator = new Allocator({ minAllocatable: [] });
    const tasks: Readonly<Record<string, Resources>> = {
      A: resources({ cpus: 1, mem: 4 }),
      B: resources({ cpus: 3, mem: 1 }),
    };
    join(allocator, 'A', 'a');
    join(allocator, 'B', 'b');
    allocator.addAgent(A1, resources({ cpus: 9, mem: 18 }));
    const running: string[] = [];

    for (let round = 0; round < 50; round += 1) {
      const [offer] = allocator.allocate(round);
      if (offer === undefined) break;
      const task = tasks[offer.frameworkId] ?? noResources;
      const fits = containsResources(offer.resources, task);
      if (fits) running.push(offer.frameworkId);
      const rest = fits ? subtractResources(offer.resources, task) : offer.resources;
      // Who has no use for what is left says so for good.
      if (fits) allocator.release({ ...offer, resources: rest });
      else allocator.release(offer, { untilMonoMs: FOREVER });
    }

    expect(running.toSorted()).toEqual(['A', 'A', 'A', 'B', 'B']);
    expect(allocator.shareOfRole(roleName('a'))).toBeCloseTo(2 / 3);
    expect(allocator.shareOfRole(roleName('b'))).toBeCloseTo(2 / 3);
  });

  it('compares nested roles with their siblings only (NestedRoleDRF)', () => {
    const allocator = new Allocator();
    const winners: string[] = [];
    const arrive = (name: string, cpus: number) => {
      allocator.addAgent(agentId(name), resources({ cpus }));
      winners.push(...allocator.allocate(0).map((one) => one.frameworkId));
    };
    join(allocator, 'ab', 'a/b');
    arrive('s1', 4);
    join(allocator, 'ac', 'a/c');
    join(allocator, 'd', 'd');
    arrive('s2', 1);
    arrive('s3', 1);
    arrive('s4', 4);
    arrive('s5', 1);

    // `a/c` has nothing, but `a` has 4 of `d`'s 0, 1 and 2; then `a` is behind, and in it `a/c`.
    expect(winners).toEqual(['ab', 'd', 'd', 'd', 'ac']);
  });

  it('shifts offers when weights change (RebalancedForUpdatedWeights)', () => {
    const allocator = new Allocator();
    for (const id of ['fw1', 'fw2', 'fw3']) join(allocator, id, `role-${id}`);
    for (let index = 0; index < 6; index += 1) {
      allocator.addAgent(agentId(`a${index}`), resources({ cpus: 1 }));
    }
    const counts = (allocations: readonly Allocation[]): readonly number[] =>
      ['fw1', 'fw2', 'fw3'].map((id) => allocations.filter((one) => one.frameworkId === id).length);
    const before = allocator.allocate(0);
    expect(counts(before)).toEqual([2, 2, 2]);

    // As the master does: outstanding offers are rescinded, so that the new weights count at once.
    allocator.setWeight(roleName('role-fw1'), 3);
    allocator.setWeight(roleName('role-fw2'), 2);
    for (const one of before) allocator.release(one);

    expect(counts(allocator.allocate(0))).toEqual([3, 2, 1]);
  });

  it('does not offer in roles a framework has left, which keep what runs in them', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1', 'x');
    allocator.addAgent(A1, resources({ cpus: 1 }));
    const [inX] = allocator.allocate(0);

    join(allocator, 'fw1', 'y');
    expect(allocator.roleUsage(roleName('x')).allocated).toEqual({ cpus: 1_000 });
    expect(allocator.knownRoles()).toEqual(['x', 'y']);
    allocator.release(inX as Allocation);

    expect(allocator.allocate(0).map((one) => one.role)).toEqual(['y']);
    expect(allocator.knownRoles()).toEqual(['y']);
  });

  it('cuts a round into pieces, and goes on where it stopped', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    join(allocator, 'fw2');
    for (let index = 0; index < 10; index += 1) {
      allocator.addAgent(agentId(`a${index}`), resources({ cpus: 1 }));
    }
    const pieces: number[] = [];
    while (allocator.hasWork) {
      pieces.push(allocator.allocate(0, { maxAllocations: 4 }).length);
    }

    expect(pieces).toEqual([4, 4, 2]);
  });

  it('offers nothing below the smallest allocatable amount, and either cpus or mem will do', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    allocator.addAgent(agentId('crumbs'), resources({ cpus: 0.009, mem: 31, disk: 1000 }));
    allocator.addAgent(agentId('cpu'), resources({ cpus: 0.01 }));
    allocator.addAgent(agentId('mem'), resources({ mem: 32 }));

    expect(shape(allocator.allocate(0))).toEqual(['fw1@cpu cpus:0.01', 'fw1@mem mem:32']);
  });

  it('gives a refused agent to the next framework, and to the first again when the filter expires', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    join(allocator, 'fw2');
    allocator.addAgent(A1, resources({ cpus: 1 }));
    const [first] = allocator.allocate(0);
    allocator.release(first as Allocation, { untilMonoMs: 5_000 });
    const [second] = allocator.allocate(0);
    allocator.release(second as Allocation, { untilMonoMs: FOREVER });

    expect([first?.frameworkId, second?.frameworkId]).toEqual([F1, F2]);
    expect(allocator.allocate(4_999)).toEqual([]);
    expect(allocator.nextExpiryMonoMs()).toBe(5_000);
    expect(allocator.allocate(5_000).map((one) => one.frameworkId)).toEqual([F1]);
  });

  it('filters what is contained in the refused resources, not more', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    allocator.addAgent(A1, resources({ cpus: 2 }));
    const task = { frameworkId: F1, role: ROLE, agentId: A1, resources: resources({ cpus: 1 }) };
    allocator.allocate(0);
    allocator.release(task, { untilMonoMs: FOREVER });
    expect(allocator.allocate(0)).toEqual([]);

    allocator.release(task);

    expect(shape(allocator.allocate(0))).toEqual(['fw1@a1 cpus:2']);
  });

  it('filters by role: refusing in one does not filter the other', () => {
    const allocator = new Allocator();
    const roles = [roleName('x'), roleName('y')];
    allocator.addFramework(F1, { roles, suppressedRoles: [] });
    allocator.addAgent(A1, resources({ cpus: 1 }));
    const [inX] = allocator.allocate(0);

    allocator.release(inX as Allocation, { untilMonoMs: FOREVER });

    expect(inX?.role).toBe('x');
    expect(allocator.allocate(0)[0]?.role).toBe('y');
  });

  it('suppresses and revives per role', () => {
    const allocator = new Allocator();
    allocator.addFramework(F1, { roles: [roleName('x'), roleName('y')], suppressedRoles: [] });
    allocator.suppress(F1, [roleName('x')]);
    allocator.addAgent(A1, resources({ cpus: 1 }));
    const [inY] = allocator.allocate(0);
    allocator.suppress(F1);
    allocator.release(inY as Allocation);

    expect(inY?.role).toBe('y');
    expect(allocator.allocate(0)).toEqual([]);
    allocator.revive(F1, [roleName('x')]);
    expect(allocator.allocate(0)[0]?.role).toBe('x');
  });

  it('offers to a framework that came back, though it refused for ever before', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    allocator.addAgent(A1, resources({ cpus: 1 }));
    allocator.release(allocator.allocate(0)[0] as Allocation, { untilMonoMs: FOREVER });
    allocator.deactivateFramework(F1);
    expect(allocator.allocate(0)).toEqual([]);

    join(allocator, 'fw1');

    expect(allocator.allocate(0)).toHaveLength(1);
  });

  it('alternates between frameworks of equal share', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    join(allocator, 'fw2');
    allocator.addAgent(A1, resources({ cpus: 1 }));
    const winners: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const [won] = allocator.allocate(0);
      winners.push(won?.frameworkId ?? '');
      allocator.release(won as Allocation);
    }

    expect(winners).toEqual(['fw1', 'fw2', 'fw1', 'fw2']);
  });

  it('does not let one framework that filters everything starve the rest (MESOS-9554)', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    join(allocator, 'fw2');
    for (let index = 0; index < 3; index += 1) {
      allocator.addAgent(agentId(`a${index}`), resources({ cpus: 1 }));
    }
    const toFirst = allocator.allocate(0).filter((one) => one.frameworkId === F1);
    for (const one of toFirst) allocator.release(one, { untilMonoMs: FOREVER });

    expect(allocator.allocate(0).every((one) => one.frameworkId === F2)).toBe(true);
  });

  it('gives nothing of an agent that came back smaller than what runs on it', () => {
    const allocator = new Allocator();
    join(allocator, 'fw1');
    allocator.addAgent(A1, resources({ cpus: 4 }));
    allocator.allocate(0);

    allocator.addAgent(A1, resources({ cpus: 2 }));

    expect(isEmptyResources(allocator.availableOn(A1))).toBe(true);
    expect(allocator.allocate(0)).toEqual([]);
  });
});

const AGENTS = ['a', 'b', 'c'].map(agentId);
const FRAMEWORKS = ['f', 'g', 'h'].map(frameworkId);
const TOTAL = resources({ cpus: 4, mem: 512, ports: [{ begin: 1, end: 9 }] });
const command = fc.record({
  kind: fc.constantFrom(
    'join',
    'leave',
    'suppress',
    'revive',
    'agent',
    'lose',
    'decline',
    'free',
    'round',
    'wait',
  ),
  agent: fc.nat({ max: 2 }),
  framework: fc.nat({ max: 2 }),
  pick: fc.nat({ max: 20 }),
  refuseMs: fc.constantFrom(0, 10, 1_000, 1_000_000),
});

/** Random histories of one allocator, with the allocations that are out, and the model of who wants what. */
function runHistory(
  commands: readonly {
    readonly kind: string;
    readonly agent: number;
    readonly framework: number;
    readonly pick: number;
    readonly refuseMs: number;
  }[],
) {
  const allocator = new Allocator();
  const out: Allocation[] = [];
  const agents = new Set<string>();
  const wanting = new Set<string>();
  let nowMs = 0;
  const check = () => {
    for (const agent of agents) {
      const used = out
        .filter((one) => one.agentId === agent)
        .reduce<Resources>((sum, one) => addResources(sum, one.resources), noResources);
      expect(containsResources(TOTAL, used)).toBe(true);
    }
  };
  for (const { kind, agent, framework, pick, refuseMs } of commands) {
    const a = AGENTS[agent] ?? A1;
    const f = FRAMEWORKS[framework] ?? F1;
    if (kind === 'join') {
      join(allocator, f);
      wanting.add(f);
    } else if (kind === 'leave') {
      allocator.deactivateFramework(f);
      wanting.delete(f);
    } else if (kind === 'suppress') {
      allocator.suppress(f);
      wanting.delete(f);
    } else if (kind === 'revive' && wanting.has(f)) allocator.revive(f);
    else if (kind === 'agent') {
      allocator.addAgent(a, TOTAL);
      agents.add(a);
    } else if (kind === 'lose') {
      for (const one of out.filter((each) => each.agentId === a)) {
        out.splice(out.indexOf(one), 1);
        allocator.release(one);
      }
      allocator.removeAgent(a);
      agents.delete(a);
    } else if (kind === 'decline' || kind === 'free') {
      const [one] = out.splice(pick % Math.max(1, out.length), 1);
      const refuse =
        kind === 'decline' && refuseMs > 0 ? { untilMonoMs: nowMs + refuseMs } : undefined;
      if (one !== undefined) allocator.release(one, refuse);
    } else if (kind === 'wait') nowMs += refuseMs;
    else if (kind === 'round') {
      out.push(...allocator.allocate(nowMs));
      check();
    }
  }
  return { allocator, out, agents, wanting, nowMs, check };
}

describe('Allocator, over random histories', () => {
  it('never gives out more than an agent has', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        runHistory(commands).check();
      }),
    );
  });

  it('offers free resources to somebody within two rounds once nobody filters them any more', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        const { allocator, agents, wanting, out } = runHistory(commands);
        fc.pre(wanting.size > 0);
        const muchLaterMs = 10_000_000;
        out.push(...allocator.allocate(muchLaterMs), ...allocator.allocate(muchLaterMs));

        for (const agent of agents) {
          expect(isEmptyResources(allocator.availableOn(agentId(agent)))).toBe(true);
        }
      }),
    );
  });

  it('gives a reviving framework what is free, within two rounds', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        const { allocator, wanting, nowMs } = runHistory(commands);
        const lonely = FRAMEWORKS[0] ?? F1;
        for (const other of wanting) allocator.suppress(frameworkId(other));
        allocator.addAgent(agentId('fresh'), TOTAL);
        join(allocator, lonely);

        const offered = [...allocator.allocate(nowMs), ...allocator.allocate(nowMs)];

        expect(offered.some((one) => one.agentId === 'fresh' && one.frameworkId === lonely)).toBe(
          true,
        );
      }),
    );
  });
});
