import type { App, Constraint, FetchUri, PortDefinition } from '#core';
import { readCheck, readHealthCheck, readReadinessCheck } from './check-fields.js';
import { readContainer } from './container-fields.js';
import { readIpAddress, readNetwork, readProtocol } from './network-fields.js';
import { asString, definedFields, type ObjectReader, readList } from './object-reader.js';
import { readRollout } from './rollout-fields.js';
import type { WrittenApp } from './written-app.js';

/** Written by the server (or by older ones); ignored when a client sends back what it has read. */
export const SERVER_WRITTEN_APP_FIELDS = [
  'version',
  'versionInfo',
  'tasks',
  'tasksStaged',
  'tasksRunning',
  'tasksHealthy',
  'tasksUnhealthy',
  'completed',
  'failed',
  'deployments',
  'restarts',
  'lastTaskFailure',
  'readinessCheckResults',
  'taskStats',
  'tasksStats',
  'storeUrls',
] as const;

/** Reads every field of an app but its id. */
export function readAppFields(reader: ObjectReader): WrittenApp {
  const container = reader.object('container', readContainer);
  const fields = definedFields({
    cmd: reader.string('cmd', { minLength: 1 }),
    args: reader.strings('args'),
    user: reader.string('user'),
    env: reader.map('env', readEnvValue(reader)),
    secrets: reader.map('secrets', readSecretSource(reader)),
    labels: reader.stringMap('labels'),
    instances: reader.integer('instances'),
    cpus: reader.number('cpus'),
    mem: reader.number('mem'),
    disk: reader.number('disk'),
    gpus: reader.integer('gpus'),
    resourceLimits: reader.object('resourceLimits', readResourceLimits),
    executor: reader.string('executor'),
    executorResources: reader.object('executorResources', readExecutorResources),
    constraints: reader.list('constraints', readConstraint(reader)),
    acceptedResourceRoles: reader.strings('acceptedResourceRoles'),
    role: reader.string('role', { minLength: 1 }),
    dependencies: reader.strings('dependencies'),
    fetch: reader.objects('fetch', readFetchUri),
    container: container?.container,
    networks: reader.objects('networks', readNetwork),
    portDefinitions: reader.objects('portDefinitions', readPortDefinition),
    requirePorts: reader.boolean('requirePorts'),
    healthChecks: reader.objects('healthChecks', readHealthCheck),
    check: reader.object('check', readCheck),
    readinessChecks: reader.objects('readinessChecks', readReadinessCheck),
    backoffSeconds: reader.integer('backoffSeconds'),
    backoffFactor: reader.number('backoffFactor'),
    maxLaunchDelaySeconds: reader.integer('maxLaunchDelaySeconds'),
    upgradeStrategy: reader.object('upgradeStrategy', readUpgradeStrategy),
    rollout: reader.object('rollout', readRollout),
    killSelection: reader.oneOf('killSelection', ['YOUNGEST_FIRST', 'OLDEST_FIRST'] as const),
    unreachableStrategy: readUnreachableStrategy(reader),
    taskKillGracePeriodSeconds: reader.integer('taskKillGracePeriodSeconds'),
    residency: reader.object('residency', readResidency),
    tty: reader.boolean('tty'),
    workload: reader.oneOf('workload', ['service', 'daemon', 'job'] as const),
    maxRetries: reader.integer('maxRetries'),
  });
  const legacy = definedFields({
    ports: reader.integers('ports'),
    uris: reader.strings('uris'),
    ipAddress: reader.object('ipAddress', readIpAddress),
    dockerNetwork: container?.dockerNetwork,
    dockerPortMappings: container?.dockerPortMappings,
  });
  reader.ignore(SERVER_WRITTEN_APP_FIELDS);
  return { fields, legacy };
}

/** A value, or a reference to a secret. */
export const readEnvValue =
  (app: ObjectReader) =>
  (value: unknown, path: string): string | { readonly secret: string } | undefined => {
    if (typeof value === 'string') return value;
    const secret =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
    if (typeof secret?.['secret'] === 'string') return { secret: secret['secret'] };
    app.problems.reportShape(path, 'error.expected.jsstring');
    return undefined;
  };

