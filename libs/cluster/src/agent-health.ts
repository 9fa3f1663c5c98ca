import type { Reduction } from '#core';
import type { WireHealthCheck } from '#mesos-v1';

/**
 * Mesos' rule for the health check an agent runs: failures before the first success are ignored during the grace
 * period; every unhealthy result and the first healthy one after it (or at all) is reported; after
 * `consecutive_failures` the task is killed. At {@link NEVER_KILL} it is reported for ever and never killed.
 */
export interface AgentHealth {
  readonly settings: HealthSettings;
  /** Monotonic milliseconds; the grace period counts from here. */
  readonly startedAtMs: number;
  /** It has succeeded, or was reported to fail: the grace period is no excuse any more. */
  readonly isPastGrace: boolean;
  readonly isHealthy: boolean;
  readonly consecutiveFailures: number;
}

export interface HealthSettings {
  readonly graceMs: number;
  readonly maxConsecutiveFailures: number;
}

export interface HealthResult {
  readonly passed: boolean;
  readonly detail: string;
}

export type HealthEffect =
  | { readonly kind: 'report'; readonly healthy: boolean; readonly message: string }
  | { readonly kind: 'kill'; readonly message: string };

/** The `consecutive_failures` with which a framework asks for reports only. */
export const NEVER_KILL = 0xffffffff;

/** Reads the wire definition with Mesos' defaults. */
export const readHealthSettings = (check: WireHealthCheck): HealthSettings => ({
  graceMs: Math.max(Number(check.grace_period_seconds ?? 10) * 1000, 0),
  maxConsecutiveFailures: Number(check.consecutive_failures ?? 3),
});

/** Applies one result. */
export function reduceHealth(
  health: AgentHealth,
  result: HealthResult,
  monoMs: number,
): Reduction<AgentHealth, HealthEffect> {
  if (result.passed) {
    return {
      state: { ...health, isPastGrace: true, isHealthy: true, consecutiveFailures: 0 },
      effects: health.isHealthy ? [] : [{ kind: 'report', healthy: true, message: result.detail }],
    };
  }
  const isInGrace = !health.isPastGrace && monoMs - health.startedAtMs <= health.settings.graceMs;
  if (isInGrace) return { state: health, effects: [] };
  const consecutiveFailures = health.consecutiveFailures + 1;
  const max = health.settings.maxConsecutiveFailures;
  const report: HealthEffect = { kind: 'report', healthy: false, message: result.detail };
  const mayKill = max < NEVER_KILL && consecutiveFailures >= max;
  return {
    state: { ...health, isHealthy: false, consecutiveFailures },
    effects: mayKill
      ? [
          report,
          {
            kind: 'kill',
            message: `health check failed ${consecutiveFailures} times in a row: ${result.detail}`,
          },
        ]
      : [report],
  };
}
