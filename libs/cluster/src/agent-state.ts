import type { RunKey } from '#core';
import type {
  AgentMessage,
  ExecutorCall,
  ExecutorInfo,
  FrameworkInfo,
  LaunchId,
  TaskInfo,
  TaskStatus,
} from '#mesos-v1';
import type {
  AgentExecutor,
  CompletedExecutor,
  ExecutorExit,
  ExecutorLimits,
  ExecutorOptions,
} from './agent-executor.js';
import { createGroups, type Groups } from './agent-group.js';
import type { GroupPlace } from './agent-group-place.js';
import { createLanes, type LaneLimits, type Lanes } from './agent-lanes.js';
import type { LauncherKind } from './agent-launch-spec.js';
import type { MasterStream } from './agent-master-stream.js';
import type { AgentIdentity, CompletedTask, JournalRecord } from './agent-records.js';
import type { CurrentRuns } from './agent-runs.js';
import type { AgentTask, AgentTaskEffect, AgentTaskEvent, AgentTaskOptions } from './agent-task.js';
import type { UuidSource } from './update-stream-uuid.js';
import type { VolumeChange } from './volume-name.js';

/**
 * The whole agent. The maps, lanes and uuid counter are owned by the reducer and mutated in place, so that an event costs
 * the same with one task as with thousands; everything inside a task is immutable.
 */
export interface AgentState {
  readonly identity: AgentIdentity;
  readonly master: MasterStream;
  readonly tasks: Map<RunKey, AgentTask>;
  readonly completed: Map<RunKey, CompletedTask>;
  readonly current: CurrentRuns;
  /** Custom executors that have not ended, by their run. */
  readonly executors: Map<RunKey, AgentExecutor>;
  readonly completedExecutors: Map<RunKey, CompletedExecutor>;
  /** Ends of executors since the last stream was lost. */
  readonly untoldExits?: readonly ExecutorExit[];
  /** The run of each executor, by {@link executorKeyOf}. */
  readonly executorRuns: Map<string, RunKey>;
  /** Groups the agent runs itself. */
  readonly groups: Groups;
  readonly lanes: Lanes;
  readonly uuids: UuidSource;
  readonly runNames: UuidSource;
  readonly options: AgentOptions;
  /** `reregister`: the master told it to start over, when its tasks have ended. `shutdown`: it is being switched off. */
  readonly leaving?: 'reregister' | 'shutdown';
  /** The work directory cannot be written, as the disk says. */
  readonly disk?: string;
}

export interface AgentOptions extends AgentTaskOptions {
  /** Default: {@link DEFAULT_EXECUTOR_OPTIONS}. */
  readonly executors?: ExecutorOptions;
  readonly lanes: LaneLimits;
  /** Ids of the GPUs to hand out; default: none. */
  readonly gpus?: readonly string[];
  /** The address tasks without a network of their own are reached at. */
  readonly hostAddress: string;
  /** Launchers that can be used here; for the others the reason why not. */
  readonly launchers: Readonly<
    Record<
      LauncherKind,
      { readonly available: true } | { readonly available: false; readonly reason: string }
    >
  >;
}

export type AgentEvent =
  /** Recovery is over: what waits for a launch may be launched. */
  | {
      readonly kind: 'started';
      readonly isNewIdentity?: boolean;
      /** What is left to be done to the directories of volumes, see `resumeVolumes`. */
      readonly volumes?: VolumeChange;
    }
  /** The disk refuses what is written (and says so), or takes it again. */
  | { readonly kind: 'disk-changed'; readonly problem?: string }
  | { readonly kind: 'link-opened'; readonly connection: number }
  | { readonly kind: 'message'; readonly connection: number; readonly message: AgentMessage }
  | { readonly kind: 'link-closed'; readonly connection: number }
  | { readonly kind: 'ping-overdue' }
  /** An engine came or went: what the agent advertises is no longer true. */
  | { readonly kind: 'launchers-changed'; readonly launchers: AgentOptions['launchers'] }
  /** Of a task, or of what an executor has in common with one: its launch, its exit, its timers. */
  | { readonly kind: 'task'; readonly run: RunKey; readonly event: AgentTaskEvent }
  /** A call of an executor that {@link admitExecutorCall} let in. `connection`: of its new stream. */
  | {
      readonly kind: 'executor-subscribed';
      readonly run: RunKey;
      readonly connection: number;
      readonly subscribe: Extract<ExecutorCall, { readonly type: 'SUBSCRIBE' }>['subscribe'];
    }
  | {
      readonly kind: 'executor-call';
      readonly run: RunKey;
      readonly call: Exclude<ExecutorCall, { readonly type: 'SUBSCRIBE' }>;
    }
  | { readonly kind: 'executor-disconnected'; readonly run: RunKey; readonly connection: number }
  /** The agent is to go for good: end every task first. */
  | { readonly kind: 'shutdown'; readonly maxGraceMs: number };

