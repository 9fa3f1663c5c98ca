import type { App, Instance, InstanceCondition, TaskFailure } from '#core';
import { servicePortsOf } from '#core';
import { toIsoTime } from './iso-time.js';
import { definedFields } from './object-reader.js';
import type {
  WireCheckResult,
  WireHealthCheckResult,
  WireTask,
  WireTaskFailure,
} from './wire-app.js';

/** What is known of one health check of one instance. Times are Unix ms. */
export interface HealthObservation {
  readonly alive: boolean;
  readonly consecutiveFailures: number;
  readonly firstSuccessEpochMs?: number;
  readonly lastSuccessEpochMs?: number;
  readonly lastFailureEpochMs?: number;
  readonly lastFailureCause?: string;
}

/** An instance with what is known of its health. */
export interface ObservedInstance {
  readonly instance: Instance;
  readonly health: readonly HealthObservation[];
  /** Undefined: no health checks, or nothing known yet. */
  readonly healthy?: boolean;
  readonly checkResult?: WireCheckResult;
}

/** Marathon's names for the wire states of conditions; an instance that was never sent out has no task. */
const TASK_STATE_OF: Readonly<Record<InstanceCondition, string | undefined>> = {
  Scheduled: undefined,
  Provisioned: 'TASK_STAGING',
  Staging: 'TASK_STAGING',
  Starting: 'TASK_STARTING',
  Running: 'TASK_RUNNING',
  Killing: 'TASK_KILLING',
  Unreachable: 'TASK_UNREACHABLE',
  UnreachableInactive: 'TASK_UNREACHABLE',
  Error: 'TASK_ERROR',
  Failed: 'TASK_FAILED',
  Finished: 'TASK_FINISHED',
  Killed: 'TASK_KILLED',
  Gone: 'TASK_GONE',
  Dropped: 'TASK_DROPPED',
  Unknown: 'TASK_UNKNOWN',
};

/** The wire state of an instance's task, or undefined while it has none. */
export const taskStateOf = (condition: InstanceCondition): string | undefined =>
  TASK_STATE_OF[condition];

/** The task of an instance as JSON, or undefined while it waits to be placed. `app` gives the service ports and the role. */
export function toWireTask(
  { instance, health, checkResult }: ObservedInstance,
  app: App | undefined,
): WireTask | undefined {
  const state = taskStateOf(instance.condition);
  if (state === undefined) return undefined;
  const { placement, draining } = instance;
  return {
    appId: instance.appId,
    id: instance.taskId,
    host: placement?.hostname ?? '',
    ports: instance.hostPorts.flatMap((port) => port ?? []),
    servicePorts: app === undefined ? [] : servicePortsOf(app),
    ipAddresses: instance.ipAddresses,
    slaveId: placement?.agentId ?? '',
    state,
    ...definedFields({
      stagedAt: isoOrUndefined(instance.stagedAtEpochMs),
      startedAt: isoOrUndefined(instance.startedAtEpochMs),
    }),
    version: instance.appVersion,
    ...(health.length > 0
      ? { healthCheckResults: health.map((one) => toWireHealthResult(one, instance.id)) }
      : {}),
    ...definedFields({ checkResult }),
    localVolumes: (instance.reservation?.volumes ?? []).map(
      ({ containerPath, uuid, persistenceId }) => ({
        ...{ runSpecId: instance.appId, containerPath, uuid, persistenceId },
      }),
    ),
    ...definedFields({ region: placement?.region, zone: placement?.zone }),
    role: app?.role ?? '*',
    ...(draining === undefined
      ? {}
      : {
          draining: {
            since: toIsoTime(draining.sinceEpochMs),
            deadline: toIsoTime(draining.deadlineEpochMs),
          },
        }),
  };
}

/** Times that never happened are `null`, as Marathon prints them. */
export const toWireHealthResult = (
  health: HealthObservation,
  instanceId: string,
): WireHealthCheckResult => ({
  alive: health.alive,
  consecutiveFailures: health.consecutiveFailures,
  firstSuccess: isoOrUndefined(health.firstSuccessEpochMs) ?? null,
  lastFailure: isoOrUndefined(health.lastFailureEpochMs) ?? null,
  lastFailureCause: health.lastFailureCause ?? null,
  lastSuccess: isoOrUndefined(health.lastSuccessEpochMs) ?? null,
  instanceId,
});

export const toWireTaskFailure = (failure: TaskFailure): WireTaskFailure => ({
  appId: failure.appId,
  host: failure.host,
  message: failure.message,
  state: failure.state,
  taskId: failure.taskId,
  timestamp: toIsoTime(failure.timestampEpochMs),
  version: failure.version,
  ...definedFields({ slaveId: failure.agentId }),
});

const isoOrUndefined = (epochMs: number | undefined): string | undefined =>
  epochMs === undefined ? undefined : toIsoTime(epochMs);
