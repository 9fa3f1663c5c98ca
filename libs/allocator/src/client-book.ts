import type { FrameworkId, RoleName } from '#core';
import { type Accumulation, demandOf } from './accumulation.js';
import type { AgentEntry } from './agent-pool.js';
import type { Audiences, Client, FrameworkEntry } from './clients.js';
import { endStreak, noStreak } from './decline-backoff.js';
import type { OfferFilters } from './offer-filters.js';
import type { Quantities } from './quantities.js';
import { topLevelRole } from './quota-ledger.js';
import { RefusalCounts } from './refusal-counts.js';
import type { RoundWork } from './round-work.js';
import type { ShareTree } from './share-tree.js';
import type { FrameworkTraits } from './traits.js';

const noTraits: FrameworkTraits = { roles: [], suppressedRoles: [] };

/** What the book keeps up to date besides itself. */
export interface ClientBookSources {
  readonly tree: ShareTree<Client>;
  readonly audiences: Audiences;
  readonly filters: OfferFilters<Client>;
  readonly accumulation: Accumulation;
  readonly work: RoundWork;
  /** An agent is no longer kept for a client. */
  readonly letGo: (agent: AgentEntry | undefined) => void;
}

/** The frameworks and their roles: who is visited, with what capabilities and wishes. Owns and mutates its state. */
export class ClientBook {
  private readonly frameworks = new Map<FrameworkId, FrameworkEntry>();
  private readonly byTopRole = new Map<RoleName, Set<Client>>();

  constructor(private readonly sources: ClientBookSources) {}

  *clients(): Generator<Client> {
    for (const framework of this.frameworks.values()) yield* framework.clients.values();
  }

  clientsBelow(topRole: RoleName): Iterable<Client> {
    return this.byTopRole.get(topRole) ?? [];
  }

  framework(id: FrameworkId): FrameworkEntry | undefined {
    return this.frameworks.get(id);
  }

  client(id: FrameworkId, role: RoleName): Client | undefined {
    return this.frameworks.get(id)?.clients.get(role);
  }

  /** The framework's clients in these roles, of those it is subscribed to; in all of them when none is named. */
  subscribed(id: FrameworkId, roles: readonly RoleName[] | undefined): readonly Client[] {
    const clients = [...(this.frameworks.get(id)?.clients.values() ?? [])];
    return clients.filter(
      (client) =>
        client.isSubscribed &&
        (roles === undefined || roles.length === 0 || roles.includes(client.role)),
    );
  }

  /** SUBSCRIBE: active, nothing refused, roles and suppressed roles as given. */
  subscribe(id: FrameworkId, traits: FrameworkTraits): void {
    const framework = this.ensure(id);
    framework.isActive = true;
    for (const client of this.apply(framework, traits)) {
      client.isSuppressed = !client.isSubscribed || traits.suppressedRoles.includes(client.role);
      this.wake(client);
      this.refresh(client);
    }
  }

  /** UPDATE_FRAMEWORK: refusals stay, but in roles that were suppressed and are not any more. */
  update(id: FrameworkId, traits: FrameworkTraits): void {
    const framework = this.ensure(id);
    for (const client of this.apply(framework, traits)) {
      const wasSuppressed = client.isSuppressed;
      client.isSuppressed = !client.isSubscribed || traits.suppressedRoles.includes(client.role);
      if (wasSuppressed && !client.isSuppressed) this.wake(client);
      this.refresh(client);
    }
  }

  /** What runs in a role counts, whether the framework is or was subscribed to it or not. */
  ensureClient(id: FrameworkId, role: RoleName): Client {
    return this.addClient(this.ensure(id, { isActive: false }), role, noTraits);
  }

  addInactive(id: FrameworkId): void {
    this.ensure(id, { isActive: false });
  }

  deactivate(id: FrameworkId): void {
    const framework = this.frameworks.get(id);
    if (framework === undefined) return;
    framework.isActive = false;
    for (const client of framework.clients.values()) {
      this.sources.filters.clearOwner(client);
      this.refresh(client);
    }
  }

  remove(id: FrameworkId): void {
    const framework = this.frameworks.get(id);
    if (framework === undefined) return;
    this.deactivate(id);
    this.frameworks.delete(id);
    for (const client of framework.clients.values()) this.drop(client);
  }

