import { present } from './assert.js';
import { taskId } from './ids.js';
import type { Instance, InstanceCondition } from './instance.js';
import type { Now } from './now.js';
import type { TaskState } from './task-state.js';

/** What is different in the life of an instance that has a reservation. Nothing of it is done for others. */

/** Conditions that do not prove that a launch got as far as its agent. */
const UNPROVEN: ReadonlySet<InstanceCondition> = new Set<InstanceCondition>([
  'Error',
  'Dropped',
  'Unknown',
  'Gone',
  'Unreachable',
  'UnreachableInactive',
]);

/** A status that proves the reservation is taken for that; any other changes nothing. */
export function confirmReservation(instance: Instance, reported: InstanceCondition): Instance {
  const { reservation } = instance;
  if (reservation === undefined || reservation.isConfirmed || UNPROVEN.has(reported)) {
    return instance;
  }
  return { ...instance, reservation: { ...reservation, isConfirmed: true } };
}

/**
 * Whether an end leaves nothing to be given back: there is no reservation, or the launch that was to make it is known not
 * to have been carried out.
 */
export const endsWithoutTrace = (
  { reservation }: Instance,
  end: { readonly state: TaskState; readonly reason?: string },
): boolean =>
  reservation === undefined ||
  (!reservation.isConfirmed &&
    end.reason === 'REASON_INVALID_OFFERS' &&
    end.state !== 'TASK_ERROR');

/**
 * The instance after the end of a task, with the id of the next one, of which the cluster has not heard. One whose
 * reservation was never seen is not worth waiting for: it is given up.
 */
export function park(instance: Instance, now: Now): Instance {
  const {
    draining: _draining,
    stagedAtEpochMs: _staged,
    startedAtEpochMs: _started,
    lastState: _state,
    lastMessage: _message,
    ...kept
  } = instance;
  const incarnation = instance.incarnation + 1;
  const { isComingBack, ...reservation } = present(instance.reservation, 'it has a reservation');
  const goal = isComingBack === true && instance.goal === 'Stopped' ? 'Running' : instance.goal;
  return {
    ...kept,
    reservation,
    incarnation,
    taskId: taskId(`${instance.id}._app.${incarnation}`),
    goal: reservation.isConfirmed ? goal : 'Decommissioned',
    condition: 'Scheduled',
    sinceEpochMs: now.epochMs,
    hostPorts: [],
    ipAddresses: [],
  };
}
