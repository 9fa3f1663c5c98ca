import type { KillPolicy } from '#mesos-v1';
import type { KillRequest } from './agent-records.js';
import {
  clearTimer,
  complete,
  end,
  journal,
  killed,
  report,
  sendKill,
  setTimer,
  type Turn,
} from './agent-task-turn.js';

/** How long after its grace a killed task is given before it is killed again, and between repetitions. */
export const KILL_REPEAT_MS = 30_000;
const MAX_GRACE_MS = 24 * 3600 * 1000;
/** Mesos: a framework hears TASK_KILLING only with this capability. */
const KILLING_CAPABILITY = 'TASK_KILLING_STATE';

export function kill(turn: Turn, request: KillRequest): void {
  const { task } = turn;
  const { phase } = task;
  if (phase.kind === 'ended') {
    if (request.unacknowledged) complete(turn);
    return;
  }
  const before = task.kill;
  const isSame =
    before !== undefined &&
    before.graceMs === request.graceMs &&
    (before.unacknowledged === true || request.unacknowledged !== true) &&
    (before.isSuperseded === true || request.isSuperseded !== true);
  if (isSame && phase.kind !== 'received' && phase.kind !== 'fetching') return;
  const wanted = { ...(before ?? request), graceMs: Math.min(request.graceMs, MAX_GRACE_MS) };
  turn.task = {
    ...task,
    kill: {
      ...wanted,
      ...(request.unacknowledged ? { unacknowledged: true } : {}),
      ...(request.isSuperseded ? { isSuperseded: true } : {}),
    },
  };
  journal(turn, { kind: 'kill', run: task.run, kill: turn.task.kill ?? request });
  switch (phase.kind) {
    case 'received':
    case 'fetching':
      if (phase.kind === 'fetching') turn.effects.push({ kind: 'cancel-fetch', run: task.run });
      end(turn, {
        reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
        ...killed(turn.task, turn.task.kill ?? request),
      });
      return;
    case 'launching':
    case 'recovering':
      // Ends a pull under way; done again as soon as the task is known to run.
      sendKill(turn, turn.task.kill?.graceMs ?? 0);
      return;
    case 'running':
    case 'killing':
      beginKilling(turn, turn.task.kill ?? request);
      return;
    case 'delegated':
      // To its executor: see reduceExecutorTask.
      return;
    default:
      phase satisfies never;
  }
}

export function beginKilling(turn: Turn, request: KillRequest): void {
  const wasKilling = turn.task.phase.kind === 'killing';
  const repeatMs = request.graceMs + KILL_REPEAT_MS;
  turn.task = {
    ...turn.task,
    phase: { kind: 'killing', repeatAtMs: turn.now.monoMs + repeatMs },
  };
  clearTimer(turn, 'health');
  clearTimer(turn, 'check');
  const capabilities = turn.task.framework.capabilities ?? [];
  const wantsKilling = capabilities.some(({ type }) => type === KILLING_CAPABILITY);
  if (!wasKilling && wantsKilling && turn.task.stream.latest?.state !== 'TASK_KILLING') {
    report(turn, {
      state: 'TASK_KILLING',
      source: 'SOURCE_EXECUTOR',
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      ...(request.message === undefined ? {} : { message: request.message }),
    });
  }
  sendKill(turn, request.graceMs);
  setTimer(turn, 'phase', repeatMs);
}

/** The grace of a kill policy, or `fallbackMs` when it names none. */
export function killGraceMs(policy: KillPolicy | undefined, fallbackMs: number): number {
  const millis = Number(policy?.grace_period?.nanoseconds ?? Number.NaN) / 1e6;
  return Number.isFinite(millis) && millis >= 0 ? millis : fallbackMs;
}
