import type { Now } from './now.js';
import type { Reduction } from './reduction.js';

/**
 * One health check of one instance, in memory only. Times are Unix ms.
 *
 * | alive | event | to |
 * |---|---|---|
 * | false | passed | true |
 * | false, never passed, in the grace period | failed | false; the failure is noted, not counted |
 * | true or false | failed | false, one more consecutive failure; condemned at exactly the maximum |
 */
export interface HealthState {
  readonly alive: boolean;
  readonly consecutiveFailures: number;
  readonly firstSuccessEpochMs?: number;
  readonly lastSuccessEpochMs?: number;
  readonly lastFailureEpochMs?: number;
  readonly lastFailureCause?: string;
}

export type HealthEvent =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly cause: string };

export type HealthEffect =
  | { readonly kind: 'alive-changed'; readonly alive: boolean }
  /** A failure that counts. */
  | { readonly kind: 'failure-counted'; readonly consecutiveFailures: number }
  /** The maximum is reached: replace the instance. Given once per run of failures. */
  | { readonly kind: 'condemned'; readonly consecutiveFailures: number };

export interface HealthRule {
  /** Failures before the first success are not counted until then. */
  readonly graceEndsAtMonoMs: number;
  /** 0: never condemn. */
  readonly maxConsecutiveFailures: number;
}

/** Nothing known yet: not alive, and not unhealthy either. */
export const unknownHealth: HealthState = { alive: false, consecutiveFailures: 0 };

/** Applies one result of a check. O(1). */
export function reduceHealth(
  state: HealthState,
  event: HealthEvent,
  now: Now,
  rule: HealthRule,
): Reduction<HealthState, HealthEffect> {
  switch (event.kind) {
    case 'passed':
      return pass(state, now);
    case 'failed':
      return fail(state, event.cause, now, rule);
    default:
      return event satisfies never;
  }
}

function pass(state: HealthState, now: Now): Reduction<HealthState, HealthEffect> {
  return {
    state: {
      ...state,
      alive: true,
      consecutiveFailures: 0,
      firstSuccessEpochMs: state.firstSuccessEpochMs ?? now.epochMs,
      lastSuccessEpochMs: now.epochMs,
    },
    effects: state.alive ? [] : [{ kind: 'alive-changed', alive: true }],
  };
}

function fail(
  state: HealthState,
  cause: string,
  now: Now,
  rule: HealthRule,
): Reduction<HealthState, HealthEffect> {
  const isIgnored = state.firstSuccessEpochMs === undefined && now.monoMs < rule.graceEndsAtMonoMs;
  const noted = { ...state, lastFailureEpochMs: now.epochMs, lastFailureCause: cause };
  if (isIgnored) return { state: noted, effects: [] };
  const consecutiveFailures = state.consecutiveFailures + 1;
  const effects: HealthEffect[] = [{ kind: 'failure-counted', consecutiveFailures }];
  // The first counted failure is a change even when it was never alive: from unknown to unhealthy.
  if (state.alive || consecutiveFailures === 1) {
    effects.push({ kind: 'alive-changed', alive: false });
  }
  if (consecutiveFailures === rule.maxConsecutiveFailures) {
    effects.push({ kind: 'condemned', consecutiveFailures });
  }
  return { state: { ...noted, alive: false, consecutiveFailures }, effects };
}

/**
 * `healthy`: every check passes. `unhealthy`: one has a counted failure. `pending`: was seen failing within its grace
 * period. `unknown`: no result yet (after a fail-over too), which is not unhealthy.
 */
export type HealthVerdict = 'healthy' | 'unhealthy' | 'pending' | 'unknown';

/** Sums up the checks of one instance; no checks at all is healthy. O(checks). */
export function judgeHealth(checks: readonly (HealthState | undefined)[]): HealthVerdict {
  let verdict: HealthVerdict = 'healthy';
  for (const check of checks) {
    if (check?.alive === true) continue;
    if (check !== undefined && check.consecutiveFailures > 0) return 'unhealthy';
    const wasSeen = check?.lastFailureEpochMs !== undefined;
    if (verdict !== 'unknown') verdict = wasSeen ? 'pending' : 'unknown';
  }
  return verdict;
}
