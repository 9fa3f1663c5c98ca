import { expect, it } from 'vitest';
import type { QueueEntry } from '../api/api-types.js';
import { queueById, waitingReasons } from './waiting-reasons.js';

const ENTRY: QueueEntry = {
  app: { id: '/web' },
  count: 2,
  delay: { timeLeftSeconds: 0, overdue: true },
};

it('says how long the back-off lasts', () => {
  const entry = { ...ENTRY, delay: { timeLeftSeconds: 75, overdue: false } };

  expect(waitingReasons(entry)).toEqual(['Held back for 1m 15s after a failure']);
});

it('counts the back-off down between two readings, and not below a second', () => {
  const entry = { ...ENTRY, delay: { timeLeftSeconds: 75, overdue: false } };

  expect(waitingReasons(entry, 15_000)).toEqual(['Held back for 1m after a failure']);
  expect(waitingReasons(entry, 99_000)).toEqual(['Held back for 1s after a failure']);
  expect(waitingReasons(entry, -50)).toEqual(['Held back for 1m 15s after a failure']);
});

it('speaks of one refused offer in the singular', () => {
  const refused = { reason: 'InsufficientCpus', declined: 1, processed: 1 };
  const summary = { processedOffersCount: 1, unusedOffersCount: 1 };
  const processedOffersSummary = { ...summary, rejectSummaryLastOffers: [refused] };

  expect(waitingReasons({ ...ENTRY, processedOffersSummary })).toEqual([
    '1 of 1 offer was short of cpus',
  ]);
});

it('says when no agent has offered anything', () => {
  expect(waitingReasons(ENTRY)).toEqual(['2 instances to place; no offer from any agent yet']);
});

it('gives the refusals of the funnel in numbers of all offers, the most frequent first', () => {
  const entry = {
    ...ENTRY,
    processedOffersSummary: {
      processedOffersCount: 20,
      unusedOffersCount: 20,
      rejectSummaryLastOffers: [
        { reason: 'UnfulfilledConstraint', declined: 6, processed: 20 },
        { reason: 'InsufficientCpus', declined: 14, processed: 14 },
        { reason: 'InsufficientPorts', declined: 0, processed: 0 },
      ],
    },
  };

  expect(waitingReasons(entry)).toEqual([
    '14 of 20 offers were short of cpus',
    '6 of 20 offers did not meet the constraints',
  ]);
});

it('falls back to the whole attempt when the last round refused nothing', () => {
  const entry = {
    ...ENTRY,
    processedOffersSummary: {
      processedOffersCount: 1,
      unusedOffersCount: 1,
      rejectSummaryLastOffers: [],
      rejectSummaryLaunchAttempt: [{ reason: 'SomethingNew', declined: 1, processed: 1 }],
    },
  };

  expect(waitingReasons(entry)).toEqual(['1 of 1 offer SomethingNew']);
});

it('finds apps and pods by id', () => {
  expect([...queueById([ENTRY, { count: 1, pod: { id: '/p' } }, { count: 1 }]).keys()]).toEqual([
    '/web',
    '/p',
  ]);
});
