import type { Budget } from './budget.js';
import type { PieceList } from './piece-list.js';
import { type Piece, seal } from './pieces.js';

/**
 * One kind of a document's pieces: how a thing is written, and when what was written still stands. `Seen` is what the
 * text depends on and may change; what cannot change need not be in it.
 */
export interface Part<Item, Owner, Seen = undefined> {
  look(item: Item, owner: Owner): Seen;
  isCurrent(seen: Seen, item: Item, owner: Owner): boolean;
  render(item: Item, owner: Owner): string | Buffer;
  /** Whether the thing is still in the document; only a hint, by which the walk finds its place again. */
  belongs(item: Item, owner: Owner): boolean;
}

interface Entry extends Piece {
  readonly part: Part<unknown, unknown, unknown>;
  readonly item: unknown;
  readonly owner: unknown;
  seen: unknown;
  isFirst: boolean;
}

interface Block {
  readonly entries: Entry[];
  bytes: Buffer;
  isSealed: boolean;
  /** A long list that stands in the document with its own bytes: the only thing in its block. */
  readonly list?: PieceList<unknown>;
}

/** Entries of a block: with half a KiB each, about as much as one write to a socket takes. */
const MAX_ENTRIES = 128;

/**
 * A long JSON document as bytes in blocks, of which only what changed is written anew. A walk places the pieces in
 * order: a piece that is the one that stands there, and current, keeps its bytes; everything else is rendered or dropped.
 * So after a complete walk the bytes are what a first walk would make, whatever happened in between. Blocks are never
 * changed once handed out, but replaced. A walk costs a few comparisons per piece.
 */
export class DocumentCache {
  private blocks: Block[] = [];
  private block = 0;
  private position = 0;
  private budget: Budget | undefined;
  private changes = 0;

  /** Lists up to `inlineBytes` are copied into the document, so that many small ones are not sent one by one. */
  constructor(
    private readonly options: { readonly inlineBytes: number } = { inlineBytes: 32_768 },
  ) {}

  /** Grows with each walk that changed anything. */
  get generation(): number {
    return this.changes;
  }

  /** The bytes, after a complete walk. */
  get buffers(): readonly Buffer[] {
    return this.blocks.flatMap(({ bytes, list }) => (list === undefined ? [bytes] : list.chunks));
  }

  begin(budget: Budget): void {
    this.budget = budget;
    this.block = 0;
    this.position = 0;
  }

  /**
   * Places the next piece; false when the budget is spent: the walk is then given up, and begun again later with what it
   * has rendered so far. A comma goes before all pieces that are not the first of their list.
   */
  place<Item, Owner, Seen>(
    part: Part<Item, Owner, Seen>,
    item: Item,
    owner: Owner,
    options: { readonly isFirst: boolean } = FIRST,
  ): boolean {
    const { isFirst } = options;
    let entry = this.current();
    while (entry !== undefined && !isSame(entry, part, item, owner)) {
      if (entry.part.belongs(entry.item, entry.owner)) {
        entry = undefined;
        break;
      }
      this.drop();
      entry = this.current();
    }
    if (entry !== undefined && entry.isFirst === isFirst) {
      if (part.isCurrent(entry.seen as Seen, item, owner)) {
        this.position += 1;
        return true;
      }
    }
    const { budget } = this;
    if (budget?.isSpent() !== false) return false;
    const seen = part.look(item, owner);
    const text = budget.spend(() => withComma(part.render(item, owner), isFirst));
    if (entry === undefined) {
      // Erased here and compared by identity before it is used again.
      const erased = part as Part<unknown, unknown, unknown>;
      this.insert({ part: erased, item, owner, seen, isFirst, text, start: 0, end: 0 });
    } else {
      Object.assign(entry, { seen, isFirst, text });
      this.changed();
    }
    this.position += 1;
    return true;
  }

  /** Places the items of one list, commas between them. */
  placeAll<Item, Owner, Seen>(
    part: Part<Item, Owner, Seen>,
    items: Iterable<Item>,
    owner: Owner,
  ): boolean {
    let isFirst = true;
    for (const item of items) {
      if (!this.place(part, item, owner, isFirst ? FIRST : LATER)) return false;
      isFirst = false;
    }
    return true;
  }

  /**
   * Places a list that is kept item by item: short, as one piece; long, with its own bytes. Nothing when it is empty.
   * `isListed` says whether it is still in the document; the same function each time.
   */
  placeList(
    list: PieceList<unknown>,
    isListed: () => boolean,
    options: { readonly isFirst: boolean } = FIRST,
  ): boolean {
    if (list.size === 0) return true;
    if (list.byteLength <= this.options.inlineBytes)
      return this.place(INLINE_LIST, list, isListed, options);
    if (!options.isFirst && !this.place(LIST_COMMA, list, isListed)) return false;
    return this.place(LONG_LIST, list, isListed);
  }

  /** Ends a complete walk: what was not placed is gone. */
  end(): void {
    while (this.current() !== undefined) this.drop();
    for (const block of this.blocks) sealBlock(block);
    this.blocks = joinSmall(this.blocks);
  }

