/** A key nobody has told of for so long is forgotten. */
const FORGOTTEN_MS = 10 * 60_000;

interface Total<Name extends string> {
  /** Of workers that are gone, and of before somebody cleared the counters. */
  readonly carried: Record<Name, number>;
  readonly last: Record<Name, number>;
  worker: number;
  seenMs: number;
}

/**
 * Counters that only grow, made of those of workers, which begin at 0 with each reload. What a worker still counts after
 * its successor has taken over is not seen. Holds the keys of the last ten minutes.
 */
export class RunningTotals<Name extends string> {
  private readonly totals = new Map<string, Total<Name>>();

  private readonly none: Readonly<Record<Name, number>>;

  constructor(private readonly names: readonly Name[]) {
    this.none = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  }

  /** What has been counted for `key` in all, given what the worker with pid `worker` says now. */
  add(
    key: string,
    now: Readonly<Record<Name, number>>,
    from: { readonly worker: number; readonly nowMs: number },
  ): Readonly<Record<Name, number>> {
    const known = this.totals.get(key) ?? this.begin(from.worker);
    const isSuccessor = known.worker !== from.worker;
    const sums = this.zeros();
    for (const name of this.names) {
      // A smaller count of the same worker: cleared by hand, or another server under the name.
      if (isSuccessor || now[name] < known.last[name]) known.carried[name] += known.last[name];
      known.last[name] = now[name];
      sums[name] = known.carried[name] + now[name];
    }
    known.worker = from.worker;
    known.seenMs = from.nowMs;
    this.totals.set(key, known);
    return sums;
  }

  forget(nowMs: number): void {
    for (const [key, { seenMs }] of this.totals) {
      if (nowMs - seenMs > FORGOTTEN_MS) this.totals.delete(key);
    }
  }

  private begin(worker: number): Total<Name> {
    return { carried: this.zeros(), last: this.zeros(), worker, seenMs: 0 };
  }

  private zeros(): Record<Name, number> {
    return { ...this.none };
  }
}
