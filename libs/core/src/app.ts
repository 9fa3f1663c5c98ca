import type { AppId, GroupId } from './ids.js';

/**
 * A declared app, normalised: every default filled in, older forms converted, ids absolute. It keeps the units its
 * author wrote (`cpus` in cores, `mem` and `disk` in MiB, seconds), so that it reads back field by field;
 * {@link file://./resources.ts} converts once where it is matched. Rules: Marathon v2 app definition.
 */
export interface App {
  readonly id: AppId;
  readonly cmd?: string;
  readonly args: readonly string[];
  readonly user?: string;
  readonly env: Readonly<Record<string, string | { readonly secret: string }>>;
  readonly secrets: Readonly<Record<string, { readonly source: string }>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly instances: number;
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
  readonly resourceLimits?: {
    readonly cpus?: number | 'unlimited';
    readonly mem?: number | 'unlimited';
  };
  readonly executor: string;
  readonly executorResources?: {
    readonly cpus: number;
    readonly mem: number;
    readonly disk: number;
  };
  readonly constraints: readonly Constraint[];
  readonly acceptedResourceRoles: readonly string[];
  readonly role: string;
  readonly dependencies: readonly string[];
  readonly fetch: readonly FetchUri[];
  readonly container?: Container;
  readonly networks: readonly Network[];
  readonly portDefinitions: readonly PortDefinition[];
  readonly requirePorts: boolean;
  readonly healthChecks: readonly HealthCheck[];
  readonly check?: Readonly<Record<string, unknown>>;
  readonly readinessChecks: readonly ReadinessCheck[];
  readonly backoffSeconds: number;
  readonly backoffFactor: number;
  readonly maxLaunchDelaySeconds: number;
  readonly upgradeStrategy: UpgradeStrategy;
  readonly rollout?: Rollout;
  readonly killSelection: 'YOUNGEST_FIRST' | 'OLDEST_FIRST';
  readonly unreachableStrategy:
    | 'disabled'
    | { readonly inactiveAfterSeconds: number; readonly expungeAfterSeconds: number };
  readonly taskKillGracePeriodSeconds?: number;
  readonly residency?: {
    readonly relaunchEscalationTimeoutSeconds: number;
    readonly taskLostBehavior: string;
  };
  readonly tty?: boolean;
  /** Absent: `service`. */
  readonly workload?: Workload;
  /** Jobs only: how often each instance may fail and be run again. */
  readonly maxRetries?: number;
  /** Set for a pod, which shares all else with apps. */
  readonly pod?: Pod;
  /** ISO 8601 with milliseconds, UTC. Identifies this definition in the app's history. */
  readonly version: string;
  readonly versionInfo: { readonly lastScalingAt: string; readonly lastConfigChangeAt: string };
}

/** `service`: kept running at a count. `daemon`: one on every agent that can run it. `job`: run until it has finished. */
export type Workload = 'service' | 'daemon' | 'job';

/** `[field, operator]` or `[field, operator, value]`, operator in upper case. */
export type Constraint = readonly [string, string] | readonly [string, string, string];

export interface FetchUri {
  readonly uri: string;
  readonly extract: boolean;
  readonly executable: boolean;
  readonly cache: boolean;
  readonly destPath?: string;
}

export interface Container {
  readonly type: 'MESOS' | 'DOCKER';
  readonly docker?: {
    readonly image: string;
    readonly forcePullImage: boolean;
    readonly privileged: boolean;
    readonly parameters: readonly { readonly key: string; readonly value: string }[];
    readonly pullConfig?: { readonly secret: string };
  };
  readonly volumes: readonly Volume[];
  /** Absent with host networking. */
  readonly portMappings?: readonly PortMapping[];
  readonly linuxInfo?: LinuxInfo;
}

/** How a container is cut off from its host: system calls and shared memory. */
export interface LinuxInfo {
  readonly seccomp?: { readonly profileName?: string; readonly unconfined: boolean };
  /** `shmSize`: MiB. */
  readonly ipcInfo?: { readonly mode: 'PRIVATE' | 'SHARE_PARENT'; readonly shmSize?: number };
}

/** Host volumes are mounted; the other kinds are kept as declared. */
export interface Volume {
  readonly containerPath: string;
  readonly hostPath?: string;
  readonly mode?: 'RO' | 'RW';
  readonly persistent?: Readonly<Record<string, unknown>>;
  readonly external?: Readonly<Record<string, unknown>>;
  readonly secret?: string;
}

