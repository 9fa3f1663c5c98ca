import { expect, it } from 'vitest';
import type { ConnectionEvent } from './connection.js';
import { connectionLevel, NEW_CONNECTION, reduceConnection } from './connection.js';

function after(...kinds: ConnectionEvent['kind'][]) {
  return kinds.reduce((state, kind, i) => reduceConnection(state, { kind }, i), NEW_CONNECTION);
}

it('is live while the stream is open', () => {
  expect(connectionLevel(after('streamOpened'))).toBe('live');
});

it('polls when only the stream is gone', () => {
  expect(connectionLevel(after('streamOpened', 'streamFailed'))).toBe('polling');
});

it('is lost when the stream is gone and nobody answers', () => {
  const state = after('streamOpened', 'streamFailed', 'unanswered');

  expect(connectionLevel(state)).toBe('lost');
  expect(state.lostSinceMs).toBe(2);
});

it('remembers since when it is lost and forgets it once somebody answers', () => {
  expect(after('streamFailed', 'unanswered', 'unanswered').lostSinceMs).toBe(1);
  expect(after('streamFailed', 'unanswered', 'answered').lostSinceMs).toBeUndefined();
});

it('is not lost for one unanswered request while events still arrive', () => {
  expect(connectionLevel(after('streamOpened', 'unanswered'))).toBe('live');
});

it('keeps its identity when nothing changed, so that nothing is drawn again', () => {
  const state = after('streamOpened');

  expect(reduceConnection(state, { kind: 'answered' }, 9)).toBe(state);
});
