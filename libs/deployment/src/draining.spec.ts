import { describe, expect, it } from 'vitest';
import { type App, taskId } from '#core';
import {
  drainTimeoutMs,
  isDrained,
  isRoutedApp,
  mayHaveRouters,
  recentRouters,
} from './draining.js';

const task = {
  taskId: taskId('t1'),
  deadlineMonoMs: 30_000,
};
const router = (drained: readonly string[], heardMonoMs = 0) => ({
  heardMonoMs,
  drainedTasks: new Set(drained),
});

describe('draining', () => {
  it('ends when every router has drained the task', () => {
    expect(isDrained(task, [router(['t1']), router([])], 1)).toBe(false);
    expect(isDrained(task, [router(['t1']), router(['t1', 't2'])], 1)).toBe(true);
  });

  it('ends at the deadline, and at once without routers', () => {
    expect(isDrained(task, [router([])], 30_000)).toBe(true);
    expect(isDrained(task, [], 1)).toBe(true);
  });

  it('ends only at the deadline while the routers are unknown', () => {
    expect(isDrained(task, 'unknown', 29_999)).toBe(false);
    expect(isDrained(task, 'unknown', 30_000)).toBe(true);
    expect(mayHaveRouters('unknown')).toBe(true);
    expect(mayHaveRouters([])).toBe(false);
  });

  it('does not wait for a router that is silent', () => {
    expect(recentRouters([router([], 0), router([], 9_000)], 10_000)).toHaveLength(1);
  });

  it('asks the routers about whatever they could serve, with or without a label', () => {
    const app = (fields: object) =>
      isRoutedApp({ labels: {}, portDefinitions: [], ...fields } as unknown as App);
    const tcp = [{ port: 10_000, protocol: 'tcp', labels: {} }];
    const both = [{ containerPort: 80, servicePort: 10_000, protocol: 'udp,tcp' }];

    expect(app({ portDefinitions: tcp })).toBe(true);
    expect(app({ container: { portMappings: both } })).toBe(true);
    expect(isRoutedApp(undefined)).toBe(true);
    expect(app({})).toBe(false);
    expect(app({ portDefinitions: [{ ...tcp[0], protocol: 'udp' }] })).toBe(false);
    expect(app({ portDefinitions: tcp, workload: 'job' })).toBe(false);
    expect(app({ portDefinitions: tcp, pod: {} })).toBe(false);
    expect(app({ portDefinitions: tcp, labels: { PACER_DRAIN_SECONDS: '0' } })).toBe(false);
  });

  it('takes its timeout from the label when that is a sensible number', () => {
    expect(drainTimeoutMs({ labels: { PACER_DRAIN_SECONDS: '5' } })).toBe(5_000);
    expect(drainTimeoutMs({ labels: { PACER_DRAIN_SECONDS: '-1' } })).toBe(30_000);
    expect(drainTimeoutMs({ labels: { PACER_DRAIN_SECONDS: 'soon' } })).toBe(30_000);
  });
});
