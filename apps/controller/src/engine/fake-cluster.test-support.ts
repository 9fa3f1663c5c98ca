import { type FrameworkId, frameworkId } from '#core';
import type {
  SchedulerCallWithoutFrameworkId,
  SchedulerDriver,
  SchedulerHandlers,
} from '#framework';
import type { TaskInfo, TaskStatus, WireOffer } from '#mesos-v1';
import type { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { launchesOf, sharersOfFate } from './fake-groups.test-support.js';
import {
  answerOf,
  cpusOf,
  type FakeAgent,
  FakeInterest,
  inTurn,
  isEnd,
  isKillable,
  portsOf,
  toOffer,
} from './fake-offers.test-support.js';
import { FakeReservations } from './fake-reservations.test-support.js';

/** One task of the fake cluster. */
export interface FakeTask {
  readonly info: TaskInfo;
  readonly agentId: string;
  /** The executor it shares with the others of its group. */
  readonly group?: string;
  state: string;
}

const LAUNCH_MS = 20;
const KILL_MS = 20;
const OFFER_ROUND_MS = 5;

/**
 * A master with agents that do as they are told, on virtual time: offers what is free while offers are wanted, runs
 * tasks, resends updates until they are acknowledged. It outlives the engines connected to it.
 */
export class FakeCluster {
  readonly tasks = new Map<string, FakeTask>();
  readonly reservations = new FakeReservations();
  /** Agents nobody sees: nothing is offered of them. */
  readonly away = new Set<string>();
  readonly calls: string[] = [];
  /** Offers are made for these, in turn. */
  roles: readonly string[] = ['*'];
  private handlers: SchedulerHandlers | undefined;
  /** Agents are shared out between the roles that want offers; else the first of them sees all agents first. */
  sharesAgents = false;
  private readonly windows = new Map<string, number>();
  private readonly interest = new FakeInterest();
  private readonly open = new Map<string, string>();
  private readonly roleOf = new Map<string, string>();
  private readonly removed = new Set<string>();
  private frameworkCount = 0;
  private offerCount = 0;
  private uuidCount = 0;
  private isRoundPlanned = false;

  constructor(
    private readonly clock: VirtualClock,
    readonly agents: FakeAgent[],
  ) {}

  connect(
    handlers: SchedulerHandlers,
    known: FrameworkId | undefined,
    roles: () => readonly string[],
  ): SchedulerDriver {
    let id = known;
    const subscribe = async (): Promise<void> => {
      this.roles = roles();
      id = await this.subscribe(handlers, id);
    };
    return {
      start: () => {
        this.clock.schedule(1, () => void subscribe().catch(() => undefined));
      },
      resubscribe: () => {
        this.open.clear();
        this.handlers = undefined;
        void handlers.onDisconnected('subscribing again');
        this.clock.schedule(1, () => void subscribe().catch(() => undefined));
      },
      call: async (call) => {
        if (this.handlers !== handlers) return;
        this.take(call);
      },
      stop: async () => {
        if (this.handlers === handlers) this.handlers = undefined;
      },
    };
  }

  /** The engine's process dies. */
  disconnect(): void {
    this.handlers = undefined;
    this.open.clear();
  }

  /** The framework is torn down: its tasks end and nobody hears of it. */
  removeFramework(id: string): void {
    this.removed.add(id);
    this.tasks.clear();
    void this.refuse('Framework has been removed');
  }

  /** ERROR on the stream. */
  async refuse(message: string): Promise<void> {
    await this.handlers?.onError(message);
  }

  running(): readonly FakeTask[] {
    return [...this.tasks.values()].filter(({ state }) => state === 'TASK_RUNNING');
  }

  report(taskId: string, state: string, fields: Partial<TaskStatus> = {}): void {
    const task = this.tasks.get(taskId);
    if (task === undefined) return;
    task.state = state;
    if (isEnd(state)) {
      this.interest.offerMore(task.agentId);
      this.planRound();
    }
    this.tell(taskId, { state, ...fields });
    if (!isEnd(state)) return;
    for (const id of sharersOfFate(this.tasks, task)) this.kill(id);
  }

  /** In so many milliseconds the agent's maintenance begins: offers tell of it. */
  schedule(agentId: string, inMs: number): void {
    this.windows.set(agentId, (this.clock.now().epochMs + inMs) * 1_000_000);
  }

  /** The master asks for what is there: the agent is taken out of service in so many milliseconds. */
  askFor(agentId: string, inMs: number): void {
    const start = { nanoseconds: (this.clock.now().epochMs + inMs) * 1_000_000 };
    const framework_id = { value: 'framework-1' };
    const agent_id = { value: agentId };
    const id = { value: `inverse-${agentId}` };
    void this.handlers?.onInverseOffers?.([
      { id, framework_id, agent_id, unavailability: { start } },
    ]);
  }

  /** It asks no more. */
  takeBack(agentId: string): void {
    void this.handlers?.onRescindInverseOffer?.(`inverse-${agentId}`);
  }

  /** Says so of a task, whatever is offered. */
  tell(taskId: string, fields: Partial<TaskStatus> & { readonly state: string }): void {
    const task = this.tasks.get(taskId);
    const { handlers } = this;
    if (task === undefined || handlers === undefined) return;
    this.uuidCount += 1;
    const status: TaskStatus = {
      task_id: { value: taskId },
      agent_id: { value: task.agentId },
      uuid: `uuid-${this.uuidCount}`,
      ...fields,
    };
    handlers.onUpdate(status).then(
      () => {
        if (isEnd(fields.state)) this.tasks.delete(taskId);
      },
      () => undefined,
    );
  }

  private async subscribe(
    handlers: SchedulerHandlers,
    known: FrameworkId | undefined,
  ): Promise<FrameworkId | undefined> {
    if (known !== undefined && this.removed.has(known)) {
      await handlers.onError('Framework has been removed');
      return undefined;
    }
    this.handlers = handlers;
    this.interest.clear();
    this.open.clear();
    if (known === undefined) this.frameworkCount += 1;
    const id = known ?? frameworkId(`framework-${this.frameworkCount}`);
    await handlers.onSubscribed(id, 'master:5050');
    // Updates that nobody acknowledged are sent again.
    for (const [task, { state }] of this.tasks) if (isEnd(state)) this.report(task, state);
    this.planRound();
    return id;
  }

  private take(call: SchedulerCallWithoutFrameworkId): void {
    this.calls.push(call.type);
    switch (call.type) {
      case 'ACCEPT':
        for (const { value } of call.accept.offer_ids) this.accept(value, call);
        this.planRound();
        return;
      case 'DECLINE':
        for (const { value } of call.decline.offer_ids) {
          this.decline(value, call.decline.filters?.refuse_seconds ?? 5);
        }
        return;
      case 'REVIVE':
        this.interest.revive(call.revive?.roles ?? this.roles);
        this.planRound();
        return;
      case 'SUPPRESS':
        this.interest.suppress(call.suppress?.roles ?? this.roles);
        return;
      case 'KILL':
        this.kill(call.kill.task_id.value);
        return;
      case 'RECONCILE':
        this.reconcile(call.reconcile.tasks.map(({ task_id }) => task_id.value));
        return;
      default:
        return;
    }
  }

  private accept(
    offer: string,
    call: Extract<SchedulerCallWithoutFrameworkId, { type: 'ACCEPT' }>,
  ): void {
    const agentId = this.open.get(offer);
    this.open.delete(offer);
    const operations = call.accept.operations ?? [];
    if (agentId !== undefined) {
      for (const operation of operations) this.reservations.apply(agentId, operation);
    }
    for (const { info, group } of launchesOf(operations)) {
      const id = info.task_id.value;
      const isStale = agentId === undefined;
      this.tasks.set(id, {
        info,
        agentId: info.agent_id.value,
        ...(group === undefined ? {} : { group }),
        state: isStale ? 'TASK_DROPPED' : 'TASK_STAGING',
      });
      if (isStale) {
        this.report(id, 'TASK_DROPPED', { reason: 'REASON_INVALID_OFFERS' });
        continue;
      }
      this.clock.schedule(LAUNCH_MS, () => {
        if (this.tasks.get(id)?.state === 'TASK_STAGING') this.report(id, 'TASK_RUNNING');
      });
    }
  }

  private decline(offer: string, seconds: number): void {
    const agentId = this.open.get(offer);
    this.open.delete(offer);
    if (agentId !== undefined && seconds > 0) {
      const role = this.roleOf.get(offer) ?? '*';
      this.interest.refuse(role, agentId, this.clock.now().monoMs + seconds * 1000);
      this.planRound();
    }
    this.clock.schedule(seconds * 1000 + 1, () => this.planRound());
  }

  private kill(id: string): void {
    this.clock.schedule(KILL_MS, () => {
      const task = this.tasks.get(id);
      if (task === undefined) this.reconcile([id]);
      else if (isKillable(task.state)) this.report(id, 'TASK_KILLED');
    });
  }

  private reconcile(ids: readonly string[]): void {
    const { handlers } = this;
    const all = ids.length > 0 ? ids : [...this.tasks.keys()];
    for (const id of all) {
      const task = this.tasks.get(id);
      if (task !== undefined && isEnd(task.state)) continue;
      handlers?.onUpdate(answerOf(id, task)).catch(() => undefined);
    }
  }

  /** Offers are made soon: something has changed. */
  planRound(): void {
    if (this.isRoundPlanned) return;
    this.isRoundPlanned = true;
    this.clock.schedule(OFFER_ROUND_MS, () => {
      this.isRoundPlanned = false;
      this.offer();
    });
  }

  private offer(): void {
    if (this.handlers === undefined) return;
    const { monoMs } = this.clock.now();
    const offers: WireOffer[] = [];
    for (const [at, agent] of this.agents.entries()) {
      const isOut = [...this.open.values()].includes(agent.id);
      const role = inTurn(this.roles, this.sharesAgents ? at : 0).find((one) =>
        this.interest.wants(one, agent.id, monoMs),
      );
      if (isOut || role === undefined || this.away.has(agent.id)) continue;
      const infos = [...this.tasks.values()]
        .filter(({ agentId, state }) => agentId === agent.id && !isEnd(state))
        .map(({ info }) => info);
      const reserved = this.reservations.offered(agent.id, role, infos);
      const free = agent.cpus - cpusOf(infos) - this.reservations.amountOf(agent.id, 'cpus');
      if (free < 0.01 && reserved.length === 0) continue;
      this.offerCount += 1;
      const id = `offer-${this.offerCount}`;
      this.open.set(id, agent.id);
      this.roleOf.set(id, role);
      const offer = toOffer(id, agent, {
        cpus: free,
        ports: infos.flatMap(portsOf),
        role,
        reserved,
      });
      const nanoseconds = this.windows.get(agent.id);
      const window =
        nanoseconds === undefined ? {} : { unavailability: { start: { nanoseconds } } };
      offers.push({ ...offer, ...window });
    }
    if (offers.length > 0) void this.handlers.onOffers(offers);
  }
}
