import { type Piece, seal } from './pieces.js';

/** Entries of a block: with half a KiB each, about as much as one write to a socket takes. */
const MAX_ENTRIES = 128;
/** And what a block of longer ones may come to before it takes no more: all of it is copied when one changes. */
const MAX_BLOCK_BYTES = 64 * 1024;

interface Entry<Item> extends Piece {
  readonly key: string;
  item: Item;
  block: Block<Item>;
}

interface Block<Item> {
  entries: Entry<Item>[];
  bytes: Buffer;
  /** What was added to it; it may have shrunk since. */
  added: number;
  isSealed: boolean;
}

/**
 * A list of JSON values as bytes in blocks, changed item by item: an item costs its own text and its block's bytes, not
 * the list's. Items keep the order in which their keys came. Blocks are never changed once handed out, but replaced.
 */
export class PieceList<Item> {
  private readonly entries = new Map<string, Entry<Item>>();
  private readonly open = new Set<Block<Item>>();
  private blocks: Block<Item>[] = [];
  private changes = 0;
  private bytes = 0;

  get size(): number {
    return this.entries.size;
  }

  /** Grows with each change. */
  get generation(): number {
    return this.changes;
  }

  /** Of the list without what stands around it. */
  get byteLength(): number {
    this.sealAll();
    return this.bytes + Math.max(0, this.blocks.length - 1);
  }

  /** The values, commas between them. */
  get chunks(): readonly Buffer[] {
    this.sealAll();
    return this.blocks.flatMap(({ bytes }, index) => (index === 0 ? [bytes] : [COMMA, bytes]));
  }

  get firstKey(): string | undefined {
    const [first] = this.entries.keys();
    return first;
  }

  /** Writes an item where its key stands, or at the end. */
  put(key: string, item: Item, text: string | Buffer): void {
    const known = this.entries.get(key);
    this.changes += 1;
    if (known !== undefined) {
      known.item = item;
      known.text = text;
      this.reopen(known.block);
      return;
    }
    let block = this.blocks.at(-1);
    if (block === undefined || isFull(block)) {
      block = { entries: [], bytes: Buffer.alloc(0), added: 0, isSealed: false };
      this.blocks.push(block);
    }
    block.added += text.length;
    const entry: Entry<Item> = { key, item, text, start: 0, end: 0, block };
    block.entries.push(entry);
    this.entries.set(key, entry);
    this.reopen(block);
  }

  remove(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.changes += 1;
    this.entries.delete(key);
    const { block } = entry;
    block.entries.splice(block.entries.indexOf(entry), 1);
    this.reopen(block);
  }

  itemOf(key: string): Item | undefined {
    return this.entries.get(key)?.item;
  }

  private reopen(block: Block<Item>): void {
    block.isSealed = false;
    this.open.add(block);
  }

  private sealAll(): void {
    if (this.open.size === 0) return;
    for (const block of this.open) {
      const { length } = block.bytes;
      block.bytes = seal(block.entries, block.bytes, COMMA);
      block.isSealed = true;
      this.bytes += block.bytes.length - length;
    }
    this.open.clear();
    this.blocks = this.joinSmall();
  }

  /** Empty blocks go, and neighbours that became small are joined. */
  private joinSmall(): Block<Item>[] {
    const joined: Block<Item>[] = [];
    for (const block of this.blocks) {
      if (block.entries.length === 0) continue;
      const last = joined.at(-1);
      if (last === undefined || !areSmall(last, block)) {
        joined.push(block);
        continue;
      }
      const shift = last.bytes.length + COMMA.length;
      for (const entry of block.entries) {
        entry.start += shift;
        entry.end += shift;
        entry.block = last;
        last.entries.push(entry);
      }
      last.bytes = Buffer.concat([last.bytes, COMMA, block.bytes]);
      last.added = last.bytes.length;
      this.bytes += COMMA.length;
    }
    return joined;
  }
}

const COMMA = Buffer.from(',');

const isFull = ({ entries, added }: Block<unknown>): boolean =>
  entries.length >= MAX_ENTRIES || added >= MAX_BLOCK_BYTES;

/** Even together. */
const areSmall = (left: Block<unknown>, right: Block<unknown>): boolean =>
  left.entries.length + right.entries.length <= MAX_ENTRIES / 2 &&
  left.bytes.length + right.bytes.length <= MAX_BLOCK_BYTES / 2;
