/** Changes that arrive this close to one another share a reload, ms. */
const DEBOUNCE_MS = 30;
/** Reloads are at least this far apart, ms; further when old workers pile up. */
const MIN_INTERVAL_MS = 1_000;

/**
 * When the next reload may happen, on the monotonic clock in ms: at once after a quiet time (debounced), else no
 * sooner than the interval after the last one.
 */
export function nextReloadAt(times: {
  readonly nowMs: number;
  readonly lastReloadMs: number | undefined;
}): number {
  const earliest = times.nowMs + DEBOUNCE_MS;
  return times.lastReloadMs === undefined
    ? earliest
    : Math.max(earliest, times.lastReloadMs + MIN_INTERVAL_MS);
}
