import {
  type App,
  type ControllerStore,
  type Deployment,
  hasTask,
  type Instance,
  isTerminalCondition,
  isTerminalTaskState,
  type Lease,
  type Range,
  type StoreChange,
  type TaskId,
  type TaskState,
  taskId,
  tasksOf,
} from '#core';
import { fromWireResources, type SchedulerCall, type TaskInfo, type TaskStatus } from '#mesos-v1';
import type { MasterEngine } from '../../apps/master/src/engine/master-engine.js';
import { FakeControllerStore } from '../support/fake-controller-store.js';
import type { FakeLeaseKeeper } from '../support/fake-lease-keeper.js';
import { DeploymentWatch } from './deployment-watch.js';
import { JobWatch } from './job-watch.js';
import { RolloutWatch } from './rollout-watch.js';
import { type Committed, StoredState } from './stored-state.js';
import { SurvivalWatch } from './survival-watch.js';
import { VolumeWatch } from './volume-watch.js';
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
  readonly stored = new StoredState();
  readonly apps: ReadonlyMap<string, App> = this.stored.apps;
  readonly instances: ReadonlyMap<string, Instance> = this.stored.instances;
  readonly deployments: ReadonlyMap<string, Deployment> = this.stored.deployments;
  readonly survival: SurvivalWatch;
  readonly deploymentWatch: DeploymentWatch;
  readonly volumes: VolumeWatch;
  private readonly rollouts: RolloutWatch;
  private readonly jobs: JobWatch;
  private readonly storedTasks = new Set<string>();
  private readonly definitions = new Map<string, TaskInfo>();
  private readonly ports = new Map<string, readonly number[]>();
  private readonly usedOffers = new Set<string>();
  private readonly starts = new Map<string, string>();
  private readonly lastStates = new Map<string, TaskState>();
  /** Of these what the controller that leads was told: what another heard and did not store may never be said again. */
  private readonly heardStates = new Map<string, TaskState>();
  private readonly appsOfTasks = new Map<string, string>();
  private lastVersion: string | undefined;

  constructor(
    private readonly world: World,
    sight: {
      readonly isRunning: (task: TaskId) => boolean;
      /** As the controller that leads has it. */
      readonly isHealthy: (instance: Instance) => boolean | undefined;
    },
  ) {
    const { stored } = this;
    this.survival = new SurvivalWatch(world, sight.isRunning);
    this.deploymentWatch = new DeploymentWatch(world, stored);
    this.volumes = new VolumeWatch(world, stored, (task) => sight.isRunning(taskId(task)));
    this.jobs = new JobWatch(world, stored, (task) => this.heardStates.get(task));
    this.rollouts = new RolloutWatch({
      ...{ world, stored, isHealthy: sight.isHealthy },
      isWanted: (task) => this.survival.isWanted(task),
      isRunning: (task) => sight.isRunning(taskId(task)),
    });
  }

  /** Of a task that is or was stored. */
  appOf(task: string): string | undefined {
    return this.appsOfTasks.get(task);
  }

  /** What the task of an instance that is stored runs. */
  definitionOf(task: string): App | undefined {
    const instance = this.stored.taskInstance(task);
    return instance && this.stored.appVersion(instance.appId, instance.appVersion);
  }

  /** From now on an instance may be ended. */
  mayEndInstance(instance: Instance, why: string): void {
    for (const { taskId: task } of tasksOf(instance)) this.survival.mayEnd(task, why);
  }

  definition(task: string): TaskInfo | undefined {
    return this.definitions.get(task);
  }

  portsOf(task: string): readonly number[] {
    return this.ports.get(task) ?? [];
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
      if (operation.type === 'LAUNCH') operation.launch.task_infos.forEach(this.launching, this);
      if (operation.type === 'LAUNCH_GROUP') {
        operation.launch_group.task_group.tasks.forEach(this.launching, this);
      }
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
    this.volumes.started(task, host, this.definitions.get(task));
  }

  /** Another controller leads. */
  takenOver(): void {
    this.heardStates.clear();
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
    for (const states of [this.lastStates, this.heardStates]) {
      const known = states.get(id);
      states.set(id, known !== undefined && isFinal(known) ? known : state);
    }
  }

  /** The framework sends a KILL. */
  killing(task: string): void {
    this.survival.killing(task, this.stored.taskInstance(task));
  }

  /** The framework confirms that it will not forget a status. */
  acknowledging(status: TaskStatus): void {
    const id = taskId(status.task_id.value);
    const instance = this.stored.taskInstance(id);
    // One that has a reservation lives on with the id of its next task.
    if (instance === undefined || !hasTask(instance, id)) return;
    const state = status.state as TaskState;
    const isForgotten = isTerminalTaskState(state)
      ? !isTerminalCondition(instance.condition)
      : state === 'TASK_RUNNING' && NOT_RUNNING_YET.has(instance.condition);
    if (isForgotten) {
      this.world.violate(`${state} of ${id} is acknowledged; stored is ${instance.condition}`);
    }
  }

  committed(changes: readonly StoreChange[]): void {
    const busyBefore = this.busyApps();
    const committed = this.stored.apply(changes);
    for (const change of changes) if (change.kind === 'put-revision') this.version(change.version);
    for (const { before, after } of committed.instances) this.instanceChanged(before, after);
    this.deploymentWatch.committed(committed);
    this.rollouts.committed(committed);
    this.jobs.committed(committed);
    this.checkGivenUp(committed, busyBefore);
  }

  private checkGivenUp({ instances }: Committed, busyBefore: ReadonlySet<string>): void {
    const busyApps = new Set([...busyBefore, ...this.busyApps()]);
    const { stored } = this;
    for (const { before, after } of instances) {
      if (before === undefined || after === undefined || !isGivenUp(before, after)) continue;
      this.survival.decommissioned(before, {
        ...{ apps: stored.apps, jobs: this.stored.jobs, instances: stored.instances, busyApps },
        appVersion: (app, version) => stored.appVersion(app, version),
      });
    }
  }

  private busyApps(): ReadonlySet<string> {
    return new Set(this.stored.running().flatMap(({ affectedApps }) => affectedApps));
  }

  private version(version: string): void {
    if (this.lastVersion !== undefined && version <= this.lastVersion) {
      this.world.violate(`version ${version} does not come after ${this.lastVersion}`);
    }
    this.lastVersion = version;
  }

  private instanceChanged(before: Instance | undefined, after: Instance | undefined): void {
    if (after === undefined) return;
    for (const { taskId: task } of tasksOf(after)) {
      this.storedTasks.add(task);
      this.appsOfTasks.set(task, after.appId);
    }
    if (before === undefined || !isTerminalCondition(before.condition)) return;
    if (isTerminalCondition(after.condition)) return;
    this.world.violate(
      `instance ${after.id} is ${after.condition} after it was ${before.condition}`,
    );
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

/** It is decided when it is taken out of rotation; the end of that only carries it out. */
const isGivenUp = (before: Instance, after: Instance): boolean =>
  before.goal === 'Running' &&
  before.draining === undefined &&
  (after.goal !== 'Running' || after.draining !== undefined);
