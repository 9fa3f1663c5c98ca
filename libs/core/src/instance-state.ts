import type { App } from './app.js';
import type { Instance, InstanceCondition } from './instance.js';
import type { Now } from './now.js';
import { isLeftover, isParked } from './parked-instance.js';
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
 * | UnreachableInactive | time passed expungeAfter | expunged |
 * | any live condition | terminal status | the terminal condition, which never changes |
 *
 * An instance with a reservation lives on: with the end of its task it is Scheduled, under the id of its next task, and
 * stays where it is however long its agent is away (`resident-state.ts`).
 *
 * | from | event | to |
 * |---|---|---|
 * | any live condition | terminal status | Scheduled |
 * | any live condition | stop | Killing, goal Stopped (Unreachable, Scheduled: the goal alone) |
 * | Unreachable, Scheduled | decommission | Scheduled, goal Decommissioned: its reservation is to be given back |
 */
export type InstanceEvent =
  | {
      readonly kind: 'status';
      readonly state: TaskState;
      readonly reason?: string;
      readonly message?: string;
      readonly ipAddresses?: Instance['ipAddresses'];
    }
  | { readonly kind: 'drain'; readonly deadlineEpochMs: number }
  | { readonly kind: 'decommission' }
  /** Ends the task and keeps the reservation; without one it is `decommission`. `isComingBack`: to be launched again soon. */
  | { readonly kind: 'stop'; readonly isComingBack: boolean }
  | {
      readonly kind: 'time-passed';
      readonly unreachableStrategy: App['unreachableStrategy'];
      /** How long it has been unreachable, milliseconds on the monotonic clock. */
      readonly awayMs: number;
    };

export type InstanceEffect =
  | { readonly kind: 'condition-changed'; readonly from: InstanceCondition }
  /** It runs for the first time. */
  | { readonly kind: 'started' }
  /** `counted`: delays the next launch. `failed`: is kept as the app's last task failure. */
  | { readonly kind: 'ended'; readonly counted: boolean; readonly failed: boolean }
  /** Its task has ended, as told here; what is reserved for it stays. */
  | { readonly kind: 'parked'; readonly endedAs: InstanceCondition }
  | { readonly kind: 'drain-started' }
  /** The task must be asked to end (again). */
  | { readonly kind: 'kill' }
  /** Forget it; should it come back it is an unknown task and killed. */
  | { readonly kind: 'expunge' };

const TERMINAL: ReadonlySet<InstanceCondition> = new Set<InstanceCondition>([
  'Error',
  'Failed',
  'Finished',
  'Killed',
  'Gone',
  'Dropped',
  'Unknown',
]);
const COUNTED: ReadonlySet<InstanceCondition> = new Set<InstanceCondition>([
  'Failed',
  'Error',
  'Dropped',
  'Gone',
  'Finished',
]);
const FAILED_STATES: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FAILED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
]);
/** TASK_LOST for these reasons says that nobody can see the task, not that it ended. */
const UNREACHABLE_REASONS: ReadonlySet<string> = new Set([
  'REASON_RECONCILIATION',
  'REASON_SLAVE_DISCONNECTED',
  'REASON_AGENT_DISCONNECTED',
  'REASON_SLAVE_REMOVED',
  'REASON_AGENT_REMOVED',
]);
const STAGES: readonly InstanceCondition[] = [
  'Scheduled',
  'Provisioned',
  'Staging',
  'Starting',
  'Running',
];

/** Whether the instance has ended and its condition will never change. */
export const isTerminalCondition = (condition: InstanceCondition): boolean =>
  TERMINAL.has(condition);

/** Whether the cluster does not see the instance at the moment. */
export const isUnreachableCondition = (condition: InstanceCondition): boolean =>
  condition === 'Unreachable' || condition === 'UnreachableInactive';

/** The condition a wire state means. TASK_LOST is Unreachable or Gone by its reason. */
export function toCondition(state: TaskState, reason?: string): InstanceCondition {
  switch (state) {
    case 'TASK_STAGING':
      return 'Staging';
    case 'TASK_STARTING':
      return 'Starting';
    case 'TASK_RUNNING':
      return 'Running';
    case 'TASK_KILLING':
      return 'Killing';
    case 'TASK_FINISHED':
      return 'Finished';
    case 'TASK_FAILED':
      return 'Failed';
    case 'TASK_KILLED':
      return 'Killed';
    case 'TASK_ERROR':
      return 'Error';
    case 'TASK_LOST':
      return reason !== undefined && UNREACHABLE_REASONS.has(reason) ? 'Unreachable' : 'Gone';
    case 'TASK_DROPPED':
      return 'Dropped';
    case 'TASK_UNREACHABLE':
      return 'Unreachable';
    case 'TASK_GONE':
    case 'TASK_GONE_BY_OPERATOR':
      return 'Gone';
    case 'TASK_UNKNOWN':
      return 'Unknown';
    default:
      return state satisfies never;
  }
}

/** Applies one event. Terminal conditions never change; a repeated event has no effect beyond asking for a kill again. */
export function reduceInstance(
  instance: Instance,
  event: InstanceEvent,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  if (isTerminalCondition(instance.condition)) return unchanged(instance);
  switch (event.kind) {
    case 'status':
      return applyStatus(instance, event, now);
    case 'drain':
      return applyDrain(instance, event.deadlineEpochMs, now);
    case 'decommission':
      return applyDecommission(instance, now);
    case 'stop':
      return applyStop(instance, event.isComingBack, now);
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
      counted: COUNTED.has(condition) && !isOurDoing,
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

/** The launch did not get through (the offer was gone, the call was lost): no fault of the app. */
const wasNeverLaunched = (instance: Instance, reason: string | undefined): boolean =>
  instance.condition === 'Provisioned' &&
  (reason === 'REASON_INVALID_OFFERS' || reason === 'REASON_RECONCILIATION');

const isLiveStage = (condition: InstanceCondition): boolean => STAGES.includes(condition);

/** A live stage never goes back, unless the instance was unreachable; what should go stays Killing. */
function mergeCondition(instance: Instance, reported: InstanceCondition): InstanceCondition {
  const current = instance.condition;
  if (isTerminalCondition(reported) || reported === 'Killing') return reported;
  if (reported === 'Unreachable') return isUnreachableCondition(current) ? current : 'Unreachable';
  if (instance.goal !== 'Running') return 'Killing';
  if (isUnreachableCondition(current) || current === 'Killing') return reported;
  return STAGES.indexOf(reported) > STAGES.indexOf(current) ? reported : current;
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

function applyDrain(
  instance: Instance,
  deadlineEpochMs: number,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  if (instance.draining !== undefined || instance.goal !== 'Running') return unchanged(instance);
  return {
    state: { ...instance, draining: { sinceEpochMs: now.epochMs, deadlineEpochMs } },
    effects: [{ kind: 'drain-started' }],
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
  { unreachableStrategy: strategy, awayMs }: Extract<InstanceEvent, { kind: 'time-passed' }>,
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
  if (awayMs >= strategy.expungeAfterSeconds * 1000) {
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
