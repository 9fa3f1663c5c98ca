import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CoalescerEvent } from './event-coalescer.js';
import { IDLE_COALESCER, reduceCoalescer } from './event-coalescer.js';

describe('reduceCoalescer', () => {
  it('reads once for many events', () => {
    const first = reduceCoalescer(IDLE_COALESCER, { kind: 'touched', keys: ['apps'] });
    const second = reduceCoalescer(first.state, { kind: 'touched', keys: ['apps', 'queue'] });
    const third = reduceCoalescer(second.state, { kind: 'timer' });

    expect(first.effects).toEqual([{ kind: 'startTimer' }]);
    expect(second.effects).toEqual([]);
    expect(third.effects).toEqual([{ kind: 'flush', keys: ['apps', 'queue'] }]);
  });

  it('reads again after the read under way when something changed meanwhile', () => {
    const waiting = reduceCoalescer(IDLE_COALESCER, { kind: 'touched', keys: ['apps'] });
    const flushing = reduceCoalescer(waiting.state, { kind: 'timer' });
    const touched = reduceCoalescer(flushing.state, { kind: 'touched', keys: ['queue'] });
    const flushed = reduceCoalescer(touched.state, { kind: 'flushed' });

    expect(touched.effects).toEqual([]);
    expect(flushed.effects).toEqual([{ kind: 'startTimer' }]);
    expect([...flushed.state.pending]).toEqual(['queue']);
  });

  it('rests when nothing changed meanwhile', () => {
    const waiting = reduceCoalescer(IDLE_COALESCER, { kind: 'touched', keys: ['apps'] });
    const flushing = reduceCoalescer(waiting.state, { kind: 'timer' });

    expect(reduceCoalescer(flushing.state, { kind: 'flushed' }).state).toEqual(IDLE_COALESCER);
  });

  it('ignores events that concern nobody', () => {
    const { state, effects } = reduceCoalescer(IDLE_COALESCER, { kind: 'touched', keys: [] });

    expect(state).toEqual(IDLE_COALESCER);
    expect(effects).toEqual([]);
  });

  it('never reads twice at a time and in the end reads every key touched', () => {
    const step = fc.oneof(
      fc
        .subarray(['apps', 'queue', 'deployments'])
        .map((keys): CoalescerEvent => ({ kind: 'touched', keys })),
      fc.constantFrom<CoalescerEvent>({ kind: 'timer' }, { kind: 'flushed' }),
    );

    void fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (events) => {
        let state = IDLE_COALESCER;
        let flushing = false;
        const unread = new Set<string>();
        const feed = (event: CoalescerEvent) => {
          if (event.kind === 'flushed') {
            flushing = false;
          }
          if (event.kind === 'touched') {
            for (const key of event.keys) {
              unread.add(key);
            }
          }
          const reduction = reduceCoalescer(state, event);
          state = reduction.state;
          for (const effect of reduction.effects) {
            if (effect.kind === 'flush') {
              expect(flushing).toBe(false);
              flushing = true;
              for (const key of effect.keys) {
                unread.delete(key);
              }
            }
          }
        };
        for (const event of events) {
          // The edge reports "flushed" only for a flush it was told to do.
          if (event.kind !== 'flushed' || flushing) {
            feed(event);
          }
        }
        for (const kind of ['flushed', 'timer', 'flushed', 'timer', 'flushed'] as const) {
          if (kind !== 'flushed' || flushing) {
            feed({ kind });
          }
        }
        expect([...unread]).toEqual([]);
        expect(state.phase).toBe('idle');
      }),
    );
  });
});
