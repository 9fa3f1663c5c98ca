import { isTerminalTaskState, type Now, type TaskState } from '#core';
import type { TaskStatus, WireCheckStatus } from '#mesos-v1';
import { checkOf, emptyCheckStatus } from './agent-check.js';
import { groupOf } from './agent-group-place.js';
import type { CompletedTask, KillRequest } from './agent-records.js';
import { frameworkIdOf } from './agent-runs.js';
import { type StatusContent, toTaskStatus } from './agent-status.js';
import type { AgentTask, AgentTaskContext, AgentTaskEffect, TaskTimer } from './agent-task.js';
import {
  emptyUpdateStream,
  isClosed,
  reduceUpdateStream,
  type UpdateStreamEvent,
} from './update-stream.js';
import { nextUuid } from './update-stream-uuid.js';

/** One reduction under way; owned by this call and mutated in it. */
export interface Turn {
  task: AgentTask;
  readonly effects: AgentTaskEffect[];
  readonly now: Now;
  readonly context: AgentTaskContext;
}

/** The task is over. Its record stays until the terminal update is acknowledged. */
export function end(turn: Turn, content: StatusContent): void {
  if (turn.task.phase.kind === 'ended') return;
  const { kind } = turn.task.phase;
  const wasStarted = kind !== 'received' && kind !== 'fetching' && kind !== 'delegated';
  turn.task = { ...turn.task, phase: { kind: 'ended' } };
  clearTimer(turn, 'phase');
  clearTimer(turn, 'health');
  clearTimer(turn, 'check');
  clearTimer(turn, 'completion');
  if (turn.task.kill?.unacknowledged) {
    turn.task = {
      ...turn.task,
      stream: { ...emptyUpdateStream, connected: turn.context.isConnected },
    };
  }
  report(turn, content);
  if (wasStarted) release(turn);
  // Nobody will acknowledge: what was sent once is enough.
  if (turn.task.kill?.unacknowledged) complete(turn);
}

export function acknowledge(turn: Turn, uuid: string): void {
  if (turn.task.stream.pending[0]?.uuid !== uuid) return;
  journal(turn, { kind: 'acknowledged', run: turn.task.run, uuid });
  clearTimer(turn, 'resend');
  feedStream(turn, { kind: 'acknowledged', uuid });
}

/** Adds one status: written down first, then sent when its turn comes. */
export function report(turn: Turn, content: StatusContent): void {
  if (isClosed(turn.task.stream)) return;
  const { task, context } = turn;
  const status = toTaskStatus(
    {
      taskId: task.id,
      agentId: context.agentId,
      hostAddress: context.hostAddress,
      uuid: nextUuid(context.uuids),
      ...executorOf(task),
      ...(task.launched === undefined ? {} : { launched: task.launched }),
    },
    { ...knownChecks(task, content), ...content },
    turn.now,
  );
  if (content.state === 'TASK_RUNNING' && task.runningSince === undefined) {
    turn.task = { ...task, runningSince: turn.now.epochMs / 1000 };
  }
  journal(turn, { kind: 'update', run: task.run, status });
  feedStream(turn, { kind: 'update', status });
}

/** What the checks saw last stands in every later status; an end says of health only that it was for bad health. */
function knownChecks(task: AgentTask, { state }: StatusContent): Partial<StatusContent> {
  const { latest } = task.stream;
  const check = checkOf(task.definition);
  const status = latest?.check_status as WireCheckStatus | undefined;
  const isEnd = isTerminalTaskState(state);
  return {
    ...(isEnd || latest?.healthy === undefined ? {} : { healthy: latest.healthy }),
    ...(check === undefined ? {} : { checkStatus: status ?? emptyCheckStatus(check) }),
  };
}

export function feedStream(turn: Turn, event: UpdateStreamEvent): void {
  const { resend } = turn.context.options;
  const reduced = reduceUpdateStream(turn.task.stream, event, turn.now.monoMs, resend);
  turn.task = { ...turn.task, stream: reduced.state };
  for (const effect of reduced.effects) {
    // Its task is another run by now: this one's news would be taken for that one's by a master without launch ids.
    if (turn.task.kill?.isSuperseded && effect.kind !== 'completed') continue;
    if (effect.kind === 'send') {
      turn.effects.push({
        kind: 'send-update',
        run: turn.task.run,
        frameworkId: frameworkIdOf(turn.task),
        status: effect.status,
        latestState: effect.latestState,
        ...(turn.task.launchId === undefined ? {} : { launchId: turn.task.launchId }),
      });
    } else if (effect.kind === 'resend-after') {
      setTimer(turn, 'resend', effect.delayMs);
    } else complete(turn);
  }
}

