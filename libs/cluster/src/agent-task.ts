import type { LaunchedTask, RunKey, TaskExit } from '#core';
import type {
  ExecutorEvent,
  ExecutorStatus,
  FrameworkInfo,
  LaunchId,
  TaskInfo,
  TaskStatus,
} from '#mesos-v1';
import type { ProbeSight } from './agent-check.js';
import type { GroupPlace, MemberFolder } from './agent-group-place.js';
import type { AgentHealth } from './agent-health.js';
import type { LauncherKind } from './agent-launch-spec.js';
import type { JournalRecord, KillRequest, TaskRecord } from './agent-records.js';
import type { StatusContent } from './agent-status.js';
import type { CheckSchedule } from './check-schedule.js';
import type { ResendOptions, UpdateStream } from './update-stream.js';
import type { UuidSource } from './update-stream-uuid.js';

/** One run of a task, from LAUNCH until its terminal update is acknowledged. */
export interface AgentTask {
  readonly run: RunKey;
  /** The task's, which its framework gave. */
  readonly id: string;
  readonly launchId?: LaunchId;
  /** Of a member of a group. */
  readonly group?: GroupPlace;
  readonly framework: FrameworkInfo;
  readonly definition: TaskInfo;
  readonly launcher: LauncherKind;
  /** The run of the custom executor it is a task of; see {@link reduceExecutorTask}. */
  readonly executorRun?: RunKey;
  /** Launched as one of a group, which its executor gets as a whole. */
  readonly isGrouped?: true;
  /** Ids of the GPUs it was given. */
  readonly gpus?: readonly string[];
  /** Uuids of its executor's updates that are acknowledged. */
  readonly settled?: readonly string[];
  readonly phase: AgentTaskPhase;
  readonly stream: UpdateStream;
  readonly kill?: KillRequest;
  readonly launched?: LaunchedTask;
  /** Since when it runs as it was told first, seconds since 1970. */
  readonly runningSince?: number;
  readonly health?: AgentHealth;
  readonly schedules?: Readonly<Partial<Record<CheckSubject, CheckSchedule>>>;
  /** When it is ended for running too long, monotonic milliseconds. */
  readonly completionDeadlineMs?: number;
  /** When LAUNCH arrived, monotonic milliseconds; for the launch latency. */
  readonly acceptedAtMs: number;
  /** Refused while the disk took nothing: known from memory alone. */
  readonly isUnwritten?: true;
}

/**
 * | phase      | waits for                | at its deadline                         |
 * |------------|--------------------------|-----------------------------------------|
 * | received   | a free fetch/launch slot | the slots' holders have deadlines       |
 * | fetching   | its URIs                 | FAILED, fetch cancelled                 |
 * | launching  | the launcher             | FAILED, whatever was started is killed  |
 * | recovering | the launcher to find it  | LOST                                    |
 * | running    | its exit                 | FAILED, if it has a max_completion_time |
 * | killing    | its exit                 | killed again, without grace             |
 * | delegated  | its custom executor      | the executor's affair                   |
 * | ended      | the acknowledgement      | the update stream resends               |
 */
export type AgentTaskPhase =
  | { readonly kind: 'received'; readonly waitsFor: 'fetch' | 'launch' }
  | { readonly kind: 'fetching' }
  /** `exit`: it ended before the launcher said that it had started. `progress`: what it waits for, in words. */
  | { readonly kind: 'launching'; readonly exit?: TaskExit; readonly progress?: string }
  | { readonly kind: 'recovering'; readonly attempts: number; readonly deadlineMs: number }
  | { readonly kind: 'running' }
  | { readonly kind: 'killing'; readonly repeatAtMs: number }
  /** `isSent`: the executor was told. `isUnproven`: an agent of before may have told it. */
  | { readonly kind: 'delegated'; readonly isSent: boolean; readonly isUnproven?: true }
  | { readonly kind: 'ended' };

/** What is probed for: `health_check` or `check`. */
export type CheckSubject = 'health' | 'check';

/** One of a kind per task: setting it again replaces it. */
export type TaskTimer = 'resend' | 'phase' | CheckSubject | 'completion';

/** What of a task is measured takes `usedBytes`: its sandbox, or the volume of that id. */
export interface DiskUse {
  readonly usedBytes: number;
  readonly volume?: string;
}

export type AgentTaskEvent =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'slot-granted' }
  | { readonly kind: 'fetched' }
  | { readonly kind: 'fetch-failed'; readonly message: string }
  | { readonly kind: 'launched'; readonly launched: LaunchedTask }
  | { readonly kind: 'launch-failed'; readonly message: string }
  /** What takes time in its launch, and how far that is. */
  | { readonly kind: 'launch-progress'; readonly message: string }
  | { readonly kind: 'exited'; readonly exit: TaskExit }
  /** `runningForMs`: by the host's monotonic clock, where that is known. */
  | {
      readonly kind: 'reattached';
      readonly launched: LaunchedTask;
      readonly runningForMs?: number;
    }
  | { readonly kind: 'not-found'; readonly reason: string }
  | { readonly kind: 'reattach-failed'; readonly message: string }
  | { readonly kind: 'probed'; readonly subject: CheckSubject; readonly seen: ProbeSight }
  | { readonly kind: 'kill'; readonly kill: KillRequest }
  | ({ readonly kind: 'disk-exceeded' } & DiskUse)
  /** It cannot be run here at all. */
  | {
      readonly kind: 'refused';
      readonly state: 'TASK_ERROR' | 'TASK_FAILED' | 'TASK_DROPPED' | 'TASK_LOST';
      readonly reason: string;
      readonly message: string;
    }
  /** The disk refused its acceptance, of which nothing is left behind: nothing was done for it. */
  | { readonly kind: 'unwritten'; readonly message: string }
  /** From now on what is written waits. */
  | { readonly kind: 'disk-refuses' }
  | { readonly kind: 'lost'; readonly message: string; readonly reason: string }
  /** Its executor can be reached. `isKnown`: and has it. `isInGroup`: and is told by one LAUNCH_GROUP. */
  | { readonly kind: 'deliver'; readonly isKnown?: true; readonly isInGroup?: true }
  /** Its executor says so; complete but for what a kill adds. */
  | { readonly kind: 'reported'; readonly status: ExecutorStatus }
  | { readonly kind: 'executor-ended'; readonly content: StatusContent }
  | { readonly kind: 'acknowledged'; readonly uuid: string }
  | { readonly kind: 'timer'; readonly timer: TaskTimer }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' };

