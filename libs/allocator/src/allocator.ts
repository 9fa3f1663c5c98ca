import {
  type AgentId,
  addResources,
  type FrameworkId,
  isEmptyResources,
  noResources,
  type Resources,
  type RoleName,
  scalarMilli,
} from '#core';
import type { Explanation } from './explanation.js';
import { OfferFilters } from './offer-filters.js';
import type { Quantities } from './quantities.js';
import { ShareTree } from './share-tree.js';
import { subtractUpTo } from './subtract-up-to.js';
import type { AgentTraits, Allocation, FrameworkTraits, Quota } from './traits.js';

export interface AllocatorOptions {
  /** An agent is offered when it has all of one of these vectors free; default 0.01 cpus or 32 MiB of memory. */
  readonly minAllocatable?: readonly Quantities[];
  /** Names of resources that do not count in shares. */
  readonly fairSharingExcluded?: readonly string[];
  /** Agents with GPUs are kept for frameworks with GPU_RESOURCES; default true. */
  readonly filterGpuResources?: boolean;
  /** The master's region: agents of others are offered to REGION_AWARE frameworks only. */
  readonly region?: string;
}

/** 0.01 cpus or 32 MiB. */
export const DEFAULT_MIN_ALLOCATABLE: readonly Quantities[] = [{ cpus: 10 }, { mem: 32_000 }];

export interface AllocateOptions {
  /** Stop after so many; `hasWork` stays true, and the next call goes on. */
  readonly maxAllocations?: number;
}

export interface RoleUsage {
  /** What counts against quota: all reservations and what is allocated unreserved, not revocable. */
  readonly consumed: Quantities;
  /** Allocated to its frameworks: offered, or used by tasks. */
  readonly allocated: Quantities;
  /** Reserved, allocated or not. */
  readonly reserved: Quantities;
  readonly weight: number;
  readonly quota?: Quota;
  /** Weighted dominant share. */
  readonly share: number;
}

/** Longest refusal: 365 days. */
export const MAX_REFUSE_MS = 365 * 24 * 3600 * 1000;

/** A framework in one of its roles: what is suppressed, filtered and sorted. */
interface Client {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
  isSuppressed: boolean;
}

interface AgentEntry {
  readonly id: AgentId;
  total: Resources;
  allocated: Resources;
  available: Resources;
  isActive: boolean;
}

interface FrameworkEntry {
  readonly id: FrameworkId;
  readonly clients: Map<RoleName, Client>;
  isActive: boolean;
}

/** Who may have become eligible for an agent since the last round: everybody, or these. */
type Candidates = 'everybody' | Set<Client>;

/**
 * Decides who is offered what: dominant resource fairness over roles, then over the frameworks of the role, coarse
 * grained (all an agent has free goes to the first eligible framework).
 *
 * Between rounds this holds: an active agent with something allocatable has been offered, or each active, unsuppressed
 * client filters it. So a round looks only at pairs of which something changed: an agent (all clients), a client (all
 * free agents), or an expired filter (one pair). Owns and mutates its state. Time comes in as monotonic milliseconds.
 */
export class Allocator {
  private readonly shares = new ShareTree();
  private readonly frameworks = new Map<FrameworkId, FrameworkEntry>();
  private readonly agents = new Map<AgentId, AgentEntry>();
  private readonly freeAgents = new Set<AgentEntry>();
  private readonly filters = new OfferFilters<Client>();
  private readonly changedAgents = new Map<AgentEntry, Candidates>();
  private readonly changedClients = new Set<Client>();

  constructor(private readonly options: AllocatorOptions = {}) {}

  /** Whether a round could offer something. */
  get hasWork(): boolean {
    return this.changedAgents.size > 0 || this.changedClients.size > 0;
  }

