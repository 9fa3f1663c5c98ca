import {
  type App,
  type AppId,
  type ControllerSnapshot,
  type ControllerStore,
  createRoot,
  type Deployment,
  type DeploymentEvent,
  type DeploymentHistory,
  type DeploymentId,
  type Group,
  type GroupId,
  groupId,
  type Instance,
  type JobProgress,
  type Lease,
  MAX_DEPLOYMENT_EVENTS,
  nextRoot,
  type RootGroup,
  type StoreChange,
  type StoredCertificate,
  type StoredEvent,
  StoreUnavailableError,
  type TaskFailure,
} from '#core';
import type { FakeLeaseKeeper } from './fake-lease-keeper.js';

const MAX_VERSIONS = 50;
const MAX_FINISHED = 1_000;
const MAX_REVISIONS = 1_000;
const MAX_EVENTS = 1_000_000;

/** The controller's truth in memory. It outlives the controllers of a simulation, as the database would. */
export class FakeControllerStore implements ControllerStore {
  /** Oldest first; the last one is current. */
  private revisions: RootGroup[] = [];
  private readonly versions = new Map<AppId, App[]>();
  private readonly instances = new Map<string, Instance>();
  private readonly deployments = new Map<string, Deployment>();
  private readonly histories = new Map<DeploymentId, DeploymentEvent[]>();
  private readonly failures = new Map<string, TaskFailure>();
  private readonly jobs = new Map<AppId, JobProgress>();
  private readonly certificates = new Map<string, StoredCertificate>();
  private events: StoredEvent[] = [];
  private lastEventId = 0;
  private droppedEventId = 0;
  private frameworkId: string | undefined;
  private isBreaking = false;
  /** Of a commit whose caller lost its connection, until the server has finished it. */
  private inDoubt: { readonly done: Promise<void>; readonly finish: () => void } | undefined;

  constructor(private readonly leases: FakeLeaseKeeper) {}

  async load(): Promise<ControllerSnapshot> {
    this.leases.requireAvailable();
    return {
      root: this.current(),
      instances: [...this.instances.values()],
      deployments: [...this.deployments.values()].filter(({ state }) => state === 'Running'),
      historyLengths: new Map(
        [...this.histories]
          .map(([id, events]) => [id, events.length] as const)
          .filter(([id]) => this.deployments.get(id)?.state === 'Running'),
      ),
      failures: [...this.failures.values()],
      jobs: [...this.jobs.values()],
      certificates: [...this.certificates.values()],
      ...(this.frameworkId === undefined ? {} : { frameworkId: this.frameworkId }),
      lastEventId: this.lastEventId,
    };
  }

  /** The connection of the next commit breaks midway; `finish` has the server carry it out after all. */
  breakNextCommit(): { readonly finish: () => void } {
    this.isBreaking = true;
    return { finish: () => this.inDoubt?.finish() };
  }

  async commit(lease: Lease, changes: readonly StoreChange[]): Promise<void> {
    this.leases.requireLease(lease);
    if (this.inDoubt !== undefined) await this.inDoubt.done;
    if (this.isBreaking) {
      this.isBreaking = false;
      this.leaveInDoubt(structuredClone(changes));
      throw new StoreUnavailableError('the connection broke');
    }
    for (const change of structuredClone(changes)) this.apply(change);
  }

  async loadRevision(revision: number): Promise<RootGroup | undefined> {
    this.leases.requireAvailable();
    return this.revisions.find((root) => root.revision === revision);
  }

  async listAppVersions(id: AppId): Promise<readonly string[]> {
    this.leases.requireAvailable();
    return (this.versions.get(id) ?? []).slice(0, MAX_VERSIONS).map(({ version }) => version);
  }

  async loadAppVersion(id: AppId, version: string): Promise<App | undefined> {
    this.leases.requireAvailable();
    return this.versions.get(id)?.find((app) => app.version === version);
  }

  async listGroupVersions(id: GroupId): Promise<readonly string[]> {
    this.leases.requireAvailable();
    return this.revisions
      .filter(({ groups }) => id === '/' || groups.has(id))
      .map(({ version }) => version)
      .reverse();
  }

  async loadGroupVersion(version: string): Promise<RootGroup | undefined> {
    this.leases.requireAvailable();
    return this.revisions.findLast((root) => root.version === version);
  }

  async listFinishedDeployments(limit: number): Promise<readonly Deployment[]> {
    this.leases.requireAvailable();
    return this.finished().slice(0, limit);
  }

  async loadDeployment(id: DeploymentId): Promise<Deployment | undefined> {
    this.leases.requireAvailable();
    return this.deployments.get(id);
  }

