/** JSON shapes of the Mesos v1 messages, snake_case as on the wire. Unknown fields are ignored, null means absent. */

export interface IdValue {
  readonly value: string;
}

export interface WireResource {
  readonly name: string;
  readonly type: 'SCALAR' | 'RANGES' | 'SET';
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range: readonly { readonly begin: number; readonly end: number }[] };
  readonly set?: { readonly item: readonly string[] };
  /** The old form: the reservation's role, `*` for none; dynamic when `reservation` is there. */
  readonly role?: string;
  readonly reservation?: WireReservation;
  readonly allocation_info?: { readonly role?: string };
  /** The refined form: a stack, the outermost role first. */
  readonly reservations?: readonly WireReservation[];
  readonly disk?: {
    readonly persistence?: { readonly id: string; readonly principal?: string };
    readonly volume?: {
      readonly mode: 'RO' | 'RW';
      readonly container_path: string;
      readonly host_path?: string;
    };
    readonly source?: unknown;
  };
  /** Present, and empty: revocable. */
  readonly revocable?: object;
  readonly shared?: object;
}

export interface WireReservation {
  readonly type?: 'STATIC' | 'DYNAMIC';
  readonly role?: string;
  readonly principal?: string;
  readonly labels?: {
    readonly labels: readonly { readonly key: string; readonly value?: string }[];
  };
}

export interface WireAttribute {
  readonly name: string;
  readonly type: 'SCALAR' | 'RANGES' | 'SET' | 'TEXT';
  readonly text?: { readonly value: string };
  readonly scalar?: { readonly value: number };
  readonly ranges?: { readonly range: readonly { readonly begin: number; readonly end: number }[] };
  readonly set?: { readonly item: readonly string[] };
}

export interface WireUrl {
  readonly scheme: string;
  readonly address: { readonly hostname?: string; readonly ip?: string; readonly port: number };
  readonly path?: string;
}

export interface FrameworkInfo {
  readonly user: string;
  readonly name: string;
  readonly id?: IdValue;
  /** Seconds; 0 tears the framework down the moment its stream drops. */
  readonly failover_timeout?: number;
  readonly checkpoint?: boolean;
  readonly role?: string;
  readonly roles?: readonly string[];
  readonly hostname?: string;
  readonly principal?: string;
  readonly webui_url?: string;
  readonly capabilities?: readonly { readonly type: string }[];
  readonly labels?: unknown;
  /** By role: the least an offer must have; an empty list of quantities takes anything. */
  readonly offer_filters?: Readonly<
    Record<
      string,
      {
        readonly min_allocatable_resources?: {
          readonly quantities: readonly {
            readonly quantities: Readonly<Record<string, { readonly value: number }>>;
          }[];
        };
      }
    >
  >;
  readonly domain?: WireOffer['domain'];
}

/** What attributes an agent must have to be offered: any group, and in it every constraint. */
export interface OfferConstraints {
  readonly role_constraints?: Readonly<
    Record<
      string,
      {
        readonly groups?: readonly {
          readonly attribute_constraints?: readonly AttributeConstraint[];
        }[];
      }
    >
  >;
}

export interface AttributeConstraint {
  readonly selector: {
    readonly attribute_name?: string;
    readonly pseudoattribute_type?: 'HOSTNAME' | 'REGION' | 'ZONE';
  };
  readonly predicate: {
    readonly exists?: object;
    readonly not_exists?: object;
    readonly text_equals?: { readonly value: string };
    readonly text_not_equals?: { readonly value: string };
    readonly text_matches?: { readonly regex: string };
    readonly text_not_matches?: { readonly regex: string };
  };
}

/** An executor of a framework's own. One runs for each (framework, executor id, agent). */
export interface ExecutorInfo {
  readonly executor_id: IdValue;
  readonly framework_id?: IdValue;
  readonly type?: 'DEFAULT' | 'CUSTOM';
  readonly command?: CommandInfo;
  readonly container?: ContainerInfo;
  readonly resources: readonly WireResource[];
  readonly name?: string;
  readonly source?: string;
  /** Base64. */
  readonly data?: string;
  readonly shutdown_grace_period?: { readonly nanoseconds: number };
}

/** A time from which an agent may be away: planned maintenance. */
export interface Unavailability {
  readonly start: { readonly nanoseconds: number };
  readonly duration?: { readonly nanoseconds: number };
}

