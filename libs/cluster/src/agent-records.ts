import { isTerminalTaskState, type RunKey, runKeyOfTask, type TaskState } from '#core';
import type {
  FrameworkInfo,
  KillPolicy,
  LaunchId,
  TaskInfo,
  TaskStatus,
  WireResource,
} from '#mesos-v1';
import {
  applyExecutorRecord,
  type ExecutorImage,
  type ExecutorJournalRecord,
} from './agent-executor.js';
import { type GroupPlace, placeOf } from './agent-group-place.js';
import type { AgentDescription } from './agent-reconfiguration.js';
import { addPending, boundPending } from './update-stream.js';
import type { VolumeName } from './volume-name.js';

/** What the agent writes down about itself; flushed to the disk before it is relied on. */
export interface AgentIdentity {
  /** Absent until a master admitted the agent. */
  readonly agentId?: string;
  readonly highestEpoch: number;
  /** The host's boot; another one means that every task is gone. */
  readonly bootId: string;
  /** Dynamic reservations and volumes, as the master said last. They outlive a change of the agent's id. */
  readonly checkpointedResources?: readonly WireResource[];
  /** The directories of those volumes are made; `removed`: what the last checkpoint took away, should it be there still. */
  readonly volumes?: { readonly removed: readonly VolumeName[] };
  /** As what it registered last. */
  readonly description?: AgentDescription;
}

/** Why a task is being ended, as it will be reported. */
export interface KillRequest {
  readonly graceMs: number;
  /** As an executor is told it; absent: it goes by the task's own. */
  readonly policy?: KillPolicy;
  readonly reason?: string;
  readonly message?: string;
  /** The operator gives the agent up: frameworks that are PARTITION_AWARE hear TASK_GONE_BY_OPERATOR. */
  readonly isGone?: true;
  /** The framework is gone: nobody will acknowledge, so the record is dropped at the end. */
  readonly unacknowledged?: true;
  /** Its task was launched anew: messages about the task do not mean this run any more. */
  readonly isSuperseded?: true;
}

/** One line of the agent's journal. In one run's lines the order is that of events. */
export type JournalRecord =
  | {
      readonly kind: 'accepted';
      readonly run: RunKey;
      readonly framework: FrameworkInfo;
      readonly task: TaskInfo;
      readonly launchId?: LaunchId;
      /** Of the custom executor it is a task of. */
      readonly executorRun?: RunKey;
      readonly isGrouped?: true;
    }
  /** All members of a group, under the key of their common fate. */
  | {
      readonly kind: 'accepted-group';
      readonly run: RunKey;
      /** The run of their executor, and the launch that started it. */
      readonly executor: RunKey;
      readonly executorLaunchId?: LaunchId;
      readonly framework: FrameworkInfo;
      readonly members: readonly { readonly run: RunKey; readonly task: TaskInfo }[];
      readonly launchId?: LaunchId;
    }
  /** Written before the launcher is called: from here on it is never called again for this run. */
  | { readonly kind: 'launching'; readonly run: RunKey; readonly gpus?: readonly string[] }
  | { readonly kind: 'update'; readonly run: RunKey; readonly status: TaskStatus }
  | { readonly kind: 'acknowledged'; readonly run: RunKey; readonly uuid: string }
  | { readonly kind: 'kill'; readonly run: RunKey; readonly kill: KillRequest }
  /** Terminal and acknowledged. */
  | ({ readonly kind: 'completed' } & CompletedTask)
  /** A whole run, written when the journal is compacted. */
  | { readonly kind: 'snapshot'; readonly run: RunKey; readonly record: TaskRecord }
  | ExecutorJournalRecord;

/** As an agent wrote it that had no keys: the task's id stands for the key, and names all that was made for it. */
type EarlierRecord = { readonly taskId: string };

/** A record as it was read: one of an earlier version becomes one of this. */
export function readJournalRecord(read: object): JournalRecord {
  if ('run' in read) return read as JournalRecord;
  const { taskId } = read as EarlierRecord;
  if (typeof taskId !== 'string') throw new Error('it names neither a run nor a task');
  return { ...read, run: runKeyOfTask(taskId) } as JournalRecord;
}

/** Everything written down about one live task. */
export interface TaskRecord {
  readonly framework: FrameworkInfo;
  readonly task: TaskInfo;
  readonly launchId?: LaunchId;
  readonly group?: GroupPlace;
  readonly isLaunching: boolean;
  readonly gpus?: readonly string[];
  readonly executorRun?: RunKey;
  readonly isGrouped?: true;
  /** Uuids of an executor's updates that are acknowledged; at most {@link MAX_SETTLED_UUIDS}. */
  readonly settled?: readonly string[];
  /** What the update stream holds; bounded as it is. */
  readonly pending: readonly TaskStatus[];
  readonly latest?: TaskStatus;
  /** Of its first TASK_RUNNING, seconds since 1970. */
  readonly runningSince?: number;
  readonly kill?: KillRequest;
}