export type AgentTaskEffect =
  /** Comes before all other effects of one event: persist, then act. */
  | {
      readonly kind: 'journal';
      readonly run: RunKey;
      readonly records: readonly JournalRecord[];
    }
  | {
      readonly kind: 'send-update';
      readonly run: RunKey;
      readonly frameworkId: string;
      readonly status: TaskStatus;
      readonly latestState: string;
      readonly launchId?: LaunchId;
    }
  | {
      readonly kind: 'fetch';
      readonly run: RunKey;
      /** Of an executor: what it brings alone. */
      readonly task: Pick<TaskInfo, 'command'> | TaskInfo;
      readonly member?: MemberFolder;
    }
  | { readonly kind: 'cancel-fetch'; readonly run: RunKey }
  | {
      readonly kind: 'launch';
      readonly run: RunKey;
      readonly task: TaskInfo;
      readonly frameworkId: string;
      readonly launcher: LauncherKind;
      readonly member?: MemberFolder;
      /** Ids of GPUs that are its own. */
      readonly gpus?: readonly string[];
    }
  | {
      readonly kind: 'reattach';
      readonly run: RunKey;
      readonly launcher: LauncherKind;
      /** That of its group, where it is a member. */
      readonly executor?: RunKey;
    }
  | {
      readonly kind: 'kill';
      readonly run: RunKey;
      readonly launcher: LauncherKind;
      readonly graceMs: number;
    }
  /** Lost when the executor has no stream: what it missed it is told when it subscribes. */
  | {
      readonly kind: 'send-to-executor';
      readonly run: RunKey;
      readonly executorRun: RunKey;
      /** Runs whose effects so far come first; if they are dropped, so is this. */
      readonly after?: readonly RunKey[];
      readonly event: ExecutorEvent;
    }
  /** The task has ended: free what the launcher still holds for it. */
  | { readonly kind: 'release'; readonly run: RunKey; readonly launcher: LauncherKind }
  | {
      readonly kind: 'probe';
      readonly run: RunKey;
      readonly subject: CheckSubject;
      readonly task: TaskInfo;
      readonly launcher: LauncherKind;
      readonly launched?: LaunchedTask;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'set-timer';
      readonly run: RunKey;
      readonly timer: TaskTimer;
      readonly delayMs: number;
    }
  | { readonly kind: 'clear-timer'; readonly run: RunKey; readonly timer: TaskTimer }
  /** For the metrics. */
  | { readonly kind: 'observe-launch'; readonly run: RunKey; readonly latencyMs: number }
  /** Its record is dropped: forget its timers and queues. */
  | { readonly kind: 'forget'; readonly run: RunKey };

/** Milliseconds. */
export interface AgentTaskOptions {
  readonly resend: ResendOptions;
  readonly fetchDeadlineMs: number;
  /** Backstops behind the launchers' own deadlines per phase. */
  readonly processLaunchDeadlineMs: number;
  readonly dockerLaunchDeadlineMs: number;
  readonly reattachDeadlineMs: number;
  readonly defaultKillGraceMs: number;
}

export const DEFAULT_TASK_OPTIONS: AgentTaskOptions = {
  resend: { firstMs: 10_000, maxMs: 600_000 },
  fetchDeadlineMs: 10 * 60_000,
  processLaunchDeadlineMs: 60_000,
  dockerLaunchDeadlineMs: 30 * 60_000,
  reattachDeadlineMs: 10 * 60_000,
  defaultKillGraceMs: 3_000,
};

/** What a task's reducer knows of its agent. */
export interface AgentTaskContext {
  /** Ids of GPUs nobody has. */
  readonly freeGpus: () => readonly string[];
  readonly options: AgentTaskOptions;
  readonly agentId: string;
  /** The address of tasks without one of their own. */
  readonly hostAddress: string;
  readonly uuids: UuidSource;
  readonly isConnected: boolean;
}

/** What has to be written down of a task so that a restarted agent knows it. */
export const toTaskRecord = (task: AgentTask): TaskRecord => ({
  framework: task.framework,
  task: task.definition,
  ...(task.launchId === undefined ? {} : { launchId: task.launchId }),
  ...(task.group === undefined ? {} : { group: task.group }),
  isLaunching: task.phase.kind !== 'received' && task.phase.kind !== 'fetching',
  ...(task.gpus === undefined ? {} : { gpus: task.gpus }),
  ...(task.executorRun === undefined ? {} : { executorRun: task.executorRun }),
  ...(task.isGrouped ? { isGrouped: true as const } : {}),
  ...(task.settled === undefined ? {} : { settled: task.settled }),
  pending: task.stream.pending,
  ...(task.stream.latest ? { latest: task.stream.latest } : {}),
  ...(task.runningSince === undefined ? {} : { runningSince: task.runningSince }),
  ...(task.kill ? { kill: task.kill } : {}),
});
