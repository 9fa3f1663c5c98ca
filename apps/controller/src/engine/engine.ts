import {
  type AppId,
  type DeploymentId,
  type ExecutorTable,
  frameworkId,
  type Instance,
  type InstanceId,
  isDormant,
  isParked,
  isTerminalCondition,
  type StoredCertificate,
  StoreUnavailableError,
} from '#core';
import type { ControllerAbilities } from '#deployment';
import type { SchedulerDriver } from '#framework';
import type { RouterReport } from '#marathon-v2';
import { deleteCertificate, putCertificate } from './change-certificates.js';
import { applyRootChange } from './change-root.js';
import { CommitQueue, EngineStoppedError } from './commit-queue.js';
import type { CommittedState } from './committed-state.js';
import type {
  ControllerEngine,
  ControllerView,
  DeploymentCommand,
  DeploymentCommandOutcome,
  Previews,
  RootChange,
  RootChangeOutcome,
} from './controller-engine.port.js';
import type { Draft } from './draft.js';
import { createExecutors } from './effect-executors.js';
import type { EngineContext } from './engine-context.js';
import type { EngineEffect } from './engine-effect.js';
import type { EngineMemory } from './engine-memory.js';
import { abilitiesOf, type EngineOptions, type EnginePorts } from './engine-ports.js';
import { createView } from './engine-view.js';
import { evaluateApps } from './evaluate-apps.js';
import { FrameworkRoles } from './framework-roles.js';
import { noteHealthNews } from './health-news.js';
import { toKills } from './kill-effect.js';
import { type KillOrder, killInstances } from './kill-instances.js';
import { KillQueue } from './kill-queue.js';
import { reservedRoles } from './leftovers.js';
import { lookAtQueue } from './look-at-queue.js';
import { createMonitors } from './monitors.js';
import { OfferDemand } from './offer-demand.js';
import { createPreviews } from './previews.js';
import { Reconciler, referencesOf } from './reconciler.js';
import { noteRouter } from './router-sights.js';
import { createHandlers } from './scheduler-handlers.js';
import { followInstance } from './status-updates.js';
import { steerDeployment } from './steer-deployment.js';
import { sweep } from './sweep.js';
import { outcomeOf, undoDeployment } from './undo-deployment.js';

/** Apps looked at in one job, so that a look at everything does not hold other changes up. */
const APPS_PER_LOOK = 500;
/** Looks take at most one part in this many of the time: many updates of a big app are one look. */
const LOOK_SHARE = 5;
/** Longest wait before a look, milliseconds. */
const MAX_LOOK_DELAY_MS = 100;
/** Wait before another look when the commit queue was full, milliseconds. */
const LOOK_RETRY_MS = 250;
/** From a new role to the subscription that asks for its offers, milliseconds. */
const RESUBSCRIPTION_DELAY_MS = 50;
/** What is beyond its bounds in the store is dropped this often, milliseconds. */
const COMPACTION_MS = 60_000;

/** An engine and the reins of its process. */
export interface RunningEngine extends ControllerEngine {
  /** Connects to the master and begins to act. */
  start(): void;
  /** How many of the instances it found placed it has not heard of since it started. */
  unconfirmedCount(): number;
  /** Lets go: nothing is decided, stored or sent any more. Tasks run on. */
  stop(): Promise<void>;
}

/** The heart of the controller: state, decisions and effects of one leader, from start to stop. */
export class Engine implements RunningEngine {
  readonly view: ControllerView;
  readonly previews: Previews;
  readonly abilities: ControllerAbilities;
  private readonly context: EngineContext;
  private readonly executors: ExecutorTable<EngineEffect>;
  private readonly dirty = new Set<AppId>();
  private readonly timers = new Set<() => void>();
  private readonly roles: FrameworkRoles;
  private driver: SchedulerDriver | undefined;
  private isResubscriptionPlanned = false;
  private isLookPending = false;
  private lastLookMs = 0;
  private isStopped = false;

  constructor(
    private readonly ports: EnginePorts,
    private readonly options: EngineOptions,
    state: CommittedState,
    memory: EngineMemory,
  ) {
    this.roles = new FrameworkRoles(options.role);
    this.context = this.createContext(state, memory);
    this.executors = createExecutors({ context: this.context, driver: () => this.driver });
    this.view = createView(this.context);
    this.previews = createPreviews(this.context);
    this.abilities = abilitiesOf(ports);
  }