  /** Adds an agent, or changes its total and makes it active. What its tasks hold is adopted after. */
  addAgent(id: AgentId, total: Resources, _traits?: AgentTraits): void {
    const known = this.agents.get(id);
    if (known !== undefined) {
      this.shares.changeTotals(known.total, -1);
      known.total = total;
      known.isActive = true;
      this.shares.changeTotals(total, 1);
      this.refresh(known);
      this.agentChanged(known);
      return;
    }
    const agent: AgentEntry = {
      id,
      total,
      allocated: noResources,
      available: total,
      isActive: true,
    };
    this.agents.set(id, agent);
    this.shares.changeTotals(total, 1);
    this.refresh(agent);
    this.agentChanged(agent);
  }

  /** The caller releases what is allocated on it first. */
  removeAgent(id: AgentId): void {
    const agent = this.agents.get(id);
    if (agent === undefined) return;
    this.shares.changeTotals(agent.total, -1);
    this.agents.delete(id);
    this.freeAgents.delete(agent);
    this.changedAgents.delete(agent);
    this.filters.clearAgent(id);
  }

  /** An inactive agent (disconnected, draining) is not offered; its allocations count. */
  setAgentActive(id: AgentId, options: { readonly isActive: boolean }): void {
    const agent = this.agents.get(id);
    if (agent === undefined || agent.isActive === options.isActive) return;
    agent.isActive = options.isActive;
    this.refresh(agent);
    if (agent.isActive) this.agentChanged(agent);
  }

  /**
   * Adds a framework, or brings it back after a disconnect or fail-over: active, filters cleared, roles and suppressed
   * roles as given. Roles it left keep their allocations until released.
   */
  addFramework(id: FrameworkId, given: FrameworkTraits): void {
    const framework = this.frameworks.get(id) ?? { id, clients: new Map(), isActive: true };
    this.frameworks.set(id, framework);
    framework.isActive = true;
    for (const role of given.roles) this.ensureClient(framework, role);
    for (const client of framework.clients.values()) {
      const isSubscribed = given.roles.includes(client.role);
      client.isSuppressed = !isSubscribed || given.suppressedRoles.includes(client.role);
      this.filters.clearOwner(client);
      this.refreshClient(framework, client);
    }
  }

  /** A recovered framework: its tasks count, but it is offered nothing until it subscribes. */
  addInactiveFramework(id: FrameworkId): void {
    if (this.frameworks.has(id)) return;
    this.frameworks.set(id, { id, clients: new Map(), isActive: false });
  }

  /** Disconnected: not offered anything, filters forgotten, allocations kept. */
  deactivateFramework(id: FrameworkId): void {
    const framework = this.frameworks.get(id);
    if (framework === undefined) return;
    framework.isActive = false;
    for (const client of framework.clients.values()) {
      this.filters.clearOwner(client);
      this.refreshClient(framework, client);
    }
  }

  /** The caller releases what is allocated to it first. */
  removeFramework(id: FrameworkId): void {
    const framework = this.frameworks.get(id);
    if (framework === undefined) return;
    this.deactivateFramework(id);
    this.frameworks.delete(id);
    for (const client of framework.clients.values()) this.shares.remove(client);
  }

  /** No offers for these roles, all of the framework's when absent. */
  suppress(id: FrameworkId, roles?: readonly RoleName[]): void {
    for (const [framework, client] of this.clientsOf(id, roles)) {
      client.isSuppressed = true;
      this.refreshClient(framework, client);
    }
  }

  /** Offers again, and forgets refusals, for these roles, all of the framework's when absent. */
  revive(id: FrameworkId, roles?: readonly RoleName[]): void {
    for (const [framework, client] of this.clientsOf(id, roles)) {
      client.isSuppressed = false;
      this.filters.clearOwner(client);
      this.refreshClient(framework, client);
    }
  }

  /** Weight of a role, > 0. */
  setWeight(role: RoleName, weight: number): void {
    this.shares.setWeight(role, weight);
  }

  /** UPDATE_FRAMEWORK: filters are kept, but for roles that are newly unsuppressed; left roles get nothing more. */
  updateFramework(id: FrameworkId, traits: FrameworkTraits): void {
    this.addFramework(id, traits);
  }

