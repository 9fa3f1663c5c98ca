import { type AgentId, containsResources, type Resources } from '#core';

/** A refused offer: nothing contained in `resources` is offered again before `expiresAtMonoMs`. */
interface Filter<Owner> {
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
 * The refusals of all owners ((framework, role) pairs), with a heap of expiries. Bigger offers than the refused one
 * pass. O(log n) to add; a check looks at no more than {@link MAX_FILTERS_PER_PAIR} filters. Owns and mutates its state.
 */
export class OfferFilters<Owner extends object> {
  private readonly byOwner = new Map<Owner, Map<AgentId, Filter<Owner>[]>>();
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
    const entry: Filter<Owner> = { ...filter, isLive: true };
    const ofOwner = this.byOwner.get(filter.owner) ?? new Map<AgentId, Filter<Owner>[]>();
    this.byOwner.set(filter.owner, ofOwner);
    const kept: Filter<Owner>[] = [];
    for (const old of ofOwner.get(filter.agentId) ?? []) {
      const isSwallowed =
        old.expiresAtMonoMs <= entry.expiresAtMonoMs &&
        containsResources(entry.resources, old.resources);
      if (isSwallowed) this.kill(old);
      else kept.push(old);
    }
    kept.push(entry);
    if (kept.length > MAX_FILTERS_PER_PAIR) {
      const oldest = kept.shift();
      if (oldest !== undefined) this.kill(oldest);
    }
    ofOwner.set(filter.agentId, kept);
    this.push(entry);
  }

  /** Whether an offer of `resources` was refused and the refusal still stands. */
  isFiltered(owner: Owner, agentId: AgentId, resources: Resources): boolean {
    const filters = this.byOwner.get(owner)?.get(agentId);
    return filters?.some((filter) => containsResources(filter.resources, resources)) === true;
  }

  clearOwner(owner: Owner): void {
    for (const filters of this.byOwner.get(owner)?.values() ?? []) {
      for (const filter of filters) this.kill(filter);
    }
    this.byOwner.delete(owner);
    this.maybeRebuild();
  }

  /** O(owners). */
  clearAgent(agentId: AgentId): void {
    for (const [owner, ofOwner] of this.byOwner) {
      for (const filter of ofOwner.get(agentId) ?? []) this.kill(filter);
      ofOwner.delete(agentId);
      if (ofOwner.size === 0) this.byOwner.delete(owner);
    }
    this.maybeRebuild();
  }

  /** Removes what has expired and says whose refusals on which agents these were. */
  expire(nowMonoMs: number): readonly { readonly owner: Owner; readonly agentId: AgentId }[] {
    const expired: { owner: Owner; agentId: AgentId }[] = [];
    for (;;) {
      const top = this.heap[0];
      if (top === undefined || (top.isLive && top.expiresAtMonoMs > nowMonoMs)) return expired;
      this.pop();
      if (!top.isLive) {
        this.dead -= 1;
        continue;
      }
      top.isLive = false;
      const ofOwner = this.byOwner.get(top.owner);
      const left = ofOwner?.get(top.agentId)?.filter((filter) => filter !== top) ?? [];
      if (left.length > 0) ofOwner?.set(top.agentId, left);
      else ofOwner?.delete(top.agentId);
      if (ofOwner?.size === 0) this.byOwner.delete(top.owner);
      expired.push({ owner: top.owner, agentId: top.agentId });
    }
  }

  /** When the next one expires, on the monotonic clock. A dead entry at the top may make this early, never late. */
  nextExpiryMonoMs(): number | undefined {
    return this.heap[0]?.expiresAtMonoMs;
  }

  private kill(filter: Filter<Owner>): void {
    if (!filter.isLive) return;
    filter.isLive = false;
    this.dead += 1;
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
