import type { KnownFields } from './fields.js';

const values = <Name extends string>(...names: readonly Name[]): Record<Name, 'value'> =>
  Object.fromEntries(names.map((name) => [name, 'value'])) as Record<Name, 'value'>;

const open = <Name extends string>(...names: readonly Name[]): Record<Name, 'any'> =>
  Object.fromEntries(names.map((name) => [name, 'any'])) as Record<Name, 'any'>;

export const TASK_FIELDS: KnownFields = {
  ...values('appId', 'id', 'host', 'ports', 'servicePorts', 'slaveId', 'state', 'stagedAt'),
  ...values('startedAt', 'version', 'region', 'zone', 'role'),
  ...open('localVolumes', 'healthCheckResults', 'checkResult'),
  ipAddresses: values('ipAddress', 'protocol'),
  draining: values('since', 'deadline'),
};

/** Of an app as it is listed, with everything that can be embedded. */
export const APP_FIELDS: KnownFields = {
  ...values('id', 'cmd', 'args', 'user', 'acceptedResourceRoles', 'backoffFactor'),
  ...values('backoffSeconds', 'constraints', 'cpus', 'dependencies', 'disk', 'executor', 'gpus'),
  ...values('instances', 'killSelection', 'maxLaunchDelaySeconds', 'mem', 'requirePorts', 'role'),
  ...values('taskKillGracePeriodSeconds', 'tty', 'version', 'tasksStaged', 'tasksRunning'),
  ...values('tasksHealthy', 'tasksUnhealthy'),
  ...open('check', 'container', 'env', 'executorResources', 'fetch', 'healthChecks', 'labels'),
  ...open('networks', 'portDefinitions', 'readinessChecks', 'residency', 'resourceLimits'),
  ...open(
    'secrets',
    'unreachableStrategy',
    'upgradeStrategy',
    'readinessCheckResults',
    'taskStats',
  ),
  versionInfo: values('lastScalingAt', 'lastConfigChangeAt'),
  deployments: values('id'),
  tasks: TASK_FIELDS,
  lastTaskFailure: {
    ...values('appId', 'host', 'message', 'state', 'taskId', 'timestamp', 'version', 'slaveId'),
  },
};

export const DEPLOYMENT_FIELDS: KnownFields = {
  ...values('id', 'version', 'affectedApps', 'affectedPods', 'currentStep', 'totalSteps'),
  ...values('waitingFor', 'state', 'reason', 'startedAt', 'finishedAt', 'by', 'deadline'),
  ...values('failures', 'rollbackOf', 'rolledBackBy'),
  ...open('steps', 'currentActions', 'limits', 'paused', 'awaitsPromotion', 'phases'),
};

export const QUEUE_FIELDS: KnownFields = {
  ...values('count', 'role', 'since', 'delayReason'),
  ...open('app', 'pod', 'processedOffersSummary', 'lastUnusedOffers', 'why'),
  delay: values('timeLeftSeconds', 'overdue'),
};
