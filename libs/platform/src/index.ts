export type { Access, AccessRule } from './access.js';
export { checkClusterTokens, ownAgentToken } from './agent-tokens.js';
export { ApiError, type ErrorDetail } from './api-error.js';
export { BODY_LIMIT_BYTES } from './body-limit.js';
export { createDaemon } from './create-daemon.js';
export {
  authorizationHeader,
  basicAuthorization,
  type Credential,
  findOwnCredential,
  type Identity,
  type PrincipalKind,
  type Role,
  readAcceptedCredentials,
  readClusterCredentials,
} from './credentials.js';
export type { Daemon, DaemonOptions } from './daemon.js';
export { type CallRefusal, findAcceptRefusal, findCallRefusal } from './json-call.js';
export { createLogger, type Logger, toNestLogger } from './logger.js';
export { metricsRegistry } from './metrics.js';
export { formatOnBehalfOf, ON_BEHALF_OF_HEADER } from './on-behalf-of.js';
export { ownAuthorization } from './own-authorization.js';
export { type FieldNames, parsedOrThrow } from './parsed-or-throw.js';
export { principalOf, roleOf } from './principal.js';
export {
  identifyProcess,
  isRunning,
  type ProcessIdentity,
  parseIdentity,
  readBootId,
  signalProcess,
} from './process-identity.js';
export {
  ConfigError,
  list,
  numeric,
  parsed,
  portNumber,
  readConfig,
  type Setting,
  text,
  toggle,
  urls,
} from './read-config.js';
export { frameRecord, RecordIoStream, type StreamEnd } from './record-io-stream.js';
export {
  checkExposure,
  isCrossSite,
  isLoopback,
  roleForMetrics,
} from './request-guard.js';
export { BatchQueue, QueueFullError, SerialQueue } from './serial-queue.js';
export { type SseClient, type SseEvent, SseHub } from './sse-hub.js';
export { startDaemon } from './start-daemon.js';
export { systemClock } from './system-clock.js';
export { processTls } from './tls/process-tls.js';
export { describeConnectionError, fetchDaemon, tlsConnection } from './tls/tls-client.js';
export { localUrl, readTlsSettings, schemeOf } from './tls/tls-settings.js';
export { isUpgrade, takeUpgrade, type Upgrade } from './upgrades.js';
export { createValidationPipe, toErrorDetails } from './validation.js';
