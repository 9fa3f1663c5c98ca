import {
  type App,
  type AppId,
  createRoot,
  type Deployment,
  type DeploymentId,
  deploymentId,
  type Group,
  groupId,
  type Instance,
  type InstanceId,
  MAX_CERTIFICATES,
  nextRoot,
  type RootGroup,
  type StoredCertificate,
  type TaskFailure,
} from '#core';
import { planDeployment, stampApp } from '#deployment';
import type { MarathonEvent, RouterReport } from '#marathon-v2';
import type {
  AppExplanation,
  UnusedOffer,
} from '../../apps/controller/src/engine/app-explanation.port.js';
import type {
  ControllerEngine,
  ControllerView,
  DeploymentCommand,
  DeploymentCommandOutcome,
  InstanceView,
  Previews,
  QueueEntryView,
  RootChange,
  RootChangeOutcome,
  WorkloadView,
} from '../../apps/controller/src/engine/controller-engine.port.js';

const START_EPOCH_MS = 1_767_225_600_000;
const unchanged = {
  change: 'none',
  fields: [],
  instancesBefore: 0,
  instancesAfter: 0,
  kills: [],
  keeps: [],
  launches: 0,
} as const;

/**
 * A controller engine in memory for specs of the HTTP surface: changes are applied at once and finish at once, nothing is
 * launched. Its fields are open, so that a spec can arrange what the API should show and see what it was asked to do.
 */
export class FakeControllerEngine implements ControllerEngine {
  readonly changes: RootChange[] = [];
  readonly events: MarathonEvent[] = [];
  readonly killed: {
    readonly ids: readonly InstanceId[];
    readonly wipe: boolean;
    readonly force?: boolean;
    readonly by?: string;
  }[] = [];
  readonly cancelled: { readonly id: DeploymentId; readonly by?: string }[] = [];
  readonly instances = new Map<AppId, InstanceView[]>();
  readonly failures = new Map<AppId, TaskFailure>();
  readonly workloads = new Map<AppId, WorkloadView>();
  readonly endedTasks = new Map<string, string>();
  readonly certificates = new Map<string, StoredCertificate>();
  readonly leaving = new Map<AppId, App>();
  readonly running: Deployment[] = [];
  readonly waiting: QueueEntryView[] = [];
  readonly commands: DeploymentCommand[] = [];
  readonly explanations = new Map<AppId, AppExplanation>();
  readonly unused = new Map<AppId, readonly UnusedOffer[]>();
  readonly reports = new Map<string, RouterReport>();
  /** Roots by version, for rollbacks. */
  readonly history = new Map<string, RootGroup>();
  /** What the next changes and rollbacks are answered with instead of being carried out. */
  answer: Exclude<RootChangeOutcome, { kind: 'accepted' }> | undefined;
  lastEventId = 0;
  private current: RootGroup;
  private nextId = 1;
  private changeCount = 1;
  private readonly counters = new Map<AppId, number>();

  constructor(apps: readonly App[] = []) {
    const version = this.nextVersion();
    const root: Group = { id: groupId('/'), dependencies: [], enforceRole: false, version };
    this.current = createRoot({ revision: 1, version, apps, groups: [root] });
  }

  get root(): RootGroup {
    return this.current;
  }

  /** Puts an instance and counts it as a change. */
  addInstance(
    instance: Partial<Instance> & Pick<Instance, 'id' | 'appId' | 'taskId'>,
  ): InstanceView {
    const view: InstanceView = {
      instance: {
        appVersion: this.current.apps.get(instance.appId)?.version ?? this.current.version,
        incarnation: 1,
        goal: 'Running',
        condition: 'Running',
        sinceEpochMs: START_EPOCH_MS,
        createdAtEpochMs: START_EPOCH_MS,
        stagedAtEpochMs: START_EPOCH_MS,
        startedAtEpochMs: START_EPOCH_MS + 1000,
        hostPorts: [31_000],
        ipAddresses: [{ ipAddress: '127.0.0.1', protocol: 'IPv4' }],
        ...instance,
      },
      health: [],
    };
    this.instances.set(instance.appId, [...(this.instances.get(instance.appId) ?? []), view]);
    this.touch(instance.appId);
    return view;
  }

  touch(app: AppId): void {
    this.changeCount += 1;
    this.counters.set(app, this.changeCount);
  }

  readonly view: ControllerView = {
    root: () => this.current,
    instancesOf: (app) => this.instances.get(app) ?? [],
    instanceOfTask: (task) =>
      [...this.instances.values()].flat().find(({ instance }) => instance.taskId === task),
    agentUrlOfEnded: (task) => this.endedTasks.get(task),
    appsWithInstances: () => this.instances.keys(),
    leavingApps: () => [...this.leaving.values()],
    leavingApp: (app) => this.leaving.get(app),
    deployments: () =>
      this.running.map((deployment) => ({ deployment, readiness: [], waitingFor: [] })),
    deploymentsOf: (app) =>
      this.running.filter((one) => one.affectedApps.includes(app)).map(({ id }) => id),
    readinessOf: () => [],
    failureOf: (app) => this.failures.get(app),
    workloadOf: (app) => this.workloads.get(app.id),
    queue: () => this.waiting,
    explain: (app) => this.explanations.get(app),
    unusedOffers: (app, limit) => (this.unused.get(app) ?? []).slice(0, limit),
    changeCounter: (app) => this.counters.get(app) ?? 0,
    totalChangeCounter: () => this.changeCount,
    certificates: () => [...this.certificates.values()],
    lastEventId: () => this.lastEventId,
    frameworkId: () => 'framework-1',
    masterUrl: () => '127.0.0.1:5050',
    routers: () =>
      [...this.reports].map(([id, report]) => ({
        id,
        heardEpochMs: START_EPOCH_MS,
        isRecent: true,
        behindEvents: Math.max(0, this.lastEventId - report.appliedSequence),
        report,
      })),
    routerReports: () => this.reports.size,
  };

