/** Changes that arrive this close to one another share a reload, ms. */
const DEBOUNCE_MS = 30;
/** Reloads are at least this far apart, ms. */
const MIN_INTERVAL_MS = 1_000;
/** In the long run they are this far apart, ms: after a quiet time two may follow one another, and a minute sees 30 at most. */
const MEAN_INTERVAL_MS = 2_100;

/** When reloads may happen: at once after a quiet time, the less often the more there were. All times are of the monotonic clock. */
export class ReloadBudget {
  private lastMs = -Infinity;
  /** Until then the reloads there were are enough. */
  private spentUntilMs = -Infinity;

  /** One happens now. */
  note(nowMs: number): void {
    this.lastMs = nowMs;
    this.spentUntilMs = Math.max(this.spentUntilMs, nowMs) + MEAN_INTERVAL_MS;
  }

  /** `isForced`: an operator asks for it, who knows how often. */
  nextMs(nowMs: number, { isForced }: { readonly isForced: boolean }): number {
    const spacedMs = Math.max(nowMs, this.lastMs + MIN_INTERVAL_MS);
    if (isForced) return spacedMs;
    return Math.max(spacedMs, nowMs + DEBOUNCE_MS, this.spentUntilMs - MEAN_INTERVAL_MS);
  }

  sinceLastMs(nowMs: number): number {
    return nowMs - this.lastMs;
  }
}
