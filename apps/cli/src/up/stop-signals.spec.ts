import { expect, it } from 'vitest';
import { judgeStopSignal } from './stop-signals.js';

it('stops in order at the first signal', () => {
  expect(judgeStopSignal(undefined, 5_000)).toBe('stop');
});

it('takes a signal right after the first for the same key press, as npm passes Ctrl-C on', () => {
  expect(judgeStopSignal(5_000, 5_003)).toBe('echo');
  expect(judgeStopSignal(5_000, 5_999)).toBe('echo');
});

it('leaves at once when pressed again', () => {
  expect(judgeStopSignal(5_000, 6_000)).toBe('leave');
});
