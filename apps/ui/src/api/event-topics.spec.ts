import { expect, it } from 'vitest';
import { EVENT_NAMES, TOPICS, topicsOf } from './event-topics.js';

it('reads everything again after a gap in the stream', () => {
  expect(topicsOf('resync')).toEqual(TOPICS);
});

it('reads the lists again for an event it does not know', () => {
  expect(topicsOf('brand_new_event')).toContain('apps');
  expect(topicsOf('toString')).toContain('apps');
});

it('refreshes apps, the app page and the queue when a task changes its state', () => {
  expect(topicsOf('status_update_event')).toEqual(['apps', 'app', 'queue']);
  expect(EVENT_NAMES).toContain('status_update_event');
});