/** Asks for an agent's resources back. */
export interface InverseOffer {
  readonly id: IdValue;
  readonly framework_id: IdValue;
  readonly agent_id: IdValue;
  readonly url?: WireUrl;
  readonly unavailability: Unavailability;
}

/** How an operation with an id of the framework's own went. */
export interface OperationStatus {
  readonly operation_id?: IdValue;
  /** OPERATION_FINISHED, OPERATION_ERROR, ... */
  readonly state: string;
  readonly message?: string;
  readonly converted_resources?: readonly WireResource[];
  /** Base64 of 16 bytes; absent: must not be acknowledged. */
  readonly uuid?: string;
  readonly agent_id?: IdValue;
}

export interface WireOffer {
  readonly id: IdValue;
  readonly framework_id: IdValue;
  readonly agent_id: IdValue;
  readonly hostname: string;
  readonly url?: WireUrl;
  readonly resources: readonly WireResource[];
  readonly attributes: readonly WireAttribute[];
  readonly executor_ids?: readonly IdValue[];
  readonly unavailability?: Unavailability;
  readonly allocation_info?: { readonly role: string };
  readonly domain?: {
    readonly fault_domain?: {
      readonly region: { readonly name: string };
      readonly zone: { readonly name: string };
    };
  };
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly type?: 'VALUE' | 'SECRET';
}

export interface CommandUri {
  readonly value: string;
  readonly executable?: boolean;
  readonly extract?: boolean;
  readonly cache?: boolean;
  readonly output_file?: string;
}

export interface CommandInfo {
  /** True (default): `value` goes to /bin/sh -c. False: `value` is the program, `arguments` its argv with argv[0]. */
  readonly shell?: boolean;
  readonly value?: string;
  readonly arguments?: readonly string[];
  readonly user?: string;
  readonly uris?: readonly CommandUri[];
  readonly environment?: { readonly variables: readonly EnvironmentVariable[] };
}

export interface ContainerInfo {
  readonly type: 'DOCKER' | 'MESOS';
  readonly volumes?: readonly {
    readonly mode: 'RO' | 'RW';
    readonly container_path: string;
    readonly host_path?: string;
    readonly source?: VolumeSource;
  }[];
  readonly docker?: {
    readonly image: string;
    readonly network?: 'HOST' | 'BRIDGE' | 'NONE' | 'USER';
    readonly port_mappings?: readonly {
      readonly host_port: number;
      readonly container_port: number;
      readonly protocol?: string;
    }[];
    readonly privileged?: boolean;
    readonly parameters?: readonly { readonly key: string; readonly value: string }[];
    readonly force_pull_image?: boolean;
  };
  readonly network_infos?: readonly NetworkInfo[];
  readonly mesos?: { readonly image?: MesosImage };
  /** Present: the task's processes have a terminal. Its size is what the agent makes it. */
  readonly tty_info?: object;
  /** Kept as they came; an agent that cannot do what they ask for refuses the task. */
  readonly rlimit_info?: unknown;
  /** A {@link LinuxInfo} is what ours can do. */
  readonly linux_info?: unknown;
}

/** How a container is cut off from its host. */
export interface LinuxInfo {
  readonly seccomp?: { readonly profile_name?: string; readonly unconfined?: boolean };
  readonly ipc_mode?: 'PRIVATE' | 'SHARE_PARENT';
  /** MiB of /dev/shm; only with a private one. */
  readonly shm_size?: number;
}

export interface WireLabels {
  readonly labels: readonly { readonly key: string; readonly value?: string }[];
}

/** Where a volume comes from. Of a type that is not one of these an agent knows nothing. */
export interface VolumeSource {
  readonly type?: string;
  readonly host_path?: { readonly path: string };
  /** A path in the sandbox of the task itself, or in that of its group's executor, which all members share. */
  readonly sandbox_path?: { readonly type?: 'SELF' | 'PARENT'; readonly path: string };
}

export interface NetworkInfo {
  readonly name?: string;
  /** Passed on as they came. */
  readonly labels?: WireLabels;
  readonly port_mappings?: readonly {
    readonly host_port: number;
    readonly container_port: number;
    readonly protocol?: string;
  }[];
}

export interface MesosImage {
  readonly type?: 'APPC' | 'DOCKER';
  readonly docker?: { readonly name: string };
  /** False: it is pulled anew for each launch. */
  readonly cached?: boolean;
}