export interface Network {
  readonly mode: 'host' | 'container/bridge' | 'container';
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Host networking: one port of the task. `port` 0 asks for a service port; the task's own port is chosen per launch. */
export interface PortDefinition {
  readonly port: number;
  readonly protocol: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Bridge or container networking. `hostPort` 0: any; absent: not mapped (container networks only). */
export interface PortMapping {
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly servicePort: number;
  readonly protocol: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkNames: readonly string[];
}

export type HealthCheckProtocol =
  | 'HTTP'
  | 'HTTPS'
  | 'TCP'
  | 'COMMAND'
  | 'MESOS_HTTP'
  | 'MESOS_HTTPS'
  | 'MESOS_TCP';

export interface HealthCheck {
  readonly protocol: HealthCheckProtocol;
  readonly path?: string;
  readonly portIndex?: number;
  readonly port?: number;
  readonly command?: { readonly value: string };
  readonly gracePeriodSeconds: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly maxConsecutiveFailures: number;
  readonly delaySeconds: number;
  readonly ignoreHttp1xx: boolean;
  readonly ipProtocol: 'IPv4' | 'IPv6';
}

export interface ReadinessCheck {
  readonly name: string;
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly path: string;
  readonly portName: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly httpStatusCodesForReady: readonly number[];
  readonly preserveLastResponse: boolean;
}

export interface UpgradeStrategy {
  readonly minimumHealthCapacity: number;
  readonly maximumOverCapacity: number;
}

/** How the deployments of an app proceed and when they give up. It says nothing about instances: to change it restarts none. */
export interface Rollout {
  /** A deployment that has not ended by then has failed. Time it is paused or waits for a promotion does not count. */
  readonly deadlineSeconds?: number;
  /** New instances that may fail before the deployment has failed. */
  readonly maxFailures?: number;
  /** What failed is rolled back; without a word on it, unless an app of the deployment is new. */
  readonly autoRollback?: boolean;
  /** New instances per batch; what is left after the last batch comes at once. */
  readonly batches?: readonly number[];
  /** False: the next batch starts when the last one serves, without a pause. */
  readonly pauseAfterBatch?: boolean;
  /** New instances beside all old ones, until somebody promotes or aborts. */
  readonly canary?: { readonly instances: number };
}

/**
 * What makes an app a pod: several containers that are launched together, as one task group, on one agent. The app's own
 * `cpus`, `mem`, `disk` and `gpus` are what an instance takes in all, `executorResources` included; its `env` is every
 * container's; its `healthChecks` are those of the containers, in order.
 */
export interface Pod {
  readonly containers: readonly PodContainer[];
  readonly volumes: readonly PodVolume[];
  /** As declared; instances beyond are refused. */
  readonly maxInstances?: number;
}

export interface ContainerResources {
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
}

export interface PodContainer {
  readonly name: string;
  /** Absent: what the image starts with. */
  readonly exec?: { readonly command: PodCommand; readonly overrideEntrypoint?: boolean };
  readonly resources: ContainerResources;
  readonly resourceLimits?: NonNullable<App['resourceLimits']>;
  readonly endpoints: readonly PodEndpoint[];
  /** Absent: a process in the file system of the agent. */
  readonly image?: PodImage;
  /** Goes before the pod's own. */
  readonly environment: App['env'];
  readonly user?: string;
  readonly healthCheck?: PodHealthCheck;
  readonly volumeMounts: readonly VolumeMount[];
  readonly artifacts: readonly FetchUri[];
  readonly tty?: boolean;
  readonly linuxInfo?: LinuxInfo;
  readonly labels: Readonly<Record<string, string>>;
  readonly lifecycle?: { readonly killGracePeriodSeconds: number };
}

/** A text for a shell, or a program with its arguments. */
export type PodCommand = { readonly shell: string } | { readonly argv: readonly string[] };

export interface PodImage {
  readonly kind: 'DOCKER';
  readonly id: string;
  readonly forcePull: boolean;
  readonly pullConfig?: { readonly secret: string };
  readonly labels: Readonly<Record<string, string>>;
}

/** A port of a container. `hostPort` 0: any; absent: not mapped (networks of the pod's own only). */
export interface PodEndpoint {
  readonly name: string;
  /** 0: the same as the host port. Absent with host networking. */
  readonly containerPort?: number;
  readonly hostPort?: number;
  readonly protocol: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly networkNames: readonly string[];
}

/** Exactly one of `http`, `tcp` and `exec`; endpoints are of the same pod. */
export interface PodHealthCheck {
  readonly http?: {
    readonly endpoint: string;
    readonly path: string;
    readonly scheme: 'HTTP' | 'HTTPS';
  };
  readonly tcp?: { readonly endpoint: string };
  readonly exec?: { readonly command: PodCommand };
  readonly gracePeriodSeconds: number;
  readonly intervalSeconds: number;
  readonly maxConsecutiveFailures: number;
  readonly timeoutSeconds: number;
  readonly delaySeconds: number;
}

/** `host`: a path of the agent. `secret`: kept as declared. Neither: a directory that lives as long as the instance. */
export interface PodVolume {
  readonly name: string;
  readonly host?: string;
  readonly secret?: string;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

/**
 * One group. The tree is flat in memory: a {@link RootGroup} indexes apps and groups by absolute id, so that no change
 * costs more than what it touches.
 */
export interface Group {
  readonly id: GroupId;
  readonly dependencies: readonly string[];
  readonly enforceRole: boolean;
  readonly version: string;
}
