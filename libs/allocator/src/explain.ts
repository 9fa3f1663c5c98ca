import type { Accumulation } from './accumulation.js';
import type { AgentEntry, AgentPool } from './agent-pool.js';
import type { Client } from './clients.js';
import type { Eligibility } from './eligibility.js';
import type { Explanation, RefusalReason } from './explanation.js';
import type { OfferFilters } from './offer-filters.js';
import { toQuantities } from './quantities.js';
import type { ShareTree } from './share-tree.js';

/** (agent, client) pairs looked at for one explanation; with more, every n-th free agent stands for n. */
export const MAX_EXPLAINED_PAIRS = 50_000;

interface Sources {
  readonly tree: ShareTree<Client>;
  readonly eligibility: Eligibility;
  readonly filters: OfferFilters<Client>;
  readonly accumulation: Accumulation;
  readonly agents: AgentPool;
  readonly round: number;
}

/**
 * Says per client what it has and why it is not offered the rest: agents by reason as they stand now, tried without
 * allocating, and how often it was passed over in the last rounds. O(MAX_EXPLAINED_PAIRS) whatever the cluster.
 */
export function explainClients(
  clients: readonly Client[],
  sources: Sources,
): readonly Explanation[] {
  const free = [...sources.agents.freeAgents];
  const pairs = free.length * clients.length;
  const stride = Math.max(1, Math.ceil(pairs / MAX_EXPLAINED_PAIRS));
  const sample = free.filter((_, index) => index % stride === 0);
  return clients.map((client) => explain(client, { ...sources, free: free.length, sample }));
}

function explain(
  client: Client,
  sources: Sources & { readonly free: number; readonly sample: readonly AgentEntry[] },
): Explanation {
  const { tree, agents, sample, round } = sources;
  const { node, audience } = client;
  const passedOver = new Map<RefusalReason, number>();
  audience.counts.addTo(passedOver, round);
  client.filteredCounts.addTo(passedOver, round);
  return {
    frameworkId: client.frameworkId,
    role: client.role,
    dominantShare: node === undefined ? 0 : tree.shareOf(node),
    roleShare: tree.shareOfRole(client.role),
    weight: tree.weightOf(client.role),
    held: toQuantities(node?.allocated ?? new Map()),
    refusedAgents: sources.filters.agentsRefusedBy(client),
    agents: agents.size,
    sampled: sample.length,
    reasons: Object.fromEntries(countReasons(client, sources)),
    passedOver: Object.fromEntries(passedOver),
  };
}

function countReasons(
  client: Client,
  sources: Sources & { readonly free: number; readonly sample: readonly AgentEntry[] },
): ReadonlyMap<RefusalReason, number> {
  const { agents, free, sample } = sources;
  const whole = wholeReason(client);
  if (whole !== undefined) return new Map([[whole, agents.size]]);
  const reasons = new Map<RefusalReason, number>();
  if (agents.size > free) reasons.set('nothing-free', agents.size - free);
  const counts = new Map<RefusalReason, number>();
  for (const agent of sample) {
    const reason = refusalOf(client, agent, sources);
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  for (const [reason, count] of counts) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + Math.round((count * free) / sample.length));
  }
  return reasons;
}

/** Why the client is offered no agent at all. */
function wholeReason(client: Client): RefusalReason | undefined {
  if (!client.framework.isActive) return 'inactive';
  return client.isVisited ? undefined : 'suppressed';
}

/** Undefined for an agent it is going to be offered. */
function refusalOf(
  client: Client,
  agent: AgentEntry,
  { eligibility, filters, accumulation }: Sources,
): RefusalReason | undefined {
  const hold = accumulation.holdOn(agent);
  const isHeld = hold !== undefined && hold.client !== client;
  const offer = eligibility.select(agent, client.audience, { isHeld });
  if (typeof offer === 'string') return offer;
  return filters.isFiltered(client, agent.id, offer) ? 'filtered' : undefined;
}
