import { describe, expect, it } from 'vitest';
import type { App, QueueEntry } from '../api/api-types.js';
import { appStatus, healthCounts, healthLevel, healthSentence } from './app-status.js';

const NOW = Date.parse('2026-11-02T10:00:00Z');
const APP: App = { id: '/web', instances: 2, cpus: 1, mem: 128, tasksRunning: 2, deployments: [] };
const QUEUED: QueueEntry = {
  app: { id: '/web' },
  count: 1,
  since: '2026-11-02T09:59:59Z',
  delay: { timeLeftSeconds: 0, overdue: true },
};

describe('appStatus', () => {
  it('is Running when nothing is going on', () => {
    expect(appStatus(APP, undefined, NOW)).toBe('Running');
  });

  it('is Deploying while a deployment holds the app', () => {
    expect(appStatus({ ...APP, deployments: [{ id: 'd' }] }, undefined, NOW)).toBe('Deploying');
  });

  it('is Suspended at zero instances once the last one is gone', () => {
    expect(appStatus({ ...APP, instances: 0, tasksRunning: 0 }, undefined, NOW)).toBe('Suspended');
    expect(appStatus({ ...APP, instances: 0, tasksRunning: 1 }, undefined, NOW)).toBe('Running');
  });

  it('says how a job has ended, once nothing of it runs', () => {
    const job: App = { ...APP, workload: 'job', tasksRunning: 0, completed: 2, failed: 0 };

    expect(appStatus(job, undefined, NOW)).toBe('Completed');
    expect(appStatus({ ...job, completed: 1, tasksRunning: 1 }, undefined, NOW)).toBe('Running');
    const failed: App = { ...job, completed: 1, failed: 1, deployments: [{ id: 'd' }] };
    expect(appStatus(failed, undefined, NOW)).toBe('Failed');
    expect(healthCounts(job).unscheduled).toBe(0);
  });

  it('is Delayed while the back-off runs, even in a deployment', () => {
    const entry = { ...QUEUED, delay: { timeLeftSeconds: 12, overdue: false } };

    expect(appStatus({ ...APP, deployments: [{ id: 'd' }] }, entry, NOW)).toBe('Delayed');
  });

  it('is Waiting when queued outside a deployment', () => {
    expect(appStatus(APP, QUEUED, NOW)).toBe('Waiting');
  });

  it('stays Deploying for the moment an ordinary launch spends in the queue', () => {
    expect(appStatus({ ...APP, deployments: [{ id: 'd' }] }, QUEUED, NOW)).toBe('Deploying');
  });

  it('is Waiting as soon as an offer was refused', () => {
    const entry = {
      ...QUEUED,
      processedOffersSummary: { processedOffersCount: 3, unusedOffersCount: 3 },
    };

    expect(appStatus({ ...APP, deployments: [{ id: 'd' }] }, entry, NOW)).toBe('Waiting');
  });

  it('is Waiting when no offer came for longer than a launch takes', () => {
    const entry = { ...QUEUED, since: '2026-11-02T09:59:00Z' };

    expect(appStatus({ ...APP, deployments: [{ id: 'd' }] }, entry, NOW)).toBe('Waiting');
  });

  it('ignores a queue entry that wants nothing', () => {
    expect(appStatus(APP, { ...QUEUED, count: 0 }, NOW)).toBe('Running');
  });
});

describe('healthCounts', () => {
  it('splits running instances by what is known of their health', () => {
    const counts = healthCounts({
      ...APP,
      instances: 6,
      tasksRunning: 4,
      tasksStaged: 1,
      tasksHealthy: 2,
      tasksUnhealthy: 1,
    });

    expect(counts).toEqual({
      healthy: 2,
      unhealthy: 1,
      unknown: 1,
      staged: 1,
      overCapacity: 0,
      unscheduled: 1,
      wanted: 6,
    });
  });

  it('never counts below zero when the server is between two states', () => {
    const counts = healthCounts({ ...APP, instances: 1, tasksRunning: 1, tasksHealthy: 3 });

    expect(counts).toMatchObject({ healthy: 1, unhealthy: 0, unknown: 0, unscheduled: 0 });
  });

  it('shows instances beyond the wanted number as over capacity', () => {
    expect(healthCounts({ ...APP, instances: 2, tasksRunning: 3 }).overCapacity).toBe(1);
  });
});

describe('healthLevel and healthSentence', () => {
  it('calls an app with one unhealthy instance unhealthy', () => {
    const counts = healthCounts({ ...APP, tasksHealthy: 1, tasksUnhealthy: 1 });

    expect(healthLevel(counts)).toBe('Unhealthy');
    expect(healthSentence(counts)).toBe('1 healthy, 1 unhealthy');
  });

  it('says so when there is nothing', () => {
    const counts = healthCounts({ ...APP, instances: 0, tasksRunning: 0 });

    expect(healthLevel(counts)).toBe('Unknown');
    expect(healthSentence(counts)).toBe('no instances');
  });
});
