import { PayloadTooLargeException } from '@nestjs/common';
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

it('names the limit of the route whose body is too large, else that of every daemon', () => {
  const tooLarge = new PayloadTooLargeException();

  const ofRoute = toErrorReply(tooLarge, { ...REQUEST, bodyLimitBytes: 64 });
  const ofAll = toErrorReply(tooLarge, REQUEST);

  expect(ofRoute.body).toEqual({ message: 'Request body is larger than the limit of 64 bytes' });
  expect(ofAll.body).toEqual({ message: 'Request body is larger than the limit of 8388608 bytes' });
});