  /** What one task needs, any of these; for one role or all. Empty: no longer. */
  setDemand(_id: FrameworkId, _role: RoleName | undefined, _wanted: readonly Quantities[]): void {}

  /** The framework used an offer of this role: it is no chronic decliner. */
  accepted(_id: FrameworkId, _role: RoleName): void {}

  /** Guarantees and limits of a top-level role; undefined: none. */
  setQuota(_role: RoleName, _quota: Quota | undefined): void {}

  /** What a role and the roles below it have. */
  roleUsage(_role: RoleName): RoleUsage {
    return { consumed: {}, allocated: {}, reserved: {}, weight: 1, share: 0 };
  }

  /** RESERVE, UNRESERVE, CREATE, DESTROY: false when an operator asks for what is not free. */
  convert(
    _agentId: AgentId,
    _holder: { readonly frameworkId: FrameworkId; readonly role: RoleName } | undefined,
    _consumed: Resources,
    _converted: Resources,
  ): boolean {
    return false;
  }

  /** Per framework and role: what it has, and why it was not offered the rest. */
  explain(): readonly Explanation[] {
    return [];
  }

  /** Counts what runs already (an adopted task), without an offer. */
  adopt(allocation: Allocation): void {
    const agent = this.agents.get(allocation.agentId);
    if (agent === undefined) return;
    this.charge(agent, allocation, { isNew: false });
  }

  /**
   * Gives resources back: a declined offer, the rest of an accepted one, a task that ended. With `refuse`, the same
   * or less of this agent is not offered to this client before `untilMonoMs`.
   */
  release(allocation: Allocation, refuse?: { readonly untilMonoMs: number }): void {
    if (isEmptyResources(allocation.resources)) return;
    const { frameworkId, role } = allocation;
    this.shares.released(allocation, allocation.resources);
    const agent = this.agents.get(allocation.agentId);
    if (agent === undefined) return;
    agent.allocated = subtractUpTo(agent.allocated, allocation.resources);
    this.refresh(agent);
    const client = this.frameworks.get(frameworkId)?.clients.get(role);
    if (refuse !== undefined && client !== undefined) {
      this.filters.add({
        owner: client,
        agentId: agent.id,
        resources: allocation.resources,
        expiresAtMonoMs: refuse.untilMonoMs,
      });
    }
    this.agentChanged(agent);
  }

  /** One round over everything that changed. O(changed pairs), plus a sort when agents came or went. */
  allocate(nowMonoMs: number, _options: AllocateOptions = {}): readonly Allocation[] {
    for (const { owner, agentId } of this.filters.expire(nowMonoMs)) {
      const agent = this.agents.get(agentId);
      if (agent !== undefined) this.pairChanged(agent, owner);
    }
    const clients = [...this.changedClients];
    const agents = clients.length === 0 ? [...this.changedAgents.keys()] : this.agentsInRound();
    const allocations: Allocation[] = [];
    for (const agent of agents) {
      if (!this.freeAgents.has(agent)) continue;
      const changed = this.changedAgents.get(agent);
      const client =
        changed === 'everybody'
          ? this.firstEligible(agent)
          : this.firstEligibleOf(agent, [...(changed ?? []), ...clients]);
      if (client === undefined) continue;
      const allocation: Allocation = {
        frameworkId: client.frameworkId,
        role: client.role,
        agentId: agent.id,
        resources: agent.available,
      };
      this.charge(agent, allocation, { isNew: true });
      allocations.push(allocation);
    }
    this.changedAgents.clear();
    this.changedClients.clear();
    return allocations;
  }

  /** When a refusal runs out, on the monotonic clock: a round is due then. May be early. */
  nextExpiryMonoMs(): number | undefined {
    return this.filters.nextExpiryMonoMs();
  }

  availableOn(id: AgentId): Resources {
    return this.agents.get(id)?.available ?? noResources;
  }

