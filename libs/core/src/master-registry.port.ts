import type { AgentId, FrameworkId } from './ids.js';
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
  | { readonly kind: 'remove-agent'; readonly id: AgentId }
  | { readonly kind: 'put-framework'; readonly framework: FrameworkRecord };

export interface RegistrySnapshot {
  /** The master's own id, made once and kept, the prefix of framework and agent ids. */
  readonly masterId: string;
  readonly agents: readonly AgentRecord[];
  readonly frameworks: readonly FrameworkRecord[];
}

export interface MasterRegistry {
  /** Stores `newMasterId` when none is stored yet. */
  load(lease: Lease, newMasterId: string): Promise<RegistrySnapshot>;
  /** One transaction; throws FencedError, StoreUnavailableError or StoreRefusedError and then nothing was written. */
  commit(lease: Lease, changes: readonly RegistryChange[]): Promise<void>;
}