export const readSecretSource =
  (app: ObjectReader) =>
  (value: unknown, path: string): { readonly source: string } | undefined => {
    const source =
      typeof value === 'object' && value !== null
        ? (value as Record<string, unknown>)['source']
        : undefined;
    if (typeof source === 'string' && source.length > 0) return { source };
    app.problems.reportShape(
      `${path}/source`,
      source === undefined
        ? 'error.path.missing'
        : source === ''
          ? 'error.minLength'
          : 'error.expected.jsstring',
    );
    return undefined;
  };

export function readResourceLimits(reader: ObjectReader): App['resourceLimits'] {
  const limit = (name: string): number | 'unlimited' | undefined =>
    reader.raw(name) === 'unlimited' ? 'unlimited' : reader.number(name);
  return definedFields({ cpus: limit('cpus'), mem: limit('mem') });
}

/** What the executor takes beyond the tasks. */
export const readExecutorResources = (reader: ObjectReader): App['executorResources'] => ({
  cpus: reader.number('cpus') ?? 0.1,
  mem: reader.number('mem') ?? 32,
  disk: reader.number('disk') ?? 10,
});

/** Operators whose value an older Marathon wrote as an empty string where there is none. */
const OPERATORS_WITHOUT_VALUE: ReadonlySet<string> = new Set(['UNIQUE', 'CLUSTER', 'GROUP_BY']);

const readConstraint =
  (app: ObjectReader) =>
  (value: unknown, path: string): Constraint | undefined => {
    const parts = readList(value, path, app.problems, asString(app.problems));
    if (parts === undefined || !Array.isArray(value) || parts.length !== value.length) {
      return undefined;
    }
    const [field, operator, operand] = parts;
    if (field === undefined || operator === undefined || parts.length > 3) {
      app.problems.reportShape(path, parts.length > 3 ? 'error.maxLength' : 'error.minLength');
      return undefined;
    }
    const upper = operator.toUpperCase();
    const isEmpty = operand === '' && OPERATORS_WITHOUT_VALUE.has(upper);
    return operand === undefined || isEmpty ? [field, upper] : [field, upper, operand];
  };

export const readFetchUri = (reader: ObjectReader): FetchUri | undefined => {
  const uri = reader.requiredString('uri');
  const rest = {
    extract: reader.boolean('extract') ?? true,
    executable: reader.boolean('executable') ?? false,
    cache: reader.boolean('cache') ?? false,
    ...definedFields({ destPath: reader.string('destPath') }),
  };
  reader.ignore(['outputFile']);
  return uri === undefined ? undefined : { uri, ...rest };
};

const readPortDefinition = (reader: ObjectReader): PortDefinition => ({
  port: reader.integer('port') ?? 0,
  protocol: readProtocol(reader),
  ...definedFields({ name: reader.string('name') }),
  labels: reader.stringMap('labels') ?? {},
});

/** Both keys are needed if the object is given. */
function readUpgradeStrategy(reader: ObjectReader): App['upgradeStrategy'] | undefined {
  const names = ['minimumHealthCapacity', 'maximumOverCapacity'] as const;
  for (const name of names) if (!reader.has(name)) reader.reportMissing(name);
  const [minimumHealthCapacity, maximumOverCapacity] = names.map((name) => reader.number(name));
  return minimumHealthCapacity === undefined || maximumOverCapacity === undefined
    ? undefined
    : { minimumHealthCapacity, maximumOverCapacity };
}

/** Reads `unreachableStrategy` of the object given. */
export function readUnreachableStrategy(
  reader: ObjectReader,
): App['unreachableStrategy'] | undefined {
  if (reader.raw('unreachableStrategy') === 'disabled') return 'disabled';
  return reader.object('unreachableStrategy', (strategy) => ({
    inactiveAfterSeconds: strategy.integer('inactiveAfterSeconds') ?? 0,
    expungeAfterSeconds: strategy.integer('expungeAfterSeconds') ?? 0,
  }));
}

const readResidency = (reader: ObjectReader): App['residency'] => ({
  relaunchEscalationTimeoutSeconds: reader.integer('relaunchEscalationTimeoutSeconds') ?? 3600,
  taskLostBehavior:
    reader.oneOf('taskLostBehavior', ['WAIT_FOREVER', 'RELAUNCH_AFTER_TIMEOUT'] as const) ??
    'WAIT_FOREVER',
});
