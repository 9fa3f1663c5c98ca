import { expect, it } from 'vitest';
import type { WireDeploymentDetails } from '#marathon-v2';
import { formatDeployment } from './format-deployments.js';

const DEPLOYMENT: WireDeploymentDetails = {
  id: 'd-1',
  version: '2030-01-01T00:00:00.000Z',
  affectedApps: ['/web'],
  affectedPods: [],
  steps: [{ actions: [{ action: 'RestartApplication', app: '/web' }] }],
  currentActions: [],
  currentStep: 1,
  totalSteps: 1,
  waitingFor: ['paused by ann since 2030-01-01T00:00:09.000Z: resume to go on'],
  state: 'Running',
  by: 'ann',
  startedAt: '2030-01-01T00:00:00.000Z',
  limits: { maxFailures: 3, autoRollback: true },
  failures: 1,
  paused: { since: '2030-01-01T00:00:09.000Z', by: 'ann' },
  phases: [{ step: 1, startedAt: '2030-01-01T00:00:00.000Z' }],
  events: [
    {
      kind: 'failed',
      timestamp: '2030-01-01T00:00:05.000Z',
      app: '/web',
      instance: 'web.instance-1',
      host: 'h1',
      message: 'TASK_FAILED exit 1',
    },
  ],
  omittedEvents: 2,
};

it('shows a deployment with what it waits for and what happened', () => {
  expect(formatDeployment(DEPLOYMENT)).toBe(
    [
      'DEPLOYMENT     d-1',
      'state          Running, paused',
      'by             ann',
      'apps           /web',
      'started        2030-01-01T00:00:00.000Z',
      'failures       1, at most 3',
      'when it fails  rolled back',
      '',
      'STEPS',
      '  1. RestartApplication /web 2030-01-01T00:00:00.000Z - ',
      '',
      'WAITING FOR',
      '  paused by ann since 2030-01-01T00:00:09.000Z: resume to go on',
      '',
      'TIME                      EVENT   WHAT            HOST  BY  MESSAGE',
      '2030-01-01T00:00:05.000Z  failed  web.instance-1  h1        TASK_FAILED exit 1',
      '2 later events are not kept',
    ].join('\n'),
  );
});
