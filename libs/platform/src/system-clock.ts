import { performance } from 'node:perf_hooks';
import type { Clock } from '#core';

/** Node fires a timer with a longer delay at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The real time. A delay above 24.8 days is waited for in pieces. */
export const systemClock: Clock = {
  now: () => ({ epochMs: Date.now(), monoMs: performance.now() }),
  schedule: (delayMs, task) => {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer = setTimeout(
        () => {
          const stillMs = dueMs - performance.now();
          if (stillMs > 1 && leftMs > MAX_DELAY_MS) wait(stillMs);
          else task();
        },
        Math.min(Math.max(leftMs, 0), MAX_DELAY_MS),
      );
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
