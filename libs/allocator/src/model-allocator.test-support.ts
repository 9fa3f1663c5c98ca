import {
  type AgentId,
  addResources,
  containsResources,
  type FrameworkId,
  isEmptyResources,
  nameOfKey,
  noResources,
  quantitiesOf,
  type Resources,
  type RoleName,
  selectResources,
  traitsOfKey,
} from '#core';
import { subtractUpTo } from './subtract-up-to.js';
import type { Allocation, Quota } from './traits.js';

/** A framework in one of its roles, in the model. */
export interface ModelClient {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
}

interface ModelFramework {
  readonly roles: readonly RoleName[];
  readonly capabilities: ReadonlySet<string>;
  readonly suppressed: Set<RoleName>;
  isActive: boolean;
}

/**
 * The allocator's rules once more, slow and obvious: nothing is kept but what was said, everything is worked out anew
 * for each question. The allocator is checked against it.
 */
export class ModelAllocator {
  readonly agents = new Map<AgentId, { total: Resources; isActive: boolean }>();
  readonly frameworks = new Map<FrameworkId, ModelFramework>();
  readonly held: Allocation[] = [];
  readonly quotas = new Map<RoleName, Quota>();
  readonly weights = new Map<string, number>();
  refusals: { readonly allocation: Allocation; readonly untilMs: number }[] = [];
  private readonly made: ModelClient[] = [];
  nowMs = 0;

  /** Books a new allocation; the caller has checked it. */
  allocate(allocation: Allocation): void {
    this.held.push(allocation);
    this.made.push(allocation);
  }

  available(id: AgentId): Resources {
    const agent = this.agents.get(id);
    if (agent?.isActive !== true) return noResources;
    return this.held
      .filter((one) => one.agentId === id)
      .reduce((rest, one) => subtractUpTo(rest, one.resources), agent.total);
  }

  /** All clients that may be offered something of the agent, the first in order first. */
  eligible(id: AgentId, options: { readonly isForGuarantees: boolean }): readonly ModelClient[] {
    return this.clients()
      .filter((client) => !isEmptyResources(this.offerFor(id, client, options)))
      .sort((left, right) => this.compare(left, right));
  }

  /** What the client is offered of the agent; nothing when it is filtered or too little. */
  offerFor(
    id: AgentId,
    client: ModelClient,
    options: { readonly isForGuarantees: boolean },
  ): Resources {
    const top = topOf(client.role);
    const framework = this.frameworks.get(client.frameworkId);
    const mine = selectResources(this.available(id), (key) => {
      const { reservations, isRevocable } = traitsOfKey(key);
      const role = reservations.at(-1)?.role;
      return (
        (role === undefined || client.role === role || client.role.startsWith(`${role}/`)) &&
        (!isRevocable || framework?.capabilities.has('REVOCABLE_RESOURCES') === true) &&
        (reservations.length < 2 || framework?.capabilities.has('RESERVATION_REFINEMENT') === true)
      );
    });
    const scalars: Record<string, number> = {};
    let makesProgress = false;
    for (const [key, milli] of Object.entries(mine.scalars)) {
      const isPlain = !key.includes('{');
      const cut = isPlain && this.quotas.size > 0 ? this.room(top, key, milli) : milli;
      if (cut > 0) scalars[key] = cut;
      if (isPlain && cut > 0 && this.unmet(top, key) > 0) makesProgress = true;
    }
    const offer = { scalars, ranges: mine.ranges };
    if (options.isForGuarantees && !makesProgress) return noResources;
    const isFiltered = this.refusals.some(
      ({ allocation, untilMs }) =>
        untilMs > this.nowMs &&
        allocation.frameworkId === client.frameworkId &&
        allocation.role === client.role &&
        allocation.agentId === id &&
        containsResources(allocation.resources, offer),
    );
    return isFiltered || !this.isEnough(offer) ? noResources : offer;
  }

