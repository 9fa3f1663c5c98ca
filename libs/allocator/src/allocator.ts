import {
  type AgentId,
  type FrameworkId,
  isEmptyResources,
  noResources,
  type Resources,
  type RoleName,
} from '#core';
import { Accumulation } from './accumulation.js';
import { type AgentEntry, AgentPool } from './agent-pool.js';
import type { AgentTraits } from './agent-traits.js';
import { ClientBook } from './client-book.js';
import { Audiences, type Client, isStanding } from './clients.js';
import { endStreak, noteDeclined } from './decline-backoff.js';
import { Eligibility } from './eligibility.js';
import { explainClients } from './explain.js';
import type { ExplainOptions, Explanation } from './explanation.js';
import { OfferFilters } from './offer-filters.js';
import { haveSameScalars, type Quantities, toQuantities } from './quantities.js';
import { QuotaLedger } from './quota-ledger.js';
import { RoundWork } from './round-work.js';
import { Rounds } from './rounds.js';
import { ShareTree } from './share-tree.js';
import type {
  AllocateOptions,
  Allocation,
  AllocatorOptions,
  FrameworkTraits,
  Quota,
  RoleUsage,
} from './traits.js';

/** 0.01 cpus or 32 MiB: the default while no quota is set. */
export const DEFAULT_MIN_ALLOCATABLE: readonly Quantities[] = [{ cpus: 10 }, { mem: 32_000 }];

/** 0.01 cpus and 32 MiB: the default with quota, which cuts agents into slivers of one resource. */
export const DEFAULT_MIN_ALLOCATABLE_WITH_QUOTA: readonly Quantities[] = [
  { cpus: 10, mem: 32_000 },
];

/** Longest refusal: 365 days. */
export const MAX_REFUSE_MS = 365 * 24 * 3600 * 1000;

const noAgentTraits: AgentTraits = { hostname: '', attributes: [] };
const ANYTHING: readonly Quantities[] = [];

/**
 * Decides who is offered what: hierarchical dominant resource fairness over roles, then over the frameworks of a role,
 * coarse grained (all an agent has for it goes to the first eligible framework), within quota.
 *
 * Between rounds this holds: an active agent with something allocatable has been offered, or no active, unsuppressed
 * client may have it or wants it. So a round looks only at what changed: an agent (all clients), a client (all free
 * agents), an expired filter (one pair), or room under quota. Owns and mutates its state. Time comes in as monotonic
 * milliseconds.
 */
export class Allocator {
  private readonly tree: ShareTree<Client>;
  private readonly ledger = new QuotaLedger();
  private readonly agents: AgentPool;
  private readonly filters = new OfferFilters<Client>();
  private readonly audiences = new Audiences();
  private readonly accumulation: Accumulation;
  private readonly eligibility: Eligibility;
  private readonly work = new RoundWork();
  private readonly book: ClientBook;
  private readonly rounds: Rounds;

  constructor(private readonly options: AllocatorOptions = {}) {
    this.tree = new ShareTree(options.fairSharingExcluded);
    this.agents = new AgentPool(this.ledger, this.minimum());
    this.accumulation = new Accumulation(this.ledger, options.starvingAfterLosses);
    this.eligibility = new Eligibility(
      this.ledger,
      { filterGpuResources: options.filterGpuResources ?? true, region: options.region },
      (client) => this.accumulation.lost(client),
    );
    const { tree, ledger, filters, audiences, accumulation, eligibility, work } = this;
    const letGo = (agent: AgentEntry | undefined): void => {
      if (agent !== undefined) this.agentChanged(agent);
    };
    this.book = new ClientBook({ tree, audiences, filters, accumulation, work, letGo });
    const { agents, book } = this;
    this.rounds = new Rounds(
      { tree, ledger, audiences, eligibility, filters, accumulation, agents, book, work },
      (agent, allocation) => this.charge(agent, allocation, { isNew: true }),
    );
  }

  /** Whether a round could offer something. */
  get hasWork(): boolean {
    return !this.work.isEmpty || this.ledger.hasNews || this.accumulation.hasWork(this.agents.size);
  }

  /** Adds an agent, or changes its total and traits and makes it active. What its tasks hold is adopted after. */
  addAgent(id: AgentId, total: Resources, traits?: AgentTraits): void {
    const known = this.agents.get(id);
    this.tree.changeTotals(total, 1);
    if (known === undefined) {
      this.agentChanged(this.agents.add(id, total, traits ?? noAgentTraits));
      return;
    }
    this.tree.changeTotals(known.total, -1);
    if (traits !== undefined) known.traits = traits;
    this.agents.resize(known, total);
    this.agents.setActive(known, { isActive: true });
    this.agentChanged(known);
  }

  /** The caller releases what is allocated on it first. */
  removeAgent(id: AgentId): void {
    const agent = this.agents.get(id);
    if (agent === undefined) return;
    this.tree.changeTotals(agent.total, -1);
    this.agents.remove(agent);
    this.work.forgetAgent(agent);
    this.accumulation.forgetAgent(agent);
    this.filters.clearAgent(id);
  }

