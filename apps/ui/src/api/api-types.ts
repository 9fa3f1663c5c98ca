/** The part of the Marathon v2 wire format this UI reads. Every field the server may leave out is optional. */

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export interface HealthCheckResult {
  readonly alive: boolean;
  readonly consecutiveFailures: number;
  readonly firstSuccess?: string | null;
  readonly lastSuccess?: string | null;
  readonly lastFailure?: string | null;
  readonly lastFailureCause?: string | null;
}

/** Pacer's addition: the task is out of rotation and will be killed at the deadline at the latest. */
export interface Draining {
  readonly since: string;
  readonly deadline: string;
}

export interface Task {
  readonly id: string;
  readonly appId: string;
  readonly host?: string | null;
  readonly ports?: readonly number[];
  readonly ipAddresses?: readonly { readonly ipAddress: string; readonly protocol?: string }[];
  readonly slaveId?: string | null;
  readonly state: string;
  readonly stagedAt?: string | null;
  readonly startedAt?: string | null;
  readonly version?: string;
  readonly healthCheckResults?: readonly HealthCheckResult[];
  readonly draining?: Draining | null;
  readonly region?: string | null;
  readonly zone?: string | null;
}

export interface TaskFailure {
  readonly appId: string;
  readonly taskId: string;
  readonly state: string;
  readonly message: string;
  readonly host?: string | null;
  readonly slaveId?: string | null;
  readonly timestamp: string;
  readonly version?: string;
}

export interface App {
  readonly id: string;
  readonly cmd?: string | null;
  readonly args?: readonly string[] | null;
  readonly container?: { readonly type?: string; readonly docker?: { readonly image?: string } };
  readonly instances: number;
  readonly cpus: number;
  readonly mem: number;
  readonly disk?: number;
  readonly gpus?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly healthChecks?: readonly unknown[];
  readonly version?: string;
  readonly versionInfo?: { readonly lastScalingAt?: string; readonly lastConfigChangeAt?: string };
  readonly tasksStaged?: number;
  readonly tasksRunning?: number;
  readonly tasksHealthy?: number;
  readonly tasksUnhealthy?: number;
  readonly deployments?: readonly { readonly id: string }[];
  readonly tasks?: readonly Task[];
  readonly lastTaskFailure?: TaskFailure | null;
}

export interface RejectCount {
  readonly reason: string;
  readonly declined: number;
  readonly processed: number;
}

export interface QueueEntry {
  readonly app?: { readonly id: string };
  readonly pod?: { readonly id: string };
  readonly count: number;
  readonly since?: string;
  readonly delay?: { readonly timeLeftSeconds: number; readonly overdue: boolean };
  readonly processedOffersSummary?: {
    readonly processedOffersCount: number;
    readonly unusedOffersCount: number;
    readonly lastUnusedOfferAt?: string | null;
    readonly lastUsedOfferAt?: string | null;
    readonly rejectSummaryLastOffers?: readonly RejectCount[];
    readonly rejectSummaryLaunchAttempt?: readonly RejectCount[];
  };
}

/** Pacer's addition: why an app is not as declared. */
export interface Why {
  readonly appId: string;
  readonly summary: string;
  readonly waitingFor: readonly string[];
  readonly waiting: readonly WaitingGroup[];
}

/** Waiting instances of one definition, and what their agents last offered. */
export interface WaitingGroup {
  readonly count: number;
  readonly version: string;
  readonly offers: {
    readonly agents: number;
    readonly omitted: number;
    readonly newestAt?: string;
  };
  readonly reasons: readonly {
    readonly reason: string;
    readonly agents: number;
    readonly alone: number;
    readonly example?: string;
  }[];
  readonly fitting: {
    readonly agents: number;
    readonly newest: readonly { readonly hostname: string }[];
  };
  readonly nearestFit?: { readonly summary: string };
  readonly suggestions: readonly WhySuggestion[];
}

export interface WhySuggestion {
  readonly change: string;
  readonly places: number;
  readonly hostname?: string;
}

export interface DeploymentAction {
  readonly action: string;
  readonly app?: string;
  readonly pod?: string;
  readonly readinessCheckResults?: readonly unknown[];
}

export interface Deployment {
  readonly id: string;
  readonly version: string;
  readonly affectedApps?: readonly string[];
  readonly affectedPods?: readonly string[];
  readonly steps?: readonly { readonly actions: readonly DeploymentAction[] }[];
  readonly currentActions?: readonly DeploymentAction[];
  readonly currentStep: number;
  readonly totalSteps: number;
  /** Pacer's addition: why the current step has not finished, in words. */
  readonly waitingFor?: readonly string[];
  /** Pacer's additions. */
  readonly state?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly paused?: { readonly since: string; readonly by?: string };
  readonly awaitsPromotion?: readonly { readonly app: string; readonly since: string }[];
}

export interface Info {
  readonly name?: string;
  readonly version?: string;
  readonly buildref?: string;
  readonly elected?: boolean;
  readonly leader?: string;
  readonly frameworkId?: string;
  readonly marathon_config?: JsonObject;
  readonly http_config?: JsonObject;
}

/** What a change answers; which of the fields are there depends on the endpoint. */
export interface ChangeResult {
  readonly deploymentId?: string;
  readonly version?: string;
  readonly deployments?: readonly { readonly id: string }[];
}

export interface SandboxFile {
  readonly path: string;
  readonly size: number;
  readonly mode?: string;
  readonly mtime?: number;
}

export interface FileChunk {
  readonly data: string;
  readonly offset: number;
}
