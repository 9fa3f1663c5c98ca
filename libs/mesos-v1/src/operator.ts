import type { IdValue, Unavailability, WireResource } from './values.js';

/** A machine by name, by address, or both. */
export interface WireMachineId {
  readonly hostname?: string;
  readonly ip?: string;
}

export interface WireMaintenanceSchedule {
  readonly windows: readonly {
    readonly machine_ids: readonly WireMachineId[];
    readonly unavailability: Unavailability;
  }[];
}

/** Scalar amounts by resource name. */
export type WireQuantities = Readonly<Record<string, { readonly value: number }>>;

/** Guarantees and limits of one role, the form of UPDATE_QUOTA. */
export interface WireQuotaConfig {
  readonly role: string;
  readonly guarantees?: WireQuantities;
  readonly limits?: WireQuantities;
}

/** One role's guarantee, the older form of SET_QUOTA: it is the limit too. */
export interface WireQuotaRequest {
  readonly role: string;
  readonly guarantee: readonly WireResource[];
  readonly force?: boolean;
}

export interface WireWeightInfo {
  readonly role: string;
  readonly weight: number;
}

/** Calls of the v1 operator API that change the cluster. */
export type OperatorMutation =
  | {
      readonly type: 'UPDATE_WEIGHTS';
      readonly update_weights: { readonly weight_infos: readonly WireWeightInfo[] };
    }
  | {
      readonly type: 'UPDATE_QUOTA';
      readonly update_quota: {
        /** Skips the comparison with what is used and what the cluster has. */
        readonly force?: boolean;
        readonly quota_configs: readonly WireQuotaConfig[];
      };
    }
  | {
      readonly type: 'SET_QUOTA';
      readonly set_quota: { readonly quota_request: WireQuotaRequest };
    }
  | { readonly type: 'REMOVE_QUOTA'; readonly remove_quota: { readonly role: string } }
  | {
      readonly type: 'DRAIN_AGENT';
      readonly drain_agent: {
        readonly agent_id: IdValue;
        readonly max_grace_period?: { readonly nanoseconds: number };
        readonly mark_gone?: boolean;
      };
    }
  | {
      readonly type: 'DEACTIVATE_AGENT';
      readonly deactivate_agent: { readonly agent_id: IdValue };
    }
  | {
      readonly type: 'REACTIVATE_AGENT';
      readonly reactivate_agent: { readonly agent_id: IdValue };
    }
  | {
      readonly type: 'MARK_AGENT_GONE';
      readonly mark_agent_gone: { readonly agent_id: IdValue };
    }
  | { readonly type: 'TEARDOWN'; readonly teardown: { readonly framework_id: IdValue } }
  | {
      readonly type: 'RESERVE_RESOURCES';
      readonly reserve_resources: {
        readonly agent_id: IdValue;
        readonly resources: readonly WireResource[];
        /** What is reserved now, when the call changes one reservation into another. */
        readonly source?: readonly WireResource[];
      };
    }
  | {
      readonly type: 'UNRESERVE_RESOURCES';
      readonly unreserve_resources: {
        readonly agent_id: IdValue;
        readonly resources: readonly WireResource[];
      };
    }
  | {
      readonly type: 'CREATE_VOLUMES';
      readonly create_volumes: {
        readonly agent_id: IdValue;
        readonly volumes: readonly WireResource[];
      };
    }
  | {
      readonly type: 'DESTROY_VOLUMES';
      readonly destroy_volumes: {
        readonly agent_id: IdValue;
        readonly volumes: readonly WireResource[];
      };
    }
  | {
      readonly type: 'GROW_VOLUME';
      readonly grow_volume: {
        readonly agent_id: IdValue;
        readonly volume: WireResource;
        readonly addition: WireResource;
      };
    }
  | {
      readonly type: 'SHRINK_VOLUME';
      readonly shrink_volume: {
        readonly agent_id: IdValue;
        readonly volume: WireResource;
        readonly subtract: { readonly value: number };
      };
    }
  | {
      readonly type: 'UPDATE_MAINTENANCE_SCHEDULE';
      readonly update_maintenance_schedule: { readonly schedule: WireMaintenanceSchedule };
    }
  | {
      readonly type: 'START_MAINTENANCE';
      readonly start_maintenance: { readonly machines: readonly WireMachineId[] };
    }
  | {
      readonly type: 'STOP_MAINTENANCE';
      readonly stop_maintenance: { readonly machines: readonly WireMachineId[] };
    };

/** Calls that concern the process asked, leader or not, and read or set something of it. */
export type OperatorProcessCall =
  | {
      readonly type: 'SET_LOGGING_LEVEL';
      readonly set_logging_level: {
        readonly level: number;
        readonly duration: { readonly nanoseconds: number };
      };
    }
  | { readonly type: 'LIST_FILES'; readonly list_files: { readonly path: string } }
  | {
      readonly type: 'READ_FILE';
      readonly read_file: {
        readonly path: string;
        readonly offset: number;
        /** Absent: to the end. */
        readonly length?: number;
      };
    };
