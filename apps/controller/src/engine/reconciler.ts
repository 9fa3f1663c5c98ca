import {
  type AgentId,
  type Clock,
  type Instance,
  isTerminalCondition,
  type TaskId,
  tasksOf,
} from '#core';

/** Tasks per call. */
const CHUNK = 1_000;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 300_000;

export interface TaskReference {
  readonly taskId: TaskId;
  readonly agentId?: AgentId;
}

export interface ReconcilerSettings {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** All instances the master should know about. */
  readonly instances: () => Iterable<Instance>;
  readonly send: (tasks: readonly TaskReference[]) => void;
}

/** The tasks of an instance that the master should know, as it is asked about them. */
export const referencesOf = (instance: Instance): readonly TaskReference[] =>
  tasksOf(instance)
    .filter(({ condition }) => !isTerminalCondition(condition))
    .map(({ taskId }) => ({
      taskId,
      ...(instance.placement === undefined ? {} : { agentId: instance.placement.agentId }),
    }));

/**
 * Compares what we know with what the cluster knows: on every (re)subscription and periodically all tasks by name, then
 * everything the master knows; tasks nobody answered for are asked for again with growing waits.
 */
export class Reconciler {
  private readonly unanswered = new Map<TaskId, TaskReference>();
  private hasBegun = false;
  private retryMs = FIRST_RETRY_MS;
  private nextRetryMonoMs = Number.POSITIVE_INFINITY;
  private nextRoundMonoMs = Number.POSITIVE_INFINITY;

  constructor(private readonly settings: ReconcilerSettings) {}

  /** Starts a round at once. */
  begin(): void {
    const { clock, intervalMs, instances, send } = this.settings;
    const { monoMs } = clock.now();
    this.unanswered.clear();
    this.hasBegun = true;
    for (const instance of instances()) {
      for (const reference of referencesOf(instance)) {
        this.unanswered.set(reference.taskId, reference);
      }
    }
    this.sendUnanswered();
    send([]);
    this.retryMs = FIRST_RETRY_MS;
    this.nextRetryMonoMs = monoMs + this.retryMs;
    this.nextRoundMonoMs = monoMs + intervalMs;
  }

  /** Whether the master has answered for every task that was asked for since we subscribed. */
  isSettled(): boolean {
    return this.hasBegun && this.unanswered.size === 0;
  }

  pause(): void {
    this.hasBegun = false;
    this.nextRetryMonoMs = Number.POSITIVE_INFINITY;
    this.nextRoundMonoMs = Number.POSITIVE_INFINITY;
  }

  /** Something was heard of the task, or it is gone. */
  answered(task: TaskId): void {
    this.unanswered.delete(task);
  }

  /** An answer is wanted for one task soon (a call about it may have been lost). */
  doubt(reference: TaskReference): void {
    this.unanswered.set(reference.taskId, reference);
    this.retryMs = FIRST_RETRY_MS;
    this.nextRetryMonoMs = Math.min(
      this.nextRetryMonoMs,
      this.settings.clock.now().monoMs + FIRST_RETRY_MS,
    );
  }

  /** Called by the sweep. */
  tick(): void {
    const { monoMs } = this.settings.clock.now();
    if (monoMs >= this.nextRoundMonoMs) {
      this.begin();
    } else if (monoMs >= this.nextRetryMonoMs) {
      this.sendUnanswered();
      this.retryMs = Math.min(MAX_RETRY_MS, this.retryMs * 2);
      this.nextRetryMonoMs =
        this.unanswered.size > 0 ? monoMs + this.retryMs : Number.POSITIVE_INFINITY;
    }
  }

  private sendUnanswered(): void {
    const all = [...this.unanswered.values()];
    for (let at = 0; at < all.length; at += CHUNK) this.settings.send(all.slice(at, at + CHUNK));
  }
}
