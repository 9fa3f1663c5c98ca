export {
  compareApps,
  compareFields,
  type FieldDifference,
  isOutdated,
  stampApp,
} from './app-change.js';
export { APP_FIELD_RULES, type FieldChange } from './app-field-rules.js';
export {
  type BackOff,
  currentBackOff,
  delayLeftMs,
  growBackOff,
  touchBackOff,
} from './back-off.js';
export { type Capacity, plainCapacity, restartCapacity } from './capacity.js';
export { agentCheckOf, type ControllerAbilities } from './carried-checks.js';
export { findConflicts, MAX_RUNNING_DEPLOYMENTS } from './conflicts.js';
export { type DependencyGraph, dependencyGraph, dependentsGraph } from './dependency-graph.js';
export {
  DependencyCycleError,
  type DependencyLayers,
  dependencyLayers,
} from './dependency-layers.js';
export { type DependencyState, describeDependency, isDeparture } from './dependency-state.js';
export {
  appsAwaitingPromotion,
  awaitPromotion,
  countBatch,
  isOnTheClock,
  pauseDeployment,
  promoteCanaries,
  resumeDeployment,
} from './deployment-holds.js';
export { findBreach, type LimitOverride, settleLimits } from './deployment-limits.js';
export {
  DEFAULT_DRAIN_SECONDS,
  DRAIN_LABEL,
  drainTimeoutMs,
  isDrained,
  isRoutedApp,
  type KnownRouters,
  MAX_DRAIN_SECONDS,
  mayHaveRouters,
  needsDraining,
  ROUTER_RETURN_MS,
  ROUTER_SILENCE_MS,
  type RouterSight,
  recentRouters,
} from './draining.js';
export { type BlockerSearch, blockerSearch, MAX_BLOCKERS } from './find-blockers.js';
export { stageOf } from './find-stage.js';
export { type AppForecast, forecastApp } from './forecast-app.js';
export { countHeld } from './hold-rollout.js';
export {
  type InstanceFacts,
  isAlive,
  isLeaving,
  isServing,
  isStaying,
  type Readiness,
} from './instance-facts.js';
export {
  beginRun,
  type JobEnd,
  jobEndOf,
  jobFailure,
  noteJobEnd,
  takeForLaunch,
} from './job.js';
export { selectToKill } from './kill-selection.js';
export {
  type LaunchQueue,
  type QueueEntry,
  readyEntries,
  setWanted,
  wantOneFewer,
} from './launch-queue.js';
export { affectedApps, type PlanOptions, planDeployment } from './plan-deployment.js';
export {
  actionsUnderWay,
  beginActions,
  isUnderWay,
  type PlannedAction,
  plannedActions,
} from './plan-progress.js';
export { type InverseDelta, planRollback } from './roll-back.js';
export { nextActions } from './rollout.js';
export {
  type DaemonFacts,
  DEFAULT_UNHEALTHY_LIMITS,
  type RolloutActions,
  type RolloutInput,
  type RolloutMode,
  type UnhealthyLimits,
} from './rollout-input.js';
export type { BatchStage, RolloutStage } from './rollout-stage.js';
