/** Changes that arrive this close to one another share a reload, ms. */
const DEBOUNCE_MS = 30;
/** Reloads are at least this far apart, ms. */
const MIN_INTERVAL_MS = 1_000;
/**
 * With this many old workers still at work, reloads are further apart: each worker costs the memory of the whole
 * configuration, and HAProxy ends a worker that has seen `mworker-max-reloads`, whatever it is doing. So an old worker
 * gets its whole `hard-stop-after`.
 */
const MANY_OLD_WORKERS = 5;
const CROWDED_INTERVAL_MS = 10_000;

/**
 * When the next reload may happen, on the monotonic clock in ms: at once after a quiet time (debounced), else no
 * sooner than the interval after the last one.
 */
export function nextReloadAt(situation: {
  readonly nowMs: number;
  readonly lastReloadMs: number | undefined;
  readonly oldWorkers: number;
}): number {
  const { nowMs, lastReloadMs, oldWorkers } = situation;
  const earliest = nowMs + DEBOUNCE_MS;
  if (lastReloadMs === undefined) return earliest;
  const intervalMs = oldWorkers < MANY_OLD_WORKERS ? MIN_INTERVAL_MS : CROWDED_INTERVAL_MS;
  return Math.max(earliest, lastReloadMs + intervalMs);
}
