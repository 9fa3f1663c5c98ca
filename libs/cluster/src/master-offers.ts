import { MAX_REFUSE_MS } from '#allocator';
import { type OfferId, offerId, type Resources } from '#core';
import { encodeResources, type Filters, type WireOffer } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { touchAgent, touchFramework } from './master-observation.js';
import type { Agent, Framework, Offer } from './master-state.js';

/**
 * The offer ledger. An offer is outstanding until it is accepted, declined, rescinded or times out; each of these takes
 * it out, so it is consumed once. What it holds stays allocated to its framework and role until released.
 */

/** Offers made before the event loop serves others, a few milliseconds' work. */
const MAX_OFFERS_PER_ROUND = 250;

/** Turns one allocation round into offers, one OFFERS event per framework. */
export function makeOffers(turn: MasterTurn): void {
  const { state, now } = turn;
  state.isAllocationScheduled = false;
  state.counters.allocationRounds += 1;
  const byStream = new Map<string, WireOffer[]>();
  const round = state.allocator.allocate(now.monoMs, { maxAllocations: MAX_OFFERS_PER_ROUND });
  for (const allocation of round) {
    const framework = state.frameworks.get(allocation.frameworkId);
    const agent = state.agents.get(allocation.agentId);
    if (framework?.streamId === undefined || agent === undefined) {
      state.allocator.release(allocation);
      continue;
    }
    const offer: Offer = {
      ...allocation,
      id: offerId(`${state.masterId}-${state.epoch}-O${state.nextOfferNumber}`),
      expiresAtMonoMs: now.monoMs + state.config.offerTimeoutMs,
    };
    state.nextOfferNumber += 1;
    touchFramework(state, framework);
    touchAgent(state, agent);
    state.offers.set(offer.id, offer);
    framework.offers.add(offer);
    agent.offers.add(offer);
    const batch = byStream.get(framework.streamId) ?? [];
    batch.push(toWireOffer(offer, framework, agent));
    byStream.set(framework.streamId, batch);
  }
  for (const [streamId, offers] of byStream) {
    state.counters.offersSent += offers.length;
    turn.effects.push({
      kind: 'send-to-framework',
      streamId,
      event: { type: 'OFFERS', offers: { offers } },
    });
  }
  // A round that was cut short, or that kept an agent for a large task, goes on.
  scheduleAllocation(turn);
  scheduleFilterExpiry(turn);
}

/** Asks for a round soon; many changes, one round. */
export function scheduleAllocation(turn: MasterTurn): void {
  const { state } = turn;
  if (state.isAllocationScheduled || !state.allocator.hasWork) return;
  state.isAllocationScheduled = true;
  turn.effects.push({ kind: 'schedule-allocation', delayMs: state.config.allocationDelayMs });
}

/** Takes an offer out of the ledger; its resources stay allocated. */
export function takeOffer(turn: MasterTurn, id: OfferId): Offer | undefined {
  const { state } = turn;
  const offer = state.offers.get(id);
  if (offer === undefined) return undefined;
  state.offers.delete(id);
  const framework = state.frameworks.get(offer.frameworkId);
  if (framework?.offers.delete(offer) === true) touchFramework(state, framework);
  const agent = state.agents.get(offer.agentId);
  if (agent?.offers.delete(offer) === true) touchAgent(state, agent);
  return offer;
}

/** Gives all or part of an offer back, with the refusal the framework asked for, if any. */
export function releaseOffer(
  turn: MasterTurn,
  offer: Offer,
  options: { readonly resources?: Resources; readonly refuseMs?: number } = {},
): void {
  const { refuseMs } = options;
  turn.state.allocator.release(
    { ...offer, resources: options.resources ?? offer.resources },
    refuseMs === undefined || refuseMs <= 0
      ? undefined
      : { untilMonoMs: turn.now.monoMs + refuseMs },
  );
  if (refuseMs !== undefined && refuseMs > 0) scheduleFilterExpiry(turn);
  scheduleAllocation(turn);
}

/** Withdraws an offer: RESCIND to the framework if it listens; no refusal unless one is given. */
export function rescindOffer(
  turn: MasterTurn,
  offer: Offer,
  options: { readonly refuseMs?: number } = {},
): void {
  takeOffer(turn, offer.id);
  releaseOffer(turn, offer, options);
  turn.state.counters.offersRescinded += 1;
  const streamId = turn.state.frameworks.get(offer.frameworkId)?.streamId;
  if (streamId === undefined) return;
  turn.effects.push({
    kind: 'send-to-framework',
    streamId,
    event: { type: 'RESCIND', rescind: { offer_id: { value: offer.id } } },
  });
}

