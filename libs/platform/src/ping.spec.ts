import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { answerPing } from './ping.js';

function ping(accept: string | undefined): unknown {
  const answer: { code: number; type?: string; body?: unknown } = { code: 200 };
  const reply = {
    code: (code: number) => Object.assign(answer, { code }) && reply,
    type: (type: string) => Object.assign(answer, { type }) && reply,
    send: (body?: unknown) => Object.assign(answer, { body }) && reply,
  };
  answerPing({ headers: { accept } } as FastifyRequest, reply as unknown as FastifyReply);
  return [answer.code, answer.type?.split(';')[0], answer.body];
}

const TEXT = [200, 'text/plain', 'pong'];
const JSON_TEXT = [200, 'application/json', '"pong"'];
const NONE = [204, undefined, undefined];

it.each([
  [undefined, TEXT],
  ['*/*', TEXT],
  ['text/html,application/xhtml+xml,*/*;q=0.8', TEXT],
  ['application/json', JSON_TEXT],
  ['application/json, text/plain;q=0.5', JSON_TEXT],
  ['application/json;q=0.5, text/plain', TEXT],
  ['application/*', JSON_TEXT],
  ['text/plain;q=0, application/json', JSON_TEXT],
  ['image/png', NONE],
  ['application/json;q=0', NONE],
])('answers Accept: %s as Marathon does', (accept, expected) => {
  expect(ping(accept)).toEqual(expected);
});
