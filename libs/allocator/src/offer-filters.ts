import {
  type AgentId,
  containsResources,
  type Range,
  type Resources,
  rangesOf,
  scalarMilli,
} from '#core';

/** A refused offer: nothing contained in `resources` is offered again before `expiresAtMonoMs`. */
export interface Filter<Owner> {
  readonly owner: Owner;
  readonly agentId: AgentId;
  readonly resources: Resources;
  readonly expiresAtMonoMs: number;
  isLive: boolean;
}

/** Filters of one (framework, role) on one agent; older ones give way, the widest usually swallows the others. */
const MAX_FILTERS_PER_PAIR = 8;
/** Dead entries tolerated in the heap before it is rebuilt. */
const MAX_DEAD_ENTRIES = 1024;

/**
 * The live filters of one agent. Many clients refuse the same on an agent, so equal refusals share one object, and
 * the answer for it is remembered while one offer is tried on one client after the other.
 */
export class AgentFilters<Owner> {
  readonly byOwner = new Map<Owner, Filter<Owner>[]>();
  private last: Resources | undefined;
  private whole: Resources | undefined;
  private part: Resources | undefined;
  private isCovered = false;

  /** Whether an offer of `resources` to the owner was refused and the refusal still stands. */
  refuses(owner: Owner, resources: Resources): boolean {
    const filters = this.byOwner.get(owner);
    if (filters === undefined) return false;
    for (const filter of filters) if (this.covers(filter.resources, resources)) return true;
    return false;
  }

  /** The object to keep for a refusal: that of an equal one before, if any. */
  share(resources: Resources): Resources {
    const { last } = this;
    if (last !== undefined && covers(last, resources) && covers(resources, last)) return last;
    this.last = resources;
    return resources;
  }

  private covers(whole: Resources, part: Resources): boolean {
    if (whole !== this.whole || part !== this.part) {
      this.whole = whole;
      this.part = part;
      this.isCovered = covers(whole, part);
    }
    return this.isCovered;
  }
}

/**
 * The refusals of all owners ((framework, role) pairs), with a heap of expiries. Bigger offers than the refused one
 * pass. O(log n) to add; a check looks at no more than {@link MAX_FILTERS_PER_PAIR} filters. Owns and mutates its state.
 */
export class OfferFilters<Owner extends object> {
  private readonly byAgent = new Map<AgentId, AgentFilters<Owner>>();
  private readonly agentsOf = new Map<Owner, Set<AgentId>>();
  private readonly countOf = new Map<Owner, number>();
  private heap: Filter<Owner>[] = [];
  private dead = 0;

  /** Live filters. */
  get size(): number {
    return this.heap.length - this.dead;
  }

  add(filter: {
    readonly owner: Owner;
    readonly agentId: AgentId;
    readonly resources: Resources;
    readonly expiresAtMonoMs: number;
  }): void {
    const { owner, agentId } = filter;
    const onAgent = this.byAgent.get(agentId) ?? new AgentFilters<Owner>();
    this.byAgent.set(agentId, onAgent);
    const resources = onAgent.share(filter.resources);
    const { expiresAtMonoMs } = filter;
    const entry: Filter<Owner> = { owner, agentId, resources, expiresAtMonoMs, isLive: true };
    const kept: Filter<Owner>[] = [];
    for (const old of onAgent.byOwner.get(owner) ?? []) {
      const isSwallowed =
        old.expiresAtMonoMs <= entry.expiresAtMonoMs && covers(entry.resources, old.resources);
      if (isSwallowed) this.kill(old);
      else kept.push(old);
    }
    kept.push(entry);
    if (kept.length > MAX_FILTERS_PER_PAIR) {
      const oldest = kept.shift();
      if (oldest !== undefined) this.kill(oldest);
    }
    onAgent.byOwner.set(owner, kept);
    const agents = this.agentsOf.get(owner) ?? new Set();
    this.agentsOf.set(owner, agents.add(agentId));
    this.count(owner, 1);
    this.push(entry);
  }

  /** The filters of an agent; the object lives as long as one of them does. */
  onAgent(agentId: AgentId): AgentFilters<Owner> | undefined {
    return this.byAgent.get(agentId);
  }

  /** Whether an offer of `resources` was refused and the refusal still stands. */
  isFiltered(owner: Owner, agentId: AgentId, resources: Resources): boolean {
    return this.byAgent.get(agentId)?.refuses(owner, resources) === true;
  }

  /** Agents of which an owner has refused something. */
  agentsRefusedBy(owner: Owner): number {
    return this.agentsOf.get(owner)?.size ?? 0;
  }

  /** Live filters of an owner. */
  filtersOf(owner: Owner): number {
    return this.countOf.get(owner) ?? 0;
  }

