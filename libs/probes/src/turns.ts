/** A bounded number at once; those who wait come in the order they asked. */
export interface Turns {
  /** Resolves with the turn, or at once with false when too many wait. */
  take(): Promise<boolean>;
  /** Gives a turn that was taken to the next. */
  pass(): void;
}

export function createTurns(limits: {
  readonly atOnce: number;
  readonly maxWaiting: number;
}): Turns {
  // A Set keeps the order of arrival, so the first to wait is the next to run.
  const waiting = new Set<() => void>();
  let running = 0;
  return {
    async take() {
      if (running < limits.atOnce) {
        running += 1;
        return true;
      }
      if (waiting.size >= limits.maxWaiting) return false;
      await new Promise<void>((resolve) => waiting.add(resolve));
      return true;
    },
    pass() {
      const [next] = waiting;
      if (next === undefined) {
        running -= 1;
        return;
      }
      waiting.delete(next);
      next();
    },
  };
}