/** Seconds, as in Mesos. `consecutive_failures` of 0xffffffff: the agent reports and never kills. */
export interface WireHealthCheck {
  readonly type?: 'COMMAND' | 'HTTP' | 'TCP';
  readonly http?: {
    readonly port: number;
    readonly path?: string;
    readonly scheme?: string;
    readonly protocol?: 'IPV4' | 'IPV6';
  };
  readonly tcp?: { readonly port: number; readonly protocol?: 'IPV4' | 'IPV6' };
  readonly command?: CommandInfo;
  readonly delay_seconds?: number;
  readonly interval_seconds?: number;
  readonly timeout_seconds?: number;
  readonly consecutive_failures?: number;
  readonly grace_period_seconds?: number;
}

/** CheckInfo: what it sees is told, whatever it is, and nothing follows from it. Seconds. */
export interface WireCheck {
  readonly type: 'COMMAND' | 'HTTP' | 'TCP';
  readonly command?: { readonly command: CommandInfo };
  /** `scheme` and `protocol` are ours. */
  readonly http?: NonNullable<WireHealthCheck['http']>;
  readonly tcp?: NonNullable<WireHealthCheck['tcp']>;
  readonly delay_seconds?: number;
  readonly interval_seconds?: number;
  readonly timeout_seconds?: number;
}

/** CheckStatusInfo: what a {@link WireCheck} saw last; an empty body while nothing is known. */
export interface WireCheckStatus {
  readonly type: WireCheck['type'];
  readonly command?: { readonly exit_code?: number };
  readonly http?: { readonly status_code?: number };
  readonly tcp?: { readonly succeeded?: boolean };
}

export interface TaskInfo {
  readonly name: string;
  readonly task_id: IdValue;
  readonly agent_id: IdValue;
  readonly resources: readonly WireResource[];
  readonly command?: CommandInfo;
  readonly executor?: ExecutorInfo;
  readonly container?: ContainerInfo;
  readonly health_check?: WireHealthCheck;
  /** A {@link WireCheck}, passed on as it came: the master refuses the task of one that is not. */
  readonly check?: unknown;
  readonly kill_policy?: KillPolicy;
  readonly max_completion_time?: { readonly nanoseconds: number };
  /** Base64. */
  readonly data?: string;
  readonly labels?: WireLabels;
  readonly discovery?: unknown;
  readonly limits?: Readonly<Record<string, { readonly value: number | 'Infinity' }>>;
}

export interface KillPolicy {
  readonly grace_period?: { readonly nanoseconds: number };
}

export interface TaskStatus {
  readonly task_id: IdValue;
  /** A TASK_... name. */
  readonly state: string;
  readonly source?: 'SOURCE_MASTER' | 'SOURCE_AGENT' | 'SOURCE_EXECUTOR';
  readonly reason?: string;
  readonly message?: string;
  readonly data?: string;
  readonly agent_id?: IdValue;
  readonly executor_id?: IdValue;
  /** Seconds since 1970, fractional. */
  readonly timestamp?: number;
  /** Base64 of 16 bytes; absent: must not be acknowledged. */
  readonly uuid?: string;
  readonly healthy?: boolean;
  readonly check_status?: unknown;
  readonly labels?: unknown;
  readonly container_status?: {
    readonly container_id?: IdValue;
    readonly network_infos?: readonly {
      readonly ip_addresses?: readonly {
        readonly ip_address: string;
        readonly protocol?: 'IPv4' | 'IPv6';
      }[];
    }[];
    readonly executor_pid?: number;
  };
  readonly unreachable_time?: { readonly nanoseconds: number };
}

export interface AgentInfo {
  readonly id?: IdValue;
  readonly hostname: string;
  /** Where the agent's own HTTP API listens. */
  readonly port: number;
  readonly url?: WireUrl;
  readonly resources: readonly WireResource[];
  readonly attributes: readonly WireAttribute[];
  /**
   * What the agent can do. `PROCESS`, `DOCKER`: its launchers. `EXECUTORS`: a LAUNCH whose task names an executor of the
   * framework's own. `TASK_GROUPS`: LAUNCH_GROUP. `TASK_RESOURCE_LIMITS`: TaskInfo.limits. The master refuses a launch
   * that needs one the agent lacks.
   */
  readonly capabilities?: readonly { readonly type: string }[];
  readonly domain?: WireOffer['domain'];
}

export interface MasterInfo {
  readonly id: string;
  readonly ip: number;
  readonly port: number;
  readonly pid: string;
  readonly hostname: string;
  readonly version: string;
  readonly address: { readonly hostname: string; readonly ip: string; readonly port: number };
  readonly capabilities?: readonly { readonly type: string }[];
}
