import type { AgentId, FrameworkId, Resources, RoleName } from '#core';
import type { CompiledConstraints } from './offer-constraints.js';
import type { Quantities } from './quantities.js';

/** Resources of one agent, offered to or held by one role of one framework. */
export interface Allocation {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
  readonly agentId: AgentId;
  readonly resources: Resources;
}

/** What a framework subscribes with. */
export interface FrameworkTraits {
  readonly roles: readonly RoleName[];
  readonly suppressedRoles: readonly RoleName[];
  /** As Mesos names them: GPU_RESOURCES, REVOCABLE_RESOURCES, RESERVATION_REFINEMENT, REGION_AWARE. */
  readonly capabilities?: ReadonlySet<string>;
  /** Per role, instead of the cluster's: any of these vectors will do; an empty list means anything. */
  readonly minAllocatable?: ReadonlyMap<RoleName, readonly Quantities[]>;
  readonly offerConstraints?: ReadonlyMap<RoleName, CompiledConstraints>;
}

/** What a top-level role, with all below it, is sure to get and may have at most; names that are absent are free. */
export interface Quota {
  readonly guarantees: Quantities;
  readonly limits: Quantities;
}

/** How an allocator works, for as long as it lives. */
export interface AllocatorOptions {
  /**
   * An agent is offered when it has all of one of these vectors free; empty: anything. Default: 0.01 cpus or 32 MiB of
   * memory, and both of them while some role has quota.
   */
  readonly minAllocatable?: readonly Quantities[];
  /** Names of resources that do not count in shares. */
  readonly fairSharingExcluded?: readonly string[];
  /** Agents with GPUs are kept for frameworks with GPU_RESOURCES; default true. */
  readonly filterGpuResources?: boolean;
  /** So often a client is passed over for want of size before an agent is kept for it; default 16. */
  readonly starvingAfterLosses?: number;
  /** The master's region: agents of others are offered to REGION_AWARE frameworks only. */
  readonly region?: string;
}

export interface AllocateOptions {
  /** Stop after so many; `hasWork` stays true, and the next call goes on. */
  readonly maxAllocations?: number;
}

/** What a role and the roles below it have, in thousandths by name. */
export interface RoleUsage {
  /** What counts against quota: all reservations, and what is allocated unreserved and not revocable. */
  readonly consumed: Quantities;
  /** Allocated to its frameworks: offered, or used by tasks. */
  readonly allocated: Quantities;
  /** Reserved, allocated or not. */
  readonly reserved: Quantities;
  readonly weight: number;
  readonly quota?: Quota;
  /** Weighted dominant share. */
  readonly share: number;
}
