export {
  type AppRequest,
  type AppUpdate,
  type ReadOptions,
  readAppList,
  readAppRequest,
  readNewApp,
} from './app-request.js';
export {
  type ChangeContext,
  type DeclareOptions,
  declareApps,
  idOfUpdate,
  missingApp,
  removeApp,
  restartApp,
  restoreApp,
  scaleApps,
} from './change-apps.js';
export {
  declareGroup,
  idOfGroupUpdate,
  missingGroup,
  patchGroup,
  removeGroup,
  restoreGroup,
  scaleGroup,
} from './change-groups.js';
export { declarePod, findApp, findPod, idOfPod, missingPod, removePod } from './change-pods.js';
export { changedGroup } from './changed-group.js';
export type { Definition } from './complete-app.js';
export { completeRestoration } from './complete-restoration.js';
export { type ChangeRules, type Declaration, indexChildren } from './declaration.js';
export { findDependencyCycle } from './dependency-cycle.js';
export { toEventPayload } from './event-payload.js';
export { type ExplainedProblem, explainProblems } from './explain-problems.js';
export {
  type GroupRequest,
  type GroupUpdate,
  readGroupPatch,
  readGroupRequest,
  readNewGroup,
} from './group-request.js';
export { fromIsoTime, toIsoTime } from './iso-time.js';
export { MAX_JSON_DEPTH, parseJsonText } from './json-text.js';
export { type LabelSelector, parseLabelSelector } from './label-selector.js';
export {
  ancestorsOf,
  isWithin,
  MAX_ID_LENGTH,
  type ParsedId,
  parentOf,
  resolveAppId,
  resolveId,
  safePathOf,
  topLevelGroupOf,
} from './path-id.js';
export { type PodUpdate, readPod } from './pod-fields.js';
export {
  describeRefusal,
  type ErrorBody,
  type FieldProblem,
  MAX_REPORTED_PROBLEMS as MAX_NAMED_PROBLEMS,
  type Outcome,
  type Refusal,
} from './refusal.js';
export { MAX_DEADLINE_SECONDS } from './rollout-fields.js';
export { readRouterReport } from './router-report.js';
export { MAX_BACKENDS, MAX_SERVERS } from './router-statistics.js';
export { DEFAULT_SERVICE_PORTS, type PortRange } from './service-ports.js';
export {
  computeTaskStats,
  countTasks,
  type TaskCounts,
  type TaskStatsByVersion,
} from './task-counts.js';
export { readInstanceIds, readTaskIds } from './task-ids-request.js';
export { toWireApp, toWireGroupHead, toWireHealthCheck } from './to-wire-app.js';
export {
  toWireAction,
  toWireDeployment,
  toWireFinishedDeployment,
  toWirePlan,
  toWireQueueEntry,
  toWireStep,
  type WaitingApp,
} from './to-wire-deployment.js';
export { toWirePod, type WirePod } from './to-wire-pod.js';
export {
  type ObservedPodInstance,
  toWirePodInstance,
  toWirePodStatus,
  type WirePodInstance,
  type WirePodStatus,
} from './to-wire-pod-status.js';
export { toWireDetails } from './to-wire-story.js';
export {
  type HealthObservation,
  type ObservedInstance,
  taskStateOf,
  toWireHealthResult,
  toWireTask,
  toWireTaskFailure,
} from './to-wire-task.js';
export { type Feature, fitsReservation, MAX_CPUS, MAX_INSTANCES, MAX_MIB } from './validate-app.js';
export type {
  RouterReport,
  WireApp,
  WireAppRestart,
  WireChangePreview,
  WireCheckResult,
  WireDeployment,
  WireDeploymentAction,
  WireDeploymentDetails,
  WireDeploymentEvent,
  WireHealthCheck,
  WireHealthCheckResult,
  WirePortDefinition,
  WirePortMapping,
  WireQueueEntry,
  WireReadinessResult,
  WireRejectCount,
  WireRouterReport,
  WireTask,
  WireTaskFailure,
} from './wire-app.js';
export type { WireCertificate, WireCertificates } from './wire-certificates.js';
export type { MarathonEvent } from './wire-event.js';
export type {
  WireOfferValue,
  WireReasonCount,
  WireSeenAgent,
  WireSeenOffer,
  WireSuggestion,
  WireUnusedOffer,
  WireWaitingGroup,
  WireWhy,
} from './wire-explanation.js';
export type {
  WireBackendStatistics,
  WireFrontendStatistics,
  WireHaproxyStatistics,
  WireRouterProblem,
  WireRouterStatistics,
  WireServerState,
  WireServerStatistics,
  WireTraffic,
  WireUnservedPort,
} from './wire-router-statistics.js';
export type {
  WireRoute,
  WireRouteInstance,
  WireRouteProblem,
  WireRouterStanding,
  WireRoutes,
} from './wire-routes.js';
