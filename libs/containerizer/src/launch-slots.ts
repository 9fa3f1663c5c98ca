/** A bounded number of things at once, a bounded number waiting; first come, first served. */
export interface LaunchSlots {
  /** Rejects with {@link SlotsFullError} when too many wait already. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export class SlotsFullError extends Error {
  readonly code = 'SLOTS_FULL';
}

/** `name` is what the error message calls the work. */
export function createLaunchSlots(options: {
  readonly name: string;
  readonly atOnce: number;
  readonly maxWaiting: number;
}): LaunchSlots {
  const { name, atOnce, maxWaiting } = options;
  const waiting: (() => void)[] = [];
  let head = 0;
  let running = 0;

  const acquire = async (): Promise<void> => {
    if (running < atOnce) {
      running += 1;
      return;
    }
    const waitingCount = waiting.length - head;
    if (waitingCount >= maxWaiting) {
      throw new SlotsFullError(`${waitingCount} ${name} wait already, the limit is ${maxWaiting}`);
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  };

  const releaseSlot = (): void => {
    const next = waiting[head];
    if (next === undefined) {
      running -= 1;
      return;
    }
    head += 1;
    if (head === waiting.length) {
      waiting.length = 0;
      head = 0;
    }
    next();
  };

  return {
    async run(work) {
      await acquire();
      try {
        return await work();
      } finally {
        releaseSlot();
      }
    },
  };
}
