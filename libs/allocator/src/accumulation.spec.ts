import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AgentId,
  agentId,
  frameworkId,
  resourceKey,
  resources,
  roleName,
  scalarMilli,
} from '#core';
import { HOLD_STALLED_MS, STARVING_AFTER_LOSSES } from './accumulation.js';
import { Allocator } from './allocator.js';
import type { Quantities } from './quantities.js';
import type { Allocation } from './traits.js';

const BIG = frameworkId('big');
const SMALL = frameworkId('small');
const ROLE = roleName('*');
const NODE = resources({ cpus: 10, mem: 1024 });
const TASK = resources({ cpus: 1, mem: 64 });
const BIG_TASK: Quantities = { cpus: 8_000, mem: 256_000 };

/** Agents full of endless small tasks: what ends is followed by another one where the framework is offered room. */
class Nibblers {
  readonly allocator = new Allocator();
  readonly tasks: Allocation[] = [];
  /** Offers to the big one that were enough for its task. */
  readonly big: Allocation[] = [];
  allocations = 0;
  nowMs = 0;

  constructor(agents: number) {
    this.allocator.addFramework(SMALL, { roles: [ROLE], suppressedRoles: [] });
    for (let index = 0; index < agents; index += 1) {
      this.allocator.addAgent(agentId(`a${index}`), NODE);
    }
    this.round();
  }

  /** The big one says what its task needs by an offer filter, or by a request. */
  join(how: 'filter' | 'request', wanted: Quantities = BIG_TASK): void {
    this.allocator.addFramework(BIG, {
      roles: [ROLE],
      suppressedRoles: [],
      ...(how === 'filter' ? { minAllocatable: new Map([[ROLE, [wanted]]]) } : {}),
    });
    if (how === 'request') this.allocator.setDemand(BIG, ROLE, [wanted]);
    this.round();
  }

  /** A small task ends, and the round after. */
  end(index: number): void {
    const [task] = this.tasks.splice(index % Math.max(1, this.tasks.length), 1);
    if (task !== undefined) this.allocator.release(task);
    this.round();
  }

  /** Small tasks end, oldest first or as picked, until an agent with something free is kept for somebody. */
  endUntilHeld(pick: () => number = () => 0): void {
    for (let ends = 0; ends < 200 && heldAgents(this.allocator) === 0; ends += 1) this.end(pick());
    expect(heldAgents(this.allocator)).toBe(1);
  }

  round(): void {
    for (let turns = 0; turns < 20 && this.allocator.hasWork; turns += 1) {
      for (const offer of this.allocator.allocate(this.nowMs)) this.answer(offer);
    }
  }

  private answer(offer: Allocation): void {
    this.allocations += 1;
    if (offer.frameworkId === BIG) {
      if (scalarMilli(offer.resources, 'cpus') >= 8_000) this.big.push(offer);
      else this.allocator.release(offer, { untilMonoMs: this.nowMs + 1_000 });
      return;
    }
    const tasks = Math.floor(scalarMilli(offer.resources, 'cpus') / 1_000);
    const used = resources({ cpus: tasks, mem: 64 * tasks });
    for (let index = 0; index < tasks; index += 1) {
      this.tasks.push({ ...offer, resources: TASK });
    }
    const mem = scalarMilli(offer.resources, 'mem') - scalarMilli(used, 'mem');
    const rest = {
      scalars: {
        ...(scalarMilli(offer.resources, 'cpus') > tasks * 1_000
          ? { cpus: scalarMilli(offer.resources, 'cpus') - tasks * 1_000 }
          : {}),
        ...(mem > 0 ? { mem } : {}),
      },
      ranges: {},
    };
    this.allocator.release({ ...offer, resources: rest }, { untilMonoMs: Number.MAX_SAFE_INTEGER });
  }
}

const heldAgents = (allocator: Allocator): number =>
  allocator.explain({ frameworkId: SMALL })[0]?.reasons.accumulating ?? 0;

