import { expect, it } from 'vitest';
import type { Deployment } from '../api/api-types.js';
import {
  affectedIds,
  deploymentBadge,
  deploymentControls,
  deploymentSteps,
  progressPercent,
} from './deployment-progress.js';

const DEPLOYMENT: Deployment = {
  id: 'd',
  version: 'v',
  affectedApps: ['/db', '/web'],
  steps: [
    { actions: [{ action: 'StartApplication', app: '/db' }] },
    { actions: [{ action: 'ScaleApplication', app: '/db' }] },
    { actions: [{ action: 'RestartApplication', app: '/web' }] },
  ],
  currentActions: [{ action: 'ScaleApplication', app: '/db' }],
  currentStep: 2,
  totalSteps: 3,
};

it('marks what is done, what is under way and what is to come', () => {
  expect(deploymentSteps(DEPLOYMENT).map((s) => s.state)).toEqual(['done', 'current', 'to come']);
  expect(deploymentSteps(DEPLOYMENT)[2]?.actions).toEqual([{ verb: 'Restart', target: '/web' }]);
});

it('shows the current actions when the server sends no steps', () => {
  const { steps: _, ...light } = DEPLOYMENT;

  expect(deploymentSteps(light)).toEqual([
    { number: 2, state: 'current', actions: [{ verb: 'Scale', target: '/db' }] },
  ]);
});

it('moves through the steps and never past the end', () => {
  expect(progressPercent(DEPLOYMENT)).toBe(50);
  expect(progressPercent({ ...DEPLOYMENT, currentStep: 0 })).toBe(0);
  expect(progressPercent({ ...DEPLOYMENT, currentStep: 9 })).toBe(83);
});

it('names each app once', () => {
  expect(affectedIds({ ...DEPLOYMENT, affectedPods: ['/db'] })).toEqual(['/db', '/web']);
});

it('offers what can be told to a deployment as it stands', () => {
  const running = { ...DEPLOYMENT, state: 'Running' };
  const paused = { ...running, paused: { since: '2030-01-01T00:00:00.000Z' } };
  const waits = [{ app: '/web', since: '2030-01-01T00:00:00.000Z' }];

  expect(deploymentControls(DEPLOYMENT)).toEqual([]);
  expect(deploymentControls(running)).toEqual(['pause']);
  expect(deploymentControls(paused)).toEqual(['resume']);
  expect(deploymentControls({ ...running, awaitsPromotion: waits })).toEqual([
    'promote',
    'abort',
    'pause',
  ]);
  expect([running, paused, { ...running, awaitsPromotion: waits }].map(deploymentBadge)).toEqual([
    undefined,
    'Paused',
    'Waits for promotion',
  ]);
});