  /** An inactive agent (disconnected, draining, deactivated) is not offered; its allocations count. */
  setAgentActive(id: AgentId, options: { readonly isActive: boolean }): void {
    const agent = this.agents.get(id);
    if (agent === undefined || agent.isActive === options.isActive) return;
    this.agents.setActive(agent, options);
    if (options.isActive) this.agentChanged(agent);
    else this.accumulation.forgetAgent(agent);
  }

  /**
   * Adds a framework, or brings it back after a disconnect or fail-over: active, filters cleared, roles and suppressed
   * roles as given. Roles it left keep their allocations until released.
   */
  addFramework(id: FrameworkId, traits: FrameworkTraits): void {
    this.book.subscribe(id, traits);
    this.minimaChanged();
  }

  /** UPDATE_FRAMEWORK: filters are kept, but for roles that are newly unsuppressed; left roles get nothing more. */
  updateFramework(id: FrameworkId, traits: FrameworkTraits): void {
    this.book.update(id, traits);
    this.minimaChanged();
  }

  /** A recovered framework: its tasks count, but it is offered nothing until it subscribes. */
  addInactiveFramework(id: FrameworkId): void {
    this.book.addInactive(id);
  }

  /** Disconnected: not offered anything, filters forgotten, allocations kept. */
  deactivateFramework(id: FrameworkId): void {
    this.book.deactivate(id);
  }

  /** The caller releases what is allocated to it first. */
  removeFramework(id: FrameworkId): void {
    this.book.remove(id);
    this.minimaChanged();
  }

  /** No offers for these roles, all of the framework's when absent. */
  suppress(id: FrameworkId, roles?: readonly RoleName[]): void {
    for (const client of this.book.subscribed(id, roles)) this.book.suppress(client);
  }

  /** Offers again, and forgets refusals, for these of the subscribed roles, for all of them when absent. */
  revive(id: FrameworkId, roles?: readonly RoleName[]): void {
    for (const client of this.book.subscribed(id, roles)) this.book.revive(client);
  }

  /** The framework used an offer of this role: it is no chronic decliner. */
  accepted(id: FrameworkId, role: RoleName): void {
    const client = this.book.client(id, role);
    if (client !== undefined) endStreak(client.streak);
  }

  /**
   * REQUEST: what one task needs, any of these, for one role or all; empty: nothing any more. Offers are not held back
   * for it, but when agents never have so much free, one is kept until it has (see `Accumulation`).
   */
  setDemand(id: FrameworkId, role: RoleName | undefined, wanted: readonly Quantities[]): void {
    const roles = role === undefined ? undefined : [role];
    for (const client of this.book.subscribed(id, roles)) this.book.setAsked(client, wanted);
  }

  /** Weight of a role at any level, > 0. O(log n). */
  setWeight(role: RoleName, weight: number): void {
    this.tree.setWeight(role, weight);
  }

  /** Guarantees and limits of a top-level role; undefined: none. Everybody is looked at anew in the next round. */
  setQuota(role: RoleName, quota: Quota | undefined): void {
    this.ledger.setQuota(role, quota);
    this.minimaChanged();
    for (const client of this.book.clients()) {
      if (client.isVisited) this.work.clientChanged(client);
    }
  }

  /** What a role and the roles below it have. O(roles). */
  roleUsage(role: RoleName): RoleUsage {
    const quota = this.ledger.quotaOf(role);
    return {
      consumed: toQuantities(this.ledger.consumedBy(role)),
      allocated: toQuantities(this.tree.allocatedToRole(role)),
      reserved: toQuantities(this.ledger.reservedTo(role)),
      weight: this.tree.weightOf(role),
      share: this.tree.shareOfRole(role),
      ...(quota === undefined ? {} : { quota }),
    };
  }

  /** Roles with frameworks, weights, quota, reservations or allocations, in alphabetical order. O(n log n). */
  knownRoles(): readonly RoleName[] {
    const roles = new Set<RoleName>(this.tree.weightedRoles());
    for (const client of this.book.clients()) if (isStanding(client)) roles.add(client.role);
    for (const role of [...this.ledger.quotaRoles(), ...this.ledger.rolesInUse()]) roles.add(role);
    return [...roles].sort();
  }

  /** Everything the agents have, by name: what guarantees are checked against. */
  capacity(): Quantities {
    return this.tree.capacity();
  }

  /** Counts what runs already (an adopted task), without an offer. */
  adopt(allocation: Allocation): void {
    const agent = this.agents.get(allocation.agentId);
    if (agent === undefined) return;
    this.charge(agent, allocation, { isNew: false });
  }