export type AgentEffect =
  | AgentTaskEffect
  /** A status no stream keeps and nobody acknowledges: what is known of a task that has no record here. */
  | {
      readonly kind: 'tell-status';
      readonly frameworkId: string;
      readonly status: TaskStatus;
      readonly launchId?: LaunchId;
    }
  | {
      readonly kind: 'launch-executor';
      readonly run: RunKey;
      readonly executor: ExecutorInfo;
      readonly framework: FrameworkInfo;
      readonly launcher: LauncherKind;
      readonly limits: ExecutorLimits;
      readonly shutdownGraceMs: number;
      readonly reregistrationMs: number;
    }
  /** Its tasks came or went: what it may take changes with them. */
  | {
      readonly kind: 'resize-executor';
      readonly run: RunKey;
      readonly launcher: LauncherKind;
      readonly limits: ExecutorLimits;
    }
  /** The first record of a stream. What was sent to the executor before it follows. */
  | {
      readonly kind: 'open-executor-stream';
      readonly run: RunKey;
      readonly connection: number;
      readonly executor: AgentExecutor;
    }
  | { readonly kind: 'close-executor-stream'; readonly run: RunKey }
  /** To its framework; best effort. */
  | {
      readonly kind: 'send-executor-message';
      readonly run: RunKey;
      readonly frameworkId: string;
      readonly executorId: string;
      readonly data: string;
    }
  | {
      readonly kind: 'send-executor-exit';
      readonly run: RunKey;
      readonly frameworkId: string;
      readonly executorId: string;
      readonly status: number;
      readonly launchId?: LaunchId;
      /** Runs whose effects so far come first; if they are dropped, so is this. */
      readonly after?: readonly RunKey[];
    }
  /** A group, in one piece: flushed to the disk before any later effect of one of its members. */
  | {
      readonly kind: 'accept-group';
      readonly runs: readonly RunKey[];
      readonly records: readonly JournalRecord[];
    }
  /** No member of a group is left: what they shared is not needed any more. */
  | { readonly kind: 'retire-group'; readonly run: RunKey }
  /** Flushed to the disk before any later effect, of any task. */
  | {
      readonly kind: 'persist-identity';
      readonly identity: AgentIdentity;
      /** Directories that have to be there before it is on the disk, and those that go when it is. */
      readonly volumes?: VolumeChange;
    }
  | { readonly kind: 'send-pong' }
  /** The checkpoint of this sequence is on the disk: follows its `persist-identity`. */
  | { readonly kind: 'send-checkpointed'; readonly streamId: string; readonly sequence: number }
  | { readonly kind: 'watch-pings'; readonly delayMs: number }
  /** Drop the stream and connect again, to another master if there is one. */
  | { readonly kind: 'reconnect'; readonly reason: string }
  /** Drop the stream and stay away until `resume-link`. */
  | { readonly kind: 'pause-link'; readonly reason: string }
  | { readonly kind: 'resume-link' }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly message: string };

/** What is known of a task the agent has no record of. */
export type UnknownTask = Pick<TaskStatus, 'state' | 'message'>;

/** An agent without tasks. */
export const emptyAgentState = (
  identity: AgentIdentity,
  seed: readonly number[],
  options: AgentOptions,
): AgentState => ({
  identity,
  master: { highestEpoch: identity.highestEpoch, heardAtMs: 0 },
  tasks: new Map(),
  completed: new Map(),
  current: new Map(),
  executors: new Map(),
  completedExecutors: new Map(),
  executorRuns: new Map(),
  groups: createGroups(),
  lanes: createLanes(options.lanes),
  uuids: { seed, count: 0 },
  runNames: { seed, count: 0 },
  options,
});

/** A task in its first phase. */
export const newAgentTask = (
  framework: FrameworkInfo,
  definition: TaskInfo,
  at: {
    readonly monoMs: number;
    readonly isConnected: boolean;
    readonly launcher: LauncherKind;
    readonly run: RunKey;
    readonly launchId?: LaunchId | undefined;
    readonly executorRun?: RunKey | undefined;
    readonly isGrouped?: true | undefined;
    readonly group?: GroupPlace | undefined;
  },
): AgentTask => ({
  run: at.run,
  id: definition.task_id.value,
  framework,
  definition,
  launcher: at.launcher,
  phase:
    at.executorRun === undefined
      ? { kind: 'received', waitsFor: 'launch' }
      : { kind: 'delegated', isSent: false },
  stream: { connected: at.isConnected, pending: [] },
  acceptedAtMs: at.monoMs,
  ...(at.launchId === undefined ? {} : { launchId: at.launchId }),
  ...(at.executorRun === undefined ? {} : { executorRun: at.executorRun }),
  ...(at.isGrouped ? { isGrouped: true as const } : {}),
  ...(at.group === undefined ? {} : { group: at.group }),
});
