import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TaskStatus } from '#mesos-v1';
import {
  emptyUpdateStream,
  isCompleted,
  MAX_PENDING_UPDATES,
  reduceUpdateStream,
  type UpdateStream,
  type UpdateStreamEffect,
  type UpdateStreamEvent,
} from './update-stream.js';

const status = (uuid: string, state = 'TASK_RUNNING'): TaskStatus => ({
  task_id: { value: 'web' },
  state,
  uuid,
});

/** Feeds events one millisecond apart unless told otherwise. */
function run(events: readonly (UpdateStreamEvent & { readonly atMs?: number })[]) {
  let stream: UpdateStream = emptyUpdateStream;
  const effects: UpdateStreamEffect[] = [];
  events.forEach((event, index) => {
    const reduced = reduceUpdateStream(stream, event, event.atMs ?? index);
    stream = reduced.state;
    effects.push(...reduced.effects);
  });
  const sent = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.status.uuid] : []));
  return { stream, effects, sent };
}

test('only the head is in flight, the next follows its acknowledgement', () => {
  const before = run([
    { kind: 'connected' },
    { kind: 'update', status: status('a') },
    { kind: 'update', status: status('b') },
  ]);
  const after = run([
    { kind: 'connected' },
    { kind: 'update', status: status('a') },
    { kind: 'update', status: status('b') },
    { kind: 'acknowledged', uuid: 'a' },
  ]);

  expect(before.sent).toEqual(['a']);
  expect(after.sent).toEqual(['a', 'b']);
});

test('the latest state rides along with older updates', () => {
  const { effects } = run([
    { kind: 'update', status: status('a') },
    { kind: 'update', status: status('b', 'TASK_FINISHED') },
    { kind: 'connected' },
  ]);

  expect(effects[0]).toMatchObject({ kind: 'send', latestState: 'TASK_FINISHED' });
});

test('the head is sent again after 10 s, then 20 s later', () => {
  const { sent, effects } = run([
    { kind: 'connected', atMs: 0 },
    { kind: 'update', status: status('a'), atMs: 0 },
    { kind: 'resend-due', atMs: 9_999 },
    { kind: 'resend-due', atMs: 10_000 },
    { kind: 'resend-due', atMs: 20_000 },
    { kind: 'resend-due', atMs: 30_000 },
  ]);

  expect(sent).toEqual(['a', 'a', 'a']);
  expect(effects.at(-1)).toEqual({ kind: 'resend-after', delayMs: 40_000 });
});

test('the pause between two of them is never longer than 10 min, and 10 s again for the next update', () => {
  let stream = run([
    { kind: 'connected' },
    { kind: 'update', status: status('a'), atMs: 0 },
  ]).stream;
  const pauses: number[] = [];
  let atMs = 0;
  for (let count = 0; count < 9; count += 1) {
    atMs += stream.flight?.intervalMs ?? Number.NaN;
    const { state, effects } = reduceUpdateStream(stream, { kind: 'resend-due' }, atMs);
    stream = state;
    for (const one of effects) if (one.kind === 'resend-after') pauses.push(one.delayMs / 1000);
  }
  stream = reduceUpdateStream(stream, { kind: 'update', status: status('b') }, atMs).state;
  const next = reduceUpdateStream(stream, { kind: 'acknowledged', uuid: 'a' }, atMs);

  expect(pauses).toEqual([20, 40, 80, 160, 320, 600, 600, 600, 600]);
  expect(next.effects).toContainEqual({ kind: 'resend-after', delayMs: 10_000 });
});

test.each([
  ['of an uuid that no update has', 'unknown'],
  ['of an update that was not sent yet', 'b'],
])('an acknowledgement %s changes nothing', (_, uuid) => {
  const sent = [
    { kind: 'connected' },
    { kind: 'update', status: status('a') },
    { kind: 'update', status: status('b', 'TASK_FINISHED') },
  ] as const;

  const after = run([...sent, { kind: 'acknowledged', uuid }]);

  expect(after).toEqual(run(sent));
});

test('a terminal update that comes again after its acknowledgement is not sent again', () => {
  const { stream, sent, effects } = run([
    { kind: 'connected' },
    { kind: 'update', status: status('a', 'TASK_FINISHED') },
    { kind: 'acknowledged', uuid: 'a' },
    { kind: 'update', status: status('b', 'TASK_FINISHED') },
    { kind: 'acknowledged', uuid: 'a' },
  ]);

  expect(sent).toEqual(['a']);
  expect(effects.filter(({ kind }) => kind === 'completed')).toHaveLength(1);
  expect(isCompleted(stream)).toBe(true);
});

