import { expect, it } from 'vitest';
import type { App } from '../api/api-types.js';
import { effectOf, scaleEffect } from './action-effects.js';

const APP: App = { id: '/web', instances: 3, cpus: 1, mem: 1, tasksRunning: 3, tasksHealthy: 2 };

it('says how many instances die', () => {
  expect(effectOf('suspend', APP)).toContain('Kills 3 instances (2 healthy)');
  expect(effectOf('destroy', APP)).toContain('Kills 3 instances (2 healthy) and removes');
  expect(effectOf('restart', APP)).toContain('Replaces 3 instances');
});

it('says when nothing is running', () => {
  const idle = { ...APP, tasksRunning: 0, tasksHealthy: 0 };

  expect(effectOf('destroy', idle)).toContain('Removes the application');
  expect(effectOf('restart', idle)).toContain('Nothing is running');
});

it('says what scaling does', () => {
  expect(scaleEffect(3, 5)).toBe('Starts 2 instances.');
  expect(scaleEffect(3, 2)).toBe('Kills 1 instance.');
  expect(scaleEffect(3, 3)).toBeUndefined();
});
