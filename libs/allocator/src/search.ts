import type { Resources, RoleName } from '#core';
import { type Accumulation, demandOf, type Hold } from './accumulation.js';
import type { AgentEntry } from './agent-pool.js';
import type { Audiences, Client } from './clients.js';
import type { Eligibility } from './eligibility.js';
import type { AgentFilters, OfferFilters } from './offer-filters.js';
import { meets } from './quantities.js';
import { type QuotaLedger, topLevelRole } from './quota-ledger.js';
import type { Candidates } from './round-work.js';
import type { ShareTree } from './share-tree.js';

/** Who gets what of an agent. */
export interface Match {
  readonly client: Client;
  readonly resources: Resources;
}

/** What a search goes by; all of it is the allocator's. */
export interface SearchSources {
  readonly tree: ShareTree<Client>;
  readonly ledger: QuotaLedger;
  readonly audiences: Audiences;
  readonly eligibility: Eligibility;
  readonly filters: OfferFilters<Client>;
  readonly accumulation: Accumulation;
}

/** Finds the client with the lowest share that can use an agent. Owns its memory, changes nothing else. */
export class Search {
  /** Clients looked at so far. */
  checks = 0;
  private filtersOnAgent: AgentFilters<Client> | undefined;
  private isForGuarantees = false;

  constructor(private readonly sources: SearchSources) {}

  find(
    agent: AgentEntry,
    candidates: Candidates,
    options: { readonly isForGuarantees?: boolean } = {},
  ): Match | undefined {
    const { eligibility, filters, accumulation, tree } = this.sources;
    this.filtersOnAgent = filters.onAgent(agent.id);
    this.isForGuarantees = options.isForGuarantees === true;
    const hold = accumulation.holdOn(agent);
    const match = hold === undefined ? undefined : this.forHolder(hold);
    if (match !== undefined) return match;
    eligibility.begin(agent, {
      isHeld: hold !== undefined,
      isForGuarantees: this.isForGuarantees,
    });
    const client =
      candidates === 'everybody'
        ? tree.find(this.enters, this.accepts)
        : this.firstOf(candidates instanceof Set ? candidates : [candidates]);
    const resources = client?.audience.offer;
    return client === undefined || resources === undefined ? undefined : { client, resources };
  }

  /** The one an agent is kept for gets it once there is enough for it. */
  private forHolder({ client, agent }: Hold): Match | undefined {
    const { eligibility } = this.sources;
    eligibility.begin(agent, { isSilent: true });
    const resources = client.isVisited ? eligibility.offerTo(client.audience) : undefined;
    if (resources === undefined) return undefined;
    if (!demandOf(client).some((vector) => meets(resources, vector))) return undefined;
    return this.isFiltered(client, resources) ? undefined : { client, resources };
  }

  private readonly enters = (role: RoleName): boolean => {
    const { ledger, audiences, eligibility } = this.sources;
    if (this.isForGuarantees && !ledger.hasUnmetGuarantee(topLevelRole(role))) return false;
    return audiences.isWorthVisiting(role, eligibility.offerTo);
  };

  private readonly accepts = (client: Client): boolean => {
    this.checks += 1;
    const resources = this.sources.eligibility.offerTo(client.audience);
    return resources !== undefined && !this.isFiltered(client, resources);
  };

  private isFiltered(client: Client, resources: Resources): boolean {
    if (this.filtersOnAgent?.refuses(client, resources) !== true) return false;
    this.sources.eligibility.countFiltered(client);
    // What it asked for is known, so it need not be offered too little again to count as having lost.
    if (client.asked.length > 0 && !client.asked.some((vector) => meets(resources, vector))) {
      this.sources.accumulation.lost(client);
    }
    return true;
  }

  private firstOf(candidates: Iterable<Client>): Client | undefined {
    const { ledger, tree } = this.sources;
    let best: Client | undefined;
    for (const client of candidates) {
      if (!client.isVisited || client.node === undefined) continue;
      if (this.isForGuarantees && !ledger.hasUnmetGuarantee(client.topRole)) continue;
      if (!this.accepts(client)) continue;
      if (best?.node === undefined || tree.compare(client.node, best.node) < 0) best = client;
    }
    return best;
  }
}
