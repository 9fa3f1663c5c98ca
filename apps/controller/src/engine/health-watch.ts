import {
  type App,
  checkIndexOf,
  type HealthCheck,
  type HealthState,
  type HealthVerdict,
  type Instance,
  type InstanceId,
  isSameValue,
  judgeHealth,
  type Now,
} from '#core';
import { agentCheckOf } from '#deployment';

/** What is known of the health of one running instance. */
export interface HealthWatch {
  readonly id: InstanceId;
  /** The definition it is checked by; another one with the same checks takes its place. */
  app: App;
  /** By position in the app's list; undefined: no result yet. */
  readonly checks: (HealthState | undefined)[];
  /** When each check began to concern the instance: its grace period counts from there. */
  readonly sinceMonoMs: readonly number[];
  /** Of containers of a pod, by their check: each has a grace period of its own, once its start is known. */
  readonly containerStartedMonoMs: Map<number, number>;
  /** Checks nobody can run, and those of containers that have finished: left out of the verdict. */
  readonly ignored: Set<number>;
  /** Positions of the checks its agent runs: all of a pod's, of an app the one it was launched with if the app still has it. */
  readonly byAgent: ReadonlySet<number>;
  readonly cancels: Map<number, () => void>;
  condemned?: { readonly sinceMonoMs: number; readonly cause: string };
  /** Of the last result its agent gave, by container; an app's has no name. */
  readonly lastAgentUuids: Map<string, string>;
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
  const byAgent = checksByAgent(app, launched);
  const ignored = app.healthChecks.flatMap(({ protocol }, index) =>
    protocol === 'COMMAND' && !byAgent.has(index) && !canRunCommands ? [index] : [],
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
    containerStartedMonoMs: new Map(),
    ignored: new Set(ignored),
    byAgent,
    cancels: new Map(),
    ...(condemned && previous?.condemned !== undefined ? { condemned: previous.condemned } : {}),
    lastAgentUuids: new Map(previous?.lastAgentUuids),
  };
}

/** Of all checks together; those nobody can run do not count. */
export const verdictOf = (watch: HealthWatch): HealthVerdict => judgeHealth(counted(watch));

export const counted = (watch: HealthWatch): readonly (HealthState | undefined)[] =>
  watch.checks.filter((_, index) => !watch.ignored.has(index));

export const graceEndsAt = (watch: HealthWatch, index: number, check: HealthCheck): number =>
  (watch.containerStartedMonoMs.get(index) ?? watch.sinceMonoMs[index] ?? 0) +
  check.gracePeriodSeconds * 1000;

/** The check that a result of an agent is of; undefined: the app has it no more. */
export function indexOfResult(
  { app, byAgent }: HealthWatch,
  container: string | undefined,
): number | undefined {
  if (app.pod === undefined) return [...byAgent][0];
  return container === undefined ? undefined : checkIndexOf(app.pod, container);
}

function checksByAgent(app: App, launched: App): ReadonlySet<number> {
  if (app.pod !== undefined) return new Set(app.healthChecks.keys());
  const onAgent = agentCheckOf(launched)?.healthCheck;
  if (onAgent === undefined) return new Set();
  const index = app.healthChecks.findIndex((check) => isSameValue(check, onAgent));
  return new Set(index < 0 ? [] : [index]);
}

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
