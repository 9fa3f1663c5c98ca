import type { LaunchId } from '#mesos-v1';

/**
 * Launches of one task id. A framework may use the id of an ended task again, so news may be of an earlier launch than the
 * one that is meant now. Where either side has no id (a version before there were any) they count as the same.
 */

/** Whether both are known and differ. */
export const isOtherLaunch = (left: LaunchId | undefined, right: LaunchId | undefined): boolean =>
  left !== undefined &&
  right !== undefined &&
  (left.epoch !== right.epoch || left.number !== right.number);

/** Whether `one` was launched after `other`, by this or a later master. */
export const isLaterLaunch = (one: LaunchId | undefined, other: LaunchId | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  (one.epoch === other.epoch ? one.number > other.number : one.epoch > other.epoch);
