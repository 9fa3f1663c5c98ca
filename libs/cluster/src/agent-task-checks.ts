import type { WireCheckStatus } from '#mesos-v1';
import {
  checkOf,
  emptyCheckStatus,
  isSameCheckStatus,
  type ProbeSight,
  toCheckStatus,
} from './agent-check.js';
import { readHealthSettings, reduceHealth } from './agent-health.js';
import type { CheckSubject } from './agent-task.js';
import { kill, killGraceMs } from './agent-task-kill.js';
import { report, setTimer, type Turn } from './agent-task-turn.js';
import { delayUntil, readCheckTimes, startSchedule, takeTurn } from './check-schedule.js';

/** The health check and the check of a task that runs. Each has its own schedule, and what it sees shadows nothing. */

/** The task runs, and has for `runningForMs`. */
export function startChecks(turn: Turn, runningForMs: number): void {
  const { task, now } = turn;
  const { health_check } = task.definition;
  const check = checkOf(task.definition);
  const startedAtMs = now.monoMs - runningForMs;
  if (health_check) {
    const healthy = task.stream.latest?.healthy;
    turn.task = {
      ...turn.task,
      health: {
        settings: readHealthSettings(health_check),
        startedAtMs,
        // Whatever was told, it was told when the grace period counted no more.
        isPastGrace: healthy !== undefined,
        isHealthy: healthy === true,
        consecutiveFailures: healthy === false ? 1 : 0,
      },
    };
    schedule(turn, 'health', startedAtMs);
  }
  if (check) schedule(turn, 'check', startedAtMs);
}

function schedule(turn: Turn, subject: CheckSubject, startedAtMs: number): void {
  const { task, now } = turn;
  const { health_check } = task.definition;
  const times = readCheckTimes(
    (subject === 'health' ? health_check : checkOf(task.definition)) ?? {},
  );
  const first = startSchedule(times, { run: task.run, startedAtMs, nowMs: now.monoMs });
  turn.task = { ...task, schedules: { ...task.schedules, [subject]: first } };
  setTimer(turn, subject, delayUntil(first, now.monoMs));
}

/** The timer of one has come. */
export function beginCheck(turn: Turn, subject: CheckSubject): void {
  const { task, now } = turn;
  const before = task.schedules?.[subject];
  if (task.phase.kind !== 'running' || before === undefined) return;
  const { schedule: after, isNow } = takeTurn(before, now.monoMs);
  turn.task = { ...task, schedules: { ...task.schedules, [subject]: after } };
  setTimer(turn, subject, delayUntil(after, now.monoMs));
  if (!isNow) return;
  const { health_check } = task.definition;
  const check = subject === 'health' ? health_check : checkOf(task.definition);
  turn.effects.push({
    kind: 'probe',
    run: task.run,
    subject,
    task: task.definition,
    launcher: task.launcher,
    timeoutMs: readCheckTimes(check ?? {}).timeoutMs,
    ...(task.launched === undefined ? {} : { launched: task.launched }),
  });
}

/** What a probe saw. */
export function afterProbe(turn: Turn, subject: CheckSubject, seen: ProbeSight): void {
  const { task } = turn;
  const before = task.schedules?.[subject];
  if (task.phase.kind !== 'running' || before === undefined) return;
  turn.task = {
    ...task,
    schedules: { ...task.schedules, [subject]: { ...before, isUnderWay: false } },
  };
  if (seen.skipped) return;
  if (subject === 'health') noteHealth(turn, seen);
  else noteCheck(turn, seen);
}

function noteHealth(turn: Turn, seen: ProbeSight): void {
  const { task, now } = turn;
  if (task.health === undefined) return;
  const reduced = reduceHealth(task.health, seen, now.monoMs);
  turn.task = { ...task, health: reduced.state };
  for (const effect of reduced.effects) {
    if (effect.kind === 'report') {
      report(turn, {
        state: 'TASK_RUNNING',
        source: 'SOURCE_EXECUTOR',
        reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED',
        healthy: effect.healthy,
        message: effect.message,
      });
    } else {
      const { kill_policy } = task.definition;
      const graceMs = killGraceMs(kill_policy, turn.context.options.defaultKillGraceMs);
      kill(turn, { graceMs, message: effect.message });
    }
  }
}

/** Told when it is another than the last one. */
function noteCheck(turn: Turn, seen: ProbeSight): void {
  const { task } = turn;
  const check = checkOf(task.definition);
  if (check === undefined) return;
  const before = task.stream.latest?.check_status as WireCheckStatus | undefined;
  const status = toCheckStatus(check, seen);
  if (isSameCheckStatus(status, before ?? emptyCheckStatus(check))) return;
  report(turn, {
    state: 'TASK_RUNNING',
    source: 'SOURCE_EXECUTOR',
    reason: 'REASON_TASK_CHECK_STATUS_UPDATED',
    checkStatus: status,
    message: seen.detail,
  });
}
