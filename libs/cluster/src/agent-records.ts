import { isTerminalTaskState, type TaskState } from '#core';
import type { FrameworkInfo, TaskInfo, TaskStatus, WireResource } from '#mesos-v1';
import { addPending, boundPending } from './update-stream.js';

/** What the agent writes down about itself; flushed to the disk before it is relied on. */
export interface AgentIdentity {
  /** Absent until a master admitted the agent. */
  readonly agentId?: string;
  readonly highestEpoch: number;
  /** The host's boot; another one means that every task is gone. */
  readonly bootId: string;
  /** Dynamic reservations and volumes, as the master said last. They outlive a change of the agent's id. */
  readonly checkpointedResources?: readonly WireResource[];
}

/** Why a task is being ended, as it will be reported. */
export interface KillRequest {
  readonly graceMs: number;
  readonly reason?: string;
  readonly message?: string;
  /** The operator gives the agent up: frameworks that are PARTITION_AWARE hear TASK_GONE_BY_OPERATOR. */
  readonly isGone?: true;
  /** The framework is gone: nobody will acknowledge, so the record is dropped at the end. */
  readonly unacknowledged?: true;
}

/** One line of the agent's journal. In one task's lines the order is that of events. */
export type JournalRecord =
  | {
      readonly kind: 'accepted';
      readonly taskId: string;
      readonly framework: FrameworkInfo;
      readonly task: TaskInfo;
    }
  /** Written before the launcher is called: from here on it is never called again for this task. */
  | { readonly kind: 'launching'; readonly taskId: string }
  | { readonly kind: 'update'; readonly taskId: string; readonly status: TaskStatus }
  | { readonly kind: 'acknowledged'; readonly taskId: string; readonly uuid: string }
  | { readonly kind: 'kill'; readonly taskId: string; readonly kill: KillRequest }
  /** Terminal and acknowledged. */
  | {
      readonly kind: 'completed';
      readonly taskId: string;
      readonly frameworkId: string;
      readonly status: TaskStatus;
    }
  /** A whole task, written when the journal is compacted. */
  | { readonly kind: 'snapshot'; readonly taskId: string; readonly record: TaskRecord };

/** Everything written down about one live task. */
export interface TaskRecord {
  readonly framework: FrameworkInfo;
  readonly task: TaskInfo;
  readonly isLaunching: boolean;
  /** What the update stream holds; bounded as it is. */
  readonly pending: readonly TaskStatus[];
  readonly latest?: TaskStatus;
  readonly kill?: KillRequest;
}

/** A task of which only the end is kept, so that a repeated LAUNCH is recognised. */
export interface CompletedTask {
  readonly taskId: string;
  readonly frameworkId: string;
  readonly status: TaskStatus;
}

/** Completed tasks remembered. */
export const MAX_COMPLETED_TASKS = 200;

/** The journal read back, mutated in place by {@link applyRecord}. */
export interface JournalImage {
  readonly tasks: Map<string, TaskRecord>;
  /** Oldest first. */
  readonly completed: Map<string, CompletedTask>;
}

export const emptyJournalImage = (): JournalImage => ({ tasks: new Map(), completed: new Map() });

/** Applies one record. Records about an unknown task are dropped: its definition was unreadable or it is completed. */
export function applyRecord(image: JournalImage, record: JournalRecord): void {
  if (record.kind === 'completed') {
    image.tasks.delete(record.taskId);
    const { taskId, frameworkId, status } = record;
    rememberCompleted(image.completed, { taskId, frameworkId, status });
    return;
  }
  const known = image.tasks.get(record.taskId);
  const next = nextRecord(known, record);
  if (next !== undefined) image.tasks.set(record.taskId, next);
}

/** Adds one completed task and forgets the oldest beyond {@link MAX_COMPLETED_TASKS}. */
export function rememberCompleted(
  completed: Map<string, CompletedTask>,
  task: CompletedTask,
): void {
  completed.delete(task.taskId);
  completed.set(task.taskId, task);
  for (const oldest of completed.keys()) {
    if (completed.size <= MAX_COMPLETED_TASKS) return;
    completed.delete(oldest);
  }
}

function nextRecord(
  known: TaskRecord | undefined,
  record: Exclude<JournalRecord, { readonly kind: 'completed' }>,
): TaskRecord | undefined {
  switch (record.kind) {
    case 'snapshot':
      return { ...record.record, pending: boundPending(record.record.pending) };
    case 'accepted':
      return (
        known ?? {
          framework: record.framework,
          task: record.task,
          isLaunching: false,
          pending: [],
        }
      );
    case 'launching':
      return known && { ...known, isLaunching: true };
    case 'kill':
      return known && { ...known, kill: record.kill };
    case 'update':
      return known && withUpdate(known, record.status);
    case 'acknowledged':
      return known && withoutUpdate(known, record.uuid);
    default:
      return record satisfies never;
  }
}

/** As the update stream takes it. */
function withUpdate(known: TaskRecord, status: TaskStatus): TaskRecord {
  const isOver = known.latest !== undefined && isTerminalTaskState(known.latest.state as TaskState);
  const pending = addPending(known.pending, status);
  return isOver || pending === known.pending ? known : { ...known, pending, latest: status };
}

/** Acknowledgements come in order, so everything before the acknowledged one was acknowledged or replaced. */
function withoutUpdate(known: TaskRecord, uuid: string): TaskRecord {
  const at = known.pending.findIndex((status) => status.uuid === uuid);
  return at < 0 ? known : { ...known, pending: known.pending.slice(at + 1) };
}
