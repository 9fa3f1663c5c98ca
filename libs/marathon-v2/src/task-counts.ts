import type { App } from '#core';
import type { ObservedInstance } from './to-wire-task.js';

/** Counts that stand beside every app. An instance without a health verdict is neither healthy nor unhealthy. */
export interface TaskCounts {
  readonly tasksStaged: number;
  readonly tasksRunning: number;
  readonly tasksHealthy: number;
  readonly tasksUnhealthy: number;
}

/** Counts instances that were sent out and are not known to have ended. */
export function countTasks(instances: readonly ObservedInstance[]): TaskCounts {
  let tasksStaged = 0;
  let tasksRunning = 0;
  let tasksHealthy = 0;
  let tasksUnhealthy = 0;
  for (const { instance, healthy } of instances) {
    switch (instance.condition) {
      case 'Provisioned':
      case 'Staging':
      case 'Starting':
        tasksStaged += 1;
        break;
      case 'Running':
        tasksRunning += 1;
        if (healthy === true) tasksHealthy += 1;
        if (healthy === false) tasksUnhealthy += 1;
        break;
      default:
    }
  }
  return { tasksStaged, tasksRunning, tasksHealthy, tasksUnhealthy };
}

interface TaskStats {
  readonly stats: {
    readonly counts: {
      readonly staged: number;
      readonly running: number;
      readonly healthy: number;
      readonly unhealthy: number;
    };
    readonly lifeTime?: { readonly averageSeconds: number; readonly medianSeconds: number };
  };
}

/** Statistics by generation of the definition. Buckets without tasks are left out. */
export interface TaskStatsByVersion {
  readonly startedAfterLastScaling?: TaskStats;
  readonly withLatestConfig?: TaskStats;
  readonly withOutdatedConfig?: TaskStats;
  readonly totalSummary?: TaskStats;
}

/** O(n log n) in instances. */
export function computeTaskStats(
  app: App,
  instances: readonly ObservedInstance[],
  nowEpochMs: number,
): TaskStatsByVersion {
  const { lastScalingAt, lastConfigChangeAt } = app.versionInfo;
  const buckets: Record<keyof TaskStatsByVersion, readonly ObservedInstance[]> = {
    startedAfterLastScaling: instances.filter(
      ({ instance }) => instance.appVersion >= lastScalingAt,
    ),
    withLatestConfig: instances.filter(({ instance }) => instance.appVersion >= lastConfigChangeAt),
    withOutdatedConfig: instances.filter(
      ({ instance }) => instance.appVersion < lastConfigChangeAt,
    ),
    totalSummary: instances,
  };
  return Object.fromEntries(
    Object.entries(buckets)
      .filter(([, bucket]) => bucket.length > 0)
      .map(([name, bucket]) => [name, summarise(bucket, nowEpochMs)]),
  );
}

function summarise(instances: readonly ObservedInstance[], nowEpochMs: number): TaskStats {
  const counts = countTasks(instances);
  const lifeTimes = instances
    .flatMap(({ instance }) => instance.startedAtEpochMs ?? [])
    .map((startedAt) => Math.max(0, nowEpochMs - startedAt) / 1000)
    .sort((left, right) => left - right);
  return {
    stats: {
      counts: {
        staged: counts.tasksStaged,
        running: counts.tasksRunning,
        healthy: counts.tasksHealthy,
        unhealthy: counts.tasksUnhealthy,
      },
      ...(lifeTimes.length === 0
        ? {}
        : {
            lifeTime: {
              averageSeconds: lifeTimes.reduce((sum, one) => sum + one, 0) / lifeTimes.length,
              medianSeconds: medianOf(lifeTimes),
            },
          }),
    },
  };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