  /** Dominant share of a role, 0..1 and above when over-committed, divided by its weight. */
  shareOfRole(role: RoleName): number {
    return this.shares.shareOfRole(role);
  }

  /** The framework's roles and whether they are suppressed. */
  suppressedRoles(id: FrameworkId): readonly RoleName[] {
    return [...(this.frameworks.get(id)?.clients.values() ?? [])]
      .filter((client) => client.isSuppressed)
      .map((client) => client.role);
  }

  private agentsInRound(): AgentEntry[] {
    return [...new Set([...this.changedAgents.keys(), ...this.freeAgents])];
  }

  private firstEligible(agent: AgentEntry): Client | undefined {
    for (const { frameworkId, role } of this.shares.inOrder()) {
      const client = this.frameworks.get(frameworkId)?.clients.get(role);
      if (client !== undefined && this.isEligible(agent, client)) return client;
    }
    return undefined;
  }

  private firstEligibleOf(agent: AgentEntry, clients: readonly Client[]): Client | undefined {
    let best: Client | undefined;
    for (const client of clients) {
      if (!this.isEligible(agent, client)) continue;
      if (best === undefined || this.shares.compare(client, best) < 0) best = client;
    }
    return best;
  }

  private isEligible(agent: AgentEntry, client: Client): boolean {
    const isActive = this.frameworks.get(client.frameworkId)?.isActive === true;
    return (
      isActive &&
      !client.isSuppressed &&
      !this.filters.isFiltered(client, agent.id, agent.available)
    );
  }

  private charge(
    agent: AgentEntry,
    allocation: Allocation,
    options: { readonly isNew: boolean },
  ): void {
    const { frameworkId, role, resources } = allocation;
    const framework = this.frameworks.get(frameworkId);
    if (framework !== undefined && !framework.clients.has(role)) {
      this.ensureClient(framework, role).isSuppressed = true;
    }
    this.shares.allocated(allocation, resources, options);
    agent.allocated = addResources(agent.allocated, resources);
    this.refresh(agent);
  }

  private *clientsOf(
    id: FrameworkId,
    roles: readonly RoleName[] | undefined,
  ): Generator<readonly [FrameworkEntry, Client]> {
    const framework = this.frameworks.get(id);
    if (framework === undefined) return;
    for (const client of framework.clients.values()) {
      const isNamed = roles === undefined || roles.length === 0 || roles.includes(client.role);
      if (isNamed) yield [framework, client];
    }
  }

  private ensureClient(framework: FrameworkEntry, role: RoleName): Client {
    const known = framework.clients.get(role);
    if (known !== undefined) return known;
    const client: Client = { frameworkId: framework.id, role, isSuppressed: false };
    framework.clients.set(role, client);
    this.shares.add(client);
    return client;
  }

  /** Brings the sorters in line with active and suppressed, and notes who may now be offered more. */
  private refreshClient(framework: FrameworkEntry, client: Client): void {
    const isActive = framework.isActive && !client.isSuppressed;
    this.shares.setActive(client, { isActive });
    if (isActive) this.changedClients.add(client);
    else this.changedClients.delete(client);
  }

  private refresh(agent: AgentEntry): void {
    agent.available = subtractUpTo(agent.total, agent.allocated);
    const isAllocatable = (this.options.minAllocatable ?? DEFAULT_MIN_ALLOCATABLE).some((minimum) =>
      Object.entries(minimum).every(([name, milli]) => scalarMilli(agent.available, name) >= milli),
    );
    if (agent.isActive && isAllocatable) this.freeAgents.add(agent);
    else this.freeAgents.delete(agent);
  }

  private agentChanged(agent: AgentEntry): void {
    if (this.freeAgents.has(agent)) this.changedAgents.set(agent, 'everybody');
  }

  private pairChanged(agent: AgentEntry, client: Client): void {
    const changed = this.changedAgents.get(agent);
    if (changed === 'everybody') return;
    if (changed === undefined) this.changedAgents.set(agent, new Set([client]));
    else changed.add(client);
  }
}
