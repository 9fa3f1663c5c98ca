import type { MasterChange } from '#cluster';
import { isTerminalTaskState, TASK_STATES } from '#core';
import type { SchedulerCall, SchedulerEvent } from '#mesos-v1';

/** Samples kept of each duration. */
const MAX_SAMPLES = 1_000;

/** The last durations of something, for percentiles. */
export class Durations {
  private readonly samples: number[] = [];
  private total = 0;

  add(ms: number): void {
    this.samples[this.total % MAX_SAMPLES] = ms;
    this.total += 1;
  }

  /** All there were, of which the last {@link MAX_SAMPLES} count below. */
  get count(): number {
    return this.total;
  }

  get last(): number | undefined {
    return this.samples[(this.total - 1) % MAX_SAMPLES];
  }

  /** The values below which these shares (0..1) of the samples lie; nearest rank. */
  quantiles(shares: readonly number[]): readonly number[] {
    const sorted = [...this.samples].sort((left, right) => left - right);
    return shares.map((share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  }
}

/** Of one framework, since this master leads. */
export interface FrameworkCounters {
  readonly calls: Map<string, number>;
  readonly events: Map<string, number>;
  readonly terminal: Map<string, number>;
  offersSent: number;
  offersAccepted: number;
  offersDeclined: number;
  offersRescinded: number;
}

/** What the engine counts for metrics; nothing depends on it. Forgotten with the framework it is of. */
export class EngineCounters {
  readonly frameworks = new Map<string, FrameworkCounters>();
  /** `task_failed/source_executor/reason_container_launch_failed` */
  readonly taskReasons = new Map<string, number>();
  readonly calls = new Map<string, number>();
  readonly allocationRun = new Durations();
  /** From the moment a round was due to its beginning. */
  readonly allocationLatency = new Durations();
  readonly registryStore = new Durations();

  called(frameworkId: string, call: Pick<SchedulerCall, 'type'>): void {
    bump(this.calls, call.type);
    const counters = this.frameworks.get(frameworkId);
    if (counters === undefined) return;
    bump(counters.calls, call.type);
    // Narrowed by the tag.
    const whole = call as SchedulerCall;
    if (whole.type === 'ACCEPT') counters.offersAccepted += whole.accept.offer_ids.length;
    else if (whole.type === 'DECLINE') counters.offersDeclined += whole.decline.offer_ids.length;
  }

  told(frameworkId: string, event: SchedulerEvent): void {
    const counters = this.frameworks.get(frameworkId);
    if (counters === undefined) return;
    bump(counters.events, event.type);
    if (event.type === 'OFFERS') counters.offersSent += event.offers.offers.length;
    else if (event.type === 'RESCIND') counters.offersRescinded += 1;
  }

  changed(changes: readonly MasterChange[]): void {
    for (const change of changes) {
      if (change.kind === 'framework-added') {
        this.frameworks.set(change.framework.id, newFrameworkCounters());
      } else if (change.kind === 'framework-removed') {
        this.frameworks.delete(change.framework.id);
      } else if (change.kind === 'task-updated' && change.status !== undefined) {
        this.ended(change.task.frameworkId, change.status);
      }
    }
  }

  private ended(
    frameworkId: string,
    status: { readonly state: string; readonly source?: string; readonly reason?: string },
  ): void {
    const state = TASK_STATES.find((one) => one === status.state);
    if (state === undefined || !isTerminalTaskState(state)) return;
    const counters = this.frameworks.get(frameworkId);
    if (counters !== undefined) bump(counters.terminal, state);
    const source = (status.source ?? 'source_unknown').toLowerCase();
    const reason = status.reason === undefined ? '' : `/${status.reason.toLowerCase()}`;
    // Reasons come from outside: what they are called is theirs, how many there may be is ours.
    const name = `${state.toLowerCase()}/${source}${reason}`;
    if (this.taskReasons.size < MAX_REASONS || this.taskReasons.has(name)) {
      bump(this.taskReasons, name);
    }
  }
}

const MAX_REASONS = 1_000;

const newFrameworkCounters = (): FrameworkCounters => ({
  calls: new Map(),
  events: new Map(),
  terminal: new Map(),
  offersSent: 0,
  offersAccepted: 0,
  offersDeclined: 0,
  offersRescinded: 0,
});

const bump = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};
