export type {
  AgentCall,
  AgentMessage,
  AgentMessageBody,
  AgentTask,
  StreamPosition,
} from './agent-protocol.js';
export type { DecodeIssue } from './decode.js';
export { parseAgentCall, parseAgentMessage } from './parse-agent-call.js';
export { type Parsed, parseSchedulerCall } from './parse-scheduler-call.js';
export { parseSchedulerEvent } from './parse-scheduler-event.js';
export {
  encodeRecord,
  MAX_RECORD_BYTES,
  RecordDecoder,
  RecordIoError,
  utf8Length,
} from './recordio.js';
export { fromWireResources, toWireResources } from './resource-codec.js';
export type { Filters, OfferOperation, SchedulerCall, SchedulerEvent } from './scheduler.js';
export type {
  AgentInfo,
  CommandInfo,
  CommandUri,
  ContainerInfo,
  EnvironmentVariable,
  FrameworkInfo,
  IdValue,
  KillPolicy,
  MasterInfo,
  TaskInfo,
  TaskStatus,
  WireAttribute,
  WireHealthCheck,
  WireOffer,
  WireResource,
  WireUrl,
} from './values.js';