  start(): void {
    const { state } = this.context;
    for (const instance of state.instances()) {
      followInstance(this.context, instance.id);
      if (instance.goal !== 'Running' && !isDormant(instance)) this.context.kills.request(instance);
      if (!isPlaced(instance)) continue;
      for (const { taskId } of referencesOf(instance)) this.context.memory.unconfirmed.add(taskId);
    }
    this.driver = this.ports.connect(
      createHandlers(this.context, (error) => this.fail(error)),
      state.frameworkId === undefined ? undefined : frameworkId(state.frameworkId),
      () => this.roles.take(state.root, reservedRoles(state.instances())),
    );
    this.driver.start();
    this.every(this.options.sweepIntervalMs, () => sweep(this.context));
    this.every(COMPACTION_MS, () => void this.compact());
    this.evaluateSoon(state.everyApp());
  }

  unconfirmedCount(): number {
    const { state, memory } = this.context;
    for (const task of memory.unconfirmed) {
      if (state.instanceOfTask(task) === undefined) memory.unconfirmed.delete(task);
    }
    return memory.unconfirmed.size;
  }

  async stop(): Promise<void> {
    this.halt();
    await this.driver?.stop();
  }

  async changeRoot(change: RootChange): Promise<RootChangeOutcome> {
    const result = await this.submitChange((draft) => applyRootChange(this.context, draft, change));
    return outcomeOf(result);
  }

  cancelDeployment(
    id: DeploymentId,
    options: { readonly force: boolean; readonly by?: string },
  ): ReturnType<ControllerEngine['cancelDeployment']> {
    return undoDeployment(this.context, id, options);
  }

  steerDeployment(id: DeploymentId, command: DeploymentCommand): Promise<DeploymentCommandOutcome> {
    return this.submitChange((draft) => steerDeployment(this.context, draft, id, command));
  }

  killInstances(ids: readonly InstanceId[], order: KillOrder): Promise<void> {
    return this.submitChange((draft) => killInstances(this.context, draft, ids, order));
  }

  resetDelay(app: AppId): boolean {
    const { memory, demand } = this.context;
    const daemon = memory.daemons.get(app);
    memory.backOffs.delete(app);
    daemon?.resetDelays(this.ports.clock.now());
    memory.touch(app);
    demand.update({ isNew: true });
    const isHeld = [...memory.deployments.values()].some(({ holds }) => holds.has(app));
    return memory.queue.has(app) || daemon !== undefined || isHeld;
  }

  reportRouter(id: string, report: RouterReport): void {
    noteRouter(this.context, id, report);
  }

  putCertificate(certificate: StoredCertificate): ReturnType<ControllerEngine['putCertificate']> {
    return this.submitChange((draft) => putCertificate(draft, certificate));
  }

  deleteCertificate(name: string): Promise<boolean> {
    return this.submitChange((draft) => deleteCertificate(draft, name));
  }

  private submitChange<Result>(run: (draft: Draft) => Result): Promise<Result> {
    return this.context.commits.submit({ whenUnavailable: 'reject', run });
  }

  private createContext(state: CommittedState, memory: EngineMemory): EngineContext {
    const { ports, options } = this;
    const { clock } = ports;
    const execute = (effect: EngineEffect) => this.execute(effect);
    return {
      ports,
      options,
      state,
      memory,
      commits: this.createCommits(state, memory),
      ...createMonitors({
        ...{ ports, options, state, memory },
        onNews: (news) => noteHealthNews(this.context, news),
        evaluateSoon: (apps) => this.evaluateSoon(apps),
      }),
      kills: new KillQueue({
        clock,
        maxInFlight: options.maxKillsInFlight,
        retryMs: options.killRetryMs,
        send: ({ id }, waitedMs) => {
          for (const kill of toKills({ state, memory }, id, waitedMs)) void execute(kill);
        },
      }),
      demand: new OfferDemand({
        clock,
        look: () => lookAtQueue(this.context),
        revive: (roles) =>
          void execute({
            kind: 'revive-offers',
            ...(roles === 'all' ? {} : { roles: [...roles] }),
          }),
        suppress: () => void execute({ kind: 'suppress-offers' }),
      }),
      reconciler: new Reconciler({
        clock,
        intervalMs: options.reconcileIntervalMs,
        instances: () =>
          [...state.instances()].filter((one) => !memory.accepting.has(one.id) && !isParked(one)),
        send: (tasks) => void execute({ kind: 'reconcile-tasks', tasks }),
      }),
      evaluateSoon: (apps) => this.evaluateSoon(apps),
      execute,
      nextScaleCheck: { atMonoMs: clock.now().monoMs + options.scaleCheckIntervalMs },
    };
  }

