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
  readonly role?: string;
  readonly allocation_info?: { readonly role?: string };
  readonly reservations?: readonly unknown[];
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
  readonly offer_filters?: unknown;
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
  readonly network_infos?: readonly { readonly name?: string }[];
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

export interface TaskInfo {
  readonly name: string;
  readonly task_id: IdValue;
  readonly agent_id: IdValue;
  readonly resources: readonly WireResource[];
  readonly command?: CommandInfo;
  readonly executor?: unknown;
  readonly container?: ContainerInfo;
  readonly health_check?: WireHealthCheck;
  readonly kill_policy?: KillPolicy;
  /** Base64. */
  readonly data?: string;
  readonly labels?: {
    readonly labels: readonly { readonly key: string; readonly value?: string }[];
  };
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
  /** e.g. `DOCKER`: launchers this agent offers beside the process launcher. */
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
