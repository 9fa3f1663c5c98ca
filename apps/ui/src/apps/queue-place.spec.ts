import { expect, it } from 'vitest';
import { queuePlace } from './queue-place.js';

const ENTRY = { app: { id: '/web' }, count: 2 };
const READ = { data: [ENTRY], error: null, dataUpdatedAt: 7 };
const UNREAD = { data: undefined, error: null, dataUpdatedAt: 0 };

it('does not know before the queue was read, nor when it cannot be read', () => {
  const error = new Error('away');

  expect(queuePlace(UNREAD, '/web')).toEqual({ kind: 'loading' });
  expect(queuePlace({ ...UNREAD, error }, '/web')).toEqual({ kind: 'unknown', error });
});

it('finds the app, also when a later reading failed', () => {
  const waits = { kind: 'waits', entry: ENTRY, readAtMs: 7 };

  expect(queuePlace(READ, '/web')).toEqual(waits);
  expect(queuePlace({ ...READ, error: new Error('away') }, '/web')).toEqual(waits);
});

it('knows that an app does not wait only from a queue without it', () => {
  expect(queuePlace(READ, '/db')).toEqual({ kind: 'none' });
  expect(queuePlace({ ...READ, data: [{ ...ENTRY, count: 0 }] }, '/web')).toEqual({
    kind: 'none',
  });
});
