import { type AgentId, addResources, isEmptyResources, noResources, type Resources } from '#core';
import { type Accumulation, demandOf } from './accumulation.js';
import type { AgentEntry, AgentPool } from './agent-pool.js';
import type { Client } from './clients.js';
import { type Eligibility, isOfTheRest } from './eligibility.js';
import type { Explanation, OutstandingOffer, RefusalReason } from './explanation.js';
import type { OfferFilters } from './offer-filters.js';
import { meets, toQuantities } from './quantities.js';
import type { ShareTree } from './share-tree.js';

/** (agent, client) pairs looked at for one explanation; with more, every n-th agent stands for n. */
export const MAX_EXPLAINED_PAIRS = 50_000;

interface Sources {
  readonly tree: ShareTree<Client>;
  readonly eligibility: Eligibility;
  readonly filters: OfferFilters<Client>;
  readonly accumulation: Accumulation;
  readonly agents: AgentPool;
  readonly round: number;
  readonly offeredOn: (id: AgentId) => Iterable<OutstandingOffer>;
}

/** An agent of which a client might get something now, or once offers to others come back. */
interface Candidate {
  readonly agent: AgentEntry;
  readonly offers: readonly OutstandingOffer[];
}

/** The agents, each counted once. */
interface Standing {
  readonly inactive: number;
  /** Active, nothing free, nothing offered. */
  readonly used: number;
  readonly candidates: number;
  readonly sample: readonly Candidate[];
}

/**
 * Says per client what it has and why it is not offered the rest: agents by reason as they stand now, tried without
 * allocating, and how often it was passed over in the last rounds. O(agents + MAX_EXPLAINED_PAIRS). Changes nothing.
 */
export function explainClients(
  clients: readonly Client[],
  sources: Sources,
): readonly Explanation[] {
  const standing = standingOf(sources, clients.length);
  return clients.map((client) => explain(client, sources, standing));
}

function standingOf({ agents, offeredOn }: Sources, clients: number): Standing {
  const candidates: Candidate[] = [];
  let inactive = 0;
  let used = 0;
  for (const agent of agents.values()) {
    const offers = agent.isActive ? [...offeredOn(agent.id)] : [];
    if (!agent.isActive) inactive += 1;
    else if (agents.isFree(agent) || offers.length > 0) candidates.push({ agent, offers });
    else used += 1;
  }
  const stride = Math.max(1, Math.ceil((candidates.length * clients) / MAX_EXPLAINED_PAIRS));
  const sample = candidates.filter((_, index) => index % stride === 0);
  return { inactive, used, candidates: candidates.length, sample };
}

function explain(client: Client, sources: Sources, standing: Standing): Explanation {
  const { tree, agents, round } = sources;
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
    sampled: standing.sample.length,
    reasons: Object.fromEntries(countReasons(client, sources, standing)),
    passedOver: Object.fromEntries(passedOver),
  };
}

function countReasons(
  client: Client,
  sources: Sources,
  { inactive, used, candidates, sample }: Standing,
): ReadonlyMap<RefusalReason, number> {
  const whole = wholeReason(client);
  if (whole !== undefined) return new Map([[whole, sources.agents.size]]);
  const reasons = new Map<RefusalReason, number>();
  const add = (reason: RefusalReason, count: number): void => {
    if (count > 0) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  };
  add('agent-inactive', inactive);
  add('nothing-free', used);
  const counts = new Map<RefusalReason | undefined, number>();
  for (const candidate of sample) {
    const reason = refusalOf(client, candidate, sources);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  let seen = 0;
  for (const [reason, count] of counts) {
    // Scaled by sums, so that rounding neither adds an agent nor loses one.
    const before = Math.round((seen * candidates) / sample.length);
    seen += count;
    const upTo = Math.round((seen * candidates) / sample.length);
    if (reason !== undefined) add(reason, upTo - before);
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
  { agent, offers }: Candidate,
  sources: Sources,
): RefusalReason | undefined {
  const refusal = sources.agents.isFree(agent)
    ? tryOffer(client, agent, sources, noResources)
    : 'nothing-free';
  if (refusal === undefined || !isOfTheRest(refusal)) return refusal;
  const returned = offers
    .filter((offer) => offer.frameworkId !== client.frameworkId || offer.role !== client.role)
    .reduce((sum, { resources }) => addResources(sum, resources), noResources);
  if (isEmptyResources(returned)) return refusal;
  const afterwards = tryOffer(client, agent, sources, returned);
  if (afterwards === undefined) return 'offered-to-others';
  // What would keep it from the agent in any case says more than that there is nothing free.
  return refusal === 'nothing-free' && afterwards !== 'below-minimum' ? afterwards : refusal;
}

/** Why the agent would not be offered if `returned` were free as well. */
function tryOffer(
  client: Client,
  agent: AgentEntry,
  { eligibility, filters, accumulation }: Sources,
  returned: Resources,
): RefusalReason | undefined {
  const hold = accumulation.holdOn(agent);
  const look = { returned, isHeld: hold !== undefined && hold.client !== client };
  let offer = eligibility.select(agent, client.audience, look);
  // Whom it is kept for gets it when there is enough, and until then what is reserved, as everybody.
  if (hold?.client === client && typeof offer !== 'string') {
    const enough = offer;
    if (!demandOf(client).some((vector) => meets(enough, vector))) {
      offer = eligibility.select(agent, client.audience, { ...look, isHeld: true });
    }
  }
  if (typeof offer === 'string') return offer;
  return filters.isFiltered(client, agent.id, offer) ? 'filtered' : undefined;
}
