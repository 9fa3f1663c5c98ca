/** How long to wait before a process that ended is started again. */
export interface RestartPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Alive for so long, a process starts afresh. */
  readonly resetAfterMs: number;
}

export const RESTART_POLICY: RestartPolicy = { firstMs: 100, maxMs: 10_000, resetAfterMs: 10_000 };

/** The delay after a process that lived `aliveMs`; `previousMs` is the delay before it, 0 for the first start. */
export function nextRestartDelay(
  previousMs: number,
  aliveMs: number,
  policy: RestartPolicy = RESTART_POLICY,
): number {
  if (previousMs === 0 || aliveMs >= policy.resetAfterMs) return policy.firstMs;
  return Math.min(previousMs * 2, policy.maxMs);
}