  suppress(client: Client): void {
    client.isSuppressed = true;
    this.refresh(client);
  }

  /** REVIVE: offers again, and refusals are forgotten. */
  revive(client: Client): void {
    client.isSuppressed = false;
    this.wake(client);
    this.refresh(client);
  }

  setAsked(client: Client, wanted: readonly Quantities[]): void {
    const { accumulation, letGo, work } = this.sources;
    const asked = wanted.filter((vector) => Object.keys(vector).length > 0);
    // Asking for the same again is no reason to begin anew.
    if (isSameDemand(asked, client.asked)) return;
    client.asked = asked;
    letGo(accumulation.forget(client));
    if (client.isVisited) work.clientChanged(client);
  }

  /** Takes over roles and traits; returns all of the framework's clients, those of left roles too. */
  private apply(framework: FrameworkEntry, traits: FrameworkTraits): Iterable<Client> {
    const { audiences, accumulation, letGo } = this.sources;
    framework.capabilities = traits.capabilities ?? new Set();
    for (const role of traits.roles) this.addClient(framework, role, traits);
    for (const client of framework.clients.values()) {
      const before = demandOf(client);
      client.isSubscribed = traits.roles.includes(client.role);
      if (client.isVisited) client.audience.visited -= 1;
      audiences.leave(client);
      client.audience = audiences.join(framework, client.role, traits);
      if (client.audience.owner === undefined && isOwn(client)) client.audience.owner = client;
      if (client.isVisited) client.audience.visited += 1;
      if (!isSameDemand(before, demandOf(client))) letGo(accumulation.forget(client));
    }
    return framework.clients.values();
  }

  private wake(client: Client): void {
    this.sources.filters.clearOwner(client);
    endStreak(client.streak);
  }

  /** Brings the order in line with who is to be visited, and notes who may now be offered more. */
  private refresh(client: Client): void {
    const { tree, work, accumulation, letGo } = this.sources;
    const isVisited = client.framework.isActive && client.isSubscribed && !client.isSuppressed;
    if (client.isVisited !== isVisited) client.audience.visited += isVisited ? 1 : -1;
    client.isVisited = isVisited;
    if (client.node !== undefined) tree.setActive(client.node, { isActive: isVisited });
    if (isVisited) work.clientChanged(client);
    else {
      work.forgetClient(client);
      letGo(accumulation.forget(client));
    }
  }

  private ensure(id: FrameworkId, options: { readonly isActive?: boolean } = {}): FrameworkEntry {
    const known = this.frameworks.get(id);
    if (known !== undefined) return known;
    const framework: FrameworkEntry = {
      id,
      clients: new Map(),
      capabilities: new Set(),
      isActive: options.isActive ?? true,
    };
    this.frameworks.set(id, framework);
    return framework;
  }

  private addClient(framework: FrameworkEntry, role: RoleName, traits: FrameworkTraits): Client {
    const known = framework.clients.get(role);
    if (known !== undefined) return known;
    const client: Client = {
      frameworkId: framework.id,
      role,
      topRole: topLevelRole(role),
      framework,
      node: undefined,
      audience: this.sources.audiences.join(framework, role, traits),
      isSubscribed: false,
      isSuppressed: true,
      isVisited: false,
      asked: [],
      streak: noStreak(),
      filteredCounts: new RefusalCounts(),
    };
    client.node = this.sources.tree.add(role, framework.id, client);
    framework.clients.set(role, client);
    const below = this.byTopRole.get(client.topRole) ?? new Set();
    this.byTopRole.set(client.topRole, below.add(client));
    return client;
  }

  private drop(client: Client): void {
    const { tree, audiences } = this.sources;
    if (client.node !== undefined) tree.remove(client.node);
    audiences.leave(client);
    const below = this.byTopRole.get(client.topRole);
    below?.delete(client);
    if (below?.size === 0) this.byTopRole.delete(client.topRole);
  }
}

const isSameDemand = (left: readonly Quantities[], right: readonly Quantities[]): boolean =>
  JSON.stringify(left) === JSON.stringify(right);

const isOwn = ({ audience }: Client): boolean =>
  audience.minimum !== undefined || audience.constraints !== undefined;
