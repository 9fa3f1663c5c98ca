import { type FrameworkId, isTerminalTaskState, type OfferId, type TaskState } from '#core';
import {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerHandlers,
} from '#framework';
import {
  decodeResources,
  encodeResources,
  type Filters,
  type FrameworkInfo,
  type TaskStatus,
  type WireOffer,
} from '#mesos-v1';
import type { SeededRandom } from '../../support/seeded-random.js';
import { SimulatedScheduler } from '../scheduler-link.js';
import type { SimulatedProcess } from '../simulated-process.js';
import { select } from './carve.js';
import { type Demand, type FrameworkHabits, toInfo, toRefuseSeconds } from './demand.js';
import type { FrameworkChange, FrameworkStore, StoredTask } from './framework-store.js';
import { toOperations } from './launches.js';
import { type PackedTask, TaskBook } from './task-book.js';

/** What one life of a framework is given. */
export interface ScriptedFrameworkParts {
  readonly process: SimulatedProcess;
  readonly habits: FrameworkHabits;
  /** Changed by its users at any time. */
  readonly demands: readonly Demand[];
  readonly store: FrameworkStore;
  readonly random: SeededRandom;
  readonly connect: (
    handlers: SchedulerHandlers,
    given: {
      readonly info: FrameworkInfo;
      readonly frameworkId: FrameworkId | undefined;
      readonly suppressedRoles: () => readonly string[];
    },
  ) => SimulatedScheduler;
  readonly neverReconciles: boolean;
  readonly note: (what: string) => void;
}

const TICK_MS = 9_000;
/** Longer than an ACCEPT may be under way. */
const UNREACHABLE_LIMIT_MS = 20_000;

/**
 * One life of a framework without a controller: it has demands, stores its tasks, launches on what it is offered, and
 * replaces what ends. Persists, then sends; persists, then acknowledges.
 */
export class ScriptedFramework {
  private generation = 0;
  private ticks = 0;
  private readonly book: TaskBook;
  /** Tasks whose ACCEPT is under way. */
  private readonly launching = new Set<string>();
  private readonly offers = new Map<string, WireOffer>();
  /** Roles the master may believe to be suppressed. */
  private readonly suppressed = new Set<string>();
  /** Tasks the master it is subscribed at has spoken of. */
  private readonly heard = new Set<string>();
  /** Tasks of which it has taken a KILL: it remembers that, unless it did not know the task. */
  private readonly killed = new Set<string>();
  private readonly unseenSinceMs = new Map<string, number>();
  private link: SimulatedScheduler | undefined;
  private lastCommit: Promise<void> = Promise.resolve();
  private isLeaving = false;
  /** It begins anew when its registration has ended. */
  private registration = 0;
  private frameworkId: FrameworkId | undefined;
  /** Those it is subscribed to now. */
  private roles: readonly string[];

  constructor(private readonly parts: ScriptedFrameworkParts) {
    this.book = new TaskBook(parts);
    this.roles = parts.habits.roles;
  }

  private get nowMs(): number {
    return this.parts.process.clock.now().monoMs;
  }

  async start(): Promise<void> {
    const snapshot = await this.parts.store.open();
    this.generation = snapshot.generation;
    this.book.restore(snapshot);
    this.subscribe(snapshot.frameworkId);
    this.tickLater();
  }

  /** Its demands have changed. */
  poke(): void {
    void this.act(() => this.adjust());
  }

  /** A user wants some of its tasks replaced. */
  restart(): void {
    const { random } = this.parts;
    const open = this.book.open().filter(({ isGivenUp }) => !isGivenUp);
    const some = open.filter(() => random.chance(0.5));
    for (const task of some) void this.act(() => this.giveUp(task));
    const { executor, agentId } = random.chance(0.3) ? (some[0] ?? {}) : {};
    if (executor === undefined || agentId === undefined) return;
    const shutdown = { executor_id: { value: executor }, agent_id: { value: agentId } };
    void this.act(async () => void (await this.call({ type: 'SHUTDOWN', shutdown })));
  }

