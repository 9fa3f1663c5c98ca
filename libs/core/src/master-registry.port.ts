import type { AgentId, FrameworkId, RoleName } from './ids.js';
import type { Lease } from './lease.port.js';

/** What the master stores of an agent. Running tasks are not stored: agents bring them back. */
export interface AgentRecord {
  readonly id: AgentId;
  readonly state: 'admitted' | 'unreachable' | 'gone';
  readonly hostname: string;
  /** AgentInfo as on the wire. */
  readonly info: unknown;
  readonly sinceEpochMs: number;
}

/** What an operator decided about an agent, whether or not it is admitted; absent: it is active. */
export interface AgentActivation {
  /** It is offered to nobody. */
  readonly isDeactivated: boolean;
  readonly drain?: AgentDrain;
}

/** DRAINING until its last task's end is acknowledged, then DRAINED until it is reactivated or marked gone. */
export interface AgentDrain {
  readonly state: 'DRAINING' | 'DRAINED';
  /** Caps the grace of each kill, milliseconds; absent: each task has its own. */
  readonly maxGraceMs?: number;
  /** Ends are TASK_GONE_BY_OPERATOR, and the agent is marked gone once it is drained. */
  readonly isMarkedGone: boolean;
  readonly startedEpochMs: number;
}

/** Guarantees and limits of a top-level role: scalar resources by name, in thousandths. */
export interface QuotaRecord {
  readonly role: RoleName;
  readonly guarantees: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, number>>;
}

/** A machine by name, by address or by both; at least one is there, names in lower case. */
export interface MachineId {
  readonly hostname?: string;
  readonly ip?: string;
}

/** Machines that may be away from `startNanos` (Unix time) on. */
export interface MaintenanceWindow {
  readonly machines: readonly MachineId[];
  readonly startNanos: number;
  /** Absent: for good. */
  readonly durationNanos?: number;
}

/** The whole schedule, and which of its machines are down. */
export interface MaintenanceRecord {
  readonly windows: readonly MaintenanceWindow[];
  readonly downMachines: readonly MachineId[];
}

export interface FrameworkRecord {
  readonly id: FrameworkId;
  /** FrameworkInfo as on the wire. */
  readonly info: unknown;
  readonly state: 'registered' | 'completed';
  /** When a disconnected framework is torn down, Unix ms; absent while connected. */
  readonly failoverDeadlineEpochMs?: number;
  readonly sinceEpochMs: number;
}

export type RegistryChange =
  | { readonly kind: 'put-agent'; readonly agent: AgentRecord }
  /** And what an operator decided about it. */
  | { readonly kind: 'remove-agent'; readonly id: AgentId }
  /** Absent activation: the agent is active again. */
  | {
      readonly kind: 'put-activation';
      readonly id: AgentId;
      readonly activation?: AgentActivation;
    }
  | { readonly kind: 'put-framework'; readonly framework: FrameworkRecord }
  /** Absent weight: 1 again. */
  | { readonly kind: 'put-weight'; readonly role: RoleName; readonly weight?: number }
  | { readonly kind: 'put-quota'; readonly quota: QuotaRecord }
  | { readonly kind: 'remove-quota'; readonly role: RoleName }
  | { readonly kind: 'put-maintenance'; readonly maintenance: MaintenanceRecord };

export interface RegistrySnapshot {
  /** The master's own id, made once and kept, the prefix of framework and agent ids. */
  readonly masterId: string;
  readonly agents: readonly AgentRecord[];
  readonly activations: ReadonlyMap<AgentId, AgentActivation>;
  readonly frameworks: readonly FrameworkRecord[];
  /** Roles not in it have 1. */
  readonly weights: ReadonlyMap<RoleName, number>;
  readonly quotas: readonly QuotaRecord[];
  readonly maintenance: MaintenanceRecord;
}

/** Nothing is planned. */
export const NO_MAINTENANCE: MaintenanceRecord = { windows: [], downMachines: [] };

export interface MasterRegistry {
  /** Stores `newMasterId` when none is stored yet. */
  load(lease: Lease, newMasterId: string): Promise<RegistrySnapshot>;
  /** One transaction; throws FencedError, StoreUnavailableError or StoreRefusedError and then nothing was written. */
  commit(lease: Lease, changes: readonly RegistryChange[]): Promise<void>;
}
