import { expect, it } from 'vitest';
import { formatPreview } from './format-preview.js';

it('says what would happen, where, and what stands in the way', () => {
  const text = formatPreview({
    dryRun: true,
    steps: [{ actions: [{ action: 'ScaleApplication', app: '/web' }] }],
    apps: [
      {
        app: '/web',
        change: 'scale',
        fields: ['instances'],
        instances: { before: 1, after: 4 },
        kills: { count: 0, instances: [] },
        keeps: { count: 1, instances: ['web.1'] },
        launches: {
          count: 3,
          offers: 1,
          placements: [{ agentId: 'a', host: 'host-1', count: 2 }],
          unplaced: 1,
          reasons: ['1 of 1 offers: InsufficientCpus (needs 1 cpus, 0 are left)'],
        },
      },
    ],
    conflicts: [{ id: 'd1' }],
    warnings: [],
  });

  expect(text.split('\n')).toEqual([
    'step 1: ScaleApplication /web',
    expect.stringMatching(/^APP +CHANGE/),
    expect.stringMatching(/^\/web +scale +instances +1 -> 4 +0 +1 +3 +host-1 \(2\)/),
    '/web: 1 of 3 find no place: 1 of 1 offers: InsufficientCpus (needs 1 cpus, 0 are left)',
    'locked by deployment d1: needs --force, which stops it',
    'nothing was changed',
  ]);
});
