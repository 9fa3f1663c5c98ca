import type {
  AgentRecord,
  FrameworkRecord,
  Lease,
  MasterRegistry,
  RegistryChange,
  RegistrySnapshot,
} from '#core';
import type { FakeLeaseKeeper } from './fake-lease-keeper.js';

/** The registry in memory. It outlives the masters of a simulation, as the database would. */
export class FakeMasterRegistry implements MasterRegistry {
  private masterId: string | undefined;
  private readonly agents = new Map<string, AgentRecord>();
  private readonly frameworks = new Map<string, FrameworkRecord>();

  constructor(private readonly leases: FakeLeaseKeeper) {}

  async load(lease: Lease, newMasterId: string): Promise<RegistrySnapshot> {
    this.leases.requireLease(lease);
    this.masterId ??= newMasterId;
    return {
      masterId: this.masterId,
      agents: [...this.agents.values()],
      frameworks: [...this.frameworks.values()],
    };
  }

  async commit(lease: Lease, changes: readonly RegistryChange[]): Promise<void> {
    this.leases.requireLease(lease);
    for (const change of structuredClone(changes)) this.apply(change);
  }

  private apply(change: RegistryChange): void {
    switch (change.kind) {
      case 'put-agent':
        this.agents.set(change.agent.id, change.agent);
        return;
      case 'remove-agent':
        this.agents.delete(change.id);
        return;
      case 'put-framework':
        this.frameworks.set(change.framework.id, change.framework);
        return;
      default:
        change satisfies never;
    }
  }
}