/** A task of which only the end is kept, so that a repeated LAUNCH is recognised. */
export interface CompletedTask {
  readonly run: RunKey;
  readonly taskId: string;
  readonly frameworkId: string;
  readonly status: TaskStatus;
  readonly launchId?: LaunchId;
  /** Of the custom executor it was a task of. */
  readonly executorRun?: RunKey;
  /** Of its executor, unless it was a command task. */
  readonly executorId?: string;
  readonly group?: GroupPlace;
}

/** Uuids of one task's updates remembered after their acknowledgement, so that repeated ones are recognised. */
export const MAX_SETTLED_UUIDS = 64;

/** Completed tasks remembered. */
export const MAX_COMPLETED_TASKS = 200;

/** The journal read back, mutated in place by {@link applyRecord}. */
export interface JournalImage extends ExecutorImage {
  readonly tasks: Map<RunKey, TaskRecord>;
  /** Oldest first. */
  readonly completed: Map<RunKey, CompletedTask>;
}

export const emptyJournalImage = (): JournalImage => ({
  tasks: new Map(),
  completed: new Map(),
  executors: new Map(),
  completedExecutors: new Map(),
});

/** Applies one record. Records about an unknown task are dropped: its definition was unreadable or it is completed. */
export function applyRecord(image: JournalImage, record: JournalRecord): void {
  if (record.kind === 'completed') {
    image.tasks.delete(record.run);
    const { kind: _, ...completed } = record;
    rememberCompleted(image.completed, completed);
    return;
  }
  if (isExecutorRecord(record)) {
    applyExecutorRecord(image, record);
    return;
  }
  if (record.kind === 'accepted-group') {
    for (const { run, task } of record.members) {
      if (!image.tasks.has(run)) image.tasks.set(run, newMember(record, task));
    }
    return;
  }
  const known = image.tasks.get(record.run);
  const next = nextRecord(known, record);
  if (next !== undefined) image.tasks.set(record.run, next);
}

/** Adds one completed task and forgets the oldest beyond {@link MAX_COMPLETED_TASKS}. */
export function rememberCompleted(
  completed: Map<RunKey, CompletedTask>,
  task: CompletedTask,
): void {
  completed.delete(task.run);
  completed.set(task.run, task);
  for (const oldest of completed.keys()) {
    if (completed.size <= MAX_COMPLETED_TASKS) return;
    completed.delete(oldest);
  }
}

/** What accepts a run, or a group: where the disk refuses it, nothing has been done for the run yet. */
export const isAcceptance = ({ kind }: JournalRecord): boolean =>
  kind === 'accepted' || kind === 'accepted-group' || kind === 'executor-accepted';

const isExecutorRecord = (record: JournalRecord): record is ExecutorJournalRecord =>
  record.kind.startsWith('executor-');

function newMember(
  group: Extract<JournalRecord, { readonly kind: 'accepted-group' }>,
  task: TaskInfo,
): TaskRecord {
  const { framework, launchId } = group;
  const launch = launchId === undefined ? {} : { launchId };
  const place = placeOf(group, task.executor);
  return { framework, task, ...launch, group: place, isLaunching: false, pending: [] };
}

function nextRecord(
  known: TaskRecord | undefined,
  record: Exclude<
    JournalRecord,
    { readonly kind: 'completed' | 'accepted-group' } | ExecutorJournalRecord
  >,
): TaskRecord | undefined {
  switch (record.kind) {
    case 'snapshot':
      return { ...record.record, pending: boundPending(record.record.pending) };
    case 'accepted':
      return (
        known ?? {
          framework: record.framework,
          task: record.task,
          ...(record.launchId === undefined ? {} : { launchId: record.launchId }),
          ...(record.executorRun === undefined ? {} : { executorRun: record.executorRun }),
          ...(record.isGrouped ? { isGrouped: true as const } : {}),
          isLaunching: false,
          pending: [],
        }
      );
    case 'launching':
      return (
        known && {
          ...known,
          isLaunching: true,
          ...(record.gpus === undefined ? {} : { gpus: record.gpus }),
        }
      );
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
  if (isOver || pending === known.pending) return known;
  const since =
    known.runningSince ?? (status.state === 'TASK_RUNNING' ? status.timestamp : undefined);
  const started = since === undefined ? {} : { runningSince: since };
  return { ...known, pending, latest: status, ...started };
}

/** Acknowledgements come in order, so everything before the acknowledged one was acknowledged or replaced. */
function withoutUpdate(known: TaskRecord, uuid: string): TaskRecord {
  const at = known.pending.findIndex((status) => status.uuid === uuid);
  if (at < 0) return known;
  const pending = known.pending.slice(at + 1);
  if (known.executorRun === undefined) return { ...known, pending };
  const settled = known.pending.slice(0, at + 1).flatMap((status) => status.uuid ?? []);
  return {
    ...known,
    pending,
    settled: [...(known.settled ?? []), ...settled].slice(-MAX_SETTLED_UUIDS),
  };
}
