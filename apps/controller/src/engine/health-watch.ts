import {
  type App,
  type HealthCheck,
  type HealthState,
  type HealthVerdict,
  type Instance,
  type InstanceId,
  judgeHealth,
  type Now,
} from '#core';
import { agentCheckOf, isSameValue } from '#deployment';

/** What is known of the health of one running instance. */
export interface HealthWatch {
  readonly id: InstanceId;
  /** The definition it is checked by; another one with the same checks takes its place. */
  app: App;
  /** By position in the app's list; undefined: no result yet. */
  readonly checks: (HealthState | undefined)[];
  /** When each check began to concern the instance: its grace period counts from there. */
  readonly sinceMonoMs: readonly number[];
  /** Checks nobody can run: left out of the verdict. */
  readonly ignored: ReadonlySet<number>;
  /** Position of the check its agent runs, if that is still one of the app's. */
  readonly byAgent: number | undefined;
  readonly cancels: Map<number, () => void>;
  condemned?: { readonly sinceMonoMs: number; readonly cause: string };
  lastAgentUuid?: string;
}

export interface WatchedInstance {
  readonly instance: Instance;
  readonly app: App;
  /** What its task was made from; undefined when that is not kept: then its agent runs what the app says. */
  readonly launched: App | undefined;
}

/**
 * Begins the watch of an instance, or goes over to another definition: results of checks that are the same stay. A check
 * that is new to an instance that was healthy finds it so until it has a result of its own, and has its grace period from
 * the change on; an edit alone takes nothing out of rotation.
 */
export function makeWatch(
  { instance, app, launched = app }: WatchedInstance,
  about: { readonly now: Now; readonly canRunCommands: boolean },
  previous?: HealthWatch,
): HealthWatch {
  const { now, canRunCommands } = about;
  const onAgent = agentCheckOf(launched)?.healthCheck;
  const found = app.healthChecks.findIndex((check) => isSameValue(check, onAgent));
  const byAgent = onAgent === undefined || found < 0 ? undefined : found;
  const ignored = app.healthChecks.flatMap(({ protocol }, index) =>
    protocol === 'COMMAND' && index !== byAgent && !canRunCommands ? [index] : [],
  );
  const wasHealthy = previous !== undefined && verdictOf(previous) === 'healthy';
  const known = app.healthChecks.map((check) => indexOf(previous, check));
  const checks = known.map(
    (index) => previous?.checks[index] ?? (wasHealthy ? PRESUMED : undefined),
  );
  const condemned = checks.some((state, index) => isCondemned(state, app.healthChecks[index]));
  return {
    id: instance.id,
    app,
    checks,
    sinceMonoMs: app.healthChecks.map(
      (check, index) =>
        previous?.sinceMonoMs[known[index] ?? -1] ??
        sinceOf({ instance, app, launched }, check, now),
    ),
    ignored: new Set(ignored),
    byAgent,
    cancels: new Map(),
    ...(condemned && previous?.condemned !== undefined ? { condemned: previous.condemned } : {}),
    ...(previous?.lastAgentUuid === undefined ? {} : { lastAgentUuid: previous.lastAgentUuid }),
  };
}

/** Of all checks together; those nobody can run do not count. */
export const verdictOf = (watch: HealthWatch): HealthVerdict => judgeHealth(counted(watch));

export const counted = (watch: HealthWatch): readonly (HealthState | undefined)[] =>
  watch.checks.filter((_, index) => !watch.ignored.has(index));

export const graceEndsAt = (watch: HealthWatch, index: number, check: HealthCheck): number =>
  (watch.sinceMonoMs[index] ?? 0) + check.gracePeriodSeconds * 1000;

/** Healthy for all anybody knows: the check is new, the instance was in order before. */
const PRESUMED: HealthState = { alive: true, consecutiveFailures: 0 };

/** Where the same check stood; -1: nowhere. */
const indexOf = (watch: HealthWatch | undefined, check: HealthCheck): number =>
  watch?.app.healthChecks.findIndex((other) => isSameValue(other, check)) ?? -1;

const isCondemned = (state: HealthState | undefined, check: HealthCheck | undefined): boolean =>
  state !== undefined &&
  check !== undefined &&
  check.maxConsecutiveFailures > 0 &&
  state.consecutiveFailures >= check.maxConsecutiveFailures;

/** From the start of the instance; a check it was not launched with, from the definition that brought it. */
function sinceOf(
  { instance, app, launched = app }: WatchedInstance,
  check: HealthCheck,
  now: Now,
): number {
  const startedAtMs = instance.startedAtEpochMs ?? now.epochMs;
  const isOriginal = launched.healthChecks.some((other) => isSameValue(other, check));
  const sinceMs = isOriginal ? startedAtMs : Math.max(startedAtMs, Date.parse(app.version));
  return now.monoMs - Math.max(0, now.epochMs - sinceMs);
}