  async changeRoot(change: RootChange): Promise<RootChangeOutcome> {
    const version = this.nextVersion();
    const delta = change.apply(this.current, version);
    this.changes.push(change);
    if (this.answer !== undefined) return this.answer;
    const restarted = new Set(change.restart ?? []);
    const putApps = delta.putApps.map((app) => {
      const stamp = { restart: restarted.has(app.id), abilities: this.abilities };
      return stampApp(this.current.apps.get(app.id), app, version, stamp);
    });
    this.history.set(this.current.version, this.current);
    this.current = nextRoot(this.current, { ...delta, putApps }, version);
    for (const app of delta.putApps) this.touch(app.id);
    for (const id of delta.removeApps) this.touch(id);
    this.events.push(...(change.eventsOf?.(putApps) ?? []));
    const deploymentId = this.nextDeploymentId();
    return { kind: 'accepted', deploymentId, version, restarts: [], putApps };
  }

  readonly abilities = { commands: true };
  /** Plans as the real one does; kills, launches and conflicts are for specs of that. */
  readonly previews: Previews = {
    ofChange: (change) => {
      const delta = change.apply(this.current, this.current.version);
      const target = nextRoot(this.current, delta, this.current.version);
      const steps = planDeployment(this.current, target);
      const ids = [...delta.putApps.map(({ id }) => id), ...delta.removeApps];
      return { steps, apps: ids.map((app) => ({ ...unchanged, app })), conflicts: [] };
    },
    ofKill: (ids) => ({
      steps: [],
      apps: [...this.instances.keys()].map((app) => ({ ...unchanged, app, kills: ids })),
      conflicts: [],
    }),
    ofCancellation: async (id) =>
      this.running.some((deployment) => deployment.id === id)
        ? { steps: [], apps: [], conflicts: [] }
        : undefined,
  };

  async cancelDeployment(
    id: DeploymentId,
    options: { readonly force: boolean; readonly by?: string },
  ): Promise<RootChangeOutcome | { readonly kind: 'cancelled' } | undefined> {
    const at = this.running.findIndex((deployment) => deployment.id === id);
    if (at < 0) return undefined;
    if (this.answer !== undefined) return this.answer;
    this.running.splice(at, 1);
    this.cancelled.push({ id, ...(options.by === undefined ? {} : { by: options.by }) });
    if (options.force) return { kind: 'cancelled' };
    return {
      kind: 'accepted',
      deploymentId: this.nextDeploymentId(),
      version: this.nextVersion(),
      restarts: [],
      putApps: [],
    };
  }

  async steerDeployment(
    id: DeploymentId,
    command: DeploymentCommand,
  ): Promise<DeploymentCommandOutcome> {
    const at = this.running.findIndex((one) => one.id === id);
    const deployment = this.running[at];
    if (deployment === undefined) return { kind: 'not-running' };
    this.commands.push(command);
    if (command.kind === 'promote' && deployment.progress === undefined) {
      return { kind: 'refused', reason: `deployment ${id} has no canaries to promote` };
    }
    const { pause: _held, ...going } = deployment;
    const pause = {
      sinceEpochMs: START_EPOCH_MS,
      held: {},
      ...(command.by === undefined ? {} : { by: command.by }),
    };
    this.running[at] = command.kind === 'pause' ? { ...going, pause } : going;
    return { kind: 'done' };
  }

  async killInstances(
    ids: readonly InstanceId[],
    options: { readonly wipe: boolean; readonly force?: boolean; readonly by?: string },
  ): Promise<void> {
    this.killed.push({ ids, ...options });
  }

  resetDelay(app: AppId): boolean {
    return this.waiting.some((entry) => entry.appId === app);
  }

  async putCertificate(
    certificate: StoredCertificate,
  ): Promise<'created' | 'replaced' | 'same' | 'full'> {
    const before = this.certificates.get(certificate.name);
    if (before === undefined && this.certificates.size >= MAX_CERTIFICATES) return 'full';
    this.certificates.set(certificate.name, certificate);
    if (before === undefined) return 'created';
    return before.pem === certificate.pem ? 'same' : 'replaced';
  }

  async deleteCertificate(name: string): Promise<boolean> {
    return this.certificates.delete(name);
  }

  reportRouter(id: string, report: RouterReport): void {
    this.reports.set(id, report);
  }

  private nextVersion(): string {
    this.nextId += 1;
    return new Date(START_EPOCH_MS + this.nextId).toISOString();
  }

  private nextDeploymentId(): DeploymentId {
    this.nextId += 1;
    return deploymentId(`00000000-0000-4000-8000-${String(this.nextId).padStart(12, '0')}`);
  }
}