  /**
   * Gives resources back: a declined offer, the rest of an accepted one, a task that ended. With `refuse`, the same
   * or less of this agent is not offered to this client before `untilMonoMs`, and later for one who has refused all
   * it was offered for many rounds.
   */
  release(allocation: Allocation, refuse?: { readonly untilMonoMs: number }): void {
    const { frameworkId, role, agentId, resources } = allocation;
    if (isEmptyResources(resources)) return;
    const client = this.book.client(frameworkId, role);
    if (client?.node !== undefined) this.tree.released(client.node, resources);
    this.ledger.changeAllocated(role, resources, -1);
    const agent = this.agents.get(agentId);
    if (agent === undefined) return;
    this.agents.giveBack(agent, resources);
    this.accumulation.noteProgress(agent, this.rounds.nowMonoMs);
    if (refuse !== undefined && client !== undefined) {
      const expiresAtMonoMs = Math.max(
        refuse.untilMonoMs,
        this.rounds.nowMonoMs + noteDeclined(client.streak),
      );
      this.filters.add({ owner: client, agentId, resources, expiresAtMonoMs });
    }
    this.agentChanged(agent);
  }

  /**
   * RESERVE, UNRESERVE, CREATE, DESTROY: `consumed` becomes `converted`, which is as much by name, in what `holder` has
   * been offered on the agent; without a holder (an operator) in what is free. False, and nothing changed, when it is
   * not there, or when the reservation would put a role above its quota limits.
   */
  convert(
    id: AgentId,
    holder: { readonly frameworkId: FrameworkId; readonly role: RoleName } | undefined,
    consumed: Resources,
    converted: Resources,
  ): boolean {
    const agent = this.agents.get(id);
    if (agent === undefined || !haveSameScalars(consumed, converted)) return false;
    if (holder === undefined) {
      if (!this.ledger.allowsConversion(consumed, converted)) return false;
      if (!this.agents.convertFree(agent, consumed, converted)) return false;
    } else {
      const { role } = holder;
      if (!this.agents.convertAllocated(agent, role, { consumed, converted })) return false;
      this.accepted(holder.frameworkId, role);
    }
    this.agentChanged(agent);
    return true;
  }

  /**
   * One round over everything that changed. O(changed pairs). `maxAllocations` cuts it into pieces: `hasWork` stays
   * true, and the next call goes on.
   */
  allocate(nowMonoMs: number, options: AllocateOptions = {}): readonly Allocation[] {
    return this.rounds.run(nowMonoMs, this.minimum(), options);
  }

  /** When a refusal runs out or an agent is let go, on the monotonic clock: a round is due then. May be early. */
  nextExpiryMonoMs(): number | undefined {
    const filter = this.filters.nextExpiryMonoMs();
    const hold = this.accumulation.nextDueMonoMs();
    return filter === undefined ? hold : Math.min(filter, hold ?? filter);
  }

  availableOn(id: AgentId): Resources {
    return this.agents.get(id)?.available ?? noResources;
  }

  /** Weighted dominant share of a role, 0..1, and above when over-committed or its weight is below 1. */
  shareOfRole(role: RoleName): number {
    return this.tree.shareOfRole(role);
  }

  /** The framework's roles that are suppressed. */
  suppressedRoles(id: FrameworkId): readonly RoleName[] {
    const clients = [...(this.book.framework(id)?.clients.values() ?? [])];
    return clients.filter((client) => client.isSuppressed).map((client) => client.role);
  }

  /** Refusals in force, by role of those who refused; 0 for the other roles with frameworks. O(clients). */
  activeFilters(): ReadonlyMap<RoleName, number> {
    const counts = new Map<RoleName, number>();
    for (const client of this.book.clients()) {
      counts.set(client.role, (counts.get(client.role) ?? 0) + this.filters.filtersOf(client));
    }
    return counts;
  }

  /** Per framework and role: what it has, and why it was not offered the rest. Bounded, see `explainClients`. */
  explain({ frameworkId, offeredOn }: ExplainOptions = {}): readonly Explanation[] {
    const { tree, eligibility, filters, accumulation, agents } = this;
    const { round } = this.rounds;
    const clients = [...this.book.clients()].filter(
      (each) => isStanding(each) && (frameworkId === undefined || each.frameworkId === frameworkId),
    );
    const sources = { tree, eligibility, filters, accumulation, agents, round };
    return explainClients(clients, { ...sources, offeredOn: offeredOn ?? (() => []) });
  }

  private charge(
    agent: AgentEntry,
    allocation: Allocation,
    options: { readonly isNew: boolean },
  ): void {
    const { frameworkId, role, resources } = allocation;
    const { node } = this.book.ensureClient(frameworkId, role);
    if (node !== undefined) this.tree.allocated(node, resources, options);
    this.agents.take(agent, role, resources);
  }

  private agentChanged(agent: AgentEntry): void {
    if (this.agents.isFree(agent)) this.work.agentChanged(agent);
  }

  /** The cluster's minimum: as configured, else by whether quota may cut agents into slivers. */
  private minimum(): readonly Quantities[] {
    const { minAllocatable } = this.options;
    if (minAllocatable !== undefined) return minAllocatable;
    return this.ledger.hasQuotas ? DEFAULT_MIN_ALLOCATABLE_WITH_QUOTA : DEFAULT_MIN_ALLOCATABLE;
  }

  /** With a minimum of a framework's own, which may be any, every free crumb is worth a look. */
  private minimaChanged(): void {
    this.agents.setMinimum(this.audiences.hasOwnMinima ? ANYTHING : this.minimum());
  }
}
