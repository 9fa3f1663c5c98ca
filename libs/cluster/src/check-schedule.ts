import type { RunKey } from '#core';

/**
 * When a task is checked: at fixed times, an interval apart, from its start on. How long a check takes moves none of them;
 * one whose time comes while the last is still under way, or that comes far too late, is left out. So after a restart of
 * the agent, or a suspension of the host, checks are as far apart from those of other tasks as before.
 */
export interface CheckSchedule {
  readonly intervalMs: number;
  /** Of the next one, monotonic milliseconds. */
  readonly dueMs: number;
  readonly isUnderWay: boolean;
}

/** Milliseconds. */
export interface CheckTimes {
  readonly delayMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** The seconds of a check as it came, with Mesos' defaults for what it lacks. */
export interface CheckSeconds {
  readonly delay_seconds?: number;
  readonly interval_seconds?: number;
  readonly timeout_seconds?: number;
}

/** An interval of 0 would check without a pause. */
const MIN_INTERVAL_MS = 100;
const MAX_MS = 24 * 3600 * 1000;
/** Mesos: a timeout of 0 is none. Here every wait ends. */
const NO_TIMEOUT_MS = 600_000;
/** Tasks that start together are checked up to this part of their interval apart, and at most this long. */
const SPREAD = 0.1;
const MAX_SPREAD_MS = 1_000;
/** Later than this (and than an interval), everything else is late too: the process was stopped or the host suspended. */
const TOO_LATE_MS = 5_000;

/** Times longer than a day are a day, but for a delay. */
export function readCheckTimes(check: CheckSeconds): CheckTimes {
  const millis = (seconds: number | undefined, fallback: number) =>
    Number(seconds ?? fallback) * 1000;
  const timeoutMs = millis(check.timeout_seconds, 20);
  return {
    delayMs: Math.max(millis(check.delay_seconds, 15), 0),
    intervalMs: Math.min(Math.max(millis(check.interval_seconds, 10), MIN_INTERVAL_MS), MAX_MS),
    timeoutMs: timeoutMs > 0 ? Math.min(Math.max(timeoutMs, 1), MAX_MS) : NO_TIMEOUT_MS,
  };
}

/** Of a task that was started then, perhaps long ago; times that are past are left out. */
export function startSchedule(
  { delayMs, intervalMs }: CheckTimes,
  task: { readonly run: RunKey; readonly startedAtMs: number; readonly nowMs: number },
): CheckSchedule {
  const spreadMs = fractionOf(task.run) * Math.min(intervalMs * SPREAD, MAX_SPREAD_MS);
  const firstMs = task.startedAtMs + delayMs + spreadMs;
  return { intervalMs, dueMs: onOrAfter(firstMs, intervalMs, task.nowMs), isUnderWay: false };
}

/** Its timer has come. `isNow`: to be checked. */
export function takeTurn(
  schedule: CheckSchedule,
  nowMs: number,
): { readonly schedule: CheckSchedule; readonly isNow: boolean } {
  const { dueMs, intervalMs, isUnderWay } = schedule;
  // A timer is cut short where it would be too long for one, and may come a moment early.
  if (dueMs - nowMs > EARLY_MS) return { schedule, isNow: false };
  const isTooLate = nowMs - dueMs >= Math.max(intervalMs, TOO_LATE_MS);
  const isNow = !isUnderWay && !isTooLate;
  const next = onOrAfter(dueMs + intervalMs, intervalMs, nowMs);
  return { schedule: { intervalMs, dueMs: next, isUnderWay: isUnderWay || isNow }, isNow };
}

const EARLY_MS = 2;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** For the timer. */
export const delayUntil = ({ dueMs }: CheckSchedule, nowMs: number): number =>
  Math.min(Math.max(dueMs - nowMs, 0), MAX_TIMER_MS);

const onOrAfter = (firstMs: number, intervalMs: number, nowMs: number): number =>
  firstMs >= nowMs ? firstMs : firstMs + Math.ceil((nowMs - firstMs) / intervalMs) * intervalMs;

/** From 0 to below 1, the same for the same run (FNV-1a). */
function fractionOf(run: RunKey): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < run.length; at += 1) {
    hash = Math.imul(hash ^ run.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash / 2 ** 32;
}