/** Sends the head anew, if there is somebody to send it to. */
export function connectStream(turn: Turn): void {
  if (turn.context.isConnected) feedStream(turn, { kind: 'connected' });
}

export function complete(turn: Turn): void {
  const { task } = turn;
  const status = task.stream.latest;
  if (status === undefined) return;
  journal(turn, { kind: 'completed', ...toCompleted(task, status) });
  turn.effects.push({ kind: 'forget', run: task.run });
}

const executorOf = ({ definition: { executor } }: AgentTask): { readonly executorId?: string } =>
  executor === undefined ? {} : { executorId: executor.executor_id.value };

/** What is remembered of a run whose record is dropped. */
export const toCompleted = (task: AgentTask, status: TaskStatus): CompletedTask => ({
  run: task.run,
  taskId: task.id,
  frameworkId: frameworkIdOf(task),
  status,
  ...(task.launchId === undefined ? {} : { launchId: task.launchId }),
  ...executorOf(task),
  ...(task.executorRun === undefined ? {} : { executorRun: task.executorRun }),
  ...groupOf(task),
});

/** What an executor says of a task that was killed, in the words of whoever asked for that. */
export function killedStatus<Status extends TaskStatus>(task: AgentTask, status: Status): Status {
  const { kill } = task;
  if (kill === undefined || status.state !== 'TASK_KILLED') return status;
  return {
    ...(kill.reason === undefined ? {} : { reason: kill.reason }),
    ...(kill.message === undefined ? {} : { message: kill.message }),
    ...status,
    state: killedState(task, kill),
  };
}

export function killed(task: AgentTask, request: KillRequest): StatusContent {
  const isUnhealthy = (task.health?.consecutiveFailures ?? 0) > 0;
  return {
    state: killedState(task, request),
    source: 'SOURCE_EXECUTOR',
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    ...(request.message === undefined ? {} : { message: request.message }),
    ...(isUnhealthy ? { healthy: false } : {}),
  };
}

/** Of a task that ran longer than it may: a failure, as nobody asked for its end. */
export const COMPLETION_REASON = 'REASON_MAX_COMPLETION_TIME_REACHED';
/** Of a member whose group's network is gone; a failure too. */
export const NETWORK_REASON = 'REASON_EXECUTOR_TERMINATED';
/** Of a task whose sandbox grew beyond its disk; a failure too. */
export const DISK_REASON = 'REASON_CONTAINER_LIMITATION_DISK';
const FAILURES: readonly (string | undefined)[] = [COMPLETION_REASON, DISK_REASON, NETWORK_REASON];

function killedState(task: AgentTask, request: KillRequest): TaskState {
  if (FAILURES.includes(request.reason)) return 'TASK_FAILED';
  return request.isGone && isPartitionAware(task) ? 'TASK_GONE_BY_OPERATOR' : 'TASK_KILLED';
}

/** Mesos: only a PARTITION_AWARE framework knows TASK_GONE; others hear TASK_LOST. */
export function lost(turn: Turn, message: string, reason: string): StatusContent {
  const { task } = turn;
  if (task.kill !== undefined) return killed(task, task.kill);
  return {
    state: isPartitionAware(task) ? 'TASK_GONE' : 'TASK_LOST',
    source: 'SOURCE_AGENT',
    reason,
    message,
  };
}

const isPartitionAware = ({ framework }: AgentTask): boolean =>
  (framework.capabilities ?? []).some(({ type }) => type === 'PARTITION_AWARE');

export const journal = (
  turn: Turn,
  record: Extract<AgentTaskEffect, { readonly kind: 'journal' }>['records'][number],
): void => {
  if (turn.task.isUnwritten) return;
  turn.effects.push({ kind: 'journal', run: turn.task.run, records: [record] });
};

export const setTimer = (turn: Turn, timer: TaskTimer, delayMs: number): void => {
  turn.effects.push({ kind: 'set-timer', run: turn.task.run, timer, delayMs });
};

export const clearTimer = (turn: Turn, timer: TaskTimer): void => {
  turn.effects.push({ kind: 'clear-timer', run: turn.task.run, timer });
};

export const release = (turn: Turn): void => {
  turn.effects.push({ kind: 'release', run: turn.task.run, launcher: turn.task.launcher });
};

export const sendKill = (turn: Turn, graceMs: number): void => {
  turn.effects.push({
    kind: 'kill',
    run: turn.task.run,
    launcher: turn.task.launcher,
    graceMs,
  });
};