  private createCommits(state: CommittedState, memory: EngineMemory): CommitQueue {
    const { store, lease, clock, log } = this.ports;
    return new CommitQueue({
      store,
      lease,
      clock,
      state,
      maxWaiting: this.options.maxWaitingJobs,
      maxJobsPerCommit: this.options.maxJobsPerCommit,
      onCommitted: (draft, { events }) => {
        for (const app of draft.touched) memory.touch(app);
        for (const task of draft.afterwards) task();
        if (events.length > 0) void this.execute({ kind: 'publish-events', events });
        for (const effect of draft.effects) void this.execute(effect);
        if (this.roles.lacks(state.root)) this.resubscribeSoon();
      },
      onAbandoned: (draft) => {
        for (const id of memory.deployments.keys()) {
          if (!state.deployments.has(id)) memory.deployments.delete(id);
        }
        this.evaluateSoon(draft.touched);
      },
      onFatal: (error) => this.fail(error),
      onStoreAway: (error) => log?.error('the database is away', { reason: error.message }),
    });
  }

  /** New roles come in bursts: many apps of one group. */
  private resubscribeSoon(): void {
    if (this.isResubscriptionPlanned) return;
    this.isResubscriptionPlanned = true;
    this.after(RESUBSCRIPTION_DELAY_MS, () => {
      this.isResubscriptionPlanned = false;
      this.driver?.resubscribe();
    });
  }

  private async execute(effect: EngineEffect): Promise<void> {
    if (this.isStopped) return;
    try {
      this.ports.beforeEffect?.(effect.kind);
      await runEffect(this.executors, effect);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private evaluateSoon(apps: Iterable<AppId>): void {
    for (const app of apps) this.dirty.add(app);
    if (this.isLookPending || this.dirty.size === 0) return;
    this.isLookPending = true;
    const restMs = Math.min(MAX_LOOK_DELAY_MS, this.lastLookMs * LOOK_SHARE);
    this.after(Math.max(this.options.evaluationDelayMs, restMs), () => void this.look());
  }

  private async look(): Promise<void> {
    const apps = [...this.dirty].slice(0, APPS_PER_LOOK);
    for (const app of apps) this.dirty.delete(app);
    try {
      await this.context.commits.submit({
        whenUnavailable: 'retry',
        run: (draft: Draft) => {
          const startedMs = this.ports.clock.now().monoMs;
          evaluateApps(this.context, draft, apps);
          this.lastLookMs = this.ports.clock.now().monoMs - startedMs;
        },
      });
      this.lookAgain([]);
    } catch (error) {
      if (error instanceof EngineStoppedError || this.isStopped) return;
      this.after(LOOK_RETRY_MS, () => this.lookAgain(apps));
    }
  }

  /** The next look begins when the last one is stored: while the store is away only one waits for it. */
  private lookAgain(apps: readonly AppId[]): void {
    this.isLookPending = false;
    this.evaluateSoon(apps);
  }

  private async compact(): Promise<void> {
    try {
      await this.ports.store.compact(this.ports.lease);
    } catch (error) {
      if (error instanceof StoreUnavailableError) return;
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private fail(error: Error): void {
    if (this.isStopped) return;
    this.halt();
    this.ports.onFatal(error);
  }

  private halt(): void {
    this.isStopped = true;
    this.context.commits.close();
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.context.health.stop();
    this.context.readiness.stop();
    this.context.checks.stop();
    this.context.demand.stop();
    this.context.reconciler.pause();
  }

  private after(delayMs: number, task: () => void): void {
    if (this.isStopped) return;
    const cancel = this.ports.clock.schedule(delayMs, () => {
      this.timers.delete(cancel);
      task();
    });
    this.timers.add(cancel);
  }

  private every(intervalMs: number, task: () => void): void {
    this.after(intervalMs, () => {
      task();
      this.every(intervalMs, task);
    });
  }
}

const isPlaced = (instance: Instance): boolean =>
  instance.placement !== undefined &&
  !isTerminalCondition(instance.condition) &&
  !isParked(instance);

/** Each effect goes to the executor of its kind. */
const runEffect = <Kind extends EngineEffect['kind']>(
  executors: ExecutorTable<EngineEffect>,
  effect: Extract<EngineEffect, { readonly kind: Kind }>,
): Promise<void> => executors[effect.kind as Kind](effect);
