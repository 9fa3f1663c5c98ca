import { type Allocation, Allocator } from '#allocator';
import { agentId, frameworkId, resources, roleName } from '#core';

/** Rounds of the allocator alone, in the shapes of Mesos' HierarchicalAllocator_BENCHMARK_Test: no cluster. */

const ROLE = roleName('*');
const AGENT = resources({ cpus: 2, mem: 1024, disk: 4096, ports: [{ begin: 31000, end: 32000 }] });
/** What runs on each agent already, of the frameworks in turn. */
const USED = resources({ cpus: 1, mem: 128, disk: 1024 });
const FOREVER_MS = 365 * 24 * 3600 * 1000;

export interface ClusterShape {
  readonly agents: number;
  readonly frameworks: number;
  /** Roles the frameworks are spread over, 1 unless said. */
  readonly roles?: number;
}

/** Frameworks, and agents half in use, nothing offered yet. */
export function createLoadedAllocator({ agents, frameworks, roles = 1 }: ClusterShape): Allocator {
  const allocator = new Allocator();
  const roleOf = (index: number) => (roles === 1 ? ROLE : roleName(`role${index % roles}`));
  for (let index = 0; index < frameworks; index += 1) {
    allocator.addFramework(frameworkId(`f${index}`), {
      roles: [roleOf(index)],
      suppressedRoles: [],
    });
  }
  for (let index = 0; index < agents; index += 1) {
    const id = agentId(`a${index}`);
    const owner = index % frameworks;
    allocator.addAgent(id, AGENT);
    allocator.adopt({
      frameworkId: frameworkId(`f${owner}`),
      role: roleOf(owner),
      agentId: id,
      resources: USED,
    });
  }
  return allocator;
}

function timed<Value>(job: () => Value): { readonly ms: number; readonly value: Value } {
  const startedMs = performance.now();
  const value = job();
  return { ms: performance.now() - startedMs, value };
}

/** The first round, in which every agent goes to somebody. */
export function measureFullRound(shape: ClusterShape): number {
  const allocator = createLoadedAllocator(shape);
  const { ms, value } = timed(() => allocator.allocate(0));
  expectCount(value, shape.agents);
  return ms;
}

/** Everything is in use; a task of one agent ends, and a round offers what it had. One sample per agent tried. */
export function measureIncrementalRounds(shape: ClusterShape, count: number): readonly number[] {
  const allocator = createLoadedAllocator(shape);
  const held = [...allocator.allocate(0)];
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const ended = held[(index * 7919) % held.length] as Allocation;
    const { ms, value } = timed(() => {
      allocator.release(ended);
      return allocator.allocate(index);
    });
    expectCount(value, 1);
    samples.push(ms);
    held[(index * 7919) % held.length] = value[0] as Allocation;
  }
  return samples;
}

/** Each round everybody refuses for a year what he is offered (DeclineOffers). Milliseconds of each round. */
export function measureDeclinedRounds(shape: ClusterShape, rounds: number): readonly number[] {
  const allocator = createLoadedAllocator(shape);
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { ms, value } = timed(() => allocator.allocate(round));
    samples.push(ms);
    for (const one of value) allocator.release(one, { untilMonoMs: round + FOREVER_MS });
  }
  return samples;
}

/**
 * Everybody has refused everything; then one revives, and one agent after the other gets something back and is refused
 * by it again. So everybody's refusals on that agent are looked at twice. One sample per agent, of both rounds.
 */
export function measureRoundAmongDecliners(shape: ClusterShape): readonly number[] {
  const allocator = createLoadedAllocator(shape);
  for (let round = 0; round < shape.frameworks; round += 1) {
    for (const one of allocator.allocate(0)) allocator.release(one, { untilMonoMs: FOREVER_MS });
  }
  expectCount(allocator.allocate(0), 0);
  const samples: number[] = [];
  for (let index = 0; index < shape.agents; index += 1) {
    const part = resources({ cpus: 0.5 });
    const id = agentId(`a${index}`);
    const task = { frameworkId: frameworkId('f0'), role: ROLE, agentId: id, resources: part };
    allocator.adopt(task);
    const { ms, value } = timed(() => {
      allocator.release(task);
      return allocator.allocate(0);
    });
    expectCount(value, 0);
    samples.push(ms);
  }
  return samples;
}

/** All but one in a hundred are suppressed (ExtremeSuppressOffers); the rest refuses what it is offered, so all are visited. */
export function measureSuppressedRounds(shape: ClusterShape, rounds: number): readonly number[] {
  const allocator = createLoadedAllocator(shape);
  for (let index = 0; index < shape.frameworks; index += 1) {
    if (index % 100 !== 0) allocator.suppress(frameworkId(`f${index}`));
  }
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { ms, value } = timed(() => allocator.allocate(round));
    samples.push(ms);
    for (const one of value) allocator.release(one);
  }
  return samples;
}

/** A full round cut into pieces, between which a master's event loop answers others. Milliseconds of each piece. */
export function measurePieces(shape: ClusterShape, maxAllocations: number): readonly number[] {
  const allocator = createLoadedAllocator(shape);
  const samples: number[] = [];
  let made = 0;
  while (allocator.hasWork) {
    const { ms, value } = timed(() => allocator.allocate(0, { maxAllocations }));
    samples.push(ms);
    made += value.length;
  }
  if (made !== shape.agents) throw new Error(`${made} of ${shape.agents} agents were offered`);
  return samples;
}

/** A full round with half of the cluster guaranteed to a third of the roles, and limits for another third. */
export function measureQuotaRound(shape: ClusterShape): number {
  const allocator = createLoadedAllocator(shape);
  const roles = shape.roles ?? 1;
  const cpus = (shape.agents * 1000) / roles;
  for (let index = 0; index < roles; index += 1) {
    const role = roleName(`role${index}`);
    if (index % 3 === 0) {
      allocator.setQuota(role, { guarantees: { cpus: 2 * cpus }, limits: {} });
    } else if (index % 3 === 1) {
      allocator.setQuota(role, { guarantees: {}, limits: { cpus: 2 * cpus } });
    }
  }
  return timed(() => allocator.allocate(0)).ms;
}

function expectCount(allocations: readonly Allocation[], count: number): void {
  if (allocations.length !== count) {
    throw new Error(`${allocations.length} allocations, ${count} were to be expected`);
  }
}
