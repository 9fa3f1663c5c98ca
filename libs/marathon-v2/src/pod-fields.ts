import type {
  App,
  Constraint,
  Network,
  PodCommand,
  PodContainer,
  PodEndpoint,
  PodHealthCheck,
  PodImage,
  PodVolume,
  VolumeMount,
} from '#core';
import {
  readEnvValue,
  readExecutorResources,
  readFetchUri,
  readResourceLimits,
  readSecretSource,
  readUnreachableStrategy,
} from './app-fields.js';
import type { ReadOptions } from './app-request.js';
import { readLinuxInfo } from './linux-info.js';
import { readNetwork } from './network-fields.js';
import { definedFields, type ObjectReader, readObject } from './object-reader.js';
import { type Outcome, ProblemLog } from './refusal.js';

/** A pod as written, without the defaults that depend on where it lives. */
export interface PodFields {
  readonly labels: App['labels'];
  readonly user?: string;
  readonly role?: string;
  readonly environment: App['env'];
  readonly secrets: App['secrets'];
  readonly containers: readonly PodContainer[];
  readonly volumes: readonly PodVolume[];
  readonly networks?: readonly Network[];
  readonly executorResources?: App['executorResources'];
  readonly instances: number;
  readonly maxInstances?: number;
  readonly scheduling: PodScheduling;
}

export interface PodScheduling {
  readonly backoffSeconds?: number;
  readonly backoffFactor?: number;
  readonly maxLaunchDelaySeconds?: number;
  readonly minimumHealthCapacity?: number;
  readonly maximumOverCapacity?: number;
  readonly constraints?: readonly Constraint[];
  readonly acceptedResourceRoles?: readonly string[];
  readonly killSelection?: App['killSelection'];
  readonly unreachableStrategy?: App['unreachableStrategy'];
}

/** What a POST or PUT of a pod says: always all of it. The id is as written. */
export interface PodUpdate {
  readonly id: string;
  readonly fields: PodFields;
}

/** Reads the body of POST /v2/pods and PUT /v2/pods/{id}. */
export function readPod(body: unknown, options: ReadOptions): Outcome<PodUpdate> {
  const problems = new ProblemLog();
  const update = readObject(body, '', problems, (reader) => {
    const id = reader.requiredString('id', { minLength: 1 });
    const fields = readPodFields(reader);
    return id === undefined ? undefined : { id, fields };
  });
  return problems.conclude(update, options);
}

function readPodFields(reader: ObjectReader): PodFields {
  if (!reader.has('containers')) reader.reportMissing('containers');
  refuseWorkload(reader);
  const scaling = reader.object('scaling', readScaling);
  reader.ignore(['version']);
  return {
    labels: reader.stringMap('labels') ?? {},
    environment: reader.map('environment', readEnvValue(reader)) ?? {},
    secrets: reader.map('secrets', readSecretSource(reader)) ?? {},
    containers: reader.objects('containers', readContainer) ?? [],
    volumes: reader.objects('volumes', readVolume) ?? [],
    instances: scaling?.instances ?? 1,
    scheduling: reader.object('scheduling', readScheduling) ?? {},
    ...definedFields({
      user: reader.string('user', { minLength: 1 }),
      role: reader.string('role', { minLength: 1 }),
      networks: reader.objects('networks', readNetwork),
      executorResources: reader.object('executorResources', readExecutorResources),
      maxInstances: scaling?.maxInstances,
    }),
  };
}

/** A pod is a service; what runs once on every agent, or to its end, is an app. */
function refuseWorkload(reader: ObjectReader): void {
  const workload = reader.raw('workload');
  if (workload === undefined || workload === 'service') return;
  const given = JSON.stringify(workload).slice(0, 60);
  const error = `${given} is not possible for a pod, which is always a service: daemons and jobs are apps`;
  reader.problems.reportRule(reader.pathOf('workload'), error);
}

