export {
  type AgentCall,
  type AgentExecutor,
  type AgentMessage,
  type AgentMessageBody,
  type AgentTask,
  type AgentUpdate,
  type LaunchId,
  MAX_UPDATES,
  type StreamPosition,
} from './agent-protocol.js';
export {
  CALL_LIMITS,
  MAX_GRACE_NANOSECONDS,
  MAX_NANOSECONDS,
  TEXT_LIMITS,
} from './call-limits.js';
export type { DecodeIssue } from './decode.js';
export type { Parsed } from './decode-tagged.js';
export type { ExecutorCall, ExecutorEvent, ExecutorStatus } from './executor.js';
export { isIpAddress } from './ip-address.js';
export type {
  OperatorMutation,
  OperatorProcessCall,
  WireMachineId,
  WireMaintenanceSchedule,
  WireQuantities,
  WireQuotaConfig,
  WireQuotaRequest,
  WireWeightInfo,
} from './operator.js';
export { parseAgentCall, parseAgentMessage } from './parse-agent-call.js';
export { parseExecutorCall } from './parse-executor-call.js';
export { parseOperatorCall } from './parse-operator-call.js';
export { parseSchedulerCall } from './parse-scheduler-call.js';
export { parseSchedulerEvent } from './parse-scheduler-event.js';
export {
  encodeRecord,
  MAX_RECORD_BYTES,
  RecordDecoder,
  RecordIoError,
  utf8Length,
} from './recordio.js';
export {
  decodeResources,
  encodeResources,
  fromWireResources,
  toWireResources,
} from './resource-codec.js';
export type { Filters, OfferOperation, SchedulerCall, SchedulerEvent } from './scheduler.js';
export type {
  AgentInfo,
  AttributeConstraint,
  CommandInfo,
  CommandUri,
  ContainerInfo,
  EnvironmentVariable,
  ExecutorInfo,
  FrameworkInfo,
  IdValue,
  InverseOffer,
  KillPolicy,
  LinuxInfo,
  MasterInfo,
  MesosImage,
  NetworkInfo,
  OfferConstraints,
  OperationStatus,
  TaskInfo,
  TaskStatus,
  Unavailability,
  VolumeSource,
  WireAttribute,
  WireCheck,
  WireCheckStatus,
  WireHealthCheck,
  WireLabels,
  WireOffer,
  WireReservation,
  WireResource,
  WireUrl,
} from './values.js';
