import type { Budget } from './budget.js';
import type { Part } from './document-cache.js';
import { PieceList } from './piece-list.js';

/** How an item is written, and when what was written still stands. */
export type KeptPart<Item, Seen> = Pick<
  Part<Item, undefined, Seen>,
  'look' | 'isCurrent' | 'render'
>;

/** What a list is made of. */
export interface KeptListOptions<Item, Seen> {
  /** What there is when the list is made. */
  readonly items: Iterable<Item>;
  readonly part: KeptPart<Item, Seen>;
  readonly isListed: (item: Item) => boolean;
}

/**
 * A list of which only what was touched is looked at again: a reading costs as much as changed since the last one, not as
 * much as there is. A thing that comes anew under an id it had keeps its place.
 */
export class KeptList<Item extends { readonly id: string }, Seen = unknown> {
  readonly pieces = new PieceList<Item>();
  private readonly waiting: Set<Item>;
  private readonly seen = new Map<string, Seen>();

  constructor(private readonly options: KeptListOptions<Item, Seen>) {
    this.waiting = new Set(options.items);
  }

  /** It may have changed, come, or gone. */
  touch(item: Item): void {
    this.waiting.add(item);
  }

  /** True when nothing waits any more. */
  drain(budget: Budget): boolean {
    for (const item of this.waiting) {
      if (budget.isSpent()) return false;
      budget.spend(() => this.write(item));
      this.waiting.delete(item);
    }
    return true;
  }

  private write(item: Item): void {
    const { part, isListed } = this.options;
    const { id } = item;
    const isWritten = this.pieces.itemOf(id) === item;
    if (!isListed(item)) {
      if (!isWritten) return;
      this.pieces.remove(id);
      this.seen.delete(id);
      return;
    }
    // The seen of a written item is there, whatever type it has.
    if (isWritten && part.isCurrent(this.seen.get(id) as Seen, item, undefined)) return;
    this.seen.set(id, part.look(item, undefined));
    this.pieces.put(id, item, part.render(item, undefined));
  }
}