const readScaling = (reader: ObjectReader) => {
  reader.oneOf('kind', ['fixed'] as const);
  return definedFields({
    instances: reader.integer('instances'),
    maxInstances: reader.integer('maxInstances'),
  });
};

function readScheduling(reader: ObjectReader): PodScheduling {
  const backoff = reader.object('backoff', (written) =>
    definedFields({
      backoffSeconds: written.number('backoff'),
      backoffFactor: written.number('backoffFactor'),
      maxLaunchDelaySeconds: written.number('maxLaunchDelay'),
    }),
  );
  const upgrade = reader.object('upgrade', (written) =>
    definedFields({
      minimumHealthCapacity: written.number('minimumHealthCapacity'),
      maximumOverCapacity: written.number('maximumOverCapacity'),
    }),
  );
  const placement = reader.object('placement', (written) =>
    definedFields({
      constraints: written.objects('constraints', readConstraint),
      acceptedResourceRoles: written.strings('acceptedResourceRoles'),
    }),
  );
  return {
    ...backoff,
    ...upgrade,
    ...placement,
    ...definedFields({
      killSelection: reader.oneOf('killSelection', ['YOUNGEST_FIRST', 'OLDEST_FIRST'] as const),
      unreachableStrategy: readUnreachableStrategy(reader),
    }),
  };
}

/** An operand that is empty counts as none. */
function readConstraint(reader: ObjectReader): Constraint | undefined {
  const field = reader.requiredString('fieldName');
  const operator = reader.requiredString('operator')?.toUpperCase();
  const value = reader.string('value') ?? '';
  if (field === undefined || operator === undefined) return undefined;
  return value === '' ? [field, operator] : [field, operator, value];
}

/** What Mesos' own containerizer would do and these agents do not. */
const UNSUPPORTED = ['check'] as const;

function readContainer(reader: ObjectReader): PodContainer {
  const name = reader.requiredString('name') ?? '';
  reader.problems.name(reader.path, name);
  for (const field of UNSUPPORTED) {
    if (reader.raw(field) === undefined) continue;
    reader.problems.reportRule(reader.pathOf(field), 'is not supported for containers of pods');
  }
  if (!reader.has('resources')) reader.reportMissing('resources');
  return {
    name,
    resources: reader.object('resources', readResources) ?? NOTHING,
    endpoints: reader.objects('endpoints', readEndpoint) ?? [],
    environment: reader.map('environment', readEnvValue(reader)) ?? {},
    volumeMounts: reader.objects('volumeMounts', readVolumeMount) ?? [],
    artifacts: reader.objects('artifacts', readFetchUri) ?? [],
    labels: reader.stringMap('labels') ?? {},
    ...definedFields({
      exec: reader.object('exec', readExec),
      resourceLimits: reader.object('resourceLimits', readResourceLimits),
      image: reader.object('image', readImage),
      user: reader.string('user', { minLength: 1 }),
      healthCheck: reader.object('healthCheck', readHealthCheck),
      tty: reader.boolean('tty'),
      linuxInfo: reader.object('linuxInfo', readLinuxInfo),
      lifecycle: reader.object('lifecycle', (lifecycle) => {
        const killGracePeriodSeconds = lifecycle.number('killGracePeriodSeconds');
        return killGracePeriodSeconds === undefined ? undefined : { killGracePeriodSeconds };
      }),
    }),
  };
}

const NOTHING: PodContainer['resources'] = { cpus: 0, mem: 0, disk: 0, gpus: 0 };

function readResources(reader: ObjectReader): PodContainer['resources'] {
  for (const name of ['cpus', 'mem']) if (!reader.has(name)) reader.reportMissing(name);
  return {
    cpus: reader.number('cpus') ?? 0,
    mem: reader.number('mem') ?? 0,
    disk: reader.number('disk') ?? 0,
    gpus: reader.integer('gpus') ?? 0,
  };
}

