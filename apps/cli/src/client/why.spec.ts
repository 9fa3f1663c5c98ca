import { describe, expect, it } from 'vitest';
import type { WireWhy } from '#marathon-v2';
import { formatWhy } from './why.js';

const AT = '2030-01-01T00:00:00.000Z';

const waiting: WireWhy = {
  appId: '/web',
  summary: '1 instance waits for an offer: of 2 agents 2 refuse for InsufficientCpus',
  instances: { wanted: 3, byCondition: { Running: 2 } },
  waitingFor: ['1 instance waits for an offer: of 2 agents 2 refuse for InsufficientCpus'],
  waiting: [
    {
      count: 1,
      version: AT,
      role: '*',
      since: AT,
      delay: { timeLeftSeconds: 0, overdue: true },
      offers: { held: 0, agents: 2, omitted: 0, newestAt: AT, oldestAt: AT },
      reasons: [
        { reason: 'UnfulfilledRole', agents: 0, alone: 0 },
        {
          reason: 'InsufficientCpus',
          agents: 2,
          alone: 1,
          example: 'needs 2 cpus, 1.5 are left',
        },
      ],
      fitting: { agents: 0, newest: [] },
      nearestFit: {
        agentId: 'a3',
        hostname: 'host-3',
        offeredAt: AT,
        summary: 'needs 2 cpus, 1.5 are left on host-3',
        lacks: [{ reason: 'InsufficientCpus', detail: 'needs 2 cpus, 1.5 are left' }],
      },
      suggestions: [
        { change: 'cpus 2 -> 1.5', patch: { cpus: 1.5 }, places: 1, hostname: 'host-3' },
        { change: 'instances 3 -> 2', patch: { instances: 2 }, places: 1 },
      ],
    },
  ],
  deployments: [{ id: 'd-1', currentStep: 1, totalSteps: 2 }],
};

describe('pacer why', () => {
  it('shows what is waited for, every reason given, the nearest agent and what would help', () => {
    expect(formatWhy(waiting)).toBe(
      [
        '/web: 3 wanted, 2 Running',
        'deployment d-1, step 1 of 2',
        '',
        'WAITS FOR',
        '  1 instance waits for an offer: of 2 agents 2 refuse for InsufficientCpus',
        '',
        `OFFERS of 2 agents, last offered at ${AT}`,
        '  REASON            AGENTS  ALONE  EXAMPLE',
        '  InsufficientCpus  2       1      needs 2 cpus, 1.5 are left',
        '',
        'NEAREST',
        '  needs 2 cpus, 1.5 are left on host-3',
        '',
        'ANY OF THESE WOULD HELP',
        '  cpus 2 -> 1.5: places 1 of 1, the first on host-3',
        '  instances 3 -> 2: 1 of 1 no longer wait',
      ].join('\n'),
    );
  });

  it('says of an app that waits for nothing just that', () => {
    const settled: WireWhy = {
      ...waiting,
      summary: 'nothing: all 3 instances run',
      instances: { wanted: 3, byCondition: { Running: 3 } },
      waitingFor: [],
      waiting: [],
      deployments: [],
    };

    expect(formatWhy(settled)).toBe(
      '/web: 3 wanted, 3 Running\n\nWAITS FOR\n  nothing: all 3 instances run',
    );
  });
});
