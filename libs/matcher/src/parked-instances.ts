import type { InstanceId } from '#core';

/** An instance that has ended and whose reservation is kept. */
export interface ParkedInstance {
  readonly id: InstanceId;
  /** It ended by itself or for a new task: nothing takes its place. Else it was stopped and is used again if need be. */
  readonly isWanted: boolean;
  readonly sinceEpochMs: number;
}

/** What an app's parked instances and new ones are to make up together. */
export interface ParkedChoice<Parked> {
  /** Each of them may be launched. */
  readonly wanted: readonly Parked[];
  /** Of these at most `stoppedCount`. */
  readonly stopped: readonly Parked[];
  readonly stoppedCount: number;
  readonly newCount: number;
}

/**
 * Which of an app's parked instances may be launched when `count` are wanted, and how many new ones beside them. Those that
 * are wanted go first, the latest to end before others; no other instance is launched in the place of one of them, wherever
 * its agent is. What is left of the count goes to any that were stopped, and beyond those to new ones. O(n log n).
 */
export function chooseParked<Parked extends ParkedInstance>(
  parked: readonly Parked[],
  count: number,
): ParkedChoice<Parked> {
  const wanted = parked
    .filter(({ isWanted }) => isWanted)
    .sort((left, right) => right.sinceEpochMs - left.sinceEpochMs || (left.id < right.id ? -1 : 1))
    .slice(0, Math.max(0, count));
  const stopped = parked.filter(({ isWanted }) => !isWanted);
  const stoppedCount = Math.min(stopped.length, Math.max(0, count - wanted.length));
  const newCount = Math.max(0, count - wanted.length - stoppedCount);
  return { wanted, stopped, stoppedCount, newCount };
}
