import { noResources, normaliseRanges, type Range, type Resources } from '#core';

/** Something that holds an amount for as long as it is there. */
export interface Holding {
  readonly resources: Resources;
}

/**
 * What a changing list of holdings has together. `update` compares the list with the one it saw last, in order, and
 * counts only the difference; the sum keeps its identity while nothing changed. Equal ranges are counted, as tasks of one
 * framework may hold the same ports of different agents.
 */
export class HeldSum {
  private seen: Holding[] = [];
  private readonly scalars = new Map<string, number>();
  private readonly ranges = new Map<string, Map<string, { range: Range; count: number }>>();
  private sum: Resources = noResources;

  get value(): Resources {
    return this.sum;
  }

  /** O(list), with one comparison each where nothing changed. `holds` says what of the list counts, now or no longer. */
  update<Item extends Holding>(
    list: () => Iterable<Item>,
    holds: (item: Item) => boolean = () => true,
    isThere: (item: Item) => boolean = holds,
  ): Resources {
    if (this.isSame(list(), holds)) return this.sum;
    // What was seen came from lists of the same kind.
    const old = this.seen as Item[];
    const next: Item[] = [];
    const added: Item[] = [];
    const gone: Item[] = [];
    let index = 0;
    for (const item of list()) {
      if (!holds(item)) continue;
      for (let known = old[index]; known !== undefined && known !== item; known = old[index]) {
        if (isThere(known)) break;
        gone.push(known);
        index += 1;
      }
      if (old[index] === item) index += 1;
      else added.push(item);
      next.push(item);
    }
    for (let known = old[index]; known !== undefined; known = old[index]) {
      gone.push(known);
      index += 1;
    }
    this.seen = next;
    for (const { resources } of added) this.count(resources, 1);
    for (const { resources } of gone) this.count(resources, -1);
    this.sum = this.toResources();
    return this.sum;
  }

  private isSame<Item extends Holding>(
    items: Iterable<Item>,
    holds: (item: Item) => boolean,
  ): boolean {
    const { seen } = this;
    let index = 0;
    for (const item of items) {
      if (!holds(item)) continue;
      if (seen[index] !== item) return false;
      index += 1;
    }
    return index === seen.length;
  }

  private count({ scalars, ranges }: Resources, times: 1 | -1): void {
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
