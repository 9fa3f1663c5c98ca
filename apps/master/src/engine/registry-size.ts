import type { RegistryChange, RegistrySnapshot } from '#core';

/**
 * How much the registry holds: the bytes of its records as JSON, kept up to date by what is stored. For metrics; what
 * the database takes for it (indexes, dead rows) is more. O(bytes of the change).
 */
export class RegistrySize {
  private readonly sizes = new Map<string, number>();
  private sum = 0;

  constructor(snapshot: RegistrySnapshot) {
    for (const agent of snapshot.agents) this.apply({ kind: 'put-agent', agent });
    for (const [id, activation] of snapshot.activations) {
      this.apply({ kind: 'put-activation', id, activation });
    }
    for (const framework of snapshot.frameworks) this.apply({ kind: 'put-framework', framework });
    for (const [role, weight] of snapshot.weights) this.apply({ kind: 'put-weight', role, weight });
    for (const quota of snapshot.quotas) this.apply({ kind: 'put-quota', quota });
    this.apply({ kind: 'put-maintenance', maintenance: snapshot.maintenance });
  }

  get bytes(): number {
    return this.sum;
  }

  /** It is stored. */
  apply(change: RegistryChange): void {
    switch (change.kind) {
      case 'put-agent':
        this.put(`agent ${change.agent.id}`, change.agent);
        return;
      case 'remove-agent':
        this.put(`agent ${change.id}`, undefined);
        this.put(`activation ${change.id}`, undefined);
        return;
      case 'put-activation':
        this.put(`activation ${change.id}`, change.activation);
        return;
      case 'put-framework':
        this.put(`framework ${change.framework.id}`, change.framework);
        return;
      case 'put-weight':
        this.put(`weight ${change.role}`, change.weight);
        return;
      case 'put-quota':
        this.put(`quota ${change.quota.role}`, change.quota);
        return;
      case 'remove-quota':
        this.put(`quota ${change.role}`, undefined);
        return;
      case 'put-maintenance':
        this.put('maintenance', change.maintenance);
        return;
      default:
        change satisfies never;
    }
  }

  private put(key: string, record: unknown): void {
    const before = this.sizes.get(key) ?? 0;
    const bytes = record === undefined ? 0 : Buffer.byteLength(JSON.stringify(record));
    this.sum += bytes - before;
    if (bytes === 0) this.sizes.delete(key);
    else this.sizes.set(key, bytes);
  }
}
