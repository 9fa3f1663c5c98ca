import { expect, it } from 'vitest';
import { toErrorReply } from './error-reply.js';

const REQUEST = { method: 'POST', url: '/v2/apps', allowed: [] };

it('does not count a client that leaves in the middle of its request as a fault of ours', () => {
  const aborted = Object.assign(new Error('aborted'), { code: 'ECONNRESET', statusCode: 400 });

  expect(toErrorReply(aborted, REQUEST)).toEqual({
    status: 400,
    body: { message: 'aborted' },
    headers: {},
    isFault: false,
  });
});

it.each(['STORE_UNAVAILABLE', 'FENCED', 'QUEUE_FULL', 'ENGINE_STOPPED'])(
  'tells the client to try again on %s',
  (code) => {
    const answer = toErrorReply(Object.assign(new Error('not now'), { code }), REQUEST);

    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  },
);

it('keeps the text of what is unknown in the log', () => {
  const answer = toErrorReply(Object.assign(new Error('secret'), { statusCode: 502 }), REQUEST);

  expect(answer).toMatchObject({ status: 500, body: { message: 'Internal server error' } });
  expect(answer.isFault).toBe(true);
});
