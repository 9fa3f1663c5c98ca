import type { Clock } from '#core';
import type { IdValue } from '#mesos-v1';
import { BackOff } from './back-off.js';
import { pause } from './pause.js';
import { SchedulerCallError } from './scheduler-driver.js';

export interface ReconciliationOptions {
  /** Between rounds. */
  readonly intervalMs: number;
  /** What the scheduler believes to have: asked about one by one. The master is also asked for all it knows. */
  readonly tasks: () => Promise<readonly { readonly taskId: string; readonly agentId?: string }[]>;
}

interface AskedTask {
  readonly task_id: IdValue;
  readonly agent_id?: IdValue;
}

/** Tasks asked about in one RECONCILE. */
export const RECONCILE_BATCH = 1_000;
/** A master is silent about a task while its agent may still return: it is asked again, ever less often. */
const FIRST_REPEAT_MS = 2_000;
const MAX_REPEAT_MS = 60_000;

/**
 * Reconciles for as long as one subscription stands: now and every interval, explicitly about the scheduler's own tasks,
 * then implicitly about all. An explicit question is repeated with truncated exponential back-off until any update of its
 * task comes, or the next round asks anew. A round the master refuses is made good by the next.
 */
export class Reconciler {
  private unanswered = new Map<string, AskedTask>();

  constructor(
    private readonly options: ReconciliationOptions & {
      readonly clock: Clock;
      readonly random: () => number;
      /** Ends it. */
      readonly signal: AbortSignal;
      readonly ask: (tasks: readonly AskedTask[]) => Promise<void>;
    },
  ) {}

  /** Resolves when the signal is aborted. Rejects with whatever `tasks` does. */
  async run(): Promise<void> {
    const { clock, signal, intervalMs } = this.options;
    while (!signal.aborted) {
      const endMs = clock.now().monoMs + intervalMs;
      await this.beginRound();
      await this.repeatUntil(endMs);
    }
  }

  /** An update of the task came. */
  answered(taskId: string): void {
    this.unanswered.delete(taskId);
  }

  private async beginRound(): Promise<void> {
    const tasks = await this.options.tasks();
    this.unanswered = new Map(
      tasks.map(({ taskId, agentId }) => [
        taskId,
        {
          task_id: { value: taskId },
          ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
        },
      ]),
    );
    await this.askAbout([...this.unanswered.values()]);
    await this.ask([]);
  }

  private async repeatUntil(endMs: number): Promise<void> {
    const { clock, signal, random } = this.options;
    const backOff = new BackOff({ initialMs: FIRST_REPEAT_MS, maxMs: MAX_REPEAT_MS, random });
    for (;;) {
      const leftMs = endMs - clock.now().monoMs;
      await pause(
        clock,
        Math.min(leftMs, this.unanswered.size > 0 ? backOff.next() : leftMs),
        signal,
      );
      if (signal.aborted || clock.now().monoMs >= endMs) return;
      await this.askAbout([...this.unanswered.values()]);
    }
  }

  private async askAbout(tasks: readonly AskedTask[]): Promise<void> {
    for (let at = 0; at < tasks.length; at += RECONCILE_BATCH) {
      await this.ask(tasks.slice(at, at + RECONCILE_BATCH));
    }
  }

  private async ask(tasks: readonly AskedTask[]): Promise<void> {
    if (this.options.signal.aborted) return;
    await this.options.ask(tasks).catch((error: unknown) => {
      if (!(error instanceof SchedulerCallError)) throw error;
    });
  }
}
