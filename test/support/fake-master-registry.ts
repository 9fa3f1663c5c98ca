import {
  type AgentActivation,
  type AgentId,
  type AgentRecord,
  type FrameworkRecord,
  type Lease,
  type MaintenanceRecord,
  type MasterRegistry,
  NO_MAINTENANCE,
  type QuotaRecord,
  type RegistryChange,
  type RegistrySnapshot,
  type RoleName,
  StoreRefusedError,
} from '#core';
import type { FakeLeaseKeeper } from './fake-lease-keeper.js';

/** The registry in memory. It outlives the masters of a simulation, as the database would. */
export class FakeMasterRegistry implements MasterRegistry {
  private masterId: string | undefined;
  private readonly agents = new Map<AgentId, AgentRecord>();
  private readonly activations = new Map<AgentId, AgentActivation>();
  private readonly frameworks = new Map<string, FrameworkRecord>();
  private readonly weights = new Map<RoleName, number>();
  private readonly quotas = new Map<RoleName, QuotaRecord>();
  private maintenance: MaintenanceRecord = NO_MAINTENANCE;

  constructor(private readonly leases: FakeLeaseKeeper) {}

  /** What is stored, for those who compare. */
  get stored(): {
    readonly agents: ReadonlyMap<string, AgentRecord>;
    readonly frameworks: ReadonlyMap<string, FrameworkRecord>;
    readonly activations: ReadonlyMap<AgentId, AgentActivation>;
    readonly quotas: ReadonlyMap<RoleName, QuotaRecord>;
  } {
    const { agents, frameworks, activations, quotas } = this;
    return { agents, frameworks, activations, quotas };
  }

  async load(lease: Lease, newMasterId: string): Promise<RegistrySnapshot> {
    this.leases.requireLease(lease);
    this.masterId ??= newMasterId;
    return {
      masterId: this.masterId,
      agents: [...this.agents.values()],
      activations: new Map(this.activations),
      frameworks: [...this.frameworks.values()],
      weights: new Map(this.weights),
      quotas: [...this.quotas.values()],
      maintenance: this.maintenance,
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
        this.activations.delete(change.id);
        return;
      case 'put-activation':
        put(this.activations, change.id, change.activation);
        return;
      case 'put-framework':
        this.frameworks.set(change.framework.id, change.framework);
        return;
      case 'put-weight':
        put(this.weights, change.role, change.weight);
        return;
      case 'put-quota':
        this.quotas.set(change.quota.role, change.quota);
        return;
      case 'remove-quota':
        this.quotas.delete(change.role);
        return;
      case 'put-maintenance':
        this.maintenance = change.maintenance;
        return;
      default:
        change satisfies never;
    }
  }
}

function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** What PostgreSQL refuses of these changes: NUL in a text, numbers beyond its bigint. */
function isUnstorable(change: RegistryChange): boolean {
  switch (change.kind) {
    case 'put-agent':
      return `${change.agent.id}${change.agent.hostname}`.includes('\0');
    case 'put-framework': {
      const { id, failoverDeadlineEpochMs = 0 } = change.framework;
      return id.includes('\0') || Math.abs(failoverDeadlineEpochMs) >= 2 ** 63;
    }
    case 'put-activation':
      return change.id.includes('\0');
    case 'put-weight':
      return change.role.includes('\0');
    case 'put-quota':
      return change.quota.role.includes('\0');
    case 'remove-agent':
    case 'remove-quota':
    case 'put-maintenance':
      return false;
    default:
      return change satisfies never;
  }
}
