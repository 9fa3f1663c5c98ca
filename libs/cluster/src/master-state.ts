import { Allocator, type AllocatorOptions } from '#allocator';
import type {
  AgentActivation,
  AgentId,
  FrameworkId,
  OfferId,
  Resources,
  RoleName,
  TaskId,
  TaskState,
} from '#core';
import type {
  AgentInfo,
  ExecutorInfo,
  FrameworkInfo,
  KillPolicy,
  LaunchId,
  MasterInfo,
  OperationStatus,
  StreamPosition,
  TaskInfo,
  TaskStatus,
  Unavailability,
} from '#mesos-v1';
import { type Arrivals, createArrivals } from './master-arrival-state.js';
import { type MasterCounters, noCounts } from './master-counters.js';
import {
  createOperatorState,
  type InverseOfferEntry,
  type MaintenanceAnswer,
  type OperatorState,
} from './master-operator-state.js';
import {
  type AllocationPause,
  createRemovals,
  type RemovalRateLimit,
  type Removals,
} from './master-removal-state.js';

/** What the master's operator may set; all times in milliseconds. */
export interface MasterConfig {
  readonly heartbeatIntervalMs: number;
  readonly pingIntervalMs: number;
  /** An agent that was not heard for this long is unreachable. */
  readonly agentTimeoutMs: number;
  /** How long an agent the registry knows may take to come back after the master started. */
  readonly agentReregisterTimeoutMs: number;
  /** How fast agents that are not heard may be given up; absent: at once. */
  readonly agentRemovalRateLimit?: RemovalRateLimit;
  /** The process ends when more of the registry's agents do not come back; 100: never. */
  readonly recoveryAgentRemovalLimitPercent: number;
  /** Unreachable agents, and gone ones, are remembered so long, so many of each; looked at each interval. */
  readonly forgottenAgentMaxAgeMs: number;
  readonly maxForgottenAgents: number;
  readonly agentCollectionIntervalMs: number;
  /** With a quota, offers wait so long at most for most agents to come back after a fail-over. */
  readonly quotaRecoveryTimeoutMs: number;
  /** How long frameworks may take to leave an agent before a drain without a grace period of its own kills. */
  readonly drainNoticeMs: number;
  /** An offer nobody answers is rescinded after this; infinity: never. */
  readonly offerTimeoutMs: number;
  /** Changes of this long are answered by one allocation round. */
  readonly allocationDelayMs: number;
  /** Shortest refusal of a declined offer: one coalesced round, so that the others get a chance. */
  readonly minRefuseMs: number;
  /**
   * A launched task of which no update came is killed after this. Longer than an agent's own deadlines, so that its
   * reasons come first.
   */
  readonly stagingDeadlineMs: number;
  /** An agent that does not answer that kill within this has not got the task: it is lost. */
  readonly stagingKillGraceMs: number;
  /** What the allocator may be told: minima, excluded names, GPUs, the region of this master. */
  readonly allocator?: AllocatorOptions;
}

export const DEFAULT_MASTER_CONFIG: MasterConfig = {
  heartbeatIntervalMs: 15_000,
  pingIntervalMs: 3_000,
  agentTimeoutMs: 10_000,
  agentReregisterTimeoutMs: 60_000,
  recoveryAgentRemovalLimitPercent: 100,
  forgottenAgentMaxAgeMs: 14 * 24 * 3600 * 1000,
  maxForgottenAgents: 102_400,
  agentCollectionIntervalMs: 15 * 60_000,
  quotaRecoveryTimeoutMs: 10 * 60_000,
  drainNoticeMs: 60_000,
  offerTimeoutMs: 120_000,
  allocationDelayMs: 2,
  minRefuseMs: 50,
  stagingDeadlineMs: 15 * 60_000,
  stagingKillGraceMs: 60_000,
};

/** Bounds of what is remembered of the past. */
export const MAX_COMPLETED_FRAMEWORKS = 1_000;
export const MAX_COMPLETED_TASKS_PER_FRAMEWORK = 1_000;
export const MAX_STATUSES_PER_TASK = 10;
/** Operations with an id whose end a framework has not acknowledged; more are refused. */
export const MAX_OPERATIONS_PER_FRAMEWORK = 1_000;

/**
 * Everything the master knows. Hot state: reducers mutate it in place, and only they do; all others read.
 *
 * Indexes: tasks by framework and by agent, offers by framework and by agent; nothing on a call's path scans all tasks.
 */
