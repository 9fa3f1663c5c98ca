import { assert, present } from '#core';

/** Amounts of scalar resources in thousandths; the sorter ignores ranges, as DRF is about shares of a total. */
export type Scalars = Readonly<Record<string, number>>;

interface Client {
  readonly name: string;
  readonly allocated: Map<string, number>;
  weight: number;
  /** Units of allocation made so far: breaks ties, so that equal shares alternate. */
  allocations: number;
  share: number;
  isActive: boolean;
}

/**
 * Orders clients by weighted dominant share, lowest first; ties by fewer allocations, then by name, so runs repeat.
 *
 * The order is kept in a sorted array: a change of one client moves one element, O(log n) comparisons. A change of the
 * totals rescales every share, so the next read sorts anew, O(n log n). Owns and mutates its state.
 */
export class DrfSorter {
  private readonly clients = new Map<string, Client>();
  private sorted: Client[] = [];
  private isStale = false;

  /** `totals` is shared with the owner, who calls {@link totalsChanged} after changing it. */
  constructor(private readonly totals: ReadonlyMap<string, number>) {}

  get size(): number {
    return this.clients.size;
  }

  get activeCount(): number {
    return this.sorted.length;
  }

  /** Adds an inactive client; a client that is there already is kept. */
  add(name: string): void {
    if (this.clients.has(name)) return;
    this.clients.set(name, {
      name,
      allocated: new Map(),
      weight: 1,
      allocations: 0,
      share: 0,
      isActive: false,
    });
  }

  remove(name: string): void {
    this.deactivate(name);
    this.clients.delete(name);
  }

  has(name: string): boolean {
    return this.clients.has(name);
  }

  /** Active clients are visited; the others' allocations still count for them. */
  activate(name: string): void {
    const client = this.client(name);
    if (client.isActive) return;
    client.isActive = true;
    client.share = this.shareOf(client);
    this.insert(client);
  }

  deactivate(name: string): void {
    const client = this.clients.get(name);
    if (client?.isActive !== true) return;
    this.take(client);
    client.isActive = false;
  }

  /** `weight` > 0; twice the weight, half the share. */
  setWeight(name: string, weight: number): void {
    assert(weight > 0, `weight of ${name} is ${weight}, not above 0`);
    this.change(this.client(name), (client) => {
      client.weight = weight;
    });
  }

  /** `isNew` counts as one more allocation for the tie-break; adopting what ran before a fail-over does not. */
  allocated(name: string, amount: Scalars, options: { readonly isNew: boolean }): void {
    this.change(this.client(name), (client) => {
      for (const [resource, milli] of Object.entries(amount)) {
        client.allocated.set(resource, (client.allocated.get(resource) ?? 0) + milli);
      }
      if (options.isNew) client.allocations += 1;
    });
  }

  released(name: string, amount: Scalars): void {
    const client = this.clients.get(name);
    if (client === undefined) return;
    this.change(client, () => {
      for (const [resource, milli] of Object.entries(amount)) {
        const rest = (client.allocated.get(resource) ?? 0) - milli;
        if (rest > 0) client.allocated.set(resource, rest);
        else client.allocated.delete(resource);
      }
    });
  }

  /** All shares are computed anew before the next read. */
  totalsChanged(): void {
    this.isStale = true;
  }

  /** The weighted dominant share, 0 for a client we do not know. */
  share(name: string): number {
    const client = this.clients.get(name);
    return client === undefined ? 0 : this.shareOf(client);
  }

  /** Active clients, lowest share first. Do not change the sorter while iterating. */
  *inOrder(): Generator<string> {
    this.refresh();
    for (const client of this.sorted) yield client.name;
  }

  /** Negative when `left` comes first. */
  compare(left: string, right: string): number {
    this.refresh();
    return compareClients(this.client(left), this.client(right));
  }

  private client(name: string): Client {
    return present(this.clients.get(name), `${name} is not in the sorter`);
  }

  private shareOf(client: Client): number {
    let dominant = 0;
    for (const [resource, milli] of client.allocated) {
      const total = this.totals.get(resource) ?? 0;
      if (total > 0) dominant = Math.max(dominant, milli / total);
    }
    return dominant / client.weight;
  }

  private change(client: Client, apply: (client: Client) => void): void {
    if (!client.isActive || this.isStale) {
      apply(client);
      this.isStale ||= client.isActive;
      return;
    }
    this.take(client);
    apply(client);
    client.share = this.shareOf(client);
    this.insert(client);
  }

  private refresh(): void {
    if (!this.isStale) return;
    for (const client of this.clients.values()) client.share = this.shareOf(client);
    this.sorted.sort(compareClients);
    this.isStale = false;
  }

  private insert(client: Client): void {
    if (this.isStale) this.sorted.push(client);
    else this.sorted.splice(this.positionOf(client), 0, client);
  }

  private take(client: Client): void {
    const index = this.isStale ? this.sorted.indexOf(client) : this.positionOf(client);
    assert(this.sorted[index] === client, `${client.name} is not where the sorter looks for it`);
    this.sorted.splice(index, 1);
  }

  /** The first index whose client is not before `client`. */
  private positionOf(client: Client): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.sorted[middle];
      if (other !== undefined && compareClients(other, client) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compareClients(left: Client, right: Client): number {
  if (left.share !== right.share) return left.share - right.share;
  if (left.allocations !== right.allocations) return left.allocations - right.allocations;
  if (left.name === right.name) return 0;
  return left.name < right.name ? -1 : 1;
}