  /** Leaves a role in which nothing is demanded, or takes it up again. */
  changeRoles(): void {
    const { habits, demands } = this.parts;
    const idle = habits.roles.find((role) => !demands.some((demand) => demand.role === role));
    const { frameworkId } = this;
    if (idle === undefined || frameworkId === undefined || !habits.isMultiRole) return;
    const before = this.roles;
    const roles = before.includes(idle) ? before.filter((role) => role !== idle) : habits.roles;
    void this.act(async () => {
      const id = { value: frameworkId };
      const framework_info = { ...toInfo({ ...habits, roles }), id };
      const suppressed_roles = [...this.suppressed].filter((role) => roles.includes(role));
      const update_framework = { framework_info, suppressed_roles };
      const failure = await this.call({ type: 'UPDATE_FRAMEWORK', update_framework });
      if (failure === undefined) this.roles = roles;
      // A REVIVE may have been sent before it.
      for (const role of suppressed_roles) this.suppressed.add(role);
      await this.adjust();
    });
  }

  /** Ends all its tasks and its registration, then begins anew. */
  tearDown(): void {
    this.isLeaving = true;
    void this.act(async () => {
      const failure = await this.call({ type: 'TEARDOWN' });
      this.isLeaving = false;
      const isGone = failure !== undefined && /cannot be found/.test(failure.message);
      if (failure === undefined || isGone) await this.startOver();
    });
  }

  private subscribe(frameworkId: FrameworkId | undefined): void {
    const { habits } = this.parts;
    this.link = this.parts.connect(this.handlers(), {
      info: toInfo(habits),
      frameworkId,
      suppressedRoles: () => {
        this.suppressed.clear();
        if (!habits.suppresses) return [];
        for (const role of habits.roles) if (!this.book.wantsOf(role)) this.suppressed.add(role);
        return [...this.suppressed];
      },
    });
    this.link.start();
  }

  private handlers(): SchedulerHandlers {
    const { habits } = this.parts;
    const { registration } = this;
    return {
      onSubscribed: async (frameworkId) => {
        this.frameworkId = frameworkId;
        this.roles = habits.roles;
        this.killed.clear();
        this.heard.clear();
        await this.commit([{ kind: 'subscribed', frameworkId }]);
        void this.act(async () => {
          await this.reconcile({ all: true });
          await this.adjust();
        });
      },
      onOffers: (offers) => {
        for (const offer of offers) {
          this.offers.set(offer.id.value, offer);
          this.parts.process.clock.schedule(this.parts.random.between(0, 30), () => {
            void this.act(() => this.consider(offer));
          });
        }
      },
      onRescind: (id: OfferId) => void this.offers.delete(id),
      onUpdate: async (status) => {
        // What its registration is told while that ends is not stored, so it must not be acknowledged.
        if (this.isLeaving || this.registration !== registration) throw new Error('it has ended');
        await this.update(status);
      },
      onFailure: () => undefined,
      onError: async (message) => {
        this.parts.note(`is refused: ${message}`);
        if (/failed over/.test(message)) this.parts.process.exit(new Error(message));
        else await this.startOver();
      },
      onDisconnected: () => this.offers.clear(),
    };
  }

  /** Takes, refuses, or keeps it. */
  private async consider(offer: WireOffer): Promise<void> {
    const { habits, random } = this.parts;
    if (!this.offers.has(offer.id.value) || this.isLeaving) return;
    if (random.chance(habits.hoards)) return;
    this.offers.delete(offer.id.value);
    const role = offer.allocation_info?.role ?? habits.roles[0] ?? '*';
    const tasks = this.book.pack(offer, role);
    const filters = { refuse_seconds: toRefuseSeconds(this.parts.habits, this.parts.random) };
    if (tasks.length === 0 && (await this.giveBack(offer))) return;
    if (tasks.length === 0) {
      await this.call({ type: 'DECLINE', decline: { offer_ids: [offer.id], filters } });
      if (habits.suppresses && !this.book.wantsOf(role)) await this.suppress(role);
      return;
    }
    const failure = await this.launch(offer, tasks, filters);
    if (failure === undefined && random.chance(habits.errs)) {
      // A mistake: the offer is used up.
      await this.launch(offer, this.book.pack(offer, role).slice(0, 1), filters);
    }
  }