export interface MasterState {
  readonly config: MasterConfig;
  readonly masterId: string;
  readonly epoch: number;
  readonly masterInfo: MasterInfo;
  readonly startedEpochMs: number;
  readonly frameworks: Map<FrameworkId, Framework>;
  /** Torn down, newest last, at most {@link MAX_COMPLETED_FRAMEWORKS}. */
  readonly completedFrameworks: Map<FrameworkId, CompletedFramework>;
  readonly agents: Map<AgentId, Agent>;
  readonly goneAgents: Map<AgentId, { readonly hostname: string; readonly goneEpochMs: number }>;
  /** Outstanding, oldest first. */
  readonly offers: Map<OfferId, Offer>;
  readonly frameworkStreams: Map<string, Framework>;
  readonly agentStreams: Map<string, Agent>;
  readonly allocator: Allocator;
  /** Weights, quota, drains, maintenance (master-operator.ts). */
  readonly operator: OperatorState;
  readonly removals: Removals;
  arrivals: Arrivals;
  /** The agent that last registered from `hostname:port`. */
  readonly agentsByAddress: Map<string, Agent>;
  allocationPause?: AllocationPause;
  readonly counters: MasterCounters;
  /** Agents the registry knows that have not come back yet: reconciliation is silent about them. */
  recoveringAgents: number;
  nextFrameworkNumber: number;
  nextAgentNumber: number;
  nextOfferNumber: number;
  nextOperationNumber: number;
  nextLaunchNumber: number;
  /** Launched tasks no update was seen of, oldest first, with the moment their time is up. */
  readonly stagingTasks: Map<Task, number>;
  /** Those that were killed for it, oldest first, with the moment they are given up. */
  readonly overdueTasks: Map<Task, number>;
  isAllocationScheduled: boolean;
  lastTickMonoMs?: number;
  /** While somebody watches: what the event being reduced has touched (master-observation.ts). */
  observation?: Observation;
  /** When the registry was last found away. Nobody could come back before it, so no absence before it counts. */
  lastUnwritableMonoMs?: number;
}

export interface Framework {
  readonly id: FrameworkId;
  /** How often in a row it let offers run out, see master-offers. */
  silences: number;
  info: FrameworkInfo;
  roles: readonly RoleName[];
  /** Names of FrameworkInfo.capabilities. */
  capabilities: ReadonlySet<string>;
  isPartitionAware: boolean;
  isMultiRole: boolean;
  /** Its current stream; absent while disconnected. */
  streamId?: string;
  /** Known from the registry or from agents, not subscribed since the master started. */
  isRecovered: boolean;
  /** A teardown is being committed. */
  isRemoving: boolean;
  failoverDeadlineMonoMs?: number;
  nextHeartbeatMonoMs: number;
  readonly registeredEpochMs: number;
  reregisteredEpochMs?: number;
  readonly tasks: Map<TaskId, Task>;
  /** Terminal and acknowledged, newest last, at most {@link MAX_COMPLETED_TASKS_PER_FRAMEWORK}. */
  readonly completedTasks: Map<TaskId, CompletedTask>;
  readonly offers: Set<Offer>;
  /** By the framework's own id, until the end of the operation is acknowledged. */
  readonly operations: Map<string, Operation>;
}

export interface CompletedFramework {
  readonly info: FrameworkInfo;
  readonly id: FrameworkId;
  readonly completedEpochMs: number;
}

/**
 * recovering (from the registry) -> connected <-> disconnected -> unreachable -> connected again.
 * Gone agents leave {@link MasterState.agents}.
 */
export type AgentCondition = 'recovering' | 'connected' | 'disconnected' | 'unreachable';

export interface Agent {
  readonly id: AgentId;
  info: AgentInfo;
  total: Resources;
  condition: AgentCondition;
  version: string;
  stream?: { readonly id: string; nextSequence: number };
  /** Last call or subscription, monotonic. */
  heardMonoMs: number;
  nextPingMonoMs: number;
  /** Unreachable is being committed. */
  isMarking: boolean;
  unreachableSinceEpochMs?: number;
  /** An operator deactivated or drained it; absent: it is active. */
  activation?: AgentActivation;
  /** Its machine is in the maintenance schedule. */
  unavailability?: Unavailability;
  /** What frameworks said to that. */
  readonly maintenanceAnswers: Map<FrameworkId, MaintenanceAnswer>;
  readonly inverseOffers: Map<FrameworkId, InverseOfferEntry>;
  readonly registeredEpochMs: number;
  reregisteredEpochMs?: number;
  readonly tasks: Set<Task>;
  /**
   * Tasks nothing but its last SUBSCRIBE speaks of. Until the agent says something on that stream the SUBSCRIBE may be an
   * old one, long under way, of a time when tasks ran that have ended since.
   */
  readonly unproven: Set<Task>;
  readonly offers: Set<Offer>;
  /** Custom and group executors, by {@link executorKey}. */
  readonly executors: Map<string, Executor>;
  /** Of its `total`, this master knows the reservations and volumes better than the agent. */
  isCheckpointOurs: boolean;
  /** Operations the agent has not confirmed yet. */
  readonly pendingOperations: Set<Operation>;
}

