import {
  type AgentId,
  type AppId,
  type ControllerSnapshot,
  type Deployment,
  type DeploymentId,
  type Instance,
  type InstanceId,
  isReleased,
  isTerminalCondition,
  type JobProgress,
  type RootGroup,
  type StoredCertificate,
  type TaskFailure,
  type TaskId,
  tasksOf,
} from '#core';

/** What one transaction changed, by key; `undefined` removes. */
export interface StateDelta {
  readonly root: RootGroup;
  readonly instances: ReadonlyMap<InstanceId, Instance | undefined>;
  readonly byApp: ReadonlyMap<AppId, ReadonlyMap<InstanceId, Instance>>;
  readonly deployments: ReadonlyMap<DeploymentId, Deployment>;
  readonly historyLengths: ReadonlyMap<DeploymentId, number>;
  readonly failures: ReadonlyMap<AppId, TaskFailure>;
  readonly jobs: ReadonlyMap<AppId, JobProgress | undefined>;
  readonly certificates: ReadonlyMap<string, StoredCertificate | undefined>;
  readonly frameworkId: string | undefined;
  readonly lastEventId: number;
}

/** Ended tasks whose agent is remembered, the newest. */
const MAX_ENDED_SANDBOXES = 10_000;
const NONE: ReadonlyMap<InstanceId, Instance> = new Map();

/** What is durable, indexed for reading. Only the commit queue changes it, after a commit. */
export class CommittedState {
  private readonly endedSandboxes = new Map<TaskId, string>();
  private readonly byAgent = new Map<AgentId, Set<InstanceId>>();

  private constructor(
    public root: RootGroup,
    public lastEventId: number,
    public frameworkId: string | undefined,
    private readonly byId: Map<InstanceId, Instance>,
    private readonly byTask: Map<TaskId, InstanceId>,
    private readonly byApp: Map<AppId, ReadonlyMap<InstanceId, Instance>>,
    /** Running ones. */
    readonly deployments: Map<DeploymentId, Deployment>,
    readonly failures: Map<AppId, TaskFailure>,
    readonly jobs: Map<AppId, JobProgress>,
    readonly certificates: Map<string, StoredCertificate>,
    /** Instances that a timer may have to act on: everything not simply running. */
    readonly unsettled: Set<InstanceId>,
    /** Events in the story of each running deployment. */
    readonly historyLengths: Map<DeploymentId, number>,
  ) {}

  static from(snapshot: ControllerSnapshot): CommittedState {
    const state = new CommittedState(
      snapshot.root,
      snapshot.lastEventId,
      snapshot.frameworkId,
      new Map(),
      new Map(),
      new Map(),
      new Map(snapshot.deployments.map((deployment) => [deployment.id, deployment])),
      new Map(snapshot.failures.map((failure) => [failure.appId, failure])),
      new Map(snapshot.jobs.map((progress) => [progress.appId, progress])),
      new Map(snapshot.certificates.map((certificate) => [certificate.name, certificate])),
      new Set(),
      new Map(snapshot.historyLengths),
    );
    const byApp = new Map<AppId, Map<InstanceId, Instance>>();
    for (const instance of snapshot.instances) {
      state.putInstance(instance);
      if (isReleased(instance)) continue;
      const ofApp = byApp.get(instance.appId) ?? new Map<InstanceId, Instance>();
      byApp.set(instance.appId, ofApp.set(instance.id, instance));
    }
    for (const [app, instances] of byApp) state.byApp.set(app, instances);
    return state;
  }

  /** With those that are released; {@link instancesOf} an app leaves them out. */
  instances(): Iterable<Instance> {
    return this.byId.values();
  }

  instance(id: InstanceId): Instance | undefined {
    return this.byId.get(id);
  }

  instanceOfTask(task: TaskId): Instance | undefined {
    const id = this.byTask.get(task);
    return id === undefined ? undefined : this.byId.get(id);
  }

  /** Those that were placed there last, ended ones too while they are kept. */
  *instancesOn(agent: AgentId): Iterable<Instance> {
    for (const id of this.byAgent.get(agent) ?? []) {
      const instance = this.byId.get(id);
      if (instance !== undefined) yield instance;
    }
  }

