/** Entries of a chunk at most; a fuller one is halved. */
const MAX_CHUNK = 128;
/** Neighbours that hold no more than this together are joined. */
const MIN_PAIR = MAX_CHUNK / 2;

interface Chunk<Key, Value> {
  readonly keys: readonly Key[];
  readonly values: readonly Value[];
}

/**
 * An immutable map in the order of its keys (strings by code unit) whose next versions share with it what did not
 * change: a change copies one chunk and the list of chunks, O(128 + size / 128); a look-up is O(log size). Ids are paths,
 * so all that is below a group stands together: {@link between}.
 */
export class SortedMap<Key extends string | number, Value> implements ReadonlyMap<Key, Value> {
  private constructor(
    /** Never empty ones. */
    private readonly chunks: readonly Chunk<Key, Value>[],
    readonly size: number,
  ) {}

  /** Of keys given twice the last counts. O(n log n). */
  static from<Key extends string | number, Value>(
    entries: Iterable<readonly [Key, Value]>,
  ): SortedMap<Key, Value> {
    const latest = new Map(entries);
    const sorted = [...latest].sort(([left], [right]) => compare(left, right));
    const chunks: Chunk<Key, Value>[] = [];
    for (let from = 0; from < sorted.length; from += MAX_CHUNK) {
      const part = sorted.slice(from, from + MAX_CHUNK);
      chunks.push({ keys: part.map(([key]) => key), values: part.map(([, value]) => value) });
    }
    return new SortedMap(chunks, sorted.length);
  }

  get(key: Key): Value | undefined {
    const chunk = this.chunks[this.chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  has(key: Key): boolean {
    const keys = this.chunks[this.chunkOf(key)]?.keys ?? [];
    return keys[lowerBound(keys, key)] === key;
  }

  with(key: Key, value: Value): SortedMap<Key, Value> {
    const index = this.chunkOf(key);
    const chunk = this.chunks[index] ?? { keys: [], values: [] };
    const at = lowerBound(chunk.keys, key);
    const isThere = chunk.keys[at] === key;
    if (isThere && chunk.values[at] === value) return this;
    const gone = isThere ? 1 : 0;
    const keys = chunk.keys.toSpliced(at, gone, key);
    const values = chunk.values.toSpliced(at, gone, value);
    const next = this.chunks.toSpliced(index, 1, ...halved({ keys, values }));
    return new SortedMap(next, this.size + 1 - gone);
  }

  without(key: Key): SortedMap<Key, Value> {
    const index = this.chunkOf(key);
    const chunk = this.chunks[index];
    const at = chunk === undefined ? 0 : lowerBound(chunk.keys, key);
    if (chunk?.keys[at] !== key) return this;
    const keys = chunk.keys.toSpliced(at, 1);
    const values = chunk.values.toSpliced(at, 1);
    const neighbour = this.chunks[index + 1];
    const isJoined = neighbour !== undefined && keys.length + neighbour.keys.length <= MIN_PAIR;
    const rest = isJoined
      ? { keys: [...keys, ...neighbour.keys], values: [...values, ...neighbour.values] }
      : { keys, values };
    const kept = rest.keys.length === 0 ? [] : [rest];
    return new SortedMap(this.chunks.toSpliced(index, isJoined ? 2 : 1, ...kept), this.size - 1);
  }

  /** Entries from the first key at or after `from` to the last one before `before`, in order. */
  *between(from: Key, before?: Key): Generator<[Key, Value], undefined> {
    for (let index = this.chunkOf(from); index < this.chunks.length; index += 1) {
      const { keys, values } = this.chunks[index] as Chunk<Key, Value>;
      for (let at = lowerBound(keys, from); at < keys.length; at += 1) {
        const key = keys[at] as Key;
        if (before !== undefined && key >= before) return;
        yield [key, values[at] as Value];
      }
    }
    return;
  }

  /** The keys at or after `from`, in order. */
  *keysFrom(from: Key): Generator<Key, undefined> {
    for (const [key] of this.between(from)) yield key;
    return;
  }

  *entries(): Generator<[Key, Value], undefined> {
    for (const { keys, values } of this.chunks) {
      for (let at = 0; at < keys.length; at += 1) yield [keys[at] as Key, values[at] as Value];
    }
    return;
  }

  *keys(): Generator<Key, undefined> {
    for (const { keys } of this.chunks) yield* keys;
    return;
  }

  *values(): Generator<Value, undefined> {
    for (const { values } of this.chunks) yield* values;
    return;
  }

  /** What was put since an earlier version, and some of what was there: what does not stand in a chunk of both. */
  *valuesSince(earlier: SortedMap<Key, Value>): Generator<Value, undefined> {
    const shared = new Set(earlier.chunks);
    for (const chunk of this.chunks) if (!shared.has(chunk)) yield* chunk.values;
    return;
  }

  [Symbol.iterator](): Generator<[Key, Value], undefined> {
    return this.entries();
  }

  forEach(visit: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }

  /** The chunk that has the key if any has it: the last that begins at or before it, else the first. */
  private chunkOf(key: Key): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const first = this.chunks[middle]?.keys[0];
      if (first !== undefined && first <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function halved<Key, Value>(chunk: Chunk<Key, Value>): readonly Chunk<Key, Value>[] {
  const { keys, values } = chunk;
  if (keys.length <= MAX_CHUNK) return [chunk];
  const half = keys.length >> 1;
  return [
    { keys: keys.slice(0, half), values: values.slice(0, half) },
    { keys: keys.slice(half), values: values.slice(half) },
  ];
}

/** Where the first key at or after `key` is. */
function lowerBound<Key extends string | number>(keys: readonly Key[], key: Key): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as Key) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

const compare = (left: string | number, right: string | number): number =>
  left < right ? -1 : left > right ? 1 : 0;
