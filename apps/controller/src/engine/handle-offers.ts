import {
  type AgentId,
  type App,
  type AppId,
  groupId,
  type Instance,
  instanceId,
  isPod,
  type OfferId,
  offerId,
  present,
  taskId,
} from '#core';
import { readyEntries, setWanted } from '#deployment';
import {
  fieldValue,
  type MatchableOffer,
  type MatchedLaunch,
  matchOffer,
  mix,
  type PlacedInstance,
  type Refusal,
  type WaitingApp,
} from '#matcher';
import type { TaskInfo, WireOffer } from '#mesos-v1';
import { configVersionOf } from './definitions.js';
import { tellOfInstance } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { TaskGroup } from './engine-effect.js';
import { instanceChanged } from './marathon-events.js';
import { toMatchableOffer, toPlacement } from './matchable-offer.js';
import { buildTaskGroup } from './pod-launch.js';
import { newQueueStatistics, noteOffer } from './queue-statistics.js';
import { buildTaskInfo, taskPorts } from './task-info.js';

/** One ACCEPT at most, so that the call stays well below the body limit of a master (ours takes 8 MiB). */
const MAX_LAUNCHES_PER_OFFER = 2_000;
/** Each is an operation of its own, of which masters take a limited number (ours 1,000). */
const MAX_GROUPS_PER_OFFER = 500;
const MAX_ACCEPT_BYTES = 4 * 1024 * 1024;
/** A container port of 0 without a host port becomes one from here upwards. */
const FIRST_USER_PORT = 1025;
const USER_PORTS = 64_000;