  clearOwner(owner: Owner): void {
    for (const agentId of this.agentsOf.get(owner) ?? []) {
      for (const filter of this.byAgent.get(agentId)?.byOwner.get(owner) ?? []) this.kill(filter);
      this.dropPair(owner, agentId);
    }
    this.agentsOf.delete(owner);
    this.maybeRebuild();
  }

  clearAgent(agentId: AgentId): void {
    for (const [owner, filters] of this.byAgent.get(agentId)?.byOwner ?? []) {
      for (const filter of filters) this.kill(filter);
      const agents = this.agentsOf.get(owner);
      agents?.delete(agentId);
      if (agents?.size === 0) this.agentsOf.delete(owner);
    }
    this.byAgent.delete(agentId);
    this.maybeRebuild();
  }

  /** Removes what has expired, at most `limit`, and says whose refusals on which agents these were. */
  expire(
    nowMonoMs: number,
    limit = Number.POSITIVE_INFINITY,
  ): readonly { readonly owner: Owner; readonly agentId: AgentId }[] {
    const expired: { owner: Owner; agentId: AgentId }[] = [];
    while (expired.length < limit) {
      const top = this.heap[0];
      if (top === undefined || (top.isLive && top.expiresAtMonoMs > nowMonoMs)) return expired;
      this.pop();
      if (!top.isLive) {
        this.dead -= 1;
        continue;
      }
      top.isLive = false;
      const { owner, agentId } = top;
      this.count(owner, -1);
      const onAgent = this.byAgent.get(agentId);
      const left = onAgent?.byOwner.get(owner)?.filter((filter) => filter !== top) ?? [];
      if (left.length > 0) onAgent?.byOwner.set(owner, left);
      else {
        this.dropPair(owner, agentId);
        const agents = this.agentsOf.get(owner);
        agents?.delete(agentId);
        if (agents?.size === 0) this.agentsOf.delete(owner);
      }
      expired.push({ owner, agentId });
    }
    return expired;
  }

  /** When the next one expires, on the monotonic clock. A dead entry at the top may make this early, never late. */
  nextExpiryMonoMs(): number | undefined {
    return this.heap[0]?.expiresAtMonoMs;
  }

  private dropPair(owner: Owner, agentId: AgentId): void {
    const onAgent = this.byAgent.get(agentId);
    onAgent?.byOwner.delete(owner);
    if (onAgent?.byOwner.size === 0) this.byAgent.delete(agentId);
  }

  private kill(filter: Filter<Owner>): void {
    if (!filter.isLive) return;
    filter.isLive = false;
    this.dead += 1;
    this.count(filter.owner, -1);
  }

  private count(owner: Owner, more: 1 | -1): void {
    const count = (this.countOf.get(owner) ?? 0) + more;
    if (count > 0) this.countOf.set(owner, count);
    else this.countOf.delete(owner);
  }

  private maybeRebuild(): void {
    if (this.dead < MAX_DEAD_ENTRIES || this.dead * 2 < this.heap.length) return;
    const live = this.heap.filter((filter) => filter.isLive);
    this.heap = live.sort((left, right) => left.expiresAtMonoMs - right.expiresAtMonoMs);
    this.dead = 0;
  }

  private push(filter: Filter<Owner>): void {
    this.maybeRebuild();
    let index = this.heap.push(filter) - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (this.expiry(parent) <= filter.expiresAtMonoMs) break;
      this.move(parent, index);
      index = parent;
    }
    this.heap[index] = filter;
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const child = this.expiry(left + 1) < this.expiry(left) ? left + 1 : left;
      if (this.expiry(child) >= last.expiresAtMonoMs) break;
      this.move(child, index);
      index = child;
    }
    this.heap[index] = last;
  }

  private expiry(index: number): number {
    return this.heap[index]?.expiresAtMonoMs ?? Number.POSITIVE_INFINITY;
  }

  private move(from: number, to: number): void {
    const filter = this.heap[from];
    if (filter !== undefined) this.heap[to] = filter;
  }
}

/** `containsResources`, quick for what differs in a scalar or has the same ranges, as nearly all pairs do. */
function covers(whole: Resources, part: Resources): boolean {
  if (whole === part) return true;
  for (const key in part.scalars) {
    const milli = part.scalars[key] ?? 0;
    if (scalarMilli(whole, key) < milli) return false;
  }
  for (const key in part.ranges) {
    if (!sameRanges(rangesOf(whole, key), part.ranges[key] ?? [])) {
      return containsResources(whole, part);
    }
  }
  return true;
}

function sameRanges(left: readonly Range[], right: readonly Range[]): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) {
    if (left[index]?.begin !== right[index]?.begin || left[index]?.end !== right[index]?.end) {
      return false;
    }
  }
  return true;
}
