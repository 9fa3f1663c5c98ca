import type { Instance } from './instance.js';
import {
  COUNTED,
  FAILED_STATES,
  isLiveStage,
  isOfDrain,
  isTerminalCondition,
  isUnreachableCondition,
  mergeCondition,
  toCondition,
  wasNeverLaunched,
} from './instance-condition.js';
import type { InstanceEffect, InstanceEvent } from './instance-event.js';
import type { Now } from './now.js';
import { isLeftover, isParked } from './parked-instance.js';
import { applyPodStatus } from './pod-state.js';
import type { Reduction } from './reduction.js';
import { confirmReservation, endsWithoutTrace, park } from './resident-state.js';
import { isTerminalTaskState, type TaskState } from './task-state.js';

/**
 * The life of one placed instance.
 *
 * | from | event | to |
 * |---|---|---|
 * | Provisioned, Staging, Starting, Running | status of a later stage | that stage |
 * | any live condition | decommission | Killing (Unreachable: expunged) |
 * | Killing | status of a live task | Killing, and the kill is asked for again |
 * | any live condition | UNREACHABLE, or LOST through the agent | Unreachable |
 * | Unreachable, UnreachableInactive | status of a live task | that stage (goal Running) or Killing |
 * | Unreachable | time passed inactiveAfter | UnreachableInactive (a replacement is launched) |
 * | UnreachableInactive | time passed expungeAfter, and the app can do without it | expunged |
 * | any live condition | terminal status | the terminal condition, which never changes |
 *
 * An instance with a reservation lives on: with the end of its task it is Scheduled, under the id of its next task, and
 * stays where it is however long its agent is away (`resident-state.ts`).
 *
 * | from | event | to |
 * |---|---|---|
 * | any live condition | terminal status | Scheduled |
 * | any live condition | stop | Killing, goal Stopped (Unreachable, Scheduled: the goal alone) |
 * | Unreachable, goal Stopped | revive | Unreachable, goal Running |
 * | Unreachable, Scheduled | decommission | Scheduled, goal Decommissioned: its reservation is to be given back |
 *
 * Of a pod, statuses of its tasks count into one of the whole, see pod-state.ts.
 *
 * Terminal conditions never change; a repeated event has no effect beyond asking for a kill again.
 */
export function reduceInstance(
  instance: Instance,
  event: InstanceEvent,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  if (isTerminalCondition(instance.condition)) return unchanged(instance);
  switch (event.kind) {
    case 'status':
      return instance.podTasks === undefined
        ? applyStatus(instance, event, now)
        : applyPodStatus(instance, instance.podTasks, event, now);
    case 'drain':
      return applyDrain(instance, event, now);
    case 'decommission':
      return applyDecommission(instance, now);
    case 'stop':
      return applyStop(instance, event.isComingBack, now);
    case 'revive':
      return applyRevival(instance);
    case 'time-passed':
      return applyTime(instance, event, now);
    default:
      return event satisfies never;
  }
}

const unchanged = (state: Instance): Reduction<Instance, InstanceEffect> => ({
  state,
  effects: [],
});

function applyStatus(
  instance: Instance,
  event: Extract<InstanceEvent, { kind: 'status' }>,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  // Of a task the cluster has yet to hear of nothing can be told.
  if (isParked(instance)) return unchanged(instance);
  const reported = toCondition(event.state, event.reason);
  const condition = mergeCondition(instance, reported);
  const described = confirmReservation(describe(instance, event), reported);
  const effects: InstanceEffect[] = [];
  if (instance.goal !== 'Running' && isLiveStage(reported)) effects.push({ kind: 'kill' });
  if (condition === instance.condition) return { state: described, effects };

  const isParking = isTerminalCondition(condition) && !endsWithoutTrace(described, event);
  effects.push(
    isParking
      ? { kind: 'parked', endedAs: condition }
      : { kind: 'condition-changed', from: instance.condition },
  );
  const isFirstRun = condition === 'Running' && instance.startedAtEpochMs === undefined;
  if (isFirstRun) effects.push({ kind: 'started' });
  if (isTerminalCondition(condition)) {
    const isOurDoing = instance.goal !== 'Running' || wasNeverLaunched(instance, event.reason);
    effects.push({
      kind: 'ended',
      counted: COUNTED.has(condition) && !isOurDoing && !isOfDrain(event.reason),
      failed: FAILED_STATES.has(event.state) && !isOurDoing,
    });
  }
  if (isParking) return { state: park(described, now), effects };
  return {
    state: {
      ...described,
      condition,
      sinceEpochMs: now.epochMs,
      ...(isFirstRun ? { startedAtEpochMs: now.epochMs } : {}),
    },
    effects,
  };
}

/** Takes over what is only displayed; returns the same object when nothing differs. */
function describe(instance: Instance, event: Extract<InstanceEvent, { kind: 'status' }>): Instance {
  const message = event.message ?? '';
  const ipAddresses =
    event.ipAddresses !== undefined && event.ipAddresses.length > 0
      ? event.ipAddresses
      : instance.ipAddresses;
  const isSame =
    instance.lastState === event.state &&
    (instance.lastMessage ?? '') === message &&
    sameAddresses(instance.ipAddresses, ipAddresses);
  if (isSame) return instance;
  return { ...instance, lastState: event.state, lastMessage: message, ipAddresses };
}

