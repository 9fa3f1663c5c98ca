export type {
  App,
  Constraint,
  Container,
  ContainerResources,
  FetchUri,
  Group,
  HealthCheck,
  HealthCheckProtocol,
  LinuxInfo,
  Network,
  Pod,
  PodCommand,
  PodContainer,
  PodEndpoint,
  PodHealthCheck,
  PodImage,
  PodVolume,
  PortDefinition,
  PortMapping,
  ReadinessCheck,
  Rollout,
  UpgradeStrategy,
  Volume,
  VolumeMount,
  Workload,
} from './app.js';
export { assert, InvariantError, present } from './assert.js';
export { MAX_CERTIFICATES, type StoredCertificate } from './certificate.js';
export type {
  ControllerSnapshot,
  ControllerStore,
  StoreChange,
  StoredEvent,
} from './controller-store.port.js';
export { COMMAND_EXECUTOR, executorShareOf, hasCustomExecutor } from './custom-executor.js';
export {
  type Deployment,
  type DeploymentAction,
  type DeploymentEvent,
  type DeploymentEventKind,
  type DeploymentHistory,
  type DeploymentLimits,
  type DeploymentPause,
  type DeploymentPhase,
  type DeploymentState,
  type DeploymentStep,
  type HeldInstances,
  MAX_DEPLOYMENT_EVENTS,
  type RolloutProgress,
} from './deployment.js';
export {
  ExecError,
  type ExecListener,
  type ExecRequest,
  type ExecSession,
  type SessionHost,
  type TerminalSize,
} from './exec-session.port.js';
export {
  type HealthEffect,
  type HealthEvent,
  type HealthRule,
  type HealthState,
  type HealthVerdict,
  judgeHealth,
  reduceHealth,
  unknownHealth,
} from './health-state.js';
export {
  type AgentId,
  type AppId,
  agentId,
  appId,
  type DeploymentId,
  deploymentId,
  type FrameworkId,
  frameworkId,
  type GroupId,
  groupId,
  type InstanceId,
  instanceId,
  type OfferId,
  offerId,
  type RoleName,
  type RunKey,
  roleName,
  type TaskId,
  taskId,
} from './ids.js';
export {
  hasTask,
  type Instance,
  type InstanceCondition,
  type InstanceGoal,
  type InstanceTask,
  type Placement,
  type PodTask,
  type TaskFailure,
  taskOf,
  tasksOf,
} from './instance.js';
export { isTerminalCondition, isUnreachableCondition, toCondition } from './instance-condition.js';
export type { InstanceEffect, InstanceEvent } from './instance-event.js';
export type { InstanceReservation, LocalVolume } from './instance-reservation.js';
export { endsTask, reduceInstance } from './instance-state.js';
export type { JobProgress } from './job.js';
export {
  type CommandResult,
  type DockerSpec,
  type ExitStatus,
  LaunchError,
  type LaunchedTask,
  type Launcher,
  type LaunchPhase,
  type LaunchSpec,
  type Reattachment,
  RLIMIT_NAMES,
  type Rlimit,
  type SharedNetwork,
  type TaskExit,
  type TaskLimits,
} from './launcher.port.js';
export {
  FencedError,
  type Lease,
  type LeaseKeeper,
  type LeaseScope,
  StoreRefusedError,
  StoreUnavailableError,
} from './lease.port.js';
export { MAX_SHM_MIB, PROFILE_NAME } from './linux-info.js';
export {
  type AgentActivation,
  type AgentDrain,
  type AgentRecord,
  type FrameworkRecord,
  type MachineId,
  type MaintenanceRecord,
  type MaintenanceWindow,
  type MasterRegistry,
  NO_MAINTENANCE,
  type QuotaRecord,
  type RegistryChange,
  type RegistrySnapshot,
} from './master-registry.port.js';
export type { Clock, Now } from './now.js';
export { isDormant, isLeftover, isParked, isReleased } from './parked-instance.js';
export {
  compilePattern,
  MAX_PATTERN_LENGTH,
  MAX_PATTERN_SIZE,
  MAX_VALUE_LENGTH,
  type Pattern,
} from './pattern.js';
export { checkIndexOf, endpointsOf, imagesOf, isPod, type PodApp } from './pod.js';
export type {
  ByteStream,
  CancelSignal,
  Dial,
  InsideNetwork,
  ProbeResult,
  Prober,
  ProbeTarget,
} from './prober.port.js';
export type { ExecutorTable, Reduction } from './reduction.js';
export { isResident } from './resident-app.js';
export {
  formatKey,
  nameOfKey,
  type PersistentVolume,
  plainTraits,
  type Reservation,
  type ResourceTraits,
  reservedRole,
  resourceKey,
  traitsOfKey,
} from './resource-key.js';
export {
  addResources,
  containsResources,
  countInRanges,
  formatRanges,
  formatResources,
  fromMilli,
  isEmptyResources,
  MILLI,
  noResources,
  normaliseRanges,
  portRanges,
  quantitiesOf,
  type Range,
  type Resources,
  rangesOf,
  resources,
  scalarMilli,
  selectResources,
  subtractRanges,
  subtractResources,
  toMilli,
} from './resources.js';
export {
  appsBelow,
  createRoot,
  nextRoot,
  type RootDelta,
  type RootGroup,
} from './root-group.js';
export { MAX_RUN_KEY_LENGTH, readRunKey, runKey, runKeyOfTask } from './run-key.js';
export { isSameValue } from './same-value.js';
export { isHostNetworking, servicePortsOf } from './service-ports.js';
export { SortedMap } from './sorted-map.js';
export { type AppChange, stampVersion } from './stamp-app.js';
export { isTerminalTaskState, TASK_STATES, type TaskState } from './task-state.js';