/** One offer of a round and what has become of it so far. */
interface OpenOffer {
  readonly wire: WireOffer;
  offer: MatchableOffer;
  readonly tasks: TaskInfo[];
  readonly groups: TaskGroup[];
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
    return { wire, offer, tasks: [], groups: [], instanceIds: [], bytes: 0, isFull: false };
  });
  const { ready } = readyEntries(memory.queue, memory.backOffs, draft.now);
  const pending = new Map(ready.map(({ app, count }) => [app.id, { app, count }]));
  const refusals = new Map<AgentId, ReadonlyMap<AppId, Refusal>>();
  if (pending.size > 0) {
    distribute({ context, draft, open, pending, refusals });
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
  for (const { offer, tasks, groups, instanceIds, isFull } of open) {
    if (instanceIds.length === 0) unused.push(offer.id);
    else {
      draft.effect({
        kind: 'accept-offer',
        offerId: offer.id,
        tasks,
        groups,
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
  readonly refusals: Map<AgentId, ReadonlyMap<AppId, Refusal>>;
}

/** Two passes: first every offer gets its share, so that instances spread over agents; then what is left goes anywhere. */
function distribute(round: Round): void {
  const { open, pending } = round;
  for (const pass of ['share', 'rest'] as const) {
    for (const [index, offer] of open.entries()) {
      if (pending.size === 0) return;
      const offersLeft = pass === 'share' ? open.length - index : 1;
      fillOffer(round, offer, chooseShare(pending, offersLeft));
    }
    if (open.length === 1) return;
  }
}

/** Of each app at most its share per offer, and of all together too. */
function chooseShare(pending: Round['pending'], offersLeft: number): readonly WaitingApp[] {
  if (offersLeft <= 1) return [...pending.values()];
  let total = 0;
  for (const { count } of pending.values()) total += count;
  let budget = Math.ceil(total / offersLeft);
  const share: WaitingApp[] = [];
  for (const { app, count } of pending.values()) {
    if (budget <= 0) break;
    const part = Math.min(budget, Math.ceil(count / offersLeft));
    share.push({ app, count: part });
    budget -= part;
  }
  return share;
}

function fillOffer(round: Round, target: OpenOffer, waiting: readonly WaitingApp[]): void {
  const { context, draft, pending, refusals } = round;
  const { memory } = context;
  const recentPorts = memory.recentPorts.get(target.offer.agentId);
  const match = matchOffer(target.offer, waiting, {
    placedOf: (id) => placedOf(context, draft, id),
    distinctValues: (field) => distinctValues(context, field),
    ...(recentPorts === undefined ? {} : { recentPorts }),
    seed: memory.launchSeed,
  });
  target.offer = { ...target.offer, pools: match.remaining };
  refusals.set(
    target.offer.agentId,
    new Map([...(refusals.get(target.offer.agentId) ?? []), ...match.refusals]),
  );
  for (const launch of match.launches) {
    memory.launchSeed += 1;
    const { instance, made } = prepareLaunch(context, draft, target, launch);
    const bytes = Buffer.byteLength(JSON.stringify(made.kind === 'task' ? made.info : made.group));
    if (!hasRoom(target, bytes)) {
      target.isFull = true;
      target.offer = { ...target.offer, pools: [] };
      return;
    }
    target.bytes += bytes;
    if (made.kind === 'task') target.tasks.push(made.info);
    else target.groups.push(made.group);
    target.instanceIds.push(instance.id);
    provision(context, draft, instance);
    take(context, draft, pending, launch.app);
  }
}

/** A single task always has: whether it is too big is for the master to say. */
const hasRoom = ({ instanceIds, groups, bytes }: OpenOffer, more: number): boolean =>
  instanceIds.length === 0 ||
  (instanceIds.length < MAX_LAUNCHES_PER_OFFER &&
    groups.length < MAX_GROUPS_PER_OFFER &&
    bytes + more <= MAX_ACCEPT_BYTES);

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
): { readonly instance: Instance; readonly made: Launched } {
  const { app } = launch;
  const id = instanceId(`${safePath(app.id)}.instance-${context.ports.newId()}`);
  const placement = toPlacement(target.wire, target.offer);
  const instance: Instance = {
    id,
    appId: app.id,
    appVersion: app.version,
    incarnation: 1,
    ...tasksOfNew(app, id, draft.now.epochMs),
    goal: 'Running',
    condition: 'Provisioned',
    sinceEpochMs: draft.now.epochMs,
    createdAtEpochMs: draft.now.epochMs,
    stagedAtEpochMs: draft.now.epochMs,
    placement,
    hostPorts: launch.hostPorts,
    ipAddresses: [],
  };
  const seed = context.memory.launchSeed;
  const randomPort = (index: number) => FIRST_USER_PORT + (mix(seed + index) % USER_PORTS);
  const ports = taskPorts(app, launch.hostPorts, randomPort);
  const source = {
    instance,
    placement,
    taken: launch.taken,
    isRoleEnforced: isRoleEnforced(draft, app.id),
    ports,
  };
  const made: Launched = isPod(app)
    ? { kind: 'group', group: buildTaskGroup({ ...source, app }) }
    : { kind: 'task', info: buildTaskInfo({ ...source, app }) };
  return { instance, made };
}

/** What goes to the agent for one instance. */
type Launched =
  | { readonly kind: 'task'; readonly info: TaskInfo }
  | { readonly kind: 'group'; readonly group: TaskGroup };

/** One task, or one for each container. */
function tasksOfNew(
  app: App,
  id: Instance['id'],
  sinceEpochMs: number,
): Pick<Instance, 'taskId' | 'podTasks'> {
  if (!isPod(app)) return { taskId: taskId(`${id}._app.1`) };
  const podTasks = app.pod.containers.map(({ name }) => ({
    container: name,
    taskId: taskId(`${id}.${name}.1`),
    condition: 'Provisioned' as const,
    sinceEpochMs,
  }));
  return { taskId: present(podTasks[0], `pod ${app.id} has containers`).taskId, podTasks };
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

/** Segments joined by underscores: `/shop/web` is `shop_web`. */
export const safePath = (id: AppId): string => id.slice(1).replaceAll('/', '_');

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
    const statistics = memory.statistics.get(app.id) ?? newQueueStatistics();
    memory.statistics.set(app.id, statistics);
    memory.touch(app.id);
    for (const { offer } of open) {
      const refusal = refusals.get(offer.agentId)?.get(app.id);
      noteOffer(statistics, offer.agentId, refusal, draft.now.epochMs);
    }
    if (!memory.queue.has(app.id)) memory.statistics.delete(app.id);
  }
}
