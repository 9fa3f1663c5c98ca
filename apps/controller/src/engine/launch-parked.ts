import { type App, type AppId, type Instance, type InstanceId, instanceId, isParked } from '#core';
import {
  chooseParked,
  type MatchContext,
  matchReservation,
  type OfferedReservation,
  type ParkedChoice,
  type Refusal,
} from '#matcher';
import type { Draft } from './draft.js';
import { AGENT_IS_LEAVING, isTooLateFor } from './leave-agents.js';
import { toPlacement } from './matchable-offer.js';
import { addLaunch, noteRefusal, type OpenOffer, type Round } from './offer-round.js';
import { describeLaunch } from './prepare-launch.js';

/** What of a resident app may be launched in this round. */
interface ResidentTurn {
  readonly app: App;
  readonly choice: ParkedChoice<ReturnType<typeof toParked>>;
  readonly wanted: Set<InstanceId>;
  stoppedLeft: number;
}

/**
 * Launches resident instances that have ended on the offers of what is reserved for them, and leaves to the rest of the
 * round only as many instances of their apps as are to be new.
 */
export function launchParked(round: Round): void {
  const turns = new Map<AppId, ResidentTurn>();
  for (const { app, count } of round.pending.values()) {
    const parked = parkedOf(round.draft, app.id).map(toParked);
    if (parked.length === 0) continue;
    const choice = chooseParked(parked, count);
    const wanted = new Set(choice.wanted.map(({ id }) => id));
    turns.set(app.id, { app, choice, wanted, stoppedLeft: choice.stoppedCount });
  }
  if (turns.size === 0) return;
  for (const target of round.open) {
    for (const reservation of target.offer.reservations ?? []) {
      launchOn(round, target, reservation, turns);
    }
  }
  for (const { app, choice } of turns.values()) {
    if (choice.newCount > 0) round.pending.set(app.id, { app, count: choice.newCount });
    else round.pending.delete(app.id);
  }
  for (const turn of turns.values()) explainMissing(round, turn);
}

/** Those of an app whose reservations are kept for it. */
function parkedOf(draft: Draft, app: AppId): readonly Instance[] {
  const instances = [...draft.instancesOf(app).values()];
  return instances.filter((one) => isParked(one) && one.goal !== 'Decommissioned');
}

const toParked = (instance: Instance) => ({
  id: instance.id,
  isWanted: instance.goal === 'Running',
  sinceEpochMs: instance.sinceEpochMs,
  hostname: instance.placement?.hostname ?? '',
});

function launchOn(
  round: Round,
  target: OpenOffer,
  offered: OfferedReservation,
  turns: ReadonlyMap<AppId, ResidentTurn>,
): void {
  const { context, draft } = round;
  const instance = draft.instance(instanceId(offered.instanceId));
  const reservation = instance?.reservation;
  if (instance === undefined || reservation?.frameworkId !== offered.frameworkId) return;
  const turn = turns.get(instance.appId);
  if (turn === undefined || !isParked(instance) || instance.goal === 'Decommissioned') return;
  const isWanted = turn.wanted.has(instance.id);
  const isSpare = instance.goal === 'Stopped' && turn.stoppedLeft > 0;
  if (!isWanted && !isSpare) return;
  const { app } = turn;
  const { agentId, isInMaintenance } = target.offer;
  if (isInMaintenance === true || isTooLateFor(context, agentId, app, draft.now)) {
    noteRefusal(round, target, app.id, AGENT_IS_LEAVING);
    return;
  }
  const match = matchReservation(
    target.offer,
    offered,
    { app, volumeIds: reservation.volumes.map(({ persistenceId }) => persistenceId) },
    { seed: context.memory.launchSeed },
  );
  if (!match.ok) {
    noteRefusal(round, target, app.id, match.refusal);
    return;
  }
  context.memory.launchSeed += 1;
  const { hostPorts, taken, reserved } = match.launch;
  const placement = toPlacement(target.wire, target.offer);
  const { now } = draft;
  const launched: Instance = {
    ...instance,
    appVersion: app.version,
    goal: 'Running',
    condition: 'Provisioned',
    sinceEpochMs: now.epochMs,
    stagedAtEpochMs: now.epochMs,
    ...{ placement, hostPorts },
  };
  const taking = { taken, ...(reserved === undefined ? {} : { reserved }) };
  const source = { app, instance: launched, placement, ...taking };
  const made = describeLaunch(context, draft, source);
  if (!addLaunch(round, target, { app, instance: launched, made })) return;
  if (!isWanted) turn.stoppedLeft -= 1;
}

/** The offers that had nothing for it are no reason to launch it elsewhere. */
function explainMissing(round: Round, { app, choice }: ResidentTurn): void {
  const { draft, open, refusals } = round;
  const [missing] = [...choice.wanted, ...choice.stopped].filter(({ id }) => {
    const instance = draft.instance(id);
    return instance !== undefined && isParked(instance);
  });
  if (missing === undefined || choice.newCount > 0) return;
  const refusal = refuseWithout(missing);
  for (const target of open) {
    const isUsed = target.instanceIds.some((id) => draft.instance(id)?.appId === app.id);
    if (isUsed || refusals.get(target.offer.agentId)?.has(app.id) === true) continue;
    noteRefusal(round, target, app.id, refusal);
  }
}

/** For explanations: how offers stand to an app of which only instances wait that have a reservation; else undefined. */
export function reservationsAwaited(
  draft: Draft,
  { app, count }: { readonly app: App; readonly count: number },
): Pick<MatchContext, 'refuseWithoutReservation'> {
  const parked = parkedOf(draft, app.id).map(toParked);
  const { wanted, stopped, newCount } = chooseParked(parked, count);
  const [first] = [...wanted, ...stopped];
  if (first === undefined || newCount > 0) return {};
  const ids = new Set<string>([...wanted, ...stopped].map(({ id }) => id));
  return {
    refuseWithoutReservation: ({ reservations = [] }) =>
      reservations.some(({ instanceId: id }) => ids.has(id)) ? undefined : refuseWithout(first),
  };
}

const refuseWithout = ({ id, hostname }: ReturnType<typeof toParked>): Refusal => ({
  reason: 'NoCorrespondingReservationFound',
  detail: `instance ${id} is launched only on its reservation on ${hostname}, which is not in the offer`,
});
