import { expect, it } from 'vitest';
import { ApiError } from './api-error.js';
import { readTroubles } from './read-troubles.js';

const FAILURE = new ApiError({ status: 500, message: 'away' });
const QUEUE = { topic: 'queue', error: FAILURE, isShown: true };

it('names what is shown and could not be read, each once', () => {
  const apps = { ...QUEUE, topic: 'app' };

  expect(readTroubles([QUEUE, apps, apps])).toEqual([
    'The application cannot be read: away',
    'The launch queue, which tells what is delayed or waiting and why, cannot be read: away',
  ]);
});

it('keeps quiet about what was read, is not shown, or explains itself', () => {
  const gone = new ApiError({ status: 404, message: 'App /web does not exist' });

  expect(
    readTroubles([
      { ...QUEUE, error: null },
      { ...QUEUE, isShown: false },
      { ...QUEUE, topic: 'app', error: gone },
      { ...QUEUE, topic: 'files' },
    ]),
  ).toEqual([]);
});