/**
 * An executor of a framework's own. It holds its resources from the launch of its first task until it has exited and
 * its tasks have ended.
 */
export interface Executor {
  readonly id: string;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly role: RoleName;
  readonly info: ExecutorInfo;
  readonly resources: Resources;
  /** Of the launch that started it: tells it from another one of this id. Absent: its agent brought it, and knows none. */
  launchId?: LaunchId;
  isExited: boolean;
  /** SHUTDOWN was asked for: sent again to an agent that comes back with it. */
  isShuttingDown: boolean;
}

/** An operation with an id of the framework's own. */
export interface Operation {
  readonly id: string;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly converted: Resources;
  status: OperationStatus;
  /** The CHECKPOINT_RESOURCES that carries its outcome to the agent. */
  position?: StreamPosition;
}

export interface Task {
  readonly id: TaskId;
  /** Absent: its agent brought it, and knows none. */
  readonly launchId?: LaunchId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly role: RoleName;
  readonly info: TaskInfo;
  readonly resources: Resources;
  /** Of a custom executor or a group; absent for a command task. */
  readonly executorId?: string;
  /** Of the launch that started that executor, where known. */
  executorLaunchId?: LaunchId;
  /** The newest state known, which may be ahead of what the framework was told. */
  state: TaskState;
  /** What the framework was last told, or would have been. */
  status: TaskStatus;
  /** Newest last, at most {@link MAX_STATUSES_PER_TASK}. */
  readonly statuses: TaskStatus[];
  /** Forwarded and not acknowledged yet: sent again when the framework comes back. */
  unacknowledged?: TaskStatus;
  /** Uuids of statuses that were, newest last, at most {@link MAX_STATUSES_PER_TASK}. */
  acknowledged?: readonly string[];
  /** Its resources count as used. */
  holdsResources: boolean;
  /** The LAUNCH of a task no update has been seen for: sent again if the agent did not apply it. */
  launchPosition?: StreamPosition;
  kill?: { readonly policy?: KillPolicy; position?: StreamPosition };
  /** What was launched with it, all or nothing: sent again as one message. */
  readonly group?: TaskGroup;
}

export interface TaskGroup {
  readonly launchId: LaunchId;
  readonly executor: ExecutorInfo;
  readonly tasks: Task[];
}

export interface CompletedTask {
  readonly id: TaskId;
  readonly launchId?: LaunchId;
  readonly agentId: AgentId;
  readonly role: RoleName;
  readonly info: TaskInfo;
  readonly state: TaskState;
  readonly statuses: readonly TaskStatus[];
  /** Its end is the master's word, not the agent's: what an agent still has of it is to end. */
  readonly isGivenUp?: boolean;
}

export interface Offer {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly role: RoleName;
  readonly resources: Resources;
  readonly expiresAtMonoMs: number;
}

/** How things were before the event that is being reduced touched them (master-observation.ts). */
export interface Observation {
  readonly tasks: Map<Task, TaskImage>;
  readonly agents: Map<Agent, AgentImage>;
  readonly frameworks: Map<Framework, FrameworkImage>;
}

export interface TaskImage {
  readonly isNew: boolean;
  readonly state: string;
  readonly lastStatus: TaskStatus | undefined;
}

export interface AgentImage {
  readonly isListed: boolean;
  readonly info: object;
  readonly total: object;
  readonly activation: object | undefined;
}

export interface FrameworkImage {
  readonly isNew: boolean;
  readonly info: object;
  readonly isConnected: boolean;
  readonly isRecovered: boolean;
}

export function createMasterState(given: {
  readonly masterId: string;
  readonly epoch: number;
  readonly masterInfo: MasterInfo;
  readonly startedEpochMs: number;
  readonly config?: Partial<MasterConfig>;
}): MasterState {
  return {
    config: { ...DEFAULT_MASTER_CONFIG, ...given.config },
    masterId: given.masterId,
    epoch: given.epoch,
    masterInfo: given.masterInfo,
    startedEpochMs: given.startedEpochMs,
    frameworks: new Map(),
    completedFrameworks: new Map(),
    agents: new Map(),
    goneAgents: new Map(),
    offers: new Map(),
    frameworkStreams: new Map(),
    agentStreams: new Map(),
    allocator: new Allocator(given.config?.allocator),
    operator: createOperatorState(),
    removals: createRemovals(),
    arrivals: createArrivals(),
    agentsByAddress: new Map(),
    recoveringAgents: 0,
    nextFrameworkNumber: 0,
    nextAgentNumber: 0,
    nextOfferNumber: 0,
    nextOperationNumber: 0,
    nextLaunchNumber: 0,
    stagingTasks: new Map(),
    overdueTasks: new Map(),
    isAllocationScheduled: false,
    counters: noCounts(),
  };
}
