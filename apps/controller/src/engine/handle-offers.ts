import {
  type AgentId,
  type App,
  type AppId,
  groupId,
  type Instance,
  instanceId,
  type OfferId,
  offerId,
  taskId,
} from '#core';
import { isOutdated, readyEntries, setWanted } from '#deployment';
import {
  fieldValue,
  type MatchableOffer,
  type MatchedLaunch,
  matchOffer,
  mix,
  type PlacedInstance,
  type Refusal,
  SpreadOrder,
  SpreadRound,
  SpreadTally,
  type WaitingApp,
} from '#matcher';
import type { TaskInfo, WireOffer } from '#mesos-v1';
import { Occupation, placeDaemons, safePath } from './daemon-round.js';
import { configVersionOf } from './definitions.js';
import { tellOfInstance } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { instanceChanged } from './marathon-events.js';
import { toMatchableOffer, toPlacement } from './matchable-offer.js';
import { newQueueStatistics, noteOffer } from './queue-statistics.js';
import { buildTaskInfo, taskPorts } from './task-info.js';
import { failedBefore, noteJobLaunch } from './workloads.js';

/** One ACCEPT at most, so that the call stays well below the body limit of a master (ours takes 8 MiB). */
const MAX_LAUNCHES_PER_OFFER = 2_000;
const MAX_ACCEPT_BYTES = 4 * 1024 * 1024;
/** A container port of 0 without a host port becomes one from here upwards. */
const FIRST_USER_PORT = 1025;
const USER_PORTS = 64_000;

/** One offer of a round and what has become of it so far. */
interface OpenOffer {
  readonly wire: WireOffer;
  offer: MatchableOffer;
  readonly tasks: TaskInfo[];
  readonly instanceIds: Instance['id'][];
  /** Of the tasks as JSON. */
  bytes: number;
  /** The call is full although more would fit on the agent: what is left should be offered again at once. */
  isFull: boolean;
}

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
    return { wire, offer, tasks: [], instanceIds: [], bytes: 0, isFull: false };
  });
  const { ready } = readyEntries(memory.queue, memory.backOffs, draft.now);
  const pending = new Map(ready.map(({ app, count }) => [app.id, { app, count }]));
  const refusals = new Map<AgentId, Map<AppId, Refusal>>();
  if (pending.size + memory.daemons.size > 0) {
    const occupation = new Occupation(draft, memory.strangers);
    distribute({ context, draft, open, pending, refusals, occupation });
    noteRound(
      context,
      draft,
      open,
      ready.map(({ app }) => app),
      refusals,
    );
  }
  const refuseSeconds = pending.size > 0 ? options.shortRefuseSeconds : options.longRefuseSeconds;
  const unused: OfferId[] = [];
  for (const { offer, tasks, instanceIds, isFull } of open) {
    if (tasks.length === 0) unused.push(offer.id);
    else {
      draft.effect({
        kind: 'accept-offer',
        offerId: offer.id,
        tasks,
        instanceIds,
        refuseSeconds: isFull ? 0 : refuseSeconds,
      });
    }
  }
  if (unused.length > 0) draft.effect({ kind: 'decline-offers', offerIds: unused, refuseSeconds });
  draft.after(() => {
    for (const { wire, offer } of open) memory.seenOffers.note(offer, wire.attributes, draft.now);
  });
  draft.after(() => context.demand.update({ isNew: false }));
}

interface Round {
  readonly context: EngineContext;
  readonly draft: Draft;
  readonly open: readonly OpenOffer[];
  readonly pending: Map<AppId, { readonly app: App; readonly count: number }>;
  readonly refusals: Map<AgentId, Map<AppId, Refusal>>;
  readonly occupation: Occupation;
}

/** Daemons first, then app by app in the order they began to wait, each evenly over the agents. */
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
  const launched = target.tasks.length;
  fillOffer(round, target, [{ app, count: 1 }]);
  if (target.tasks.length > launched) return undefined;
  return round.refusals.get(target.offer.agentId)?.get(app.id) ?? CALL_IS_FULL;
}