function readExec(reader: ObjectReader): PodContainer['exec'] {
  const command = readCommand(reader);
  const overrideEntrypoint = reader.boolean('overrideEntrypoint');
  if (command === undefined) return undefined;
  return { command, ...definedFields({ overrideEntrypoint }) };
}

/** `command` of the object given: a text for a shell, or a list of words. */
function readCommand(reader: ObjectReader): PodCommand | undefined {
  if (!reader.has('command')) reader.reportMissing('command');
  return reader.object('command', (command): PodCommand | undefined => {
    const shell = command.string('shell', { minLength: 1 });
    const argv = command.strings('argv');
    if (shell !== undefined && argv === undefined) return { shell };
    if (shell === undefined && argv !== undefined && argv.length > 0) return { argv };
    command.problems.reportRule(command.path, 'must have either shell, or argv that is not empty');
    return undefined;
  });
}

const readEndpoint = (reader: ObjectReader): PodEndpoint => ({
  name: reader.requiredString('name') ?? '',
  protocol: reader.strings('protocol') ?? ['tcp'],
  labels: reader.stringMap('labels') ?? {},
  networkNames: reader.strings('networkNames') ?? [],
  ...definedFields({
    containerPort: reader.integer('containerPort'),
    hostPort: reader.integer('hostPort'),
  }),
});

function readImage(reader: ObjectReader): PodImage | undefined {
  const kind = reader.oneOf('kind', ['DOCKER', 'APPC'] as const);
  const id = reader.requiredString('id', { minLength: 1 });
  if (!reader.has('kind')) reader.reportMissing('kind');
  if (kind === 'APPC') {
    reader.problems.reportRule(reader.pathOf('kind'), 'APPC is not supported: use DOCKER');
  }
  const pullConfig = reader.object('pullConfig', (config) => {
    const secret = config.requiredString('secret');
    return secret === undefined ? undefined : { secret };
  });
  const rest = {
    forcePull: reader.boolean('forcePull') ?? false,
    labels: reader.stringMap('labels') ?? {},
    ...definedFields({ pullConfig }),
  };
  return id === undefined ? undefined : { kind: 'DOCKER', id, ...rest };
}

const readHealthCheck = (reader: ObjectReader): PodHealthCheck => ({
  gracePeriodSeconds: reader.integer('gracePeriodSeconds') ?? 300,
  intervalSeconds: reader.integer('intervalSeconds') ?? 60,
  maxConsecutiveFailures: reader.integer('maxConsecutiveFailures') ?? 3,
  timeoutSeconds: reader.integer('timeoutSeconds') ?? 20,
  delaySeconds: reader.integer('delaySeconds') ?? 15,
  ...definedFields({
    http: reader.object('http', (http) => ({
      endpoint: http.requiredString('endpoint') ?? '',
      path: http.string('path') ?? '/',
      scheme: http.oneOf('scheme', ['HTTP', 'HTTPS'] as const) ?? 'HTTP',
    })),
    tcp: reader.object('tcp', (tcp) => ({ endpoint: tcp.requiredString('endpoint') ?? '' })),
    exec: reader.object('exec', (exec) => {
      const command = readCommand(exec);
      return command === undefined ? undefined : { command };
    }),
  }),
});

function readVolume(reader: ObjectReader): PodVolume {
  if (reader.raw('persistent') !== undefined) {
    reader.problems.reportRule(
      reader.pathOf('persistent'),
      'persistent volumes of pods are not supported',
    );
  }
  return {
    name: reader.requiredString('name') ?? '',
    ...definedFields({
      host: reader.string('host', { minLength: 1 }),
      secret: reader.string('secret', { minLength: 1 }),
    }),
  };
}

const readVolumeMount = (reader: ObjectReader): VolumeMount => ({
  name: reader.requiredString('name') ?? '',
  mountPath: reader.requiredString('mountPath', { minLength: 1 }) ?? '',
  readOnly: reader.boolean('readOnly') ?? false,
});
