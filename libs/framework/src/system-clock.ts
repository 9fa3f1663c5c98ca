import type { Clock } from '#core';

/** The clock of this machine. A timer keeps the process alive, as a framework that waits has not ended. */
export const systemClock: Clock = {
  now: () => ({ epochMs: Date.now(), monoMs: performance.now() }),
  schedule: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