  /** The entry the walk stands at; seals the block it leaves. */
  private current(): Entry | undefined {
    for (;;) {
      const block = this.blocks[this.block];
      const entry = block?.entries[this.position];
      if (block === undefined || entry !== undefined) return entry;
      if (block.entries.length === 0) {
        this.blocks.splice(this.block, 1);
        this.position = this.blocks[this.block] === undefined ? this.toLastEnd() : 0;
        continue;
      }
      if (this.block === this.blocks.length - 1) return undefined;
      sealBlock(block);
      this.block += 1;
      this.position = 0;
    }
  }

  private toLastEnd(): number {
    this.block = Math.max(0, this.blocks.length - 1);
    return this.blocks[this.block]?.entries.length ?? 0;
  }

  private drop(): void {
    this.blocks[this.block]?.entries.splice(this.position, 1);
    this.changed();
  }

  private insert(entry: Entry): void {
    const block = this.blocks[this.block];
    if (entry.part === LONG_LIST || block?.list !== undefined) {
      this.insertApart(entry);
    } else if (block === undefined) {
      this.blocks.push(newBlock([entry]));
      this.position = 0;
    } else if (block.entries.length < MAX_ENTRIES) {
      block.entries.splice(this.position, 0, entry);
    } else {
      this.split(block, entry);
    }
    this.changed();
  }

  /** In a block of its own: a long list, or something beside one. */
  private insertApart(entry: Entry): void {
    const block = this.blocks[this.block];
    const rest = block?.entries.splice(this.position) ?? [];
    if (block !== undefined && rest.length > 0) {
      // Both halves have the bytes of the whole until they are put together anew.
      block.isSealed = block.list !== undefined;
      this.blocks.splice(this.block + 1, 0, { ...block, entries: rest });
    }
    if (block !== undefined && block.entries.length === 0) this.blocks.splice(this.block, 1);
    else if (block !== undefined) {
      sealBlock(block);
      this.block += 1;
    }
    const made = newBlock([entry]);
    // Only placeList places long lists.
    const list = entry.part === LONG_LIST ? (entry.item as PieceList<unknown>) : undefined;
    this.blocks.splice(this.block, 0, list === undefined ? made : { ...made, list });
    this.position = 0;
  }

  /** A full block: what follows the place moves into a block of its own. */
  private split(block: Block, entry: Entry): void {
    const rest = block.entries.splice(this.position);
    if (rest.length > 0) {
      const moved = newBlock(rest);
      moved.bytes = block.bytes;
      this.blocks.splice(this.block + 1, 0, moved);
    }
    if (block.entries.length < MAX_ENTRIES) {
      block.entries.push(entry);
      block.isSealed = false;
      return;
    }
    sealBlock(block);
    this.block += 1;
    this.position = 0;
    this.blocks.splice(this.block, 0, newBlock([entry]));
  }

  private changed(): void {
    this.changes += 1;
    const block = this.blocks[this.block];
    if (block !== undefined) block.isSealed = false;
  }
}

/** Of a list that is in the document as long as there is the document. */
export const ALWAYS = (): boolean => true;

const FIRST = { isFirst: true };
const LATER = { isFirst: false };

const newBlock = (entries: Entry[]): Block => ({
  entries,
  bytes: Buffer.alloc(0),
  isSealed: false,
});

const isSame = (entry: Entry, part: unknown, item: unknown, owner: unknown): boolean =>
  entry.item === item && entry.part === part && entry.owner === owner;

function sealBlock(block: Block): void {
  if (block.isSealed) return;
  if (block.list === undefined) block.bytes = seal(block.entries, block.bytes);
  block.isSealed = true;
}

const listPart = (
  render: (list: PieceList<unknown>) => string | Buffer,
): Part<PieceList<unknown>, () => boolean, number> => ({
  look: (list) => list.generation,
  isCurrent: (seen, list) => seen === list.generation,
  render,
  belongs: (list, isListed) => list.size > 0 && isListed(),
});

const INLINE_LIST = listPart((list) => Buffer.concat(list.chunks));
const LIST_COMMA = listPart(() => ',');
/** Its block hands out the list's own bytes. */
const LONG_LIST = listPart(() => '');
const COMMA = Buffer.from(',');

function withComma(text: string | Buffer, isFirst: boolean): string | Buffer {
  if (isFirst) return text;
  return typeof text === 'string' ? `,${text}` : Buffer.concat([COMMA, text]);
}

/** Neighbours that became small are joined, so that there are few blocks and none is tiny. */
function joinSmall(blocks: readonly Block[]): Block[] {
  const joined: Block[] = [];
  for (const block of blocks) {
    const last = joined.at(-1);
    const isApart = last?.list !== undefined || block.list !== undefined;
    if (
      last === undefined ||
      isApart ||
      last.entries.length + block.entries.length > MAX_ENTRIES / 2
    ) {
      joined.push(block);
      continue;
    }
    const shift = last.bytes.length;
    for (const entry of block.entries) {
      entry.start += shift;
      entry.end += shift;
    }
    last.bytes = Buffer.concat([last.bytes, block.bytes]);
    last.entries.push(...block.entries);
  }
  return joined;
}
