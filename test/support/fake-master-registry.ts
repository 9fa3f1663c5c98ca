import {
  type AgentRecord,
  type FrameworkRecord,
  type Lease,
  type MasterRegistry,
  type RegistryChange,
  type RegistrySnapshot,
  StoreRefusedError,
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
    if (changes.some(isUnstorable)) throw new StoreRefusedError('the value cannot be stored');
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

/** What PostgreSQL refuses of these changes: NUL in a text, numbers beyond its bigint. */
function isUnstorable(change: RegistryChange): boolean {
  if (change.kind === 'remove-agent') return false;
  const record = change.kind === 'put-agent' ? change.agent : change.framework;
  const { hostname = '', failoverDeadlineEpochMs = 0 } = {
    ...(change.kind === 'put-agent' ? change.agent : {}),
    ...(change.kind === 'put-framework' ? change.framework : {}),
  };
  return `${record.id}${hostname}`.includes('\0') || Math.abs(failoverDeadlineEpochMs) >= 2 ** 63;
}
