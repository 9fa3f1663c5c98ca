import {
  type App,
  type ControllerStore,
  type Deployment,
  type Instance,
  isTerminalCondition,
  isTerminalTaskState,
  type Lease,
  type Range,
  type StoreChange,
  type TaskId,
  type TaskState,
  taskId,
} from '#core';
import { fromWireResources, type SchedulerCall, type TaskInfo, type TaskStatus } from '#mesos-v1';
import type { MasterEngine } from '../../apps/master/src/engine/master-engine.js';
import { FakeControllerStore } from '../support/fake-controller-store.js';
import type { FakeLeaseKeeper } from '../support/fake-lease-keeper.js';
import { SurvivalWatch } from './survival-watch.js';
import type { World } from './world.js';

type AcceptCall = Extract<SchedulerCall, { readonly type: 'ACCEPT' }>;

const NOT_RUNNING_YET: ReadonlySet<string> = new Set([
  'Scheduled',
  'Provisioned',
  'Staging',
  'Starting',
]);

/** Watches what passes between the parts, and what is durable, and says when a promise is broken. */
export class Observer {
  /** Apps as last stored. */
  readonly apps = new Map<string, App>();
  readonly instances = new Map<string, Instance>();
  readonly deployments = new Map<string, Deployment>();
  private readonly versions = new Map<string, App>();
  private readonly storedTasks = new Set<string>();
  private readonly definitions = new Map<string, TaskInfo>();
  private readonly ports = new Map<string, readonly number[]>();
  private readonly usedOffers = new Set<string>();
  private readonly starts = new Map<string, string>();
  private readonly lastStates = new Map<string, TaskState>();
  private readonly lastVersions = new Map<string, string>();

  readonly survival: SurvivalWatch;

  constructor(
    private readonly world: World,
    isRunning: (task: TaskId) => boolean,
  ) {
    this.survival = new SurvivalWatch(world, isRunning);
  }

  definition(task: string): TaskInfo | undefined {
    return this.definitions.get(task);
  }

  portsOf(task: string): readonly number[] {
    return this.ports.get(task) ?? [];
  }

  /** The definition an instance runs, whether it is current or not. */
  appVersion(id: string, version: string): App | undefined {
    return this.versions.get(`${id}@${version}`);
  }

  /** An ACCEPT reaches a master. */
  accepting(engine: MasterEngine, call: AcceptCall): void {
    for (const { value } of call.accept.offer_ids) {
      const isOutstanding = [...engine.state.offers.keys()].some((id) => id === value);
      if (!isOutstanding) continue;
      if (this.usedOffers.has(value)) this.world.violate(`offer ${value} is used a second time`);
      this.usedOffers.add(value);
    }
    for (const operation of call.accept.operations ?? []) {
      if (operation.type !== 'LAUNCH') continue;
      for (const task of operation.launch.task_infos) this.launching(task);
    }
  }

  private launching(task: TaskInfo): void {
    const id = task.task_id.value;
    if (!this.storedTasks.has(id)) {
      this.world.violate(`task ${id} is launched before it is stored`);
    }
    this.definitions.set(id, task);
    const { ranges } = fromWireResources(task.resources);
    this.ports.set(id, (ranges['ports'] ?? []).flatMap(expand));
  }

  /** A host starts a task's process. */
  started(task: TaskId, host: string): void {
    const before = this.starts.get(task);
    if (before !== undefined) {
      this.world.violate(`task ${task} is started on ${host}, and was started on ${before} before`);
    }
    this.starts.set(task, host);
  }

  /** The framework is told. */
  statusDelivered(status: TaskStatus): void {
    const id = status.task_id.value;
    const state = status.state as TaskState;
    this.world.trace.add(
      'framework',
      `hears ${id} ${state} ${status.reason ?? ''}${healthOf(status)}`,
    );
    this.survival.told(status);
    const before = this.lastStates.get(id);
    if (before !== undefined && isFinal(before) && !isTerminalTaskState(state)) {
      // Nobody knows it any more: that does not contradict an end.
      if (state !== 'TASK_UNKNOWN' && state !== 'TASK_UNREACHABLE') {
        this.world.violate(`task ${id} is ${state} after it was ${before}`);
      }
    }
    this.lastStates.set(id, before !== undefined && isFinal(before) ? before : state);
  }

  /** The framework sends a KILL. */
  killing(task: string): void {
    const instance = [...this.instances.values()].find((one) => one.taskId === task);
    this.survival.killing(task, instance);
  }