/**
 * Rescinds what nobody answered in time, and takes it as refused: who is silent and uses nothing has the lowest share and
 * would be offered everything again, and others nothing. Longer with each time in a row; any answer to an offer ends
 * that, and REVIVE the refusals. The ledger is in order of age, so only expired offers are looked at.
 */
export function rescindExpiredOffers(turn: MasterTurn): void {
  const { state, now } = turn;
  const silent = new Set<Framework>();
  for (const offer of state.offers.values()) {
    if (offer.expiresAtMonoMs > now.monoMs) return;
    const framework = state.frameworks.get(offer.frameworkId);
    if (framework !== undefined && !silent.has(framework)) {
      silent.add(framework);
      framework.silences += 1;
    }
    const factor = SILENCE_FACTOR * 2 ** Math.min((framework?.silences ?? 1) - 1, 16);
    const refuseMs = Math.min(state.config.offerTimeoutMs * factor, MAX_SILENCE_MS);
    rescindOffer(turn, offer, { refuseMs });
  }
}

/** The first refusal by silence, in offer timeouts. */
const SILENCE_FACTOR = 10;
const MAX_SILENCE_MS = 3_600_000;

/** DECLINE: ids that are not this framework's outstanding offers are ignored. */
export function declineOffers(
  turn: MasterTurn,
  framework: Framework,
  decline: { readonly offerIds: readonly string[]; readonly filters: Filters | undefined },
): void {
  const refuseMs = toFilterMs(turn, decline.filters, { isDecline: true });
  for (const id of decline.offerIds) {
    const offer = turn.state.offers.get(offerId(id));
    if (offer?.frameworkId !== framework.id) continue;
    takeOffer(turn, offer.id);
    framework.silences = 0;
    turn.state.counters.offersDeclined += 1;
    releaseOffer(turn, offer, { refuseMs });
  }
}

/**
 * How long what is given back stays away: at least one round, so that the others get a chance. With `refuse_seconds` 0 a
 * decline lasts that round, as Mesos' next one is up to a second away, and the rest of an accepted offer no time at all.
 */
export function toFilterMs(
  turn: MasterTurn,
  filters: Filters | undefined,
  { isDecline }: { readonly isDecline: boolean },
): number {
  const refuseMs = toRefuseMs(filters);
  if (refuseMs === 0 && !isDecline) return 0;
  return Math.max(refuseMs, turn.state.config.minRefuseMs);
}

/** Milliseconds of a refusal: 5 s when absent or negative, at most 365 days, 0 for none. */
export function toRefuseMs(filters: Filters | undefined): number {
  const seconds = filters?.refuse_seconds;
  if (seconds === undefined || seconds < 0) return DEFAULT_REFUSE_MS;
  return Math.min(seconds * 1000, MAX_REFUSE_MS);
}

const DEFAULT_REFUSE_MS = 5_000;
/** A filter's expiry is not waited for with less than this between two rounds. */
const MIN_EXPIRY_DELAY_MS = 5;

function scheduleFilterExpiry(turn: MasterTurn): void {
  const expiry = turn.state.allocator.nextExpiryMonoMs();
  if (expiry === undefined) return;
  const delayMs = Math.max(expiry - turn.now.monoMs, MIN_EXPIRY_DELAY_MS);
  turn.effects.push({ kind: 'schedule-allocation', delayMs });
}

/** As the framework can read it: what it has no capability for is not in it. */
function toWireOffer(offer: Offer, framework: Framework, agent: Agent): WireOffer {
  const allocation = framework.isMultiRole ? { allocatedTo: offer.role } : {};
  return {
    id: { value: offer.id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname: agent.info.hostname,
    url: agent.info.url ?? {
      scheme: 'http',
      address: { hostname: agent.info.hostname, port: agent.info.port },
      path: '/slave(1)',
    },
    resources: encodeResources(offer.resources, {
      ...allocation,
      isRefined: framework.capabilities.has('RESERVATION_REFINEMENT'),
    }),
    attributes: agent.info.attributes,
    executor_ids: executorIdsOf(agent, framework).map((value) => ({ value })),
    ...(framework.isMultiRole ? { allocation_info: { role: offer.role } } : {}),
    ...(agent.unavailability === undefined ? {} : { unavailability: agent.unavailability }),
    ...(agent.info.domain === undefined ? {} : { domain: agent.info.domain }),
  };
}

const executorIdsOf = (agent: Agent, framework: Framework): readonly string[] =>
  [...agent.executors.values()]
    .filter((executor) => executor.frameworkId === framework.id && !executor.isExited)
    .map((executor) => executor.id);