  /** What is reserved and serves nothing any more is for everybody again. */
  private async giveBack(offer: WireOffer): Promise<boolean> {
    if (!this.parts.habits.reserves) return false;
    const left = select(decodeResources(offer.resources), 'reserved');
    if (Object.keys(left.scalars).length === 0) return false;
    const resources = encodeResources(left, { isRefined: true });
    const operations = [{ type: 'UNRESERVE', unreserve: { resources } }] as const;
    const accept = { offer_ids: [offer.id], operations };
    return (await this.call({ type: 'ACCEPT', accept })) === undefined;
  }

  private async launch(
    offer: WireOffer,
    tasks: readonly PackedTask[],
    filters: Filters,
  ): Promise<SchedulerCallError | undefined> {
    const stored = tasks.map((task) => task.stored);
    for (const { id } of stored) this.launching.add(id);
    await this.commit(stored.map((task) => ({ kind: 'put-task', task })));
    const accept = { offer_ids: [offer.id], operations: toOperations(tasks), filters };
    const failure = await this.call({ type: 'ACCEPT', accept });
    if (failure?.code === 'REFUSED' || failure?.code === 'DISCONNECTED') await this.forget(stored);
    for (const { id } of stored) this.launching.delete(id);
    return failure;
  }

  private async update(status: TaskStatus): Promise<void> {
    const { tasks } = this.book;
    const task = tasks.get(status.task_id.value);
    if (task === undefined) return;
    if (!this.heard.has(task.id)) this.killed.delete(task.id);
    this.heard.add(task.id);
    const isEnded = isTerminalTaskState(status.state as TaskState);
    const isUnseen = status.state === 'TASK_UNREACHABLE';
    if (!isUnseen) this.unseenSinceMs.delete(task.id);
    else if (!this.unseenSinceMs.has(task.id)) this.unseenSinceMs.set(task.id, this.nowMs);
    const next = this.book.take(task, status);
    // Even what is known already may be on its way to the disk still.
    await this.commit(next === undefined ? [] : [{ kind: 'put-task', task: next }]);
    if (next === undefined || next.isGivenUp) {
      // Nobody waits for it any more.
      if (!isEnded && !isUnseen && status.state !== 'TASK_UNKNOWN') this.killLater(task);
    }
    void this.act(() => this.adjust());
  }

  /** Ends what is too much, asks for what is missing. */
  private async adjust(): Promise<void> {
    if (this.isLeaving) return;
    for (const task of this.book.surplus()) await this.giveUp(task);
    for (const role of this.parts.habits.roles) {
      if (this.suppressed.has(role) && this.book.wantsOf(role)) await this.revive(role);
    }
  }

  private async giveUp(task: StoredTask): Promise<void> {
    if (!this.book.tasks.has(task.id)) return;
    const next = this.book.put({ ...task, isGivenUp: true });
    await this.commit([{ kind: 'put-task', task: next }]);
    await this.kill(next);
  }

  private killLater(task: StoredTask): void {
    void this.act(() => this.kill(task));
  }

  private async kill(task: StoredTask): Promise<void> {
    if (this.killed.has(task.id)) return;
    const { random } = this.parts;
    this.killed.add(task.id);
    const failure = await this.call({
      type: 'KILL',
      kill: {
        task_id: { value: task.id },
        ...(random.chance(0.5) ? { agent_id: { value: task.agentId } } : {}),
      },
    });
    if (failure !== undefined) this.killed.delete(task.id);
  }

