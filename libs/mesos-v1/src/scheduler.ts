import type {
  ExecutorInfo,
  FrameworkInfo,
  IdValue,
  InverseOffer,
  KillPolicy,
  MasterInfo,
  OfferConstraints,
  OperationStatus,
  TaskInfo,
  TaskStatus,
  WireOffer,
  WireResource,
} from './values.js';

export interface Filters {
  /** Default 5, capped at 365 days; 0: no filter. */
  readonly refuse_seconds?: number;
}

/** `id` asks for the status of an operation; launches have none, their tasks' statuses say how they went. */
export type OfferOperation = { readonly id?: IdValue } & (
  | { readonly type: 'LAUNCH'; readonly launch: { readonly task_infos: readonly TaskInfo[] } }
  | {
      readonly type: 'LAUNCH_GROUP';
      readonly launch_group: {
        readonly executor: ExecutorInfo;
        readonly task_group: { readonly tasks: readonly TaskInfo[] };
      };
    }
  | { readonly type: 'RESERVE'; readonly reserve: { readonly resources: readonly WireResource[] } }
  | {
      readonly type: 'UNRESERVE';
      readonly unreserve: { readonly resources: readonly WireResource[] };
    }
  | { readonly type: 'CREATE'; readonly create: { readonly volumes: readonly WireResource[] } }
  | { readonly type: 'DESTROY'; readonly destroy: { readonly volumes: readonly WireResource[] } }
  | {
      readonly type: 'GROW_VOLUME';
      readonly grow_volume: { readonly volume: WireResource; readonly addition: WireResource };
    }
  | {
      readonly type: 'SHRINK_VOLUME';
      readonly shrink_volume: {
        readonly volume: WireResource;
        readonly subtract: { readonly value: number };
      };
    }
);

/** Calls of the v1 scheduler API. All but SUBSCRIBE carry `framework_id`. */
export type SchedulerCall =
  | {
      readonly type: 'SUBSCRIBE';
      readonly framework_id?: IdValue;
      readonly subscribe: {
        readonly framework_info: FrameworkInfo;
        readonly suppressed_roles?: readonly string[];
        readonly offer_constraints?: OfferConstraints;
      };
    }
  | {
      readonly type: 'UPDATE_FRAMEWORK';
      readonly framework_id: IdValue;
      readonly update_framework: {
        readonly framework_info: FrameworkInfo;
        readonly suppressed_roles?: readonly string[];
        readonly offer_constraints?: OfferConstraints;
      };
    }
  | { readonly type: 'TEARDOWN'; readonly framework_id: IdValue }
  | {
      readonly type: 'ACCEPT';
      readonly framework_id: IdValue;
      readonly accept: {
        readonly offer_ids: readonly IdValue[];
        readonly operations?: readonly OfferOperation[];
        readonly filters?: Filters;
      };
    }
  | {
      readonly type: 'DECLINE';
      readonly framework_id: IdValue;
      readonly decline: { readonly offer_ids: readonly IdValue[]; readonly filters?: Filters };
    }
  | {
      readonly type: 'REVIVE';
      readonly framework_id: IdValue;
      readonly revive?: { readonly roles?: readonly string[] };
    }
  | {
      readonly type: 'SUPPRESS';
      readonly framework_id: IdValue;
      readonly suppress?: { readonly roles?: readonly string[] };
    }
  | {
      readonly type: 'KILL';
      readonly framework_id: IdValue;
      readonly kill: {
        readonly task_id: IdValue;
        readonly agent_id?: IdValue;
        readonly kill_policy?: KillPolicy;
      };
    }
  | {
      readonly type: 'ACKNOWLEDGE';
      readonly framework_id: IdValue;
      readonly acknowledge: {
        readonly agent_id: IdValue;
        readonly task_id: IdValue;
        readonly uuid: string;
      };
    }
  | {
      readonly type: 'RECONCILE';
      readonly framework_id: IdValue;
      readonly reconcile: {
        readonly tasks: readonly { readonly task_id: IdValue; readonly agent_id?: IdValue }[];
      };
    }
  | {
      readonly type: 'ACCEPT_INVERSE_OFFERS';
      readonly framework_id: IdValue;
      readonly accept_inverse_offers: {
        readonly inverse_offer_ids: readonly IdValue[];
        readonly filters?: Filters;
      };
    }
  | {
      readonly type: 'DECLINE_INVERSE_OFFERS';
      readonly framework_id: IdValue;
      readonly decline_inverse_offers: {
        readonly inverse_offer_ids: readonly IdValue[];
        readonly filters?: Filters;
      };
    }
  | {
      readonly type: 'SHUTDOWN';
      readonly framework_id: IdValue;
      readonly shutdown: { readonly executor_id: IdValue; readonly agent_id: IdValue };
    }
  | {
      readonly type: 'MESSAGE';
      readonly framework_id: IdValue;
      readonly message: {
        readonly agent_id: IdValue;
        readonly executor_id: IdValue;
        /** Base64. */
        readonly data: string;
      };
    }
  | {
      readonly type: 'REQUEST';
      readonly framework_id: IdValue;
      readonly request: {
        readonly requests: readonly {
          readonly agent_id?: IdValue;
          readonly resources: readonly WireResource[];
        }[];
      };
    }
  | {
      readonly type: 'ACKNOWLEDGE_OPERATION_STATUS';
      readonly framework_id: IdValue;
      readonly acknowledge_operation_status: {
        readonly agent_id?: IdValue;
        readonly resource_provider_id?: IdValue;
        readonly uuid: string;
        readonly operation_id: IdValue;
      };
    }
  | {
      readonly type: 'RECONCILE_OPERATIONS';
      readonly framework_id: IdValue;
      readonly reconcile_operations: {
        readonly operations: readonly {
          readonly operation_id: IdValue;
          readonly agent_id?: IdValue;
          readonly resource_provider_id?: IdValue;
        }[];
      };
    };

/** Events of the v1 scheduler API. */
export type SchedulerEvent =
  | {
      readonly type: 'SUBSCRIBED';
      readonly subscribed: {
        readonly framework_id: IdValue;
        readonly heartbeat_interval_seconds?: number;
        readonly master_info?: MasterInfo;
      };
    }
  | { readonly type: 'OFFERS'; readonly offers: { readonly offers: readonly WireOffer[] } }
  | { readonly type: 'RESCIND'; readonly rescind: { readonly offer_id: IdValue } }
  | {
      readonly type: 'INVERSE_OFFERS';
      readonly inverse_offers: { readonly inverse_offers: readonly InverseOffer[] };
    }
  | {
      readonly type: 'RESCIND_INVERSE_OFFER';
      readonly rescind_inverse_offer: { readonly inverse_offer_id: IdValue };
    }
  | {
      readonly type: 'UPDATE_OPERATION_STATUS';
      readonly update_operation_status: { readonly status: OperationStatus };
    }
  | { readonly type: 'UPDATE'; readonly update: { readonly status: TaskStatus } }
  | {
      readonly type: 'FAILURE';
      readonly failure: {
        readonly agent_id?: IdValue;
        readonly executor_id?: IdValue;
        readonly status?: number;
      };
    }
  | {
      readonly type: 'MESSAGE';
      readonly message: {
        readonly agent_id: IdValue;
        readonly executor_id: IdValue;
        readonly data: string;
      };
    }
  | { readonly type: 'ERROR'; readonly error: { readonly message: string } }
  | { readonly type: 'HEARTBEAT' };
