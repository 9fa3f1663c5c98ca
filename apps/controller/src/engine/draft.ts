import {
  type AppId,
  type Deployment,
  type DeploymentEvent,
  type DeploymentId,
  hasTask,
  type Instance,
  type InstanceId,
  isReleased,
  type JobProgress,
  type Now,
  nextRoot,
  type RootDelta,
  type RootGroup,
  type StoreChange,
  type StoredCertificate,
  type StoredEvent,
  type TaskFailure,
  type TaskId,
  tasksOf,
} from '#core';
import type { MarathonEvent } from '#marathon-v2';
import type { CommittedState, StateDelta } from './committed-state.js';
import type { EngineEffect } from './engine-effect.js';

/**
 * One transaction in the making: the committed state with changes on top. Jobs of one batch see each other's changes
 * here; nobody else does until they are durable. Copies only what it touches.
 */
export class Draft {
  private readonly instanceChanges = new Map<InstanceId, Instance | undefined>();
  private readonly taskChanges = new Map<TaskId, InstanceId>();
  private readonly appChanges = new Map<AppId, Map<InstanceId, Instance>>();
  private readonly deploymentChanges = new Map<DeploymentId, Deployment>();
  private readonly stories = new Map<DeploymentId, DeploymentEvent[]>();
  private readonly failureChanges = new Map<AppId, TaskFailure>();
  private readonly jobChanges = new Map<AppId, JobProgress | undefined>();
  private readonly certificateChanges = new Map<string, StoredCertificate | undefined>();
  private readonly revisions: StoreChange[] = [];
  private readonly events: MarathonEvent[] = [];
  private readonly effectList: EngineEffect[] = [];
  private readonly afterList: (() => void)[] = [];
  private readonly touchedApps = new Set<AppId>();
  /** What {@link deployments} gives, until one is put. */
  private running: readonly Deployment[] | undefined;
  private currentRoot: RootGroup;
  private frameworkIdChange: { readonly id: string | undefined } | undefined;

  constructor(
    private readonly base: CommittedState,
    readonly now: Now,
  ) {
    this.currentRoot = base.root;
  }

  get root(): RootGroup {
    return this.currentRoot;
  }

  get frameworkId(): string | undefined {
    return this.frameworkIdChange === undefined ? this.base.frameworkId : this.frameworkIdChange.id;
  }

  /** Apps whose displayed state this transaction changes. */
  get touched(): ReadonlySet<AppId> {
    return this.touchedApps;
  }

  get effects(): readonly EngineEffect[] {
    return this.effectList;
  }

  get afterwards(): readonly (() => void)[] {
    return this.afterList;
  }

  instance(id: InstanceId): Instance | undefined {
    return this.instanceChanges.has(id) ? this.instanceChanges.get(id) : this.base.instance(id);
  }

  instanceOfTask(task: TaskId): Instance | undefined {
    const id = this.taskChanges.get(task) ?? this.base.instanceOfTask(task)?.id;
    const instance = id === undefined ? undefined : this.instance(id);
    return instance !== undefined && hasTask(instance, task) ? instance : undefined;
  }

  instancesOf(app: AppId): ReadonlyMap<InstanceId, Instance> {
    return this.appChanges.get(app) ?? this.base.instancesOf(app);
  }

  putInstance(instance: Instance): void {
    const ofApp = this.ownInstances(instance.appId);
    if (isReleased(instance)) ofApp.delete(instance.id);
    else ofApp.set(instance.id, instance);
    this.instanceChanges.set(instance.id, instance);
    for (const { taskId } of tasksOf(instance)) this.taskChanges.set(taskId, instance.id);
    this.touchedApps.add(instance.appId);
  }

  deleteInstance(instance: Instance): void {
    this.ownInstances(instance.appId).delete(instance.id);
    this.instanceChanges.set(instance.id, undefined);
    this.touchedApps.add(instance.appId);
  }

  /** Running deployments, oldest first. */
  deployments(): readonly Deployment[] {
    if (this.running === undefined) {
      const all = new Map(this.base.deployments);
      for (const [id, deployment] of this.deploymentChanges) all.set(id, deployment);
      this.running = [...all.values()].filter(({ state }) => state === 'Running');
    }
    return this.running;
  }

  deployment(id: DeploymentId): Deployment | undefined {
    return this.deploymentChanges.get(id) ?? this.base.deployments.get(id);
  }

  putDeployment(deployment: Deployment): void {
    this.deploymentChanges.set(deployment.id, deployment);
    this.running = undefined;
    for (const app of deployment.affectedApps) this.touchedApps.add(app);
  }

  /** Adds to the story of a deployment. */
  tell(id: DeploymentId, event: Omit<DeploymentEvent, 'atEpochMs'>): void {
    const story = this.stories.get(id) ?? [];
    story.push({ ...event, atEpochMs: this.now.epochMs });
    this.stories.set(id, story);
  }

  /** Makes the next revision. */
  putRevision(delta: RootDelta, version: string): RootGroup {
    this.currentRoot = nextRoot(this.currentRoot, delta, version);
    const { revision } = this.currentRoot;
    this.revisions.push({ kind: 'put-revision', revision, version, ...delta });
    for (const app of delta.putApps) this.touchedApps.add(app.id);
    for (const id of delta.removeApps) this.touchedApps.add(id);
    return this.currentRoot;
  }