describe('a demand that keeps losing', () => {
  it.each(['filter', 'request'] as const)(
    'by %s: a task needing most of a node (80 percent) starts within a bounded number of allocations',
    (how) => {
      const nibblers = new Nibblers(5);
      nibblers.join(how);
      const before = nibblers.allocations;

      // The oldest task ends first, 50 of them make one turn over the cluster.
      for (let ends = 0; ends < 1_000 && nibblers.big.length === 0; ends += 1) nibblers.end(0);

      expect(nibblers.big).toHaveLength(1);
      expect(nibblers.allocations - before).toBeLessThan(2 * STARVING_AFTER_LOSSES + 2 * 50);
    },
  );

  it('would not start otherwise: without saying what it needs it gets slices for ever', () => {
    const nibblers = new Nibblers(5);
    nibblers.allocator.addFramework(BIG, { roles: [ROLE], suppressedRoles: [] });

    for (let ends = 0; ends < 1_000; ends += 1) {
      nibblers.nowMs += 100;
      nibblers.end(0);
    }

    expect(nibblers.big).toEqual([]);
  });

  it('starts whichever small tasks end', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 10_000 })), (picks) => {
        const nibblers = new Nibblers(3);
        nibblers.join('filter');
        let ends = 0;
        for (const pick of picks) {
          nibblers.end(pick);
          ends += 1;
          if (nibblers.big.length > 0 || ends === 2_000) break;
        }

        expect(nibblers.big).toHaveLength(1);
      }),
      { numRuns: 30 },
    );
  });

  it('is given one agent, and no more than one in twenty are kept', () => {
    const nibblers = new Nibblers(40);
    const others = ['b1', 'b2', 'b3', 'b4'].map(frameworkId);
    for (const id of others) {
      nibblers.allocator.addFramework(id, {
        roles: [ROLE],
        suppressedRoles: [],
        minAllocatable: new Map([[ROLE, [BIG_TASK]]]),
      });
    }

    let most = 0;
    for (let ends = 0; ends < 120; ends += 1) {
      nibblers.end(ends * 7);
      most = Math.max(most, heldAgents(nibblers.allocator));
    }

    expect(most).toBe(2);
  });

  it('is given up when it is suppressed, and the agent goes to the others', () => {
    const nibblers = new Nibblers(2);
    nibblers.join('filter');
    nibblers.endUntilHeld();

    nibblers.allocator.suppress(BIG);
    nibblers.round();

    expect(heldAgents(nibblers.allocator)).toBe(0);
    expect(nibblers.tasks).toHaveLength(20);
  });

  it.each(['withdrawn', 'disconnected', 'removed'])('is given up when it is %s', (how) => {
    const nibblers = new Nibblers(2);
    nibblers.join('request');
    nibblers.endUntilHeld();

    if (how === 'withdrawn') nibblers.allocator.setDemand(BIG, undefined, []);
    else if (how === 'disconnected') nibblers.allocator.deactivateFramework(BIG);
    else nibblers.allocator.removeFramework(BIG);
    nibblers.round();

    expect(heldAgents(nibblers.allocator)).toBe(0);
  });

  it('is given another agent when the first is lost', () => {
    const nibblers = new Nibblers(2);
    nibblers.join('filter');
    nibblers.endUntilHeld();
    for (let ends = 0; ends < 4; ends += 1) nibblers.end(0);
    const counts = new Map<AgentId, number>();
    for (const { agentId: id } of nibblers.tasks) counts.set(id, (counts.get(id) ?? 0) + 1);
    const [held] = [...counts].sort(([, left], [, right]) => left - right)[0] ?? [agentId('a0')];

    nibblers.allocator.setAgentActive(held, { isActive: false });
    for (let ends = 0; ends < 100 && nibblers.big.length === 0; ends += 1) nibblers.end(0);

    expect(nibblers.big.map((one) => one.agentId)).toEqual([held === 'a0' ? 'a1' : 'a0']);
  });

  it('lets go of an agent on which nothing ends, and tries the next', () => {
    const nibblers = new Nibblers(2);
    nibblers.join('filter');
    const onA0 = (): number => nibblers.tasks.findIndex((task) => task.agentId === 'a0');
    const onA1 = (): number => nibblers.tasks.findIndex((task) => task.agentId === 'a1');
    nibblers.endUntilHeld(onA0);
    expect(nibblers.allocator.nextExpiryMonoMs()).toBe(HOLD_STALLED_MS);

    // Tasks on a0 run on for ever; a1 has its turn.
    nibblers.nowMs += HOLD_STALLED_MS;
    nibblers.endUntilHeld(onA1);
    for (let ends = 0; ends < 12 && nibblers.big.length === 0; ends += 1) nibblers.end(onA1());

    expect(nibblers.big.map((one) => one.agentId)).toEqual(['a1']);
  });

  it('keeps no agent when none is large enough, or its limit does not allow it', () => {
    const nibblers = new Nibblers(2);
    nibblers.join('filter', { cpus: 11_000 });
    for (let ends = 0; ends < 200; ends += 1) nibblers.end(0);
    expect(heldAgents(nibblers.allocator)).toBe(0);

    const limited = new Nibblers(2);
    limited.allocator.setQuota(ROLE, { guarantees: {}, limits: { cpus: 20_000 } });
    limited.join('filter');
    for (let ends = 0; ends < 200; ends += 1) limited.end(0);

    expect(heldAgents(limited.allocator)).toBe(0);
  });

  it('leaves reserved resources of the agent to their role', () => {
    const nibblers = new Nibblers(1);
    nibblers.join('filter');
    nibblers.endUntilHeld();
    nibblers.end(0);
    nibblers.allocator.addFramework(frameworkId('db'), {
      roles: [roleName('db')],
      suppressedRoles: [],
    });
    const key = (name: string): string =>
      resourceKey(name, { reservations: [{ type: 'DYNAMIC', role: 'db' }], isRevocable: false });
    const reserved = { scalars: { [key('cpus')]: 1_000, [key('mem')]: 64_000 }, ranges: {} };

    expect(nibblers.allocator.convert(agentId('a0'), undefined, TASK, reserved)).toBe(true);
    const offers = nibblers.allocator.allocate(0);

    expect(offers.map((one) => [one.frameworkId, one.resources])).toEqual([['db', reserved]]);
  });
});
