import { useMemo } from 'react';
import type { App, QueueEntry } from '../api/api-types.js';
import { useApps, useQueue } from '../api/queries.js';
import { appStatus, healthCounts, healthLevel } from './app-status.js';
import type { AppRow } from './app-tree.js';
import { queueById, waitingReasons } from './waiting-reasons.js';

export interface AppRows {
  readonly rows: readonly AppRow[];
  readonly isLoading: boolean;
  readonly error: unknown;
}

/** All apps as rows; worked out again only when the apps or the queue were read again. */
export function useAppRows(): AppRows {
  const apps = useApps();
  const queue = useQueue();
  const readAtMs = Math.max(apps.dataUpdatedAt, queue.dataUpdatedAt);
  const rows = useMemo(() => {
    const entries = queueById(queue.data ?? []);
    return (apps.data ?? []).map((app) => toRow(app, entries.get(app.id), readAtMs));
  }, [apps.data, queue.data, readAtMs]);
  return { rows, isLoading: apps.isPending, error: apps.data ? undefined : apps.error };
}

function toRow(app: App, entry: QueueEntry | undefined, nowMs: number): AppRow {
  const counts = healthCounts(app);
  const status = appStatus(app, entry, nowMs);
  const isHeldUp = status === 'Waiting' || status === 'Delayed';
  return {
    kind: 'app',
    id: app.id,
    cpus: app.cpus,
    mem: app.mem,
    status,
    workload: app.workload,
    health: healthLevel(counts),
    counts,
    labels: app.labels ?? {},
    image: app.container?.docker?.image,
    reasons: entry && isHeldUp ? waitingReasons(entry) : [],
  };
}
