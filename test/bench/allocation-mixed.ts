import { type Allocation, Allocator } from '#allocator';
import {
  agentId,
  type FrameworkId,
  frameworkId,
  type Resources,
  type RoleName,
  resources,
  roleName,
  scalarMilli,
  subtractResources,
} from '#core';

/**
 * Mesos' MultiFrameworkAllocations: 4 Marathons, 500 Jenkins and 50 Sparks start 19,500 tasks on 80 large agents. Each
 * uses of an offer what it may, gives the rest back, and is suppressed once it has all its tasks.
 */

const AGENTS = 80;
const AGENT = resources({ cpus: 64, mem: 488 * 1024 });
const MAX_ROUNDS = 10_000;

interface Kind {
  readonly name: string;
  readonly frameworks: number;
  readonly tasks: number;
  readonly perOffer: number;
  readonly task: Resources;
  /** All in one role, or each in its own. */
  readonly isOneRole: boolean;
}

const KINDS: readonly Kind[] = [
  {
    name: 'marathon',
    frameworks: 4,
    tasks: 4_000,
    perOffer: 100,
    task: resources({ cpus: 0.07, mem: 400 }),
    isOneRole: false,
  },
  {
    name: 'jenkins',
    frameworks: 500,
    tasks: 5,
    perOffer: 1,
    task: resources({ cpus: 0.1, mem: 4_000 }),
    isOneRole: true,
  },
  {
    name: 'spark',
    frameworks: 50,
    tasks: 20,
    perOffer: 5,
    task: resources({ cpus: 1, mem: 1_000 }),
    isOneRole: false,
  },
];

interface Framework {
  readonly role: RoleName;
  readonly kind: Kind;
  missing: number;
}

export interface MixedResult {
  readonly tasks: number;
  readonly rounds: number;
  readonly offers: number;
  /** Of the allocator, not of the frameworks. */
  readonly allocatorMs: number;
  readonly cpusInUse: number;
  readonly memInUse: number;
}

/** Runs the workload to its end, as fast as rounds follow each other. */
export function runMixedWorkload(): MixedResult {
  const allocator = new Allocator();
  const frameworks = new Map<FrameworkId, Framework>();
  for (const kind of KINDS) {
    for (let index = 0; index < kind.frameworks; index += 1) {
      const role = roleName(kind.isOneRole ? kind.name : `${kind.name}-${index}`);
      const id = frameworkId(`${kind.name}${index}`);
      frameworks.set(id, { role, kind, missing: kind.tasks });
      allocator.addFramework(id, { roles: [role], suppressedRoles: [] });
    }
  }
  for (let index = 0; index < AGENTS; index += 1) allocator.addAgent(agentId(`a${index}`), AGENT);
  const result = { tasks: 0, rounds: 0, offers: 0, allocatorMs: 0 };
  const inUse = { cpus: 0, mem: 0 };
  const isDone = (): boolean => [...frameworks.values()].every(({ missing }) => missing === 0);
  while (!isDone()) {
    if (result.rounds >= MAX_ROUNDS) throw new Error(`not done after ${MAX_ROUNDS} rounds`);
    const startedMs = performance.now();
    const offers = allocator.allocate(result.rounds);
    result.allocatorMs += performance.now() - startedMs;
    result.rounds += 1;
    result.offers += offers.length;
    for (const offer of offers) {
      const framework = frameworks.get(offer.frameworkId);
      if (framework === undefined) continue;
      const launched = countOf(framework, offer);
      framework.missing -= launched;
      result.tasks += launched;
      const used = times(framework.kind.task, launched);
      inUse.cpus += scalarMilli(used, 'cpus');
      inUse.mem += scalarMilli(used, 'mem');
      const answeredMs = performance.now();
      if (launched > 0) allocator.accepted(offer.frameworkId, framework.role);
      if (framework.missing === 0) allocator.suppress(offer.frameworkId);
      allocator.release({ ...offer, resources: subtractResources(offer.resources, used) });
      result.allocatorMs += performance.now() - answeredMs;
    }
  }
  return {
    ...result,
    cpusInUse: inUse.cpus / (AGENTS * scalarMilli(AGENT, 'cpus')),
    memInUse: inUse.mem / (AGENTS * scalarMilli(AGENT, 'mem')),
  };
}

function countOf({ kind, missing }: Framework, { resources: offered }: Allocation): number {
  const fits = ['cpus', 'mem'].map((name) =>
    Math.floor(scalarMilli(offered, name) / scalarMilli(kind.task, name)),
  );
  return Math.min(kind.perOffer, missing, ...fits);
}

const times = ({ scalars }: Resources, count: number): Resources => ({
  scalars: Object.fromEntries(
    Object.entries(scalars)
      .map(([name, milli]): [string, number] => [name, milli * count])
      .filter(([, milli]) => milli > 0),
  ),
  ranges: {},
});
