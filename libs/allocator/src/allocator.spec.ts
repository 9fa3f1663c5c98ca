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
