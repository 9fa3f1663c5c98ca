import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentMessage, AgentMessageBody } from '#mesos-v1';
import { admitMessage, type MasterStream } from './agent-master-stream.js';

const ping: AgentMessageBody = { type: 'PING' };
const subscribed: AgentMessageBody = {
  type: 'SUBSCRIBED',
  subscribed: { agent_id: { value: 'a' }, master_id: 'm', ping_timeout_seconds: 75 },
};
const at = (
  epoch: number,
  stream: string,
  sequence: number,
  body: AgentMessageBody = ping,
): AgentMessage => ({ ...body, epoch, stream_id: stream, sequence });

const opened: MasterStream = { highestEpoch: 3, connection: 1, heardAtMs: 0 };

/** Admits messages in turn; returns the decisions and the state after them. */
function admitAll(messages: readonly AgentMessage[], connection = 1) {
  let stream = opened;
  const kinds = messages.map((message) => {
    const admission = admitMessage(stream, connection, message, 0);
    if (admission.kind === 'apply') stream = admission.stream;
    return admission.kind;
  });
  return { kinds, stream };
}

test('a message of a lower epoch is refused, SUBSCRIBED too', () => {
  expect(admitAll([at(2, 's', 1, subscribed), at(2, 's', 2)]).kinds).toEqual(['refuse', 'refuse']);
});

test('a message of a connection that is not current is not applied', () => {
  expect(admitAll([at(3, 's', 1, subscribed)], 2).kinds).toEqual(['not-current']);
});

test('nothing is applied before SUBSCRIBED', () => {
  expect(admitAll([at(3, 's', 1)]).kinds).toEqual(['refuse']);
});

test('a message of another stream is refused', () => {
  expect(admitAll([at(3, 's', 1, subscribed), at(3, 'other', 2)]).kinds).toEqual([
    'apply',
    'refuse',
  ]);
});

test('a sequence already applied is skipped, a gap is refused', () => {
  const { kinds } = admitAll([
    at(3, 's', 1, subscribed),
    at(3, 's', 2),
    at(3, 's', 2),
    at(3, 's', 1),
    at(3, 's', 4),
  ]);

  expect(kinds).toEqual(['apply', 'apply', 'already-applied', 'already-applied', 'refuse']);
});

test('the epoch never falls, and what is applied of a stream are its sequences in order, once', () => {
  const message = fc
    .tuple(fc.nat(6), fc.constantFrom('s', 't'), fc.nat(8), fc.boolean())
    .map(([epoch, stream, sequence, isFirst]) =>
      at(epoch, stream, sequence, isFirst ? subscribed : ping),
    );

  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      let stream = opened;
      let applied: number[] = [];
      for (const one of messages) {
        const admission = admitMessage(stream, 1, one, 0);
        if (admission.kind !== 'apply') continue;
        expect(admission.stream.highestEpoch).toBeGreaterThanOrEqual(stream.highestEpoch);
        expect(one.epoch).toBeGreaterThanOrEqual(stream.highestEpoch);
        applied = one.type === 'SUBSCRIBED' ? [one.sequence] : [...applied, one.sequence];
        stream = admission.stream;
        expect(stream.lastApplied?.sequence).toBe(one.sequence);
      }
      applied.forEach((sequence, index) => {
        expect(sequence).toBe((applied[0] ?? 0) + index);
      });
    }),
  );
});