  /** The framework confirms that it will not forget a status. */
  acknowledging(status: TaskStatus): void {
    const id = taskId(status.task_id.value);
    const instance = [...this.instances.values()].find((one) => one.taskId === id);
    if (instance === undefined) return;
    const state = status.state as TaskState;
    const isForgotten = isTerminalTaskState(state)
      ? !isTerminalCondition(instance.condition)
      : state === 'TASK_RUNNING' && NOT_RUNNING_YET.has(instance.condition);
    if (isForgotten) {
      this.world.violate(`${state} of ${id} is acknowledged; stored is ${instance.condition}`);
    }
  }

  committed(changes: readonly StoreChange[]): void {
    const givenUp = changes.flatMap((change) =>
      change.kind === 'put-instances' ? this.givenUpBy(change.instances) : [],
    );
    const busyBefore = givenUp.length === 0 ? [] : [...this.busyApps()];
    for (const change of changes) this.apply(change);
    if (givenUp.length === 0) return;
    const busyApps = new Set([...busyBefore, ...this.busyApps()]);
    const { apps, instances } = this;
    for (const before of givenUp) {
      this.survival.decommissioned(before, {
        ...{ apps, instances, busyApps },
        appVersion: (app, version) => this.appVersion(app, version),
      });
    }
  }

  private givenUpBy(instances: readonly Instance[]): readonly Instance[] {
    return instances.flatMap((instance) => {
      const before = this.instances.get(instance.id);
      const isGivenUp = before?.goal === 'Running' && instance.goal !== 'Running';
      return isGivenUp ? [before] : [];
    });
  }

  private busyApps(): ReadonlySet<string> {
    const running = [...this.deployments.values()].filter(({ state }) => state === 'Running');
    return new Set(running.flatMap(({ affectedApps }) => affectedApps as readonly string[]));
  }

  private apply(change: StoreChange): void {
    switch (change.kind) {
      case 'put-revision':
        this.applyRevision(change);
        return;
      case 'put-instances':
        for (const instance of change.instances) this.putInstance(instance);
        return;
      case 'delete-instances':
        for (const id of change.ids) this.instances.delete(id);
        return;
      case 'put-deployment': {
        const { id, state } = change.deployment;
        const before = this.deployments.get(id);
        if (before !== undefined && before.state !== 'Running' && before.state !== state) {
          this.world.violate(`deployment ${id} is ${state} after it was ${before.state}`);
        }
        this.deployments.set(id, change.deployment);
        return;
      }
      default:
        return;
    }
  }

  private applyRevision(change: Extract<StoreChange, { readonly kind: 'put-revision' }>): void {
    for (const id of change.removeApps) this.apps.delete(id);
    for (const app of change.putApps) {
      this.apps.set(app.id, app);
      this.versions.set(`${app.id}@${app.version}`, app);
    }
    const last = this.lastVersions.get('/');
    if (last !== undefined && change.version <= last) {
      this.world.violate(`version ${change.version} does not come after ${last}`);
    }
    this.lastVersions.set('/', change.version);
  }

  private putInstance(instance: Instance): void {
    this.storedTasks.add(instance.taskId);
    const before = this.instances.get(instance.id);
    if (before !== undefined && isTerminalCondition(before.condition)) {
      if (!isTerminalCondition(instance.condition)) {
        this.world.violate(
          `instance ${instance.id} is ${instance.condition} after it was ${before.condition}`,
        );
      }
    }
    this.instances.set(instance.id, instance);
  }
}

const healthOf = ({ healthy }: TaskStatus): string =>
  healthy === undefined ? '' : healthy ? ' healthy' : ' unhealthy';

/** TASK_LOST says that nobody can see it, GONE_BY_OPERATOR what an operator believes: either may turn out wrong. */
const isFinal = (state: TaskState): boolean =>
  isTerminalTaskState(state) && state !== 'TASK_LOST' && state !== 'TASK_GONE_BY_OPERATOR';

const expand = ({ begin, end }: Range): readonly number[] =>
  Array.from({ length: end - begin + 1 }, (_, index) => begin + index);

/** The controller's database, watched. Now and then it does what it was asked and loses the answer. */
export class ObservedStore extends FakeControllerStore implements ControllerStore {
  constructor(
    leases: FakeLeaseKeeper,
    private readonly observer: Observer,
    private readonly afterCommit: () => void,
  ) {
    super(leases);
  }

  override async commit(lease: Lease, changes: readonly StoreChange[]): Promise<void> {
    await super.commit(lease, changes);
    this.observer.committed(changes);
    this.afterCommit();
  }
}
