import { parentName } from './dns-name.js';
import { type DnsRecord, type DnsRecordType, dataTextOf } from './dns-record.js';

/** All records of one name and type; they are answered together. */
export interface RecordSet {
  readonly type: DnsRecordType;
  readonly records: readonly DnsRecord[];
}

/** What a change did: records that came and went. Empty both: nothing changed. */
export interface ZoneChange {
  readonly added: readonly DnsRecord[];
  readonly removed: readonly DnsRecord[];
}

/** A name more than one source claims. All of them are answered. */
export interface NameConflict {
  readonly name: string;
  readonly sources: readonly string[];
}

interface StoredRecord {
  readonly record: DnsRecord;
  readonly set: StoredSet;
  /** Sources that say the same. */
  sources: number;
  /** Its place in the set. */
  at: number;
}

interface StoredSet {
  readonly type: DnsRecordType;
  readonly stored: StoredRecord[];
  readonly records: DnsRecord[];
}

interface Node {
  readonly sets: StoredSet[];
  /** Names with records anywhere below: with some, the name exists though it has no records. */
  below: number;
}

interface Source {
  readonly stored: readonly StoredRecord[];
  readonly claims: readonly string[];
}

/**
 * Names and their records, put and removed by source (an app). Owns and mutates its state: a change costs what its source
 * has, O(records of the source x labels), however many other records there are; a look-up costs O(1).
 */
export class DnsZone {
  private readonly nodes = new Map<string, Node>();
  /** By name, type and data: a record that two sources have is there once. */
  private readonly records = new Map<string, StoredRecord>();
  private readonly sources = new Map<string, Source>();
  private readonly claims = new Map<string, Set<string>>();
  private readonly contested = new Set<string>();

  /** Records, those several sources have counted once. */
  get size(): number {
    return this.records.size;
  }

  /** Replaces all a source had. What stays is not taken out in between. */
  put(
    source: string,
    content: { readonly records: readonly DnsRecord[]; readonly claims: readonly string[] },
  ): ZoneChange {
    const before = this.sources.get(source);
    const added: DnsRecord[] = [];
    const stored: StoredRecord[] = [];
    const seen = new Set<StoredRecord>();
    for (const record of content.records) {
      const one = this.store(record, added);
      if (seen.has(one)) continue;
      seen.add(one);
      one.sources += 1;
      stored.push(one);
    }
    const removed = this.release(before?.stored ?? []);
    this.claim(source, { before: before?.claims ?? [], claims: content.claims });
    if (stored.length === 0 && content.claims.length === 0) this.sources.delete(source);
    else this.sources.set(source, { stored, claims: content.claims });
    return { added, removed };
  }

  remove(source: string): ZoneChange {
    return this.put(source, { records: [], claims: [] });
  }

  has(name: string): boolean {
    return this.nodes.has(name);
  }

  /** The sets of a name; none where the name is only above others, or is not there at all. */
  setsOf(name: string): readonly RecordSet[] {
    return this.nodes.get(name)?.sets ?? [];
  }

  find(name: string, type: DnsRecordType): readonly DnsRecord[] {
    return this.nodes.get(name)?.sets.find((set) => set.type === type)?.records ?? [];
  }

  hasSource(source: string): boolean {
    return this.sources.has(source);
  }

  recordsOf(source: string): readonly DnsRecord[] {
    return (this.sources.get(source)?.stored ?? []).map(({ record }) => record);
  }

  /** Every record once, in no particular order. */
  *all(): IterableIterator<DnsRecord> {
    for (const { record } of this.records.values()) yield record;
  }

  /** Sorted by name. O(conflicts). */
  get conflicts(): readonly NameConflict[] {
    return [...this.contested]
      .sort()
      .map((name) => ({ name, sources: [...(this.claims.get(name) ?? [])].sort() }));
  }

  private store(record: DnsRecord, added: DnsRecord[]): StoredRecord {
    const key = keyOf(record);
    const known = this.records.get(key);
    if (known !== undefined) return known;
    const set = this.setFor(record);
    const stored: StoredRecord = { record, set, sources: 0, at: set.stored.length };
    set.stored.push(stored);
    set.records.push(record);
    this.records.set(key, stored);
    added.push(record);
    return stored;
  }

  private setFor({ name, type }: DnsRecord): StoredSet {
    let node = this.nodes.get(name);
    if (node === undefined) {
      node = { sets: [], below: 0 };
      this.nodes.set(name, node);
    }
    let set = node.sets.find((one) => one.type === type);
    if (set === undefined) {
      if (node.sets.length === 0) this.countBelow(name, 1);
      set = { type, stored: [], records: [] };
      node.sets.push(set);
    }
    return set;
  }

  private release(stored: readonly StoredRecord[]): readonly DnsRecord[] {
    const removed: DnsRecord[] = [];
    for (const one of stored) {
      one.sources -= 1;
      if (one.sources > 0) continue;
      this.records.delete(keyOf(one.record));
      this.unlink(one);
      removed.push(one.record);
    }
    return removed;
  }

  /** The last record of the set takes the place that gets free. */
  private unlink({ record, set, at }: StoredRecord): void {
    const last = set.stored.pop();
    const lastRecord = set.records.pop();
    if (last !== undefined && lastRecord !== undefined && last.record !== record) {
      set.stored[at] = last;
      set.records[at] = lastRecord;
      last.at = at;
    }
    if (set.stored.length > 0) return;
    const node = this.nodes.get(record.name);
    if (node === undefined) return;
    node.sets.splice(node.sets.indexOf(set), 1);
    if (node.sets.length > 0) return;
    this.countBelow(record.name, -1);
    if (node.below === 0) this.nodes.delete(record.name);
  }

  private countBelow(name: string, change: 1 | -1): void {
    for (let above = parentName(name); above !== undefined; above = parentName(above)) {
      let node = this.nodes.get(above);
      if (node === undefined) {
        node = { sets: [], below: 0 };
        this.nodes.set(above, node);
      }
      node.below += change;
      if (node.below === 0 && node.sets.length === 0) this.nodes.delete(above);
    }
  }

  private claim(
    source: string,
    change: { readonly before: readonly string[]; readonly claims: readonly string[] },
  ): void {
    for (const name of change.before) {
      const sources = this.claims.get(name);
      sources?.delete(source);
      if (sources === undefined || sources.size < 2) this.contested.delete(name);
      if (sources?.size === 0) this.claims.delete(name);
    }
    for (const name of change.claims) {
      const sources = this.claims.get(name) ?? new Set();
      this.claims.set(name, sources.add(source));
      if (sources.size > 1) this.contested.add(name);
    }
  }
}

const keyOf = (record: DnsRecord): string => `${record.name} ${record.type} ${dataTextOf(record)}`;
