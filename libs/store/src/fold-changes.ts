import type {
  AppId,
  Deployment,
  Instance,
  InstanceId,
  JobProgress,
  StoreChange,
  StoredCertificate,
  StoredEvent,
  TaskFailure,
} from '#core';
import type { HistoryChange } from './deployment-history.js';

export type RevisionChange = Extract<StoreChange, { readonly kind: 'put-revision' }>;

export type FrameworkIdChange = Extract<
  StoreChange,
  { readonly kind: 'put-framework-id' | 'delete-framework-id' }
>;

/** What a list of changes comes to: the last word on each row, so that each table needs one statement. */
export interface FoldedChanges {
  readonly revisions: readonly RevisionChange[];
  readonly putInstances: readonly Instance[];
  readonly deleteInstances: readonly InstanceId[];
  readonly deployments: readonly Deployment[];
  /** In the order given. */
  readonly history: readonly HistoryChange[];
  readonly failures: readonly TaskFailure[];
  readonly jobs: readonly JobProgress[];
  readonly deleteJobs: readonly AppId[];
  readonly certificates: readonly StoredCertificate[];
  readonly deleteCertificates: readonly string[];
  readonly events: readonly StoredEvent[];
  /** The last word on it, if any was said. */
  readonly frameworkId: FrameworkIdChange | undefined;
}

/** Folds the changes of one transaction. O(changes). */
export function foldChanges(changes: readonly StoreChange[]): FoldedChanges {
  const instances = new Map<InstanceId, Instance | undefined>();
  const deployments = new Map<string, Deployment>();
  const failures = new Map<string, TaskFailure>();
  const jobs = new Map<AppId, JobProgress | undefined>();
  const certificates = new Map<string, StoredCertificate | undefined>();
  const revisions: RevisionChange[] = [];
  const events: StoredEvent[] = [];
  const history: HistoryChange[] = [];
  let frameworkId: FrameworkIdChange | undefined;
  for (const change of changes) {
    switch (change.kind) {
      case 'put-revision':
        revisions.push(change);
        break;
      case 'put-instances':
        for (const instance of change.instances) instances.set(instance.id, instance);
        break;
      case 'delete-instances':
        for (const id of change.ids) instances.set(id, undefined);
        break;
      case 'put-deployment':
        deployments.set(change.deployment.id, change.deployment);
        break;
      case 'append-history':
        history.push(change);
        break;
      case 'put-framework-id':
      case 'delete-framework-id':
        frameworkId = change;
        break;
      case 'put-task-failure':
        failures.set(change.failure.appId, change.failure);
        break;
      case 'put-job':
        jobs.set(change.progress.appId, change.progress);
        break;
      case 'delete-job':
        jobs.set(change.app, undefined);
        break;
      case 'put-certificate':
        certificates.set(change.certificate.name, change.certificate);
        break;
      case 'delete-certificate':
        certificates.set(change.name, undefined);
        break;
      case 'append-events':
        events.push(...change.events);
        break;
      default:
        change satisfies never;
    }
  }
  return {
    revisions,
    putInstances: [...instances.values()].filter((instance) => instance !== undefined),
    deleteInstances: [...instances].filter(([, put]) => put === undefined).map(([id]) => id),
    deployments: [...deployments.values()],
    history,
    failures: [...failures.values()],
    jobs: [...jobs.values()].filter((progress) => progress !== undefined),
    deleteJobs: [...jobs].filter(([, put]) => put === undefined).map(([app]) => app),
    certificates: [...certificates.values()].filter((put) => put !== undefined),
    deleteCertificates: [...certificates]
      .filter(([, put]) => put === undefined)
      .map(([name]) => name),
    events,
    frameworkId,
  };
}
