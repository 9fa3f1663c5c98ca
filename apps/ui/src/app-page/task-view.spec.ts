import { describe, expect, it } from 'vitest';
import type { Task } from '../api/api-types.js';
import {
  drainLeftMs,
  healthCauses,
  sortTasks,
  taskEndpoints,
  taskHealth,
  taskStateWords,
} from './task-view.js';

const TASK: Task = { id: 't', appId: '/web', state: 'TASK_RUNNING', host: 'h1', ports: [31001] };
const ALIVE = { alive: true, consecutiveFailures: 0 };
const DEAD = {
  alive: false,
  consecutiveFailures: 2,
  lastFailure: '2026-11-02T10:00:00Z',
  lastFailureCause: 'refused',
};

it('writes task states as words', () => {
  expect(taskStateWords('TASK_RUNNING')).toBe('Running');
  expect(taskStateWords('TASK_GONE_BY_OPERATOR')).toBe('Gone by operator');
});

describe('taskHealth', () => {
  it('is unknown without results and before the first answer', () => {
    expect(taskHealth(TASK)).toBe('Unknown');
    const never = { alive: false, consecutiveFailures: 0, lastFailure: null };
    expect(taskHealth({ ...TASK, healthCheckResults: [never] })).toBe('Unknown');
  });

  it('is unhealthy when one of several checks fails', () => {
    const task = { ...TASK, healthCheckResults: [ALIVE, DEAD, DEAD] };

    expect(taskHealth(task)).toBe('Unhealthy');
    expect(healthCauses(task)).toEqual(['refused']);
  });

  it('is unknown, with its cause, while failures within the grace period do not count', () => {
    const lastFailure = '2026-11-02T10:00:00Z';
    const check = {
      alive: false,
      consecutiveFailures: 0,
      lastFailure,
      lastFailureCause: 'refused',
    };
    const task = { ...TASK, healthCheckResults: [check] };

    expect(taskHealth(task)).toBe('Unknown');
    expect(healthCauses(task)).toEqual(['refused']);
  });

  it('is healthy when all checks pass', () => {
    expect(taskHealth({ ...TASK, healthCheckResults: [ALIVE, ALIVE] })).toBe('Healthy');
  });
});

it('writes one endpoint a port, with brackets for IPv6', () => {
  expect(taskEndpoints({ ...TASK, ports: [1, 2] })).toEqual(['h1:1', 'h1:2']);
  expect(taskEndpoints({ ...TASK, host: '::1' })).toEqual(['[::1]:31001']);
  expect(taskEndpoints({ ...TASK, ports: [] })).toEqual(['h1']);
  expect(taskEndpoints({ ...TASK, host: null })).toEqual([]);
});

it('counts draining down to zero', () => {
  const since = '2026-11-02T10:00:00Z';
  const draining = { since, deadline: '2026-11-02T10:00:30Z' };

  expect(drainLeftMs({ ...TASK, draining }, Date.parse(since))).toBe(30_000);
  expect(drainLeftMs({ ...TASK, draining }, Date.parse(since) + 99_000)).toBe(0);
  expect(drainLeftMs(TASK, 0)).toBeUndefined();
});

it('puts tasks without a time first, then the newest', () => {
  const tasks = [
    { ...TASK, id: 'old', startedAt: '2026-11-01T00:00:00Z' },
    { ...TASK, id: 'new', startedAt: '2026-11-02T00:00:00Z' },
    { ...TASK, id: 'none' },
  ];

  expect(sortTasks(tasks).map((t) => t.id)).toEqual(['none', 'new', 'old']);
});
