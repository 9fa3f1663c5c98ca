import type {
  App,
  AppId,
  Deployment,
  DeploymentId,
  Instance,
  InstanceId,
  RootDelta,
  RootGroup,
  StoredCertificate,
  StoredEvent,
  TaskFailure,
  TaskId,
} from '#core';
import type { ControllerAbilities, LimitOverride } from '#deployment';
import type {
  MarathonEvent,
  RouterReport,
  WireCheckResult,
  WireReadinessResult,
} from '#marathon-v2';
import type { AppExplanation, UnusedOffer } from './app-explanation.port.js';
import type { ChangePreview } from './change-preview.port.js';

/**
 * A change of what should run. `apply` is pure and is called once, inside the serial queue, with the current root and
 * the new version; what it throws is thrown to the caller and changes nothing.
 */
export interface RootChange {
  readonly apply: (root: RootGroup, version: string) => RootDelta;
  readonly force: boolean;
  /** Apps to restart although their definition is the same (their back-off is reset). */
  readonly restart?: readonly AppId[];
  /** Instances to prefer when the change scales down (DELETE tasks with scale=true). */
  readonly sentenced?: readonly InstanceId[];
  /** Events about the request itself, stored with it (api_post_event); from the apps it put, as they are stored. */
  readonly eventsOf?: (putApps: readonly App[]) => readonly MarathonEvent[];
  /** Shown with the deployment (`rollback of ...`). */
  readonly reason?: string;
  /** Who asked for it, proven by credentials; absent where nobody is asked. */
  readonly by?: string;
  /** When this deployment gives up, before what its apps say. */
  readonly limits?: LimitOverride;
}

/** Running instances of an app that a change replaces. */
export interface AppRestart {
  readonly app: AppId;
  readonly count: number;
  /** Of a long list the first; `count` is all. */
  readonly instances: readonly InstanceId[];
}

/** What somebody tells a running deployment. */
export type DeploymentCommand =
  | { readonly kind: 'pause'; readonly by?: string }
  | { readonly kind: 'resume'; readonly by?: string }
  /** `force`: although not every canary is running, healthy and ready. */
  | { readonly kind: 'promote'; readonly by?: string; readonly force: boolean };

export type DeploymentCommandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'not-running' }
  | { readonly kind: 'refused'; readonly reason: string };

export type RootChangeOutcome =
  | {
      readonly kind: 'accepted';
      readonly deploymentId: DeploymentId;
      readonly version: string;
      readonly restarts: readonly AppRestart[];
      /** Apps the change put, as they are stored: an edit in place keeps the time of the last configuration change. */
      readonly putApps: readonly App[];
    }
  | { readonly kind: 'locked'; readonly deployments: readonly DeploymentId[] }
  | { readonly kind: 'too-many-deployments'; readonly limit: number }
  /** What is declared by now does not allow it. */
  | { readonly kind: 'impossible'; readonly reason: string };

/** One check of one instance, in memory only. Times are Unix ms. */
export interface HealthState {
  readonly alive: boolean;
  readonly consecutiveFailures: number;
  readonly firstSuccessEpochMs?: number;
  readonly lastSuccessEpochMs?: number;
  readonly lastFailureEpochMs?: number;
  readonly lastFailureCause?: string;
}

export interface InstanceView {
  readonly instance: Instance;
  /** One per health check that has a result. */
  readonly health: readonly HealthState[];
  /** Undefined: no health checks, or nothing known yet. */
  readonly healthy?: boolean;
  /** Of a pod: whether the containers that have a check and a result are well, by name. */
  readonly containerHealth?: ReadonlyMap<string, boolean>;
  /** What the app's `check` saw last. */
  readonly checkResult?: WireCheckResult;
}

export interface DeploymentView {
  readonly deployment: Deployment;
  readonly readiness: readonly WireReadinessResult[];
  /** Why it is not finished, in words and numbers. */
  readonly waitingFor: readonly string[];
}

export interface QueueEntryView {
  readonly appId: AppId;
  readonly count: number;
  readonly sinceEpochMs: number;
  /** Back-off left, milliseconds; 0: may launch now. */
  readonly delayLeftMs: number;
  /** Why the app's turn in its deployment has not come: nothing of it is launched before. */
  readonly heldBy?: string;
  readonly processedOffers: number;
  readonly unusedOffers: number;
  readonly lastUsedOfferEpochMs?: number;
  readonly lastUnusedOfferEpochMs?: number;
  /** Per reason (Marathon's names, in funnel order) how many offers reached it and how many it declined. */
  readonly rejectLastOffers: readonly {
    readonly reason: string;
    readonly declined: number;
    readonly processed: number;
  }[];
  readonly rejectLaunchAttempt: readonly {
    readonly reason: string;
    readonly declined: number;
    readonly processed: number;
  }[];
}

