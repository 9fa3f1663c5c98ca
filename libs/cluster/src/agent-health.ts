import type { Reduction } from '#core';
import type { WireHealthCheck } from '#mesos-v1';

/**
 * Mesos' rule for the health check an agent runs: failures before the first success are ignored during the grace
 * period; every unhealthy result and the first healthy one after it (or at all) is reported; after
 * `consecutive_failures` the task is killed. At {@link NEVER_KILL} it is reported for ever and never killed.
 */
export interface AgentHealth {
  readonly settings: HealthSettings;
  /** Monotonic milliseconds; delay and grace count from here. */
  readonly startedAtMs: number;
  readonly hasSucceeded: boolean;
  readonly consecutiveFailures: number;
}

/** Milliseconds. */
export interface HealthSettings {
  readonly delayMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
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
/** An interval of 0 would probe without a pause. */
const MIN_INTERVAL_MS = 100;
const MIN_TIMEOUT_MS = 1;
const MAX_MS = 24 * 3600 * 1000;

/** Reads the wire definition with Mesos' defaults. Times are clamped to 24 h. */
export function readHealthSettings(check: WireHealthCheck): HealthSettings {
  const millis = (seconds: number | undefined, fallback: number, min: number) => {
    const value = Number(seconds ?? fallback) * 1000;
    return Number.isFinite(value) ? Math.min(Math.max(value, min), MAX_MS) : MAX_MS;
  };
  return {
    delayMs: millis(check.delay_seconds, 15, 0),
    intervalMs: millis(check.interval_seconds, 10, MIN_INTERVAL_MS),
    timeoutMs: millis(check.timeout_seconds, 20, MIN_TIMEOUT_MS),
    graceMs: millis(check.grace_period_seconds, 10, 0),
    maxConsecutiveFailures: Number(check.consecutive_failures ?? 3),
  };
}

/** Applies one result. */
export function reduceHealth(
  health: AgentHealth,
  result: HealthResult,
  monoMs: number,
): Reduction<AgentHealth, HealthEffect> {
  if (result.passed) {
    const isNews = !health.hasSucceeded || health.consecutiveFailures > 0;
    return {
      state: { ...health, hasSucceeded: true, consecutiveFailures: 0 },
      effects: isNews ? [{ kind: 'report', healthy: true, message: result.detail }] : [],
    };
  }
  const isInGrace = !health.hasSucceeded && monoMs - health.startedAtMs <= health.settings.graceMs;
  if (isInGrace) return { state: health, effects: [] };
  const consecutiveFailures = health.consecutiveFailures + 1;
  const max = health.settings.maxConsecutiveFailures;
  const report: HealthEffect = { kind: 'report', healthy: false, message: result.detail };
  const mayKill = max < NEVER_KILL && consecutiveFailures >= max;
  return {
    state: { ...health, consecutiveFailures },
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
