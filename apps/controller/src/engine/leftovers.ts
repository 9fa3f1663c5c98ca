import {
  type Instance,
  type InstanceId,
  instanceId,
  isLeftover,
  isReleased,
  type Now,
} from '#core';
import type { OfferedReservation } from '#matcher';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { instanceChanged } from './marathon-events.js';
import { MAX_OPERATIONS_PER_OFFER, type OpenOffer } from './offer-round.js';
import { releaseReservation } from './reservations.js';

/**
 * What is reserved for instances that are no more is destroyed and given back, as soon as it is offered. The master takes
 * that before the agent hears of it: should both fail then, the agent brings it back, and it is given back once more.
 */

/** Offers are asked for so long for the sake of leftovers alone, milliseconds; other offers may have them later. */
const ASK_MS = 60_000;
/**
 * So long after the release an offer without it says that the agent has heard, milliseconds: one that could not is lost to
 * its master by then, and tells what it has when it comes back.
 */
const RELEASE_DOUBT_MS = 120_000;
/** A leftover nobody has offered is forgotten, milliseconds: its agent is gone, or it was never made. */
const CONFIRMED_MEMORY_MS = 7 * 24 * 3_600_000;
const UNCONFIRMED_MEMORY_MS = 600_000;

/** Adds what gives leftovers back to the answers of these offers. */
export function releaseLeftovers(
  context: EngineContext,
  draft: Draft,
  open: readonly OpenOffer[],
): void {
  for (const target of open) {
    for (const offered of target.offer.reservations ?? []) {
      // The offer of what is left comes at once.
      if (target.operations.length >= MAX_OPERATIONS_PER_OFFER) break;
      if (!isToBeReleased(context, draft, offered)) continue;
      const operations = releaseReservation(offered);
      target.bytes += Buffer.byteLength(JSON.stringify(operations));
      target.operations.push(...operations);
      target.released.push(instanceId(offered.instanceId));
    }
  }
  forgetConfirmed(context, draft, open);
}

/** Its agent is offered for its role, and what was given back is not there. O(unsettled instances). */
function forgetConfirmed({ state }: EngineContext, draft: Draft, open: readonly OpenOffer[]): void {
  for (const instance of leftoversIn(state)) {
    const { reservation, placement, id } = instance;
    if (!isReleased(instance) || !isVerifiable(instance, draft.now)) continue;
    const isGone = open.some(
      ({ offer: { agentId, allocatedRole = reservation?.role, reservations = [] } }) =>
        agentId === placement?.agentId &&
        allocatedRole === reservation?.role &&
        !reservations.some((offered) => offered.instanceId === id),
    );
    if (isGone) draft.deleteInstance(instance);
  }
}

/**
 * Of an instance that was given up; or of one nobody knows, once the cluster has told of all our tasks, so that nothing is
 * taken for lost that is merely not heard of. What another framework has reserved is never touched.
 */
function isToBeReleased(
  { reconciler }: EngineContext,
  draft: Draft,
  offered: OfferedReservation,
): boolean {
  const instance = draft.instance(instanceId(offered.instanceId));
  if (instance?.reservation?.frameworkId === offered.frameworkId) return isLeftover(instance);
  const isOurs = offered.frameworkId === draft.frameworkId;
  return isOurs && instance === undefined && reconciler.isSettled();
}

/** The master has taken the call: their apps have them no more. Never rejects. */
export async function noteReleased(
  context: EngineContext,
  ids: readonly InstanceId[],
): Promise<void> {
  if (!ids.some((id) => context.state.instance(id) !== undefined)) return;
  await changeLeftovers(context, ids, (draft, instance) => {
    const { reservation } = instance;
    if (reservation === undefined) return;
    if (!isReleased(instance)) draft.emit(instanceChanged({ ...instance, condition: 'Killed' }));
    const releasedAtEpochMs = draft.now.epochMs;
    draft.putInstance({ ...instance, reservation: { ...reservation, releasedAtEpochMs } });
  });
}

/** Begins to ask for offers, so that what is left over is offered. */
export function askForLeftovers({ memory, demand, ports, state }: EngineContext): void {
  const now = ports.clock.now();
  if (!hasLeftovers(state, now)) return;
  memory.leftoversUntilMonoMs = now.monoMs + ASK_MS;
  demand.update({ isNew: true });
}

/** For how much longer offers are wanted for leftovers, milliseconds; 0: they are not. O(unsettled instances). */
export function leftoversWaitMs({ memory, state, ports }: EngineContext): number {
  const now = ports.clock.now();
  const leftMs = memory.leftoversUntilMonoMs - now.monoMs;
  return leftMs > 0 && hasLeftovers(state, now) ? leftMs : 0;
}

/** Forgets those that were waited for long enough, and asks for the others once more. Called now and then. */
export function reviewLeftovers(context: EngineContext): void {
  const { state, memory, ports } = context;
  const now = ports.clock.now();
  const old = leftoversIn(state).filter((instance) => {
    const isConfirmed = instance.reservation?.isConfirmed === true;
    const limitMs = isConfirmed ? CONFIRMED_MEMORY_MS : UNCONFIRMED_MEMORY_MS;
    return memory.elapsed.inConditionMs(instance, now) > limitMs;
  });
  if (old.length > 0) {
    void changeLeftovers(
      context,
      old.map(({ id }) => id),
      (draft, instance) => {
        draft.deleteInstance(instance);
        if (!isReleased(instance))
          draft.emit(instanceChanged({ ...instance, condition: 'Killed' }));
      },
    );
  }
  askForLeftovers(context);
}

/** Roles in which something is reserved: offers have to be taken for them. O(instances). */
export const reservedRoles = (instances: Iterable<Instance>): ReadonlySet<string> =>
  new Set([...instances].flatMap(({ reservation }) => reservation?.role ?? []));

async function changeLeftovers(
  context: EngineContext,
  ids: readonly InstanceId[],
  change: (draft: Draft, instance: Instance) => void,
): Promise<void> {
  try {
    await context.commits.submit({
      whenUnavailable: 'retry',
      run: (draft) => {
        for (const id of ids) {
          const instance = draft.instance(id);
          if (instance === undefined || !isLeftover(instance)) continue;
          change(draft, instance);
          draft.after(() => context.evaluateSoon([instance.appId]));
        }
      },
    });
  } catch (error) {
    // Only a stopped engine rejects: the next one finds them still, and gives them up in time.
    context.ports.log?.warn('released reservations are not stored', { reason: String(error) });
  }
}

/** Worth an offer: what was given back a moment ago is not. */
const hasLeftovers = (state: EngineContext['state'], now: Now): boolean =>
  leftoversIn(state).some((instance) => !isReleased(instance) || isVerifiable(instance, now));

/** Whether it was given back long enough ago for an offer to tell. */
const isVerifiable = ({ reservation }: Instance, { epochMs }: Now): boolean =>
  epochMs - (reservation?.releasedAtEpochMs ?? epochMs) >= RELEASE_DOUBT_MS;

function leftoversIn(state: EngineContext['state']): readonly Instance[] {
  return [...state.unsettled].flatMap((id) => {
    const instance = state.instance(id);
    return instance !== undefined && isLeftover(instance) ? [instance] : [];
  });
}
