import {
  type App,
  appId,
  type Deployment,
  deploymentId,
  type Group,
  groupId,
  type HealthCheck,
  type Instance,
  instanceId,
  type StoredEvent,
  taskId,
} from '#core';

/** A valid app with nothing but what a test names. */
export const anApp = (id: string, fields: Partial<App> = {}): App => ({
  id: appId(id),
  cmd: 'sleep 100',
  args: [],
  env: {},
  secrets: {},
  labels: {},
  instances: 1,
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  executor: '',
  constraints: [],
  acceptedResourceRoles: [],
  role: '*',
  dependencies: [],
  fetch: [],
  networks: [{ mode: 'host' }],
  portDefinitions: [],
  requirePorts: false,
  healthChecks: [],
  readinessChecks: [],
  backoffSeconds: 1,
  backoffFactor: 1.15,
  maxLaunchDelaySeconds: 300,
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  killSelection: 'YOUNGEST_FIRST',
  unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
  version: '2030-01-01T00:00:00.000Z',
  versionInfo: {
    lastScalingAt: '2030-01-01T00:00:00.000Z',
    lastConfigChangeAt: '2030-01-01T00:00:00.000Z',
  },
  ...fields,
});

/** A check that asks every second, of the first port unless a test names one. */
export const aHealthCheck = (fields: Partial<HealthCheck> = {}): HealthCheck => ({
  protocol: 'TCP',
  ...(fields.port === undefined ? { portIndex: 0 } : {}),
  gracePeriodSeconds: 0,
  intervalSeconds: 1,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 3,
  delaySeconds: 0,
  ignoreHttp1xx: false,
  ipProtocol: 'IPv4',
  ...fields,
});

export const aGroup = (id: string, fields: Partial<Group> = {}): Group => ({
  id: groupId(id),
  dependencies: [],
  enforceRole: false,
  version: '2030-01-01T00:00:00.000Z',
  ...fields,
});

export const anInstance = (id: string, fields: Partial<Instance> = {}): Instance => ({
  id: instanceId(id),
  appId: appId('/web'),
  appVersion: '2030-01-01T00:00:00.000Z',
  incarnation: 1,
  taskId: taskId(`${id}._app.1`),
  goal: 'Running',
  condition: 'Scheduled',
  sinceEpochMs: 1,
  createdAtEpochMs: 1,
  hostPorts: [],
  ipAddresses: [],
  ...fields,
});

export const aDeployment = (id: string, fields: Partial<Deployment> = {}): Deployment => ({
  id: deploymentId(id),
  version: '2030-01-01T00:00:00.000Z',
  originalRevision: 1,
  targetRevision: 2,
  affectedApps: [appId('/web')],
  steps: [{ actions: [{ kind: 'StartApplication', app: appId('/web') }] }],
  currentStep: 0,
  state: 'Running',
  startedAtEpochMs: 1_000,
  ...fields,
});

export const anEvent = (id: number, fields: Partial<StoredEvent> = {}): StoredEvent => ({
  id,
  type: 'status_update_event',
  timestampEpochMs: 1_900_000_000_000 + id,
  payload: `{"n":${id}}`,
  ...fields,
});
