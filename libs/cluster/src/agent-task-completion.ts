import { kill } from './agent-task-kill.js';
import { COMPLETION_REASON, setTimer, type Turn } from './agent-task-turn.js';

/** Mesos' `max_completion_time`: a task that runs longer is ended at once, without grace, and has failed. */

/** The longest a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The task runs, and has for `runningForMs`. */
export function limitCompletion(turn: Turn, runningForMs: number): void {
  const { task, now } = turn;
  const limit = task.definition.max_completion_time;
  if (!limit || task.completionDeadlineMs !== undefined) return;
  const leftMs = Math.max(0, limit.nanoseconds / 1e6 - runningForMs);
  turn.task = { ...task, completionDeadlineMs: now.monoMs + leftMs };
  setTimer(turn, 'completion', Math.min(leftMs, MAX_TIMER_MS));
}

/** Its timer is due; who is being killed already has that grace. */
export function endOverdue(turn: Turn): void {
  const { task, now } = turn;
  const limit = task.definition.max_completion_time;
  if (!limit || task.completionDeadlineMs === undefined) return;
  if (task.phase.kind !== 'running' || task.kill !== undefined) return;
  const leftMs = task.completionDeadlineMs - now.monoMs;
  if (leftMs > 0) {
    setTimer(turn, 'completion', Math.min(leftMs, MAX_TIMER_MS));
    return;
  }
  kill(turn, {
    graceMs: 0,
    reason: COMPLETION_REASON,
    message: `ran longer than its max_completion_time of ${limit.nanoseconds / 1e6} ms`,
  });
}
