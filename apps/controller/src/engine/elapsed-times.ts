import type { Instance, InstanceId, Now } from '#core';

/** A drain deadline found in the store is believed at most this far ahead, milliseconds. */
const MAX_DRAIN_MS = 3_600_000;

/**
 * Turns stored wall-clock moments of instances into durations on the monotonic clock, when they are first looked at:
 * from then on a jump of the wall clock neither expires nor delays anything.
 */
export class ElapsedTimes {
  private readonly conditions = new Map<
    InstanceId,
    { readonly sinceEpochMs: number; readonly sinceMonoMs: number }
  >();
  private readonly drains = new Map<InstanceId, number>();

  /** How long the instance has been in its condition, milliseconds, at least 0. */
  inConditionMs(instance: Instance, now: Now): number {
    const known = this.conditions.get(instance.id);
    if (known?.sinceEpochMs === instance.sinceEpochMs) return now.monoMs - known.sinceMonoMs;
    const ageMs = Math.max(0, now.epochMs - instance.sinceEpochMs);
    this.conditions.set(instance.id, {
      sinceEpochMs: instance.sinceEpochMs,
      sinceMonoMs: now.monoMs - ageMs,
    });
    return ageMs;
  }

  /** When a draining instance is killed at the latest, on the monotonic clock. */
  drainDeadlineMonoMs(instance: Instance, now: Now): number {
    const known = this.drains.get(instance.id);
    if (known !== undefined) return known;
    const leftMs = (instance.draining?.deadlineEpochMs ?? 0) - now.epochMs;
    const deadlineMonoMs = now.monoMs + Math.min(Math.max(0, leftMs), MAX_DRAIN_MS);
    this.drains.set(instance.id, deadlineMonoMs);
    return deadlineMonoMs;
  }

  forget(id: InstanceId): void {
    this.conditions.delete(id);
    this.drains.delete(id);
  }
}