  private async revive(role: string): Promise<void> {
    const roles = this.parts.habits.isMultiRole ? { revive: { roles: [role] } } : {};
    const failure = await this.call({ type: 'REVIVE', ...roles });
    if (failure === undefined) this.suppressed.delete(role);
  }

  private async suppress(role: string): Promise<void> {
    this.suppressed.add(role);
    const roles = this.parts.habits.isMultiRole ? { suppress: { roles: [role] } } : {};
    await this.call({ type: 'SUPPRESS', ...roles });
    if (this.book.wantsOf(role)) await this.revive(role);
  }

  private async reconcile(options: { readonly all: boolean }): Promise<void> {
    if (this.parts.neverReconciles) return;
    const { random } = this.parts;
    const open = this.book.open().filter(({ id }) => !this.launching.has(id));
    const tasks = open.map(({ id, agentId }) => ({
      task_id: { value: id },
      ...(random.chance(0.5) ? { agent_id: { value: agentId } } : {}),
    }));
    if (options.all) await this.call({ type: 'RECONCILE', reconcile: { tasks: [] } });
    if (tasks.length > 0) await this.call({ type: 'RECONCILE', reconcile: { tasks } });
  }

  private tickLater(): void {
    this.parts.process.clock.schedule(TICK_MS, () => {
      void this.act(() => this.tick());
      this.tickLater();
    });
  }

  private async tick(): Promise<void> {
    for (const [id, sinceMs] of this.unseenSinceMs) {
      const task = this.book.tasks.get(id);
      if (task === undefined || this.nowMs - sinceMs < UNREACHABLE_LIMIT_MS) continue;
      this.unseenSinceMs.delete(id);
      if (!task.isGivenUp) await this.giveUp(task);
    }
    // A task it takes for lost may have come back while it was away.
    this.ticks += 1;
    await this.reconcile({ all: this.ticks % 3 === 0 });
    await this.adjust();
    // A SUPPRESS may have been carried out later than the REVIVE that followed it.
    for (const role of this.roles) {
      if (!this.suppressed.has(role) && this.book.wantsOf(role)) await this.revive(role);
    }
  }

  /** They were never launched. */
  private async forget(tasks: readonly StoredTask[]): Promise<void> {
    const known = tasks.filter(({ id }) => this.book.tasks.has(id));
    const dropped = known.map((task): StoredTask => ({ ...task, state: 'TASK_DROPPED' }));
    for (const task of dropped) this.book.put(task);
    await this.commit(dropped.map((task) => ({ kind: 'put-task', task })));
  }

  private async startOver(): Promise<void> {
    const { link } = this;
    this.link = undefined;
    this.registration += 1;
    this.book.tasks.clear();
    this.offers.clear();
    this.unseenSinceMs.clear();
    await this.commit([{ kind: 'start-over' }]);
    await link?.stop();
    this.parts.note('starts over');
    this.subscribe(undefined);
  }

  private async commit(changes: readonly FrameworkChange[]): Promise<void> {
    const commit = this.lastCommit.then(() => this.parts.store.commit(this.generation, changes));
    this.lastCommit = commit.catch(() => undefined);
    try {
      await commit;
    } catch (error) {
      // Another instance writes now: this one is over, whoever waits for it.
      this.parts.process.exit(error);
      throw error;
    }
  }

  /** Undefined: the master has taken it. */
  private async call(
    call: SchedulerCallWithoutFrameworkId,
  ): Promise<SchedulerCallError | undefined> {
    if (this.link === undefined) return new SchedulerCallError('DISCONNECTED', 'starting over');
    try {
      await this.link.call(call);
      return undefined;
    } catch (error) {
      if (error instanceof SchedulerCallError) return error;
      throw error;
    }
  }

  private async act(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.parts.process.exit(error);
    }
  }
}