  async loadHistory(id: DeploymentId): Promise<DeploymentHistory> {
    this.leases.requireAvailable();
    const events = this.histories.get(id) ?? [];
    const omitted = Math.max(0, events.length - MAX_DEPLOYMENT_EVENTS);
    return { events: events.slice(0, MAX_DEPLOYMENT_EVENTS), omitted };
  }

  async listEvents(
    afterId: number,
    limit: number,
  ): Promise<{ readonly events: readonly StoredEvent[]; readonly complete: boolean }> {
    this.leases.requireAvailable();
    const events = this.events.filter(({ id }) => id > afterId).slice(0, limit);
    return { events, complete: afterId >= this.droppedEventId };
  }

  async settle(lease: Lease): Promise<{ readonly lastEventId: number }> {
    this.leases.requireLease(lease);
    if (this.inDoubt !== undefined) await this.inDoubt.done;
    return { lastEventId: this.lastEventId };
  }

  async compact(lease: Lease): Promise<void> {
    this.leases.requireLease(lease);
    this.revisions = this.revisions.slice(-MAX_REVISIONS);
    const launched = new Set(
      [...this.instances.values()].map(({ appId, appVersion }) => `${appId} ${appVersion}`),
    );
    for (const [id, versions] of this.versions) {
      const isKept = ({ version }: App, index: number): boolean =>
        index < MAX_VERSIONS || launched.has(`${id} ${version}`);
      this.versions.set(id, versions.filter(isKept));
    }
    for (const { id } of this.finished().slice(MAX_FINISHED)) {
      this.deployments.delete(id);
      this.histories.delete(id);
    }
    const dropped = this.events.slice(0, -MAX_EVENTS);
    this.events = this.events.slice(-MAX_EVENTS);
    this.droppedEventId = dropped.at(-1)?.id ?? this.droppedEventId;
  }

  private leaveInDoubt(changes: readonly StoreChange[]): void {
    let finish: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      finish = () => {
        for (const change of changes) this.apply(change);
        this.inDoubt = undefined;
        resolve();
      };
    });
    this.inDoubt = { done, finish };
  }

  private apply(change: StoreChange): void {
    switch (change.kind) {
      case 'put-revision':
        this.putRevision(change);
        return;
      case 'put-instances':
        for (const instance of change.instances) this.instances.set(instance.id, instance);
        return;
      case 'delete-instances':
        for (const id of change.ids) this.instances.delete(id);
        return;
      case 'put-deployment':
        this.deployments.set(change.deployment.id, change.deployment);
        return;
      case 'append-history': {
        const before = (this.histories.get(change.deploymentId) ?? []).slice(0, change.after);
        this.histories.set(change.deploymentId, [...before, ...change.events]);
        return;
      }
      case 'put-certificate':
        this.certificates.set(change.certificate.name, change.certificate);
        return;
      case 'delete-certificate':
        this.certificates.delete(change.name);
        return;
      case 'put-framework-id':
        this.frameworkId = change.frameworkId;
        return;
      case 'delete-framework-id':
        this.frameworkId = undefined;
        return;
      case 'put-task-failure':
        this.failures.set(change.failure.appId, change.failure);
        return;
      case 'put-job':
        this.jobs.set(change.progress.appId, change.progress);
        return;
      case 'delete-job':
        this.jobs.delete(change.app);
        return;
      case 'append-events':
        this.appendEvents(change.events);
        return;
      default:
        change satisfies never;
    }
  }

  private putRevision(change: Extract<StoreChange, { readonly kind: 'put-revision' }>): void {
    this.revisions = this.revisions.filter(({ revision }) => revision !== change.revision);
    const before = this.current();
    for (const app of change.putApps) {
      const older = (this.versions.get(app.id) ?? []).filter((one) => one.version !== app.version);
      this.versions.set(app.id, [app, ...older]);
    }
    const { revision } = change;
    this.revisions.push({ ...nextRoot(before, change, change.version), revision });
  }

  private appendEvents(events: readonly StoredEvent[]): void {
    const ids = new Set(events.map(({ id }) => id));
    this.events = [...this.events.filter(({ id }) => !ids.has(id)), ...events];
    this.lastEventId = Math.max(this.lastEventId, ...ids);
  }

  private current(): RootGroup {
    const last = this.revisions.at(-1);
    if (last !== undefined) return last;
    const version = '1970-01-01T00:00:00.000Z';
    const root = groupId('/');
    const group: Group = { id: root, dependencies: [], enforceRole: false, version };
    return createRoot({ revision: 0, version, apps: [], groups: [group] });
  }

  private finished(): readonly Deployment[] {
    return [...this.deployments.values()]
      .filter(({ state }) => state !== 'Running')
      .sort((left, right) => finishedAt(right) - finishedAt(left) || (left.id < right.id ? 1 : -1));
  }
}

const finishedAt = (deployment: Deployment): number =>
  deployment.finishedAtEpochMs ?? deployment.startedAtEpochMs;