  instancesOf(app: AppId): ReadonlyMap<InstanceId, Instance> {
    return this.byApp.get(app) ?? NONE;
  }

  appsWithInstances(): Iterable<AppId> {
    return this.byApp.keys();
  }

  /** `http://host:port` of the agent that ran a task forgotten since, while it is remembered. */
  agentUrlOfEnded(task: TaskId): string | undefined {
    return this.endedSandboxes.get(task);
  }

  /** Declared, with instances, or removed by a deployment that has yet to notice that nothing is left. */
  everyApp(): ReadonlySet<AppId> {
    const deployed = [...this.deployments.values()].flatMap(({ affectedApps }) => affectedApps);
    return new Set([...this.root.apps.keys(), ...this.byApp.keys(), ...deployed]);
  }

  /** O(what changed). */
  apply(delta: StateDelta): void {
    this.root = delta.root;
    this.lastEventId = delta.lastEventId;
    this.frameworkId = delta.frameworkId;
    for (const [id, instance] of delta.instances) {
      if (instance === undefined) this.removeInstance(id);
      else this.putInstance(instance);
    }
    for (const [app, instances] of delta.byApp) {
      if (instances.size === 0) this.byApp.delete(app);
      else this.byApp.set(app, instances);
    }
    for (const [id, length] of delta.historyLengths) this.historyLengths.set(id, length);
    for (const [id, deployment] of delta.deployments) {
      if (deployment.state === 'Running') this.deployments.set(id, deployment);
      else {
        this.deployments.delete(id);
        this.historyLengths.delete(id);
      }
    }
    for (const [app, failure] of delta.failures) this.failures.set(app, failure);
    for (const [app, progress] of delta.jobs) {
      if (progress === undefined) this.jobs.delete(app);
      else this.jobs.set(app, progress);
    }
    for (const [name, certificate] of delta.certificates) {
      if (certificate === undefined) this.certificates.delete(name);
      else this.certificates.set(name, certificate);
    }
  }

  private putInstance(instance: Instance): void {
    const previous = this.byId.get(instance.id);
    if (previous !== undefined && previous.taskId !== instance.taskId) {
      this.dropTasks(previous);
      this.rememberSandboxes(previous);
    }
    this.move(instance.id, previous?.placement?.agentId, instance.placement?.agentId);
    this.byId.set(instance.id, instance);
    for (const { taskId } of tasksOf(instance)) this.byTask.set(taskId, instance.id);
    if (isSettled(instance)) this.unsettled.delete(instance.id);
    else this.unsettled.add(instance.id);
  }

  private removeInstance(id: InstanceId): void {
    const instance = this.byId.get(id);
    if (instance !== undefined) {
      this.dropTasks(instance);
      this.rememberSandboxes(instance);
      this.move(id, instance.placement?.agentId, undefined);
    }
    this.byId.delete(id);
    this.unsettled.delete(id);
  }

  private move(id: InstanceId, from: AgentId | undefined, to: AgentId | undefined): void {
    if (from === to) return;
    const left = from === undefined ? undefined : this.byAgent.get(from);
    left?.delete(id);
    if (from !== undefined && left?.size === 0) this.byAgent.delete(from);
    if (to === undefined) return;
    const there = this.byAgent.get(to) ?? new Set<InstanceId>();
    this.byAgent.set(to, there.add(id));
  }

  private dropTasks(instance: Instance): void {
    for (const { taskId } of tasksOf(instance)) this.byTask.delete(taskId);
  }

  /** The agent keeps a sandbox for a while; whoever looks for the reason of an end finds it by the task's id. */
  private rememberSandboxes(instance: Instance): void {
    const url = instance.placement?.agentUrl;
    if (url === undefined) return;
    for (const { taskId } of tasksOf(instance)) this.endedSandboxes.set(taskId, url);
    for (const oldest of this.endedSandboxes.keys()) {
      if (this.endedSandboxes.size <= MAX_ENDED_SANDBOXES) break;
      this.endedSandboxes.delete(oldest);
    }
  }
}

const isSettled = (instance: Instance): boolean =>
  isTerminalCondition(instance.condition) ||
  (instance.condition === 'Running' &&
    instance.goal === 'Running' &&
    instance.draining === undefined);