  /** By the whole path: at the first place where two differ, the subtrees' shares, allocations and names decide. */
  compare(left: ModelClient, right: ModelClient): number {
    const [mine, other] = [pathOf(left), pathOf(right)];
    const depth = mine.findIndex((segment, index) => segment !== other[index]);
    const [a, b] = [this.keyOf(mine.slice(0, depth + 1)), this.keyOf(other.slice(0, depth + 1))];
    if (a.share !== b.share) return a.share - b.share;
    if (a.count !== b.count) return a.count - b.count;
    return (mine[depth] ?? '') < (other[depth] ?? '') ? -1 : 1;
  }

  /** Reservations of the role and of those below, and their unreserved, not revocable allocations. */
  consumed(top: string, name: string): number {
    let sum = 0;
    for (const { total } of this.agents.values()) {
      for (const [key, milli] of Object.entries(total.scalars)) {
        const role = traitsOfKey(key).reservations.at(-1)?.role;
        if (role !== undefined && topOf(role) === top && nameOfKey(key) === name) sum += milli;
      }
    }
    for (const one of this.held) {
      if (topOf(one.role) === top) sum += one.resources.scalars[name] ?? 0;
    }
    return sum;
  }

  get hasGuarantees(): boolean {
    return [...this.quotas.values()].some(({ guarantees }) =>
      Object.values(guarantees).some((milli) => milli > 0),
    );
  }

  private clients(): readonly ModelClient[] {
    return [...this.frameworks].flatMap(([frameworkId, framework]) =>
      framework.roles
        .filter((role) => framework.isActive && !framework.suppressed.has(role))
        .map((role) => ({ frameworkId, role })),
    );
  }

  private room(top: string, name: string, milli: number): number {
    const limit = this.quotas.get(top as RoleName)?.limits[name] ?? Number.POSITIVE_INFINITY;
    const free = [...this.agents.keys()].reduce(
      (sum, id) => sum + (this.available(id).scalars[name] ?? 0),
      0,
    );
    const required = [...this.quotas.keys()].reduce((sum, role) => sum + this.unmet(role, name), 0);
    const surplus = Math.max(0, free - required);
    const upToLimit = limit - this.consumed(top, name);
    return Math.max(0, Math.min(milli, upToLimit, this.unmet(top, name) + surplus));
  }

  private unmet(top: string, name: string): number {
    const guarantee = this.quotas.get(top as RoleName)?.guarantees[name] ?? 0;
    return Math.max(0, guarantee - this.consumed(top, name));
  }

  private isEnough(offer: Resources): boolean {
    const sums = quantitiesOf(offer);
    const hasCpus = (sums.get('cpus') ?? 0) >= 10;
    const hasMem = (sums.get('mem') ?? 0) >= 32_000;
    return this.quotas.size > 0 ? hasCpus && hasMem : hasCpus || hasMem;
  }

  private keyOf(prefix: readonly string[]): { readonly share: number; readonly count: number } {
    const isBelow = (client: ModelClient): boolean =>
      prefix.every((segment, index) => pathOf(client)[index] === segment);
    const sum = (amounts: readonly Resources[]): ReadonlyMap<string, number> =>
      quantitiesOf(amounts.reduce(addResources, noResources));
    const totals = sum([...this.agents.values()].map((agent) => agent.total));
    const mine = sum(this.held.filter(isBelow).map((one) => one.resources));
    const shares = [...mine].map(([name, milli]) => milli / (totals.get(name) ?? Infinity));
    return {
      share: Math.max(0, ...shares) / (this.weights.get(prefix.join('/')) ?? 1),
      count: this.made.filter(isBelow).length,
    };
  }
}

const topOf = (role: string): string => role.split('/')[0] ?? role;

const pathOf = (client: ModelClient): readonly string[] => [
  ...client.role.split('/'),
  '.',
  client.frameworkId,
];
