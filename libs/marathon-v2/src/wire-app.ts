import type { WireRouterStatistics } from './wire-router-statistics.js';

/** JSON of the Marathon v2 API as we send it. Sections: app, task, deployment, queue. Rules: Marathon v2 REST contract. */

export interface WirePortDefinition {
  readonly port: number;
  readonly protocol: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface WirePortMapping {
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly servicePort: number;
  readonly protocol: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkNames?: readonly string[];
}

export interface WireHealthCheck {
  readonly protocol: string;
  readonly path?: string;
  readonly portIndex?: number;
  readonly port?: number;
  readonly command?: { readonly value: string };
  readonly gracePeriodSeconds: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly maxConsecutiveFailures: number;
  readonly delaySeconds?: number;
  readonly ignoreHttp1xx?: boolean;
  readonly ipProtocol?: string;
}

export interface WireHealthCheckResult {
  readonly alive: boolean;
  readonly consecutiveFailures: number;
  readonly firstSuccess?: string | null;
  readonly lastSuccess?: string | null;
  readonly lastFailure?: string | null;
  readonly lastFailureCause?: string | null;
  readonly instanceId: string;
}

export interface WireTask {
  readonly appId: string;
  readonly id: string;
  readonly host: string;
  readonly ports: readonly number[];
  readonly servicePorts: readonly number[];
  readonly ipAddresses: readonly { readonly ipAddress: string; readonly protocol: string }[];
  readonly slaveId: string;
  /** TASK_... */
  readonly state: string;
  readonly stagedAt?: string;
  readonly startedAt?: string;
  readonly version: string;
  readonly healthCheckResults?: readonly WireHealthCheckResult[];
  readonly checkResult?: WireCheckResult;
  readonly localVolumes: readonly unknown[];
  readonly region?: string;
  readonly zone?: string;
  readonly role: string;
  /** Ours: set while the task is being taken out of rotation before it is killed. */
  readonly draining?: { readonly since: string; readonly deadline: string };
}

/** What the `check` of a task saw last. */
export interface WireCheckResult {
  readonly http?: { readonly statusCode: number };
  readonly tcp?: { readonly succeeded: boolean };
  readonly command?: { readonly exitCode: number };
}

export interface WireTaskFailure {
  readonly appId: string;
  readonly host: string;
  readonly message: string;
  readonly state: string;
  readonly taskId: string;
  readonly timestamp: string;
  readonly version: string;
  readonly slaveId?: string;
}

export interface WireReadinessResult {
  readonly name: string;
  readonly taskId: string;
  readonly ready: boolean;
  readonly lastResponse?: {
    readonly status: number;
    readonly contentType: string;
    readonly body: string;
  };
}

/** An app definition as listed, with what was asked to be embedded. Fields we do not interpret pass through. */
export interface WireApp {
  readonly id: string;
  readonly cmd?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly instances: number;
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
  readonly container?: {
    readonly type: string;
    readonly docker?: Readonly<Record<string, unknown>>;
    readonly volumes: readonly unknown[];
    readonly portMappings?: readonly WirePortMapping[];
  };
  readonly networks: readonly { readonly mode: string; readonly name?: string }[];
  readonly portDefinitions?: readonly WirePortDefinition[];
  readonly requirePorts: boolean;
  readonly healthChecks?: readonly WireHealthCheck[];
  readonly readinessChecks?: readonly unknown[];
  readonly upgradeStrategy: {
    readonly minimumHealthCapacity: number;
    readonly maximumOverCapacity: number;
  };
  /** Ours: how deployments of the app proceed and when they give up. */
  readonly rollout?: {
    readonly deadlineSeconds?: number;
    readonly maxFailures?: number;
    readonly autoRollback?: boolean;
    readonly batches?: readonly number[];
    readonly pauseAfterBatch?: boolean;
    readonly canary?: { readonly instances: number };
  };
  /** Ours; absent: `service`. */
  readonly workload?: string;
  /** Ours, of jobs: how often each instance may fail and be run again. */
  readonly maxRetries?: number;
  readonly version: string;
  readonly versionInfo?: { readonly lastScalingAt: string; readonly lastConfigChangeAt: string };
  readonly tasksStaged?: number;
  readonly tasksRunning?: number;
  readonly tasksHealthy?: number;
  readonly tasksUnhealthy?: number;
  /** Ours, of jobs: instances that have finished. */
  readonly completed?: number;
  /** Ours, of jobs: instances given up after their retries. */
  readonly failed?: number;
  /** Ours, where it is asked for: declared no more, its tasks are on their way out. */
  readonly leaving?: true;
  readonly deployments?: readonly { readonly id: string }[];
  readonly tasks?: readonly WireTask[];
  readonly lastTaskFailure?: WireTaskFailure;
  readonly readinessCheckResults?: readonly WireReadinessResult[];
  readonly [field: string]: unknown;
}

/** Of an app, or of a pod. */
export interface WireDeploymentAction {
  readonly action: string;
  readonly app?: string;
  readonly pod?: string;
}

export interface WireDeployment {
  readonly id: string;
  readonly version: string;
  readonly affectedApps: readonly string[];
  readonly affectedPods: readonly string[];
  readonly steps: readonly { readonly actions: readonly WireDeploymentAction[] }[];
  readonly currentActions: readonly (WireDeploymentAction & {
    readonly readinessCheckResults: readonly WireReadinessResult[];
  })[];
  /** One-based, as Marathon counts. */
  readonly currentStep: number;
  readonly totalSteps: number;
  /** Ours: why the current step has not finished, in words and numbers. */
  readonly waitingFor: readonly string[];
  /** Ours, from here on: Running, Succeeded, Cancelled or Failed. */
  readonly state: string;
  readonly reason?: string;
  readonly by?: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly limits?: {
    readonly deadlineSeconds?: number;
    readonly maxFailures?: number;
    readonly autoRollback: boolean;
  };
  readonly deadline?: string;
  /** New instances that have failed. */
  readonly failures?: number;
  readonly paused?: {
    readonly since: string;
    readonly by?: string;
    readonly afterBatch?: {
      readonly app: string;
      readonly batch: number;
      readonly batches: number;
    };
  };
  /** Apps whose canaries wait for promotion. */
  readonly awaitsPromotion?: readonly { readonly app: string; readonly since: string }[];
  readonly rollbackOf?: string;
  readonly rolledBackBy?: string;
  readonly phases?: readonly {
    /** One-based. */
    readonly step: number;
    readonly startedAt: string;
    readonly finishedAt?: string;
  }[];
}

/** What happened in a deployment, of its instances mostly. */
export interface WireDeploymentEvent {
  readonly kind: string;
  readonly timestamp: string;
  readonly app?: string;
  readonly instance?: string;
  readonly host?: string;
  readonly version?: string;
  readonly message?: string;
  readonly by?: string;
}

/** A deployment with its story. */
export interface WireDeploymentDetails extends WireDeployment {
  readonly events: readonly WireDeploymentEvent[];
  /** Later events that are not kept. */
  readonly omittedEvents: number;
}

/** Of an app, or of a pod. */
export interface WireQueueEntry {
  readonly app?: Readonly<Record<string, unknown>>;
  readonly pod?: Readonly<Record<string, unknown>>;
  readonly count: number;
  readonly role: string;
  readonly since: string;
  readonly delay: { readonly timeLeftSeconds: number; readonly overdue: boolean };
  readonly processedOffersSummary: {
    readonly processedOffersCount: number;
    readonly unusedOffersCount: number;
    readonly lastUnusedOfferAt?: string;
    readonly lastUsedOfferAt?: string;
    readonly rejectSummaryLastOffers: readonly WireRejectCount[];
    readonly rejectSummaryLaunchAttempt: readonly WireRejectCount[];
  };
}

export interface WireRejectCount {
  readonly reason: string;
  readonly declined: number;
  readonly processed: number;
}

/** PUT /v2/routers/{id}, ours: what a router tells on change and every 2 s. */
export interface WireRouterReport<Statistics = Readonly<Record<string, unknown>>> {
  /** The id of the last event (or snapshot) this router has applied to its HAProxy. */
  readonly appliedSequence: number;
  /** Draining tasks that get no new request and have no open session here any more. */
  readonly drainedTasks: readonly string[];
  /**
   * Tasks that left rotation here and still have requests. When given, a task that is in neither list and was draining
   * at `appliedSequence` already counts as drained: a router that started since then has never known it.
   */
  readonly busyTasks?: readonly string[];
  readonly url?: string;
  /** As {@link WireRouterStatistics}; what is not of a known version is ignored. */
  readonly statistics?: Statistics;
}

/** A report as it was read. */
export type RouterReport = WireRouterReport<WireRouterStatistics>;

/** Ours: instances of an app that a change replaces. */
export interface WireAppRestart {
  readonly app: string;
  readonly count: number;
  /** Of a long list the first. */
  readonly instances: readonly string[];
}

/** Ours: what a write with `dryRun=true` answers. */
export interface WireChangePreview {
  readonly dryRun: true;
  readonly steps: readonly { readonly actions: readonly WireDeploymentAction[] }[];
  readonly apps: readonly {
    readonly app: string;
    readonly change: 'new' | 'scale' | 'in-place' | 'restart' | 'removed' | 'none';
    readonly fields: readonly string[];
    readonly instances: { readonly before: number; readonly after: number };
    readonly kills: { readonly count: number; readonly instances: readonly string[] };
    readonly keeps: { readonly count: number; readonly instances: readonly string[] };
    /** Where launches would go on what agents offered last; of many apps only the first are placed. */
    readonly launches: {
      readonly count: number;
      readonly offers?: number;
      readonly offersSince?: string;
      readonly placements?: readonly {
        readonly agentId: string;
        readonly host: string;
        readonly count: number;
      }[];
      readonly unplaced?: number;
      readonly reasons?: readonly string[];
    };
  }[];
  readonly conflicts: readonly { readonly id: string }[];
  readonly refusal?: string;
  readonly warnings: readonly string[];
}
