import { noResources, normaliseRanges, type Range, type Resources } from '#core';

/** Something that holds an amount for as long as it is there. */
export interface Holding {
  readonly resources: Resources;
}

/**
 * A sum of amounts that come and go; its value keeps its identity while nothing changed. Equal ranges are counted, as
 * tasks of one framework may hold the same ports of different agents.
 */
export class HeldSum {
  private seen = new Set<Holding>();
  private readonly scalars = new Map<string, number>();
  private readonly ranges = new Map<string, Map<string, { range: Range; count: number }>>();
  private sum: Resources | undefined = noResources;
  private amounts = 0;

  /** How many amounts are in it. */
  get size(): number {
    return this.amounts;
  }

  get value(): Resources {
    this.sum ??= this.toResources();
    return this.sum;
  }

  add(amount: Resources): void {
    this.count(amount, 1);
  }

  /** What was added before. */
  subtract(amount: Resources): void {
    this.count(amount, -1);
  }

  /** Makes it the sum of a set, by what changed since the last time. O(set), a comparison each where nothing changed. */
  update(set: ReadonlySet<Holding>): Resources {
    for (const holding of this.seen) {
      if (set.has(holding)) continue;
      this.seen.delete(holding);
      this.subtract(holding.resources);
    }
    if (this.seen.size < set.size) {
      for (const holding of set) {
        if (this.seen.has(holding)) continue;
        this.seen.add(holding);
        this.add(holding.resources);
      }
    }
    return this.value;
  }

  private count({ scalars, ranges }: Resources, times: 1 | -1): void {
    this.sum = undefined;
    this.amounts += times;
    for (const [name, milli] of Object.entries(scalars)) {
      this.scalars.set(name, (this.scalars.get(name) ?? 0) + milli * times);
    }
    for (const [name, list] of Object.entries(ranges)) {
      const counted = this.ranges.get(name) ?? new Map<string, { range: Range; count: number }>();
      this.ranges.set(name, counted);
      for (const range of list) {
        const key = `${range.begin}-${range.end}`;
        const entry = counted.get(key) ?? { range, count: 0 };
        entry.count += times;
        if (entry.count === 0) counted.delete(key);
        else counted.set(key, entry);
      }
    }
  }

  /** Names in alphabetical order: equal sums are the same text, however they came about. */
  private toResources(): Resources {
    const scalars = [...this.scalars].filter(([, milli]) => milli !== 0);
    const ranges = [...this.ranges]
      .map(([name, counted]) => {
        return [name, normaliseRanges([...counted.values()].map(({ range }) => range))] as const;
      })
      .filter(([, list]) => list.length > 0);
    return {
      scalars: Object.fromEntries(scalars.sort(byName)),
      ranges: Object.fromEntries(ranges.sort(byName)),
    };
  }
}

const byName = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1;