  putFailure(failure: TaskFailure): void {
    this.failureChanges.set(failure.appId, failure);
    this.touchedApps.add(failure.appId);
  }

  job(app: AppId): JobProgress | undefined {
    return this.jobChanges.has(app) ? this.jobChanges.get(app) : this.base.jobs.get(app);
  }

  putJob(progress: JobProgress): void {
    this.jobChanges.set(progress.appId, progress);
    this.touchedApps.add(progress.appId);
  }

  deleteJob(app: AppId): void {
    if (this.job(app) !== undefined) this.jobChanges.set(app, undefined);
  }

  certificate(name: string): StoredCertificate | undefined {
    return this.certificateChanges.has(name)
      ? this.certificateChanges.get(name)
      : this.base.certificates.get(name);
  }

  /** How many there are. */
  get certificateCount(): number {
    const added = [...this.certificateChanges].reduce(
      (sum, [name, put]) =>
        sum + Number(put !== undefined) - Number(this.base.certificates.has(name)),
      0,
    );
    return this.base.certificates.size + added;
  }

  putCertificate(certificate: StoredCertificate): void {
    this.certificateChanges.set(certificate.name, certificate);
  }

  deleteCertificate(name: string): void {
    this.certificateChanges.set(name, undefined);
  }

  putFrameworkId(id: string): void {
    this.frameworkIdChange = { id };
  }

  deleteFrameworkId(): void {
    this.frameworkIdChange = { id: undefined };
  }

  emit(event: MarathonEvent): void {
    this.events.push(event);
  }

  effect(effect: EngineEffect): void {
    this.effectList.push(effect);
  }

  /** Runs once the transaction is durable, before its effects. Memory only. */
  after(task: () => void): void {
    this.afterList.push(task);
  }

  touch(app: AppId): void {
    this.touchedApps.add(app);
  }

  /** Closes the draft: what to store, what the state becomes, and the events with their ids. */
  seal(): {
    readonly changes: readonly StoreChange[];
    readonly delta: StateDelta;
    readonly events: readonly StoredEvent[];
  } {
    const events = this.numberEvents();
    const changes: StoreChange[] = [...this.revisions];
    const puts = [...this.instanceChanges.values()].filter((instance) => instance !== undefined);
    const deletes = [...this.instanceChanges]
      .filter(([, instance]) => instance === undefined)
      .map(([id]) => id);
    if (puts.length > 0) changes.push({ kind: 'put-instances', instances: puts });
    if (deletes.length > 0) changes.push({ kind: 'delete-instances', ids: deletes });
    for (const deployment of this.deploymentChanges.values()) {
      changes.push({ kind: 'put-deployment', deployment });
    }
    const historyLengths = new Map<DeploymentId, number>();
    for (const [id, story] of this.stories) {
      const after = this.base.historyLengths.get(id) ?? 0;
      changes.push({ kind: 'append-history', deploymentId: id, after, events: story });
      historyLengths.set(id, after + story.length);
    }
    for (const failure of this.failureChanges.values()) {
      changes.push({ kind: 'put-task-failure', failure });
    }
    for (const [app, progress] of this.jobChanges) {
      changes.push(
        progress === undefined ? { kind: 'delete-job', app } : { kind: 'put-job', progress },
      );
    }
    for (const [name, certificate] of this.certificateChanges) {
      changes.push(
        certificate === undefined
          ? { kind: 'delete-certificate', name }
          : { kind: 'put-certificate', certificate },
      );
    }
    if (this.frameworkIdChange !== undefined) {
      const { id } = this.frameworkIdChange;
      changes.push(
        id === undefined
          ? { kind: 'delete-framework-id' }
          : { kind: 'put-framework-id', frameworkId: id },
      );
    }
    if (events.length > 0) changes.push({ kind: 'append-events', events });
    const delta: StateDelta = {
      root: this.currentRoot,
      instances: this.instanceChanges,
      byApp: this.appChanges,
      deployments: this.deploymentChanges,
      historyLengths,
      failures: this.failureChanges,
      jobs: this.jobChanges,
      certificates: this.certificateChanges,
      frameworkId: this.frameworkId,
      lastEventId: events.at(-1)?.id ?? this.base.lastEventId,
    };
    return { changes, delta, events };
  }

  private numberEvents(): readonly StoredEvent[] {
    const timestamp = new Date(this.now.epochMs).toISOString();
    return this.events.map((event, index) => ({
      id: this.base.lastEventId + 1 + index,
      type: event.eventType,
      timestampEpochMs: Math.round(this.now.epochMs),
      payload: JSON.stringify({ ...event, timestamp }),
    }));
  }

  private ownInstances(app: AppId): Map<InstanceId, Instance> {
    const owned = this.appChanges.get(app);
    if (owned !== undefined) return owned;
    const copy = new Map(this.base.instancesOf(app));
    this.appChanges.set(app, copy);
    return copy;
  }
}