const CALL_IS_FULL: Refusal = {
  reason: 'InsufficientCpus',
  detail: 'as many launches as one call carries are on their way to the agent',
};

function fillOffer(round: Round, target: OpenOffer, waiting: readonly WaitingApp[]): void {
  const { context, draft, pending, refusals, occupation } = round;
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
    const { instance, info } = prepareLaunch(context, draft, target, launch);
    const bytes = Buffer.byteLength(JSON.stringify(info));
    if (!hasRoom(target, bytes)) {
      target.isFull = true;
      target.offer = { ...target.offer, pools: [] };
      return;
    }
    target.bytes += bytes;
    target.tasks.push(info);
    target.instanceIds.push(instance.id);
    provision(context, draft, instance);
    noteJobLaunch(draft, launch.app);
    take(context, draft, pending, launch.app);
  }
}

/** A single task always has: whether it is too big is for the master to say. */
const hasRoom = ({ tasks, bytes }: OpenOffer, more: number): boolean =>
  tasks.length === 0 || (tasks.length < MAX_LAUNCHES_PER_OFFER && bytes + more <= MAX_ACCEPT_BYTES);

/** One fewer waits. The queue changes at once: a later job of the same transaction must see it. */
function take(context: EngineContext, draft: Draft, pending: Round['pending'], app: App): void {
  const left = (pending.get(app.id)?.count ?? 1) - 1;
  if (left > 0) pending.set(app.id, { app, count: left });
  else pending.delete(app.id);
  setWanted(context.memory.queue, app, left, draft.now);
}

function prepareLaunch(
  context: EngineContext,
  draft: Draft,
  target: OpenOffer,
  launch: MatchedLaunch,
): { readonly instance: Instance; readonly info: TaskInfo } {
  const { app } = launch;
  const id = instanceId(`${safePath(app.id)}.instance-${context.ports.newId()}`);
  const placement = toPlacement(target.wire, target.offer);
  const instance: Instance = {
    id,
    appId: app.id,
    appVersion: app.version,
    incarnation: 1,
    taskId: taskId(`${id}._app.1`),
    goal: 'Running',
    condition: 'Provisioned',
    sinceEpochMs: draft.now.epochMs,
    createdAtEpochMs: draft.now.epochMs,
    stagedAtEpochMs: draft.now.epochMs,
    placement,
    hostPorts: launch.hostPorts,
    ipAddresses: [],
    ...failedBefore(draft, app),
  };
  const seed = context.memory.launchSeed;
  const ports = taskPorts(
    app,
    launch.hostPorts,
    (index) => FIRST_USER_PORT + (mix(seed + index) % USER_PORTS),
  );
  const info = buildTaskInfo({
    app,
    instance,
    placement,
    taken: launch.taken,
    isRoleEnforced: isRoleEnforced(draft, app.id),
    ports,
  });
  return { instance, info };
}

function provision(context: EngineContext, draft: Draft, instance: Instance): void {
  draft.putInstance(instance);
  draft.emit(instanceChanged(instance));
  tellOfInstance(draft, instance, 'launched');
  draft.after(() => {
    context.memory.accepting.add(instance.id);
    context.evaluateSoon([instance.appId]);
  });
}

export function isRoleEnforced(draft: Draft, id: AppId): boolean {
  const [, top = ''] = id.split('/');
  return draft.root.groups.get(groupId(`/${top}`))?.enforceRole ?? false;
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
    if (placement === undefined || instance.condition === 'UnreachableInactive') continue;
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
  for (const app of apps) {
    memory.touch(app.id);
    if (!memory.queue.has(app.id)) {
      memory.statistics.delete(app.id);
      continue;
    }
    const statistics = memory.statistics.get(app.id) ?? newQueueStatistics();
    memory.statistics.set(app.id, statistics);
    for (const { offer } of open) {
      const refusal = refusals.get(offer.agentId)?.get(app.id);
      noteOffer(statistics, offer.agentId, refusal, draft.now.epochMs);
    }
  }
}
