import type {
  App,
  AppId,
  Deployment,
  DeploymentStep,
  GroupId,
  Instance,
  StoredCertificate,
  TaskId,
} from '#core';
import { type MarathonEvent, toWireAction, toWireHealthCheck } from '#marathon-v2';

/** Builders of the events of /v2/events, field by field as Marathon sends them. */

type Plan = Extract<MarathonEvent, { eventType: 'deployment_success' }>['plan'];

export const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();

const toActions = (step: DeploymentStep | undefined) => (step?.actions ?? []).map(toWireAction);

export const toPlan = (deployment: Deployment): Plan => ({
  id: deployment.id,
  version: deployment.version,
  steps: deployment.steps.map((step) => ({ actions: toActions(step) })),
});

export const deploymentStepEvent = (
  eventType: 'deployment_info' | 'deployment_step_success' | 'deployment_step_failure',
  deployment: Deployment,
  step: number,
): MarathonEvent => ({
  eventType,
  plan: toPlan(deployment),
  currentStep: { actions: toActions(deployment.steps[step]) },
});

export const deploymentSucceeded = (deployment: Deployment): MarathonEvent => ({
  eventType: 'deployment_success',
  id: deployment.id,
  plan: toPlan(deployment),
});

export const deploymentFailed = (deployment: Deployment, reason: string): MarathonEvent => ({
  eventType: 'deployment_failed',
  id: deployment.id,
  plan: toPlan(deployment),
  reason,
});

/** Ours: somebody, or its own plan, holds a deployment or lets it go on. */
export const deploymentSteered = (
  eventType:
    | 'deployment_paused'
    | 'deployment_resumed'
    | 'deployment_batch_done'
    | 'deployment_awaits_promotion'
    | 'deployment_promoted',
  deployment: Deployment,
  reason?: string,
  by?: string,
): MarathonEvent => ({
  eventType,
  id: deployment.id,
  plan: toPlan(deployment),
  ...(reason === undefined ? {} : { reason }),
  ...(by === undefined ? {} : { by }),
});

export const instanceChanged = (instance: Instance): MarathonEvent => ({
  eventType: 'instance_changed_event',
  instanceId: instance.id,
  condition: instance.condition,
  runSpecId: instance.appId,
  agentId: instance.placement?.agentId ?? '',
  host: instance.placement?.hostname ?? '',
  runSpecVersion: instance.appVersion,
});

export const statusUpdated = (
  instance: Instance,
  {
    taskId,
    state,
    message,
  }: { readonly taskId: TaskId; readonly state: string; readonly message: string },
): MarathonEvent => ({
  eventType: 'status_update_event',
  slaveId: instance.placement?.agentId ?? '',
  taskId,
  taskStatus: state,
  message,
  appId: instance.appId,
  host: instance.placement?.hostname ?? '',
  ipAddresses: instance.ipAddresses,
  ports: instance.hostPorts.filter((port) => port !== null),
  version: instance.appVersion,
});

export const drainingChanged = (instance: Instance): MarathonEvent => ({
  eventType: 'draining_changed_event',
  appId: instance.appId,
  taskId: instance.taskId,
  since: isoTime(instance.draining?.sinceEpochMs ?? 0),
  deadline: isoTime(instance.draining?.deadlineEpochMs ?? 0),
});

export const healthStatusChanged = (instance: Instance, alive: boolean): MarathonEvent => ({
  eventType: 'health_status_changed_event',
  appId: instance.appId,
  instanceId: instance.id,
  version: instance.appVersion,
  alive,
});

export const instanceHealthChanged = (
  instance: Instance,
  healthy: boolean | null,
): MarathonEvent => ({
  eventType: 'instance_health_changed_event',
  instanceId: instance.id,
  runSpecId: instance.appId,
  healthy,
  runSpecVersion: instance.appVersion,
});

export const failedHealthCheck = (
  instance: Instance,
  healthCheck: App['healthChecks'][number],
): MarathonEvent => ({
  eventType: 'failed_health_check_event',
  appId: instance.appId,
  // Marathon puts the instance id here.
  taskId: instance.id,
  healthCheck: toWireHealthCheck(healthCheck),
});

export const unhealthyInstanceKill = (instance: Instance, reason: string): MarathonEvent => ({
  eventType: 'unhealthy_instance_kill_event',
  appId: instance.appId,
  taskId: instance.taskId,
  instanceId: instance.id,
  version: instance.appVersion,
  reason,
  host: instance.placement?.hostname ?? '',
  slaveId: instance.placement?.agentId ?? '',
});

/** Ours: routers read the certificates again. Never the key. */
export const certificateChanged = (
  { name, hosts, notAfterEpochMs, fingerprint }: StoredCertificate,
  { isDeleted }: { readonly isDeleted: boolean },
): MarathonEvent => ({
  eventType: 'certificate_changed_event',
  name,
  hosts,
  notAfter: isoTime(notAfterEpochMs),
  fingerprint,
  deleted: isDeleted,
});

export const groupChanged = (groupId: GroupId, version: string): MarathonEvent => ({
  eventType: 'group_change_success',
  groupId,
  version,
});

export const appTerminated = (app: AppId): MarathonEvent => ({
  eventType: 'app_terminated_event',
  appId: app,
});