const sameAddresses = (left: Instance['ipAddresses'], right: Instance['ipAddresses']): boolean =>
  left.length === right.length &&
  left.every((address, index) => address.ipAddress === right[index]?.ipAddress);

/** What drains already keeps its deadline, and may learn that it goes for good. */
function applyDrain(
  instance: Instance,
  { deadlineEpochMs, isForGood = false }: Extract<InstanceEvent, { kind: 'drain' }>,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  const { draining, goal } = instance;
  if (goal !== 'Running') return unchanged(instance);
  const isKnown = draining !== undefined && (draining.isForGood === true || !isForGood);
  if (isKnown) return unchanged(instance);
  const since = draining ?? { sinceEpochMs: now.epochMs, deadlineEpochMs };
  return {
    state: { ...instance, draining: isForGood ? { ...since, isForGood: true } : since },
    effects: draining === undefined ? [{ kind: 'drain-started' }] : [],
  };
}

/** With a reservation nothing is lost while the agent is away, and nothing is forgotten. */
function applyStop(
  instance: Instance,
  isComingBack: boolean,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  const { reservation, condition, goal } = instance;
  if (reservation?.isConfirmed !== true) return applyDecommission(instance, now);
  if (goal === 'Decommissioned') return unchanged(instance);
  if (isParked(instance) || isUnreachableCondition(condition)) {
    return goal === 'Stopped' || isComingBack
      ? unchanged(instance)
      : { state: { ...instance, goal: 'Stopped' }, effects: [] };
  }
  const { state, effects } = applyDecommission(instance, now);
  const stopped: Instance = {
    ...state,
    goal: 'Stopped',
    reservation: { ...reservation, ...(isComingBack ? { isComingBack } : {}) },
  };
  return { state: stopped, effects };
}

/** Only what is away: a task that is seen is being killed, and is launched again on its reservation when it has ended. */
function applyRevival(instance: Instance): Reduction<Instance, InstanceEffect> {
  const { reservation, condition, goal } = instance;
  const isKept = reservation?.isConfirmed === true && isUnreachableCondition(condition);
  if (!isKept || goal !== 'Stopped') return unchanged(instance);
  return { state: { ...instance, goal: 'Running' }, effects: [] };
}

function applyDecommission(instance: Instance, now: Now): Reduction<Instance, InstanceEffect> {
  if (isLeftover(instance)) return unchanged(instance);
  const isAway = isUnreachableCondition(instance.condition);
  if (instance.reservation !== undefined && (isAway || isParked(instance))) {
    const state: Instance = { ...park(instance, now), goal: 'Decommissioned' };
    return { state, effects: [{ kind: 'parked', endedAs: isAway ? 'Gone' : 'Killed' }] };
  }
  if (isAway) {
    return { state: { ...instance, goal: 'Decommissioned' }, effects: [{ kind: 'expunge' }] };
  }
  if (instance.goal === 'Decommissioned' && instance.condition === 'Killing') {
    return { state: instance, effects: [{ kind: 'kill' }] };
  }
  const isChanged = instance.condition !== 'Killing';
  return {
    state: {
      ...instance,
      goal: 'Decommissioned',
      condition: 'Killing',
      sinceEpochMs: isChanged ? now.epochMs : instance.sinceEpochMs,
    },
    effects: [
      ...(isChanged ? [{ kind: 'condition-changed', from: instance.condition } as const] : []),
      { kind: 'kill' },
    ],
  };
}

function applyTime(
  instance: Instance,
  {
    unreachableStrategy: strategy,
    awayMs,
    isReplaced,
  }: Extract<InstanceEvent, { kind: 'time-passed' }>,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  if (!isUnreachableCondition(instance.condition)) return unchanged(instance);
  if (instance.reservation !== undefined) {
    return instance.goal === 'Decommissioned'
      ? applyDecommission(instance, now)
      : unchanged(instance);
  }
  if (instance.goal !== 'Running') return { state: instance, effects: [{ kind: 'expunge' }] };
  if (strategy === 'disabled') return unchanged(instance);
  if (isReplaced && awayMs >= strategy.expungeAfterSeconds * 1000) {
    return { state: instance, effects: [{ kind: 'expunge' }] };
  }
  const isInactive = awayMs >= strategy.inactiveAfterSeconds * 1000;
  if (!isInactive || instance.condition === 'UnreachableInactive') return unchanged(instance);
  // `sinceEpochMs` stays the moment it became unreachable: expungeAfter counts from there.
  return {
    state: { ...instance, condition: 'UnreachableInactive' },
    effects: [{ kind: 'condition-changed', from: 'Unreachable' }],
  };
}

/** Whether a status in this state ends the task's life as far as an unknown instance is concerned. */
export const endsTask = (state: TaskState, reason?: string): boolean =>
  isTerminalTaskState(state) && isTerminalCondition(toCondition(state, reason));
