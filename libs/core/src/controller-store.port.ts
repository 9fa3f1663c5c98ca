import type { App } from './app.js';
import type { StoredCertificate } from './certificate.js';
import type { Deployment, DeploymentEvent, DeploymentHistory } from './deployment.js';
import type { AppId, DeploymentId, GroupId, InstanceId } from './ids.js';
import type { Instance, TaskFailure } from './instance.js';
import type { JobProgress } from './job.js';
import type { Lease } from './lease.port.js';
import type { RootDelta, RootGroup } from './root-group.js';

/** One change to what the controller stores. A list of them is one transaction. */
export type StoreChange =
  /** Apps put are new or changed at this revision; those they replace end here and stay readable as versions. */
  | ({
      readonly kind: 'put-revision';
      readonly revision: number;
      readonly version: string;
    } & RootDelta)
  | { readonly kind: 'put-instances'; readonly instances: readonly Instance[] }
  | { readonly kind: 'delete-instances'; readonly ids: readonly InstanceId[] }
  | { readonly kind: 'put-deployment'; readonly deployment: Deployment }
  /** More of the story of a deployment. */
  | {
      readonly kind: 'append-history';
      readonly deploymentId: DeploymentId;
      /** How many events there were before, those left out included. */
      readonly after: number;
      readonly events: readonly DeploymentEvent[];
    }
  | { readonly kind: 'put-framework-id'; readonly frameworkId: string }
  /** The framework was removed: the next start registers a new one. */
  | { readonly kind: 'delete-framework-id' }
  | { readonly kind: 'put-task-failure'; readonly failure: TaskFailure }
  | { readonly kind: 'put-job'; readonly progress: JobProgress }
  | { readonly kind: 'delete-job'; readonly app: AppId }
  | { readonly kind: 'put-certificate'; readonly certificate: StoredCertificate }
  | { readonly kind: 'delete-certificate'; readonly name: string }
  /** Given ids in commit order by the single writer; sent to clients only after the commit. */
  | { readonly kind: 'append-events'; readonly events: readonly StoredEvent[] };

export interface StoredEvent {
  /** Strictly increasing. */
  readonly id: number;
  readonly type: string;
  readonly timestampEpochMs: number;
  /** The one-line JSON payload. */
  readonly payload: string;
}

/** Everything the controller needs to go on. Deployments: running ones only. */
export interface ControllerSnapshot {
  readonly root: RootGroup;
  readonly instances: readonly Instance[];
  readonly deployments: readonly Deployment[];
  /** Events so far of the deployments that have any. */
  readonly historyLengths: ReadonlyMap<DeploymentId, number>;
  readonly failures: readonly TaskFailure[];
  readonly jobs: readonly JobProgress[];
  readonly certificates: readonly StoredCertificate[];
  readonly frameworkId?: string;
  readonly lastEventId: number;
}

/** The controller's only truth. Every write names its lease and fails with FencedError when it is no longer held. */
export interface ControllerStore {
  load(): Promise<ControllerSnapshot>;
  /** One transaction; durable when it resolves. */
  commit(lease: Lease, changes: readonly StoreChange[]): Promise<void>;
  /** The root as it was at a revision still kept, for recovering a deployment's original side. */
  loadRevision(revision: number): Promise<RootGroup | undefined>;
  /** Versions of an app, newest first, at most 50. */
  listAppVersions(id: AppId): Promise<readonly string[]>;
  loadAppVersion(id: AppId, version: string): Promise<App | undefined>;
  /** Versions of the root in which a group is there, newest first. */
  listGroupVersions(id: GroupId): Promise<readonly string[]>;
  loadGroupVersion(version: string): Promise<RootGroup | undefined>;
  /** Finished deployments, newest first, at most `limit` (and at most 1,000 are kept). */
  listFinishedDeployments(limit: number): Promise<readonly Deployment[]>;
  loadDeployment(id: DeploymentId): Promise<Deployment | undefined>;
  /** The first 1,000 events of a deployment and how many more there were. */
  loadHistory(id: DeploymentId): Promise<DeploymentHistory>;
  /** Events with an id above `afterId`, oldest first; `complete` is false when older ones were already dropped. */
  listEvents(
    afterId: number,
    limit: number,
  ): Promise<{ readonly events: readonly StoredEvent[]; readonly complete: boolean }>;
  /**
   * Waits until no commit is under way any more, one whose connection broke in the middle included, then says which event
   * is the last: what is not stored by then never will be. Fenced as a write is.
   */
  settle(lease: Lease): Promise<{ readonly lastEventId: number }>;
  /** Drops what is beyond the bounds (events 24 h or 1 M, 50 versions an app, 1,000 finished deployments). */
  compact(lease: Lease): Promise<void>;
}
