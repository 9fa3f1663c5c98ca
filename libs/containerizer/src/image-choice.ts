/** Which of the images that this agent has pulled may go. */
import type { ImageRecord } from './image-records.js';

export interface ImageBounds {
  /** How long an image may be unused; 0: for ever. */
  readonly maxUnusedMs: number;
  /** Percent of the engine's disk; above it images go that are not used. 100: never. */
  readonly maxDiskPercent: number;
}

/** No image goes for want of space that was used a moment ago: its task may just be restarted. */
const MIN_UNUSED_MS = 60_000;

/**
 * Unused images, least recently used first. Those that are too old go in any case, the others as long as there is too
 * little space. O(n log n).
 */
export function chooseImages(
  records: readonly ImageRecord[],
  {
    isUsed,
    nowMs,
    bounds,
  }: {
    readonly isUsed: (record: ImageRecord) => boolean;
    readonly nowMs: number;
    readonly bounds: ImageBounds;
  },
): readonly { readonly record: ImageRecord; readonly isTooOld: boolean }[] {
  const { maxUnusedMs, maxDiskPercent } = bounds;
  return records
    .filter((record) => record.id !== undefined && !isUsed(record))
    .map((record) => {
      const unusedMs = nowMs - record.usedAtMs;
      return { record, unusedMs, isTooOld: maxUnusedMs > 0 && unusedMs > maxUnusedMs };
    })
    .filter(
      ({ isTooOld, unusedMs }) => isTooOld || (maxDiskPercent < 100 && unusedMs > MIN_UNUSED_MS),
    )
    .sort((left, right) => left.record.usedAtMs - right.record.usedAtMs);
}
