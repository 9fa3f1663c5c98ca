import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LateWriter } from './late-writer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const wait = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

it('writes once for many changes, and again for one that came while it was written', async () => {
  let value = 0;
  const written: number[] = [];
  const writer = new LateWriter(async () => {
    written.push(value);
    await wait(10);
  });

  for (value = 1; value < 5; value += 1) writer.later();
  await vi.advanceTimersByTimeAsync(205);
  value = 9;
  writer.later();
  await vi.advanceTimersByTimeAsync(1_000);

  expect(written).toEqual([5, 9]);
});

it('writes the less often the longer that takes, but within five seconds', async () => {
  let writes = 0;
  const writer = new LateWriter(async () => {
    writes += 1;
    await wait(1_000);
  });
  writer.later();
  await vi.advanceTimersByTimeAsync(1_200);

  for (let changes = 0; changes < 60; changes += 1) {
    writer.later();
    await vi.advanceTimersByTimeAsync(100);
  }

  expect(writes).toBe(2);
  await writer.stop();
});

it('waits for the write under way when it stops, and begins no other', async () => {
  let writes = 0;
  let isWritten = false;
  const writer = new LateWriter(async () => {
    writes += 1;
    await wait(50);
    isWritten = true;
  });
  writer.later();
  await vi.advanceTimersByTimeAsync(201);
  writer.later();

  const stopped = writer.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  await stopped;

  expect([writes, isWritten]).toEqual([1, true]);
});
