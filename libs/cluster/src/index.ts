export { checkOf, type ProbeSight } from './agent-check.js';
export { sandboxLimitBytes } from './agent-disk-limit.js';
export {
  type AgentExecutor,
  type CompletedExecutor,
  containerIdOf,
  DEFAULT_EXECUTOR_OPTIONS,
  type ExecutorLimits,
  type ExecutorOptions,
  type ExecutorRecord,
  MAX_REREGISTRATION_MS,
} from './agent-executor.js';
export { admitExecutorCall, type ExecutorAdmission } from './agent-executor-calls.js';
export { type ExecutorSite, toExecutorSpec } from './agent-executor-spec.js';
export { findExecutor } from './agent-executor-turn.js';
export { findGroupExecutor, type GroupExecutor, groupExecutors } from './agent-group.js';
export type { GroupPlace, MemberFolder, SandboxVolume } from './agent-group-place.js';
export {
  asPlainTask,
  MEMBER_NAMES_FOLDER,
  MEMBERS_FOLDER,
  type MemberSite,
  toMemberSpec,
} from './agent-group-spec.js';
export {
  type AgentHealth,
  type HealthSettings,
  NEVER_KILL,
  readHealthSettings,
  reduceHealth,
} from './agent-health.js';
export { DEFAULT_LANE_LIMITS, type LaneLimits } from './agent-lanes.js';
export {
  CONTAINER_SANDBOX,
  findTaskDefect,
  type LauncherKind,
  type LaunchSite,
  launcherKindOf,
  toLaunchSpec,
} from './agent-launch-spec.js';
export { type Admission, admitMessage, type MasterStream } from './agent-master-stream.js';
export {
  type AgentDescription,
  findReconfiguration,
  RECONFIGURATION_POLICIES,
  type ReconfigurationPolicy,
} from './agent-reconfiguration.js';
export {
  type AgentIdentity,
  applyRecord,
  type CompletedTask,
  emptyJournalImage,
  isAcceptance,
  type JournalImage,
  type JournalRecord,
  type KillRequest,
  MAX_COMPLETED_TASKS,
  readJournalRecord,
  type TaskRecord,
} from './agent-records.js';
export { type RecoveredJournal, recoverAgent, toSubscribe } from './agent-recovery.js';
export { reduceAgent } from './agent-reducer.js';
export { findCompleted, findCurrent, frameworkIdOf } from './agent-runs.js';
export type { AgentEffect, AgentEvent, AgentOptions, AgentState } from './agent-state.js';
export {
  type AgentTask,
  type AgentTaskEffect,
  type AgentTaskEvent,
  type AgentTaskOptions,
  type AgentTaskPhase,
  type CheckSubject,
  DEFAULT_TASK_OPTIONS,
  type TaskTimer,
  toTaskRecord,
} from './agent-task.js';
export { isSubscribed } from './agent-turn.js';
export { findVolumeDefect, roleFolderOf, volumesIn } from './agent-volumes.js';
export type { MasterCounters } from './master-counters.js';
export type {
  AgentSubscription,
  MasterEffect,
  MasterEvent,
  SubscribeCall,
} from './master-events.js';
export { executorKey } from './master-executors.js';
export { failoverTimeoutMs, isRoleName } from './master-framework-info.js';
export { findMachines as findScheduledMachines } from './master-maintenance.js';
export {
  isListedAgent,
  type MasterChange,
  type MasterTouches,
  startObserving,
  stopObserving,
  takeChanges,
  touchesOf,
} from './master-observation.js';
export { reduceMaster } from './master-reducer.js';
export {
  type Agent as MasterAgent,
  type AgentCondition as MasterAgentCondition,
  type CompletedFramework as MasterCompletedFramework,
  type CompletedTask as MasterCompletedTask,
  createMasterState,
  DEFAULT_MASTER_CONFIG,
  type Executor as MasterExecutor,
  type Framework as MasterFramework,
  type MasterConfig,
  type MasterState,
  type Offer as MasterOffer,
  type Task as MasterTask,
} from './master-state.js';
export {
  DEFAULT_RESEND,
  emptyUpdateStream,
  isClosed,
  isCompleted,
  MAX_PENDING_UPDATES,
  type ResendOptions,
  reduceUpdateStream,
  type UpdateStream,
  type UpdateStreamEffect,
  type UpdateStreamEvent,
} from './update-stream.js';
export { nextUuid, toBase64, UUID_SEED_BYTES, type UuidSource } from './update-stream-uuid.js';
export { healthCheckType } from './validate-check.js';
export { joinChanges, resumeVolumes } from './volume-checkpoint.js';
export type { TaskVolume, VolumeChange, VolumeName } from './volume-name.js';