test('nothing is sent while no master is connected', () => {
  const { sent } = run([
    { kind: 'connected' },
    { kind: 'update', status: status('a') },
    { kind: 'disconnected' },
    { kind: 'resend-due', atMs: 60_000 },
    { kind: 'update', status: status('b') },
  ]);

  expect(sent).toEqual(['a']);
});

test('nothing follows a terminal update', () => {
  const { stream } = run([
    { kind: 'update', status: status('a', 'TASK_FAILED') },
    { kind: 'update', status: status('b', 'TASK_RUNNING') },
  ]);

  expect(stream.pending.map(({ uuid }) => uuid)).toEqual(['a']);
  expect(stream.latest?.state).toBe('TASK_FAILED');
});

test('an absent framework costs a bounded number of updates and the newest is kept', () => {
  const { stream } = run(
    Array.from({ length: 500 }, (_, index) => ({
      kind: 'update' as const,
      status: status(String(index)),
    })),
  );

  expect(stream.pending.length).toBe(MAX_PENDING_UPDATES);
  expect(stream.pending.at(-1)?.uuid).toBe('499');
});

describe('properties', () => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('update' as const),
      status: fc
        .tuple(fc.nat(20), fc.constantFrom('TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLED'))
        .map(([id, state]) => status(String(id), state)),
    }),
    fc.record({ kind: fc.constant('acknowledged' as const), uuid: fc.nat(20).map(String) }),
    fc.constantFrom<UpdateStreamEvent>(
      { kind: 'connected' },
      { kind: 'disconnected' },
      { kind: 'resend-due' },
    ),
  );

  test('at any time only the head is sent, and never without a connection', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let stream: UpdateStream = emptyUpdateStream;
        let atMs = 0;
        for (const one of events) {
          atMs += 7_000;
          const { state, effects } = reduceUpdateStream(stream, one, atMs);
          for (const effect of effects) {
            if (effect.kind !== 'send') continue;
            expect(state.connected).toBe(true);
            expect(effect.status).toBe(state.pending[0]);
          }
          expect(stream.latest?.state === 'TASK_KILLED' && state.latest !== stream.latest).toBe(
            false,
          );
          stream = state;
        }
      }),
    );
  });

  test('an acknowledgement applied twice is an acknowledgement applied once', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.nat(20).map(String), (events, uuid) => {
        // Ids are unique in a real stream: keep the first update of each.
        const seen = new Set<string | undefined>();
        const unique = events.filter(
          (one) =>
            one.kind !== 'update' || (!seen.has(one.status.uuid) && seen.add(one.status.uuid)),
        );
        const acknowledged = { kind: 'acknowledged' as const, uuid };

        const once = run([...unique, acknowledged]);
        const twice = run([...unique, acknowledged, acknowledged]);

        expect(twice.stream.pending).toEqual(once.stream.pending);
      }),
    );
  });

  test('whatever was lost, in the end every update arrives in order and the stream completes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 80 }),
        fc.integer({ min: 1, max: 8 }),
        (losses, count) => {
          const arrived: string[] = [];
          let stream: UpdateStream = emptyUpdateStream;
          let atMs = 0;
          const chances = [...losses];
          const feed = (one: UpdateStreamEvent): void => {
            const { state, effects } = reduceUpdateStream(stream, one, atMs);
            stream = state;
            for (const effect of effects) {
              const isLost = chances.shift() ?? false;
              if (effect.kind !== 'send' || isLost) continue;
              const uuid = effect.status.uuid ?? '';
              if (!arrived.includes(uuid)) arrived.push(uuid);
              feed({ kind: 'acknowledged', uuid });
            }
          };

          feed({ kind: 'connected' });
          for (let index = 0; index < count; index += 1) {
            const state = index === count - 1 ? 'TASK_FINISHED' : 'TASK_RUNNING';
            feed({ kind: 'update', status: status(String(index), state) });
          }
          for (let round = 0; round < 100 && !isCompleted(stream); round += 1) {
            atMs += 600_000;
            feed({ kind: 'resend-due' });
          }

          expect(isCompleted(stream)).toBe(true);
          expect(arrived).toEqual(Array.from({ length: count }, (_, index) => String(index)));
        },
      ),
    );
  });
});
