import { createScheduler, type Scheduler } from '#framework';
import type { TaskInfo, TaskStatus, WireOffer } from '#mesos-v1';
import { systemClock } from '#platform';

/** A definition without what its framework adds from the offer. */
export type BenchTask = Omit<TaskInfo, 'agent_id' | 'task_id'>;

/** A framework that launches a number of equal tasks on the first agent it is offered, and follows their states. */
export class BenchFramework {
  private readonly scheduler: Scheduler;
  private readonly offers: WireOffer[] = [];
  private readonly states = new Map<string, string>();
  private agentId = '';
  private launched = 0;
  private changed: () => void = () => undefined;

  constructor(masterUrl: string) {
    this.scheduler = createScheduler({
      masters: [masterUrl],
      clock: systemClock,
      frameworkInfo: { user: 'root', name: 'bench', failover_timeout: 3_600 },
      handlers: {
        onSubscribed: () => undefined,
        onOffers: async (given) => {
          this.offers.push(...given);
          this.changed();
        },
        onRescind: (id) => {
          const index = this.offers.findIndex((offer) => offer.id.value === id);
          if (index >= 0) this.offers.splice(index, 1);
        },
        onUpdate: async (status: TaskStatus) => {
          this.states.set(status.task_id.value, status.state);
          this.changed();
        },
        onFailure: () => undefined,
        onError: () => undefined,
        onDisconnected: () => undefined,
      },
    });
    this.scheduler.start();
  }

  /** Resolves with the milliseconds from ACCEPT until the last one runs and its status has arrived. */
  async launch(count: number, task: BenchTask): Promise<number> {
    // What ended tasks held comes back in several offers.
    await this.until(() => cpusOf(this.offers) >= count * cpusOf([task]));
    const offers = this.offers.splice(0);
    const [offer] = offers;
    if (offer === undefined) throw new Error('no offer');
    this.agentId = offer.agent_id.value;
    const ids = Array.from({ length: count }, () => `bench-${process.pid}-${this.launched++}`);
    const startedMs = performance.now();
    await this.scheduler.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: offers.map(({ id }) => id),
        operations: [
          {
            type: 'LAUNCH',
            launch: {
              task_infos: ids.map((id) => ({
                ...task,
                task_id: { value: id },
                agent_id: offer.agent_id,
              })),
            },
          },
        ],
        filters: { refuse_seconds: 0 },
      },
    });
    await this.until(() => ids.every((id) => this.states.get(id) === 'TASK_RUNNING'));
    return performance.now() - startedMs;
  }

  /** Resolves with the milliseconds from the first KILL until the last end is known. */
  async killAll(): Promise<number> {
    const startedMs = performance.now();
    const running = [...this.states].filter(([, state]) => state === 'TASK_RUNNING');
    for (const [id] of running) {
      await this.scheduler.call({
        type: 'KILL',
        kill: { task_id: { value: id }, agent_id: { value: this.agentId } },
      });
    }
    await this.until(() => [...this.states.values()].every((state) => state !== 'TASK_RUNNING'));
    return performance.now() - startedMs;
  }

  async stop(): Promise<void> {
    await this.scheduler.stop();
  }

  private until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`not within ${WAIT_LIMIT_MS} ms: ${this.describe()}`)),
        WAIT_LIMIT_MS,
      );
      this.changed = () => {
        if (!isTrue()) return;
        clearTimeout(limit);
        this.changed = () => undefined;
        resolve();
      };
      this.changed();
    });
  }

  private describe(): string {
    const counts = new Map<string, number>();
    for (const state of this.states.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return JSON.stringify(Object.fromEntries(counts));
  }
}

const cpusOf = (given: readonly Pick<TaskInfo, 'resources'>[]): number =>
  given
    .flatMap((one) => one.resources ?? [])
    .filter(({ name }) => name === 'cpus')
    .reduce((sum, { scalar }) => sum + (scalar?.value ?? 0), 0);

const WAIT_LIMIT_MS = 180_000;
