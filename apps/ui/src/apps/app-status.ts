import type { App, QueueEntry } from '../api/api-types.js';

/**
 * First match wins:
 *
 * | status    | when                                                              |
 * |-----------|-------------------------------------------------------------------|
 * | Delayed   | queued, and the back-off after a failure has not run out          |
 * | Waiting   | queued, and no offer fits (or none has come for a while)          |
 * | Deploying | a deployment holds the app                                        |
 * | Failed    | a job gave instances up, and none runs any more                   |
 * | Completed | all instances of a job have finished                              |
 * | Suspended | no instance is wanted and none is left                            |
 * | Running   | otherwise                                                         |
 */
export type AppStatus =
  | 'Running'
  | 'Deploying'
  | 'Suspended'
  | 'Delayed'
  | 'Waiting'
  | 'Completed'
  | 'Failed';

export const APP_STATUSES: readonly AppStatus[] = [
  'Running',
  'Deploying',
  'Suspended',
  'Delayed',
  'Waiting',
  'Completed',
  'Failed',
];

/** A queued app of a deployment shows as Deploying this long, so that ordinary launches do not flicker. */
const FRESH_QUEUE_ENTRY_MS = 3_000;

export function appStatus(app: App, entry: QueueEntry | undefined, nowMs: number): AppStatus {
  const isDeploying = (app.deployments?.length ?? 0) > 0;
  if (entry && entry.count > 0) {
    if (isDelayed(entry)) {
      return 'Delayed';
    }
    if (!isDeploying || hasRefusals(entry) || isOlderThan(entry, nowMs, FRESH_QUEUE_ENTRY_MS)) {
      return 'Waiting';
    }
  }
  const present = (app.tasksRunning ?? 0) + (app.tasksStaged ?? 0);
  // A job that failed holds its deployment, too.
  if ((app.failed ?? 0) > 0 && present === 0) {
    return 'Failed';
  }
  if (isDeploying) {
    return 'Deploying';
  }
  if (app.instances > 0 && (app.completed ?? 0) >= app.instances && present === 0) {
    return 'Completed';
  }
  return app.instances === 0 && present === 0 ? 'Suspended' : 'Running';
}

export interface HealthCounts {
  readonly healthy: number;
  readonly unhealthy: number;
  readonly unknown: number;
  readonly staged: number;
  /** Instances beyond the wanted number, as during a rolling restart. Part of the counts above. */
  readonly overCapacity: number;
  /** Instances that are wanted and not there yet. */
  readonly unscheduled: number;
  readonly wanted: number;
}

export type HealthLevel = 'Healthy' | 'Unhealthy' | 'Unknown';

export const HEALTH_LEVELS: readonly HealthLevel[] = ['Healthy', 'Unhealthy', 'Unknown'];

export function healthCounts(app: App): HealthCounts {
  const running = app.tasksRunning ?? 0;
  const staged = app.tasksStaged ?? 0;
  const unhealthy = Math.min(running, app.tasksUnhealthy ?? 0);
  const healthy = Math.min(running - unhealthy, app.tasksHealthy ?? 0);
  return {
    healthy,
    unhealthy,
    unknown: running - healthy - unhealthy,
    staged,
    overCapacity: Math.max(0, running + staged - app.instances),
    unscheduled: Math.max(0, app.instances - (app.completed ?? 0) - running - staged),
    wanted: app.instances,
  };
}

export function addHealthCounts(a: HealthCounts, b: HealthCounts): HealthCounts {
  return {
    healthy: a.healthy + b.healthy,
    unhealthy: a.unhealthy + b.unhealthy,
    unknown: a.unknown + b.unknown,
    staged: a.staged + b.staged,
    overCapacity: a.overCapacity + b.overCapacity,
    unscheduled: a.unscheduled + b.unscheduled,
    wanted: a.wanted + b.wanted,
  };
}

export const NO_INSTANCES: HealthCounts = {
  healthy: 0,
  unhealthy: 0,
  unknown: 0,
  staged: 0,
  overCapacity: 0,
  unscheduled: 0,
  wanted: 0,
};

/** The worst that is known: one unhealthy instance makes the app unhealthy. */
export function healthLevel(counts: HealthCounts): HealthLevel {
  if (counts.unhealthy > 0) {
    return 'Unhealthy';
  }
  return counts.healthy > 0 && counts.unknown === 0 ? 'Healthy' : 'Unknown';
}

/** The bar in words, for tooltips and screen readers. Zero counts are left out. */
export function healthSentence(counts: HealthCounts): string {
  const parts = [
    counts.healthy > 0 ? `${counts.healthy} healthy` : '',
    counts.unhealthy > 0 ? `${counts.unhealthy} unhealthy` : '',
    counts.unknown > 0 ? `${counts.unknown} unknown` : '',
    counts.staged > 0 ? `${counts.staged} staged` : '',
    counts.unscheduled > 0 ? `${counts.unscheduled} unscheduled` : '',
  ].filter((part) => part !== '');
  const text = parts.length === 0 ? 'no instances' : parts.join(', ');
  return counts.overCapacity > 0 ? `${text} (${counts.overCapacity} over capacity)` : text;
}

function isDelayed(entry: QueueEntry): boolean {
  return entry.delay !== undefined && !entry.delay.overdue && entry.delay.timeLeftSeconds > 0;
}

function hasRefusals(entry: QueueEntry): boolean {
  return (entry.processedOffersSummary?.unusedOffersCount ?? 0) > 0;
}

function isOlderThan(entry: QueueEntry, nowMs: number, ms: number): boolean {
  const since = Date.parse(entry.since ?? '');
  return Number.isNaN(since) || nowMs - since > ms;
}
