import { type AgentId, type App, type AppId, isLeftover, type OfferId, offerId } from '#core';
import { isOutdated, readyEntries } from '#deployment';
import {
  fieldValue,
  matchOffer,
  type PlacedInstance,
  type Refusal,
  SpreadOrder,
  SpreadRound,
  SpreadTally,
  type WaitingApp,
} from '#matcher';
import type { WireOffer } from '#mesos-v1';
import { Occupation, placeDaemons } from './daemon-round.js';
import { configVersionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { launchParked } from './launch-parked.js';
import { AGENT_IS_LEAVING, isTooLateFor } from './leave-agents.js';
import { releaseLeftovers } from './leftovers.js';
import { toMatchableOffer } from './matchable-offer.js';
import { addLaunch, type OpenOffer, type Round } from './offer-round.js';
import { prepareLaunch } from './prepare-launch.js';
import { newQueueStatistics, noteOffer } from './queue-statistics.js';
import { mostLaunches } from './workloads.js';

/** Answers a round of offers: everything that fits is launched, the rest goes back. */
export async function handleOffers(
  context: EngineContext,
  wires: readonly WireOffer[],
): Promise<void> {
  try {
    await context.commits.submit({
      whenUnavailable: 'reject',
      run: (draft) => answerOffers(context, draft, wires),
    });
  } catch (error) {
    // Without the store nothing may be accepted: the offers go back and come again.
    context.ports.log?.warn('offers are declined', { reason: String(error) });
    await context.execute({
      kind: 'decline-offers',
      offerIds: wires.map(({ id }) => offerId(id.value)),
      refuseSeconds: context.options.shortRefuseSeconds,
    });
  }
}

function answerOffers(context: EngineContext, draft: Draft, wires: readonly WireOffer[]): void {
  const { memory, options } = context;
  const open = wires.map((wire): OpenOffer => {
    const offer = toMatchableOffer(wire, draft.now.epochMs);
    memory.seeAgent(offer.agentId, offer);
    return {
      ...{ wire, offer, operations: [], tasks: [], groups: [], instanceIds: [], released: [] },
      ...{ bytes: 0, isFull: false },
    };
  });
  releaseLeftovers(context, draft, open);
  const { ready } = readyEntries(memory.queue, memory.backOffs, draft.now);
  const pending = new Map(
    ready.flatMap(({ app, count: wanted }) => {
      const count = Math.min(wanted, mostLaunches(context, draft, app));
      return count > 0 ? [[app.id, { app, count }]] : [];
    }),
  );
  const refusals = new Map<AgentId, Map<AppId, Refusal>>();
  if (pending.size + memory.daemons.size > 0) {
    const occupation = new Occupation(draft, memory.strangers);
    const round = { context, draft, open, pending, refusals, occupation };
    launchParked(round);
    distribute(round);
    noteRound(
      context,
      draft,
      open,
      ready.map(({ app }) => app),
      refusals,
    );
  }
  const isWaiting = ready.some(({ app }) => memory.queue.has(app.id));
  const refuseSeconds = isWaiting ? options.shortRefuseSeconds : options.longRefuseSeconds;
  const unused: OfferId[] = [];
  for (const { offer, operations, tasks, groups, instanceIds, released, isFull } of open) {
    if (instanceIds.length + operations.length === 0) unused.push(offer.id);
    else {
      draft.effect({
        kind: 'accept-offer',
        offerId: offer.id,
        operations,
        tasks,
        groups,
        instanceIds,
        released,
        refuseSeconds: isFull || released.length > 0 ? 0 : refuseSeconds,
      });
    }
  }
  if (unused.length > 0) draft.effect({ kind: 'decline-offers', offerIds: unused, refuseSeconds });
  draft.after(() => {
    for (const { wire, offer } of open) memory.seenOffers.note(offer, wire.attributes, draft.now);
  });
  draft.after(() => context.demand.update({ isNew: false }));
}

/** What is new: daemons first, then app by app in the order they began to wait, each evenly over the agents. */
function distribute(round: Round): void {
  const { context, draft, open, pending, occupation } = round;
  placeDaemons(context, draft, open, {
    occupation,
    launch: (target, app) => launchOne(round, target, app),
  });
  const spread = new SpreadRound(open);
  for (const { app } of [...pending.values()]) {
    const tally = tallyOf(context, draft, app);
    const order = new SpreadOrder(spread, app, tally);
    for (
      let target = order.best();
      target !== undefined && pending.has(app.id);
      target = order.best()
    ) {
      if (launchOne(round, target, app) === undefined) tally.add(target.offer);
      else order.drop();
    }
  }
}

/** Where instances of the current configuration are; old ones are about to go. */
function tallyOf(context: EngineContext, draft: Draft, app: App): SpreadTally {
  const tally = new SpreadTally();
  for (const instance of draft.instancesOf(app.id).values()) {
    const { placement, goal, condition } = instance;
    if (placement === undefined || goal !== 'Running') continue;
    if (condition === 'UnreachableInactive') continue;
    if (!isOutdated(configVersionOf(context, draft.root, instance), app)) tally.add(placement);
  }
  return tally;
}

/** Undefined: launched. */
function launchOne(round: Round, target: OpenOffer, app: App): Refusal | undefined {
  const launched = target.instanceIds.length;
  if (isTooLateFor(round.context, target.offer.agentId, app, round.draft.now))
    return AGENT_IS_LEAVING;
  fillOffer(round, target, [{ app, count: 1 }]);
  if (target.instanceIds.length > launched) return undefined;
  return round.refusals.get(target.offer.agentId)?.get(app.id) ?? CALL_IS_FULL;
}

const CALL_IS_FULL: Refusal = {
  reason: 'InsufficientCpus',
  detail: 'as many launches as one call carries are on their way to the agent',
};

function fillOffer(round: Round, target: OpenOffer, waiting: readonly WaitingApp[]): void {
  const { context, draft, refusals, occupation } = round;
  const { memory } = context;
  const recentPorts = memory.recentPorts.get(target.offer.agentId);
  const match = matchOffer(target.offer, waiting, {
    placedOf: (id) => placedOf(context, draft, id),
    occupiedBy: (id) => occupation.of(id),
    distinctValues: (field) => distinctValues(context, field),
    ...(recentPorts === undefined ? {} : { recentPorts }),
    seed: memory.launchSeed,
  });
  target.offer = { ...target.offer, pools: match.remaining };
  const ofAgent = refusals.get(target.offer.agentId) ?? new Map<AppId, Refusal>();
  refusals.set(target.offer.agentId, ofAgent);
  for (const [id, refusal] of match.refusals) ofAgent.set(id, refusal);
  for (const launch of match.launches) {
    memory.launchSeed += 1;
    if (!addLaunch(round, target, prepareLaunch(context, draft, target, launch))) return;
  }
}

/** Where instances of an app are, for constraints. */
export function placedOf(
  context: EngineContext,
  draft: Draft,
  id: AppId,
): readonly PlacedInstance[] {
  const placed: PlacedInstance[] = [];
  for (const instance of draft.instancesOf(id).values()) {
    const { placement } = instance;
    // What is on its way out holds its place until it is gone: two on one UNIQUE host never meet.
    const isGone = instance.condition === 'UnreachableInactive' || isLeftover(instance);
    if (placement === undefined || isGone) continue;
    placed.push({ configVersion: configVersionOf(context, draft.root, instance), site: placement });
  }
  return placed;
}

/** How many values of a field agents seen so far have. O(agents). */
export function distinctValues(context: EngineContext, field: string): number {
  const values = new Set<string>();
  for (const site of context.memory.agentSites.values()) {
    const value = fieldValue(site, field);
    if (value !== undefined) values.add(value);
  }
  return values.size;
}

/** Keeps for each waiting app how the round went, for the queue and for explanations. */
function noteRound(
  { memory }: EngineContext,
  draft: Draft,
  open: readonly OpenOffer[],
  apps: readonly App[],
  refusals: Round['refusals'],
): void {
  const users = open.map(
    ({ instanceIds }) => new Set(instanceIds.map((id) => draft.instance(id)?.appId)),
  );
  for (const app of apps) {
    memory.touch(app.id);
    if (!memory.queue.has(app.id)) {
      memory.statistics.delete(app.id);
      continue;
    }
    const statistics = memory.statistics.get(app.id) ?? newQueueStatistics();
    memory.statistics.set(app.id, statistics);
    for (const [index, { offer }] of open.entries()) {
      const refusal = refusals.get(offer.agentId)?.get(app.id);
      noteOffer(statistics, offer.agentId, refusal, draft.now.epochMs);
      // It was of use to one instance, and what was left of it to no other.
      if (users[index]?.has(app.id)) statistics.lastUsedEpochMs = draft.now.epochMs;
    }
  }
}