/** A router as it was last heard. */
export interface RouterView {
  readonly id: string;
  readonly heardEpochMs: number;
  /** Heard of within the last seconds: kills wait for it. */
  readonly isRecent: boolean;
  /** Events it has not applied. */
  readonly behindEvents: number;
  /** Since when it lacks an event that it still lacked when it was last heard. */
  readonly behindSinceEpochMs?: number;
  readonly report: RouterReport;
}

/** What is shown of an app that is no plain service. */
export type WorkloadView =
  /** Agents that have an instance or are about to get one. */
  | { readonly kind: 'daemon'; readonly wanted: number }
  | {
      readonly kind: 'job';
      readonly completed: number;
      readonly failed: number;
      /** Why it cannot complete any more. */
      readonly failure?: string;
    };

/** Reads, all from memory and all synchronous. */
export interface ControllerView {
  root(): RootGroup;
  instancesOf(app: AppId): readonly InstanceView[];
  instanceOfTask(task: TaskId): InstanceView | undefined;
  /** `http://host:port` of the agent that ran a task which is gone; the newest 10,000 since this controller leads. */
  agentUrlOfEnded(task: TaskId): string | undefined;
  /** Apps that have instances, in no order. */
  appsWithInstances(): Iterable<AppId>;
  /** Apps that are declared no more and still have instances, as they were declared last; in order of id. */
  leavingApps(): readonly App[];
  /** One of them. */
  leavingApp(app: AppId): App | undefined;
  deployments(): readonly DeploymentView[];
  deploymentsOf(app: AppId): readonly DeploymentId[];
  readinessOf(app: AppId): readonly WireReadinessResult[];
  failureOf(app: AppId): TaskFailure | undefined;
  /** Undefined: a service. */
  workloadOf(app: App): WorkloadView | undefined;
  queue(): readonly QueueEntryView[];
  /** Why an app is not as declared, looking at so many agents at most. Undefined: no such app is known. */
  explain(app: AppId, options?: { readonly maxAgents?: number }): AppExplanation | undefined;
  /** The newest offers an app that waits did not use. */
  unusedOffers(app: AppId, limit: number): readonly UnusedOffer[];
  /** Rises whenever anything shown of this app changes: definition, instances, health, deployments. 0: never seen. */
  changeCounter(app: AppId): number;
  /** Rises whenever anything shown of any app changes. */
  totalChangeCounter(): number;
  /** In order of name, with their keys. */
  certificates(): readonly StoredCertificate[];
  /** The id of the last committed event: what a snapshot read now contains. */
  lastEventId(): number;
  frameworkId(): string | undefined;
  /** `host:port` of the master subscribed to. */
  masterUrl(): string | undefined;
  routers(): readonly RouterView[];
  /** Rises with each report of a router. */
  routerReports(): number;
}

/** What writes would do. Nothing here changes anything. */
export interface Previews {
  /** Throws what `apply` throws. */
  ofChange(change: RootChange): ChangePreview;
  /** Killing without scaling: each is replaced. */
  ofKill(ids: readonly InstanceId[]): ChangePreview;
  /** Undefined: no such deployment. */
  ofCancellation(
    id: DeploymentId,
    options: { readonly force: boolean },
  ): Promise<ChangePreview | undefined>;
}

/** The controller behind its HTTP surface. Writes resolve once durable; they reject with StoreUnavailableError or FencedError. */
export interface ControllerEngine {
  readonly view: ControllerView;
  readonly previews: Previews;
  readonly abilities: ControllerAbilities;
  changeRoot(change: RootChange): Promise<RootChangeOutcome>;
  /** Undoes a running deployment by a new forced one, or with `force` just stops it. Undefined: no such deployment. */
  cancelDeployment(
    id: DeploymentId,
    options: { readonly force: boolean; readonly by?: string },
  ): Promise<RootChangeOutcome | { readonly kind: 'cancelled' } | undefined>;
  /** Holds a running deployment or lets it go on. Repeating a command changes nothing. */
  steerDeployment(id: DeploymentId, command: DeploymentCommand): Promise<DeploymentCommandOutcome>;
  /**
   * Kills and replaces (goal count unchanged), out of rotation first where an app has routes, with `force` at once.
   * `wipe` also forgets reservations.
   */
  killInstances(
    ids: readonly InstanceId[],
    options: { readonly wipe: boolean; readonly force?: boolean; readonly by?: string },
  ): Promise<void>;
  /** Clears the back-off. False: the app waits for nothing. */
  resetDelay(app: AppId): boolean;
  reportRouter(id: string, report: RouterReport): void;
  /** Stores a certificate in place of one of its name. `full`: there are as many as may be. */
  putCertificate(certificate: StoredCertificate): Promise<'created' | 'replaced' | 'same' | 'full'>;
  /** False: there is none of the name. */
  deleteCertificate(name: string): Promise<boolean>;
}

/** Gets committed events in id order, for the event stream. */
export interface EventSink {
  publish(events: readonly StoredEvent[]): void;
}
