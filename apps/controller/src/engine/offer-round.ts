import type { AgentId, App, AppId, Instance, InstanceId } from '#core';
import { wantOneFewer } from '#deployment';
import type { MatchableOffer, Refusal } from '#matcher';
import type { OfferOperation, TaskInfo, WireOffer } from '#mesos-v1';
import type { Occupation } from './daemon-round.js';
import { tellOfInstance } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { TaskGroup } from './engine-effect.js';
import { instanceChanged } from './marathon-events.js';
import { noteJobLaunch } from './workloads.js';

/** One ACCEPT at most, so that the call stays well below the body limit of a master (ours takes 8 MiB). */
const MAX_LAUNCHES_PER_OFFER = 2_000;
/** Masters take a limited number (ours 1,000). All tasks are one; a group is one of its own, and a reservation several. */
export const MAX_OPERATIONS_PER_OFFER = 500;
const MAX_ACCEPT_BYTES = 4 * 1024 * 1024;

/** One offer of a round and what has become of it so far. */
export interface OpenOffer {
  readonly wire: WireOffer;
  offer: MatchableOffer;
  /** Carried out before its tasks are launched. */
  readonly operations: OfferOperation[];
  readonly tasks: TaskInfo[];
  readonly groups: TaskGroup[];
  readonly instanceIds: Instance['id'][];
  /** Instances whose reservations are given back. */
  readonly released: InstanceId[];
  /** Of the operations, tasks and groups as JSON. */
  bytes: number;
  /** The call is full although more would fit on the agent: what is left should be offered again at once. */
  isFull: boolean;
}

export interface Round {
  readonly context: EngineContext;
  readonly draft: Draft;
  readonly open: readonly OpenOffer[];
  readonly pending: Map<AppId, { readonly app: App; readonly count: number }>;
  readonly refusals: Map<AgentId, Map<AppId, Refusal>>;
  readonly occupation: Occupation;
}

/** What goes to the agent for one instance. */
export type Launched =
  | { readonly kind: 'task'; readonly info: TaskInfo }
  | { readonly kind: 'group'; readonly group: TaskGroup };

/** One launch, ready to be added to an ACCEPT. */
export interface PreparedLaunch {
  readonly app: App;
  readonly instance: Instance;
  readonly made: Launched;
  readonly operations?: readonly OfferOperation[];
}

/** Adds a launch: the instance is provisioned, and one fewer of its app waits. False: the call is full. */
export function addLaunch(
  { context, draft, pending }: Round,
  target: OpenOffer,
  { app, instance, made, operations = [] }: PreparedLaunch,
): boolean {
  const sent = made.kind === 'task' ? made.info : made.group;
  const bytes = Buffer.byteLength(JSON.stringify([sent, ...operations]));
  if (!hasRoom(target, bytes)) {
    target.isFull = true;
    target.offer = { ...target.offer, pools: [] };
    return false;
  }
  target.bytes += bytes;
  target.operations.push(...operations);
  if (made.kind === 'task') target.tasks.push(made.info);
  else target.groups.push(made.group);
  target.instanceIds.push(instance.id);
  provision(context, draft, instance);
  noteJobLaunch(draft, app);
  take(context, draft, pending, app.id);
  return true;
}

/** Says why an app got nothing of an offer. */
export function noteRefusal({ refusals }: Round, target: OpenOffer, id: AppId, why: Refusal): void {
  const { agentId } = target.offer;
  const ofAgent = refusals.get(agentId) ?? new Map<AppId, Refusal>();
  refusals.set(agentId, ofAgent.set(id, why));
}

/** A single launch always has: whether it is too big is for the master to say. */
const hasRoom = ({ instanceIds, operations, groups, bytes }: OpenOffer, more: number): boolean =>
  instanceIds.length === 0 ||
  (instanceIds.length < MAX_LAUNCHES_PER_OFFER &&
    operations.length + groups.length < MAX_OPERATIONS_PER_OFFER &&
    bytes + more <= MAX_ACCEPT_BYTES);

/** One fewer waits. The queue changes at once: a later job of the same transaction must see it. */
function take(context: EngineContext, draft: Draft, pending: Round['pending'], id: AppId): void {
  const waiting = pending.get(id);
  if (waiting !== undefined) {
    const left = waiting.count - 1;
    if (left > 0) pending.set(id, { app: waiting.app, count: left });
    else pending.delete(id);
  }
  wantOneFewer(context.memory.queue, id, draft.now);
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
